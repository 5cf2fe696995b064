//! Bad input gets one clear line and loses nothing.

use crate::program::{apprentice, fail, repository, succeed, tiny_demo};
use apprentice_episode::EpisodeId;
use apprentice_preference::{Judgement, JudgementLog};
use std::fs;
use std::path::Path;

fn says(line: &str, parts: &[&str]) {
    for part in parts {
        assert!(line.contains(part), "{part:?} is missing in: {line}");
    }
}

fn run(arguments: &[&str], out: &Path) -> String {
    fail(apprentice().args(arguments).arg("--out").arg(out))
}

#[test]
fn settings_that_cannot_be() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let set = |setting: &str| run(&["demo", "--set", setting], &out);
    says(
        &set("operator.eror_rate=0.2"),
        &["there is no setting operator.eror_rate", "error_rate"],
    );
    says(
        &set("operator.error_rate=2"),
        &["error_rate is 2", "0 to 1"],
    );
    says(&set("operator.prefers=lid"), &["lid", "handle", "rim"]);
    says(&set("train.steps=few"), &["few", "train.steps"]);
    says(&set("train.batch=0"), &["batch", "0", "1 or more"]);
    says(&set("robot.image_size=500"), &["500", "32 to 224 pixels"]);
    says(&set("robot.description=nobody"), &["nobody", "franka_fr3"]);
    says(
        &set("encoder.backbone=efficientnet-lite0"),
        &["weights get efficientnet-lite0"],
    );
    says(
        &set("encoder.backbone=dinov2"),
        &["encoder.weights", "--set encoder.weights=FILE"],
    );
    says(&set("inference.precision=bf16"), &["bf16", "f32"]);
    says(
        &set("train.learning_rate=nan"),
        &["learning_rate", "finite"],
    );
    says(
        &set("operator.rankings=50"),
        &["operator.rankings is 50", "200 rollouts", "30 or fewer"],
    );
    says(
        &run(&["demo", "--device", "cuda"], &out),
        &["cuda", "--device cpu"],
    );
    says(
        &run(&["demo", "--config", "no.toml"], &out),
        &["no.toml", "cannot be read"],
    );
    let file = folder.path().join("broken.toml");
    fs::write(&file, "[train\nsteps = 3").unwrap();
    says(
        &run(&["demo", "--config", file.to_str().unwrap()], &out),
        &["broken.toml", "TOML", "line 1, column "],
    );
    assert!(!out.join("demonstrations").exists(), "nothing was started");
}

#[test]
fn a_robot_with_limits_the_wrong_way_round() {
    let folder = tempfile::tempdir().unwrap();
    let robot = folder.path().join("robot");
    fs::create_dir(&robot).unwrap();
    let text = fs::read_to_string(repository().join("robots/franka_fr3/robot.toml")).unwrap();
    let reversed = text.replacen("[-2.7437, 2.7437]", "[2.7437, -2.7437]", 1);
    assert_ne!(text, reversed);
    fs::write(robot.join("robot.toml"), reversed).unwrap();
    let setting = format!("robot.description={}", robot.display());
    let line = run(&["demo", "--set", &setting], &folder.path().join("run"));
    says(
        &line,
        &["robot.toml", "fr3_joint1", "position", "2.7437", "rad"],
    );
}

#[test]
fn files_that_are_damaged_or_from_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    succeed(&mut tiny_demo(&out, 1));
    let forget = |stage: &str| fs::remove_file(out.join(format!("stages/{stage}.json"))).unwrap();
    let kept = |file: &str| fs::read(out.join(file)).unwrap();

    // A truncated policy.
    forget("evaluate-aligned");
    let whole = kept("policy/aligned.safetensors");
    fs::write(
        out.join("policy/aligned.safetensors"),
        &whole[..whole.len() / 2],
    )
    .unwrap();
    says(&run(&["evaluate"], &out), &["aligned.safetensors"]);
    fs::write(out.join("policy/aligned.safetensors"), &whole).unwrap();

    // A ranking that names an episode nobody recorded.
    for stage in ["reward", "align"] {
        forget(stage);
    }
    let log = kept("judgements.jsonl");
    let path = out.join("judgements.jsonl");
    let said = JudgementLog::read(&path).unwrap().judgements;
    let unknown = EpisodeId::new("ab".repeat(32));
    fs::remove_file(&path).unwrap();
    let mut forged = JudgementLog::open(&path).unwrap();
    for judgement in &said {
        let tiers = judgement.episode_tiers().unwrap().into_iter();
        let mut tiers: Vec<Vec<EpisodeId>> = tiers
            .map(|tier| tier.into_iter().cloned().collect())
            .collect();
        tiers[0][0] = unknown.clone();
        let who = judgement.who.clone();
        forged
            .append(&Judgement::ranking(0, who, 1.0, tiers, None))
            .unwrap();
    }
    says(
        &run(&["reward"], &out),
        &["judgements.jsonl line 1", unknown.short(), "8 rollouts"],
    );

    // Damage within the last line, which is not cut off.
    let text = String::from_utf8(log.clone()).unwrap();
    let damaged = text.trim_end().to_owned() + "x\n";
    fs::write(&path, &damaged).unwrap();
    says(
        &run(&["reward"], &out),
        &["judgements.jsonl line 2 is damaged", "copy"],
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), damaged);
    fs::write(&path, &log).unwrap();

    // An episode that lost its end.
    let episode = kept("rollouts/episode-0000.mcap");
    fs::write(out.join("rollouts/episode-0000.mcap"), &episode[..200]).unwrap();
    says(&run(&["reward"], &out), &["episode-0000.mcap"]);
    for share in [2, 6] {
        let cut = &episode[..episode.len() * share / 10];
        fs::write(out.join("rollouts/episode-0000.mcap"), cut).unwrap();
        says(
            &run(&["reward"], &out),
            &["episode-0000.mcap", "expected", "cut off", "restore"],
        );
    }
    fs::write(out.join("rollouts/episode-0000.mcap"), &episode).unwrap();

    // Another seed, and a finished stage's setting.
    says(
        &run(&["demo", "--seed", "2"], &out),
        &["seed 1", "seed 2", "--out"],
    );
    says(
        &run(&["align", "--set", "train.steps=9"], &out),
        &["train.steps is 9", "stage train", "ran with 4"],
    );

    // After all that the run goes on.
    succeed(&mut tiny_demo(&out, 1));

    // A folder written by a newer version.
    let info = String::from_utf8(kept("run.json")).unwrap();
    fs::write(
        out.join("run.json"),
        info.replacen("\"layout\": 1", "\"layout\": 9", 1),
    )
    .unwrap();
    says(&run(&["demo"], &out), &["layout version 9", "reads 1"]);
}

#[test]
fn stages_out_of_order() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    says(
        &run(&["train"], &out),
        &[
            "demonstrate has not run",
            "apprentice record demonstrations",
        ],
    );
    let mistyped = folder.path().join("none");
    for command in ["compare", "report"] {
        says(
            &run(&[command], &mistyped),
            &["none is not a run folder", "apprentice record"],
        );
        assert!(!mistyped.exists(), "{command} made a folder");
    }
    says(&run(&["compare"], &out), &["apprentice evaluate"]);
    let nowhere = Path::new("/proc/nowhere");
    says(
        &run(&["demo"], nowhere),
        &["/proc/nowhere", "cannot be made"],
    );
}

#[test]
fn a_robot_that_the_expert_cannot_drive_is_refused_before_anything_moves() {
    let folder = tempfile::tempdir().unwrap();
    for command in [&["demo"][..], &["record", "demonstrations"]] {
        let out = folder.path().join(command[0]);
        let mut asked = apprentice();
        asked
            .args(command)
            .args(["--set", "robot.description=so101"]);
        let line = fail(asked.arg("--out").arg(&out));
        for says in [
            "robot so101 is told where its joints go",
            "apprentice robot list",
            "apprentice record demonstrations --by keyboard --set robot.description=so101",
        ] {
            assert!(line.contains(says), "{line}");
        }
        assert!(!out.join("demonstrations").exists());
    }
    let mut asked = apprentice();
    asked.args(["demo", "--set", "robot.endpoint=tcp/127.0.0.1:7614"]);
    let line = fail(asked.arg("--out").arg(folder.path().join("real")));
    assert!(
        line.contains("begin with `apprentice record demonstrations`"),
        "{line}"
    );
}
