//! A wish that was taken back, by the commands a person types, and what the next reward learns then.

use crate::program::{apprentice, fail, succeed, tiny_run};
use apprentice_preference::{Answer, JudgementLog};
use serde_json::Value;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

fn command(line: &str, out: &Path) -> Command {
    let mut command = apprentice();
    command.args(line.split_whitespace()).arg("--out").arg(out);
    command
}

fn figures(line: &str, out: &Path) -> Value {
    serde_json::from_str(&succeed(command(line, out).arg("--json"))).unwrap()
}

/// Ranks with these lines typed.
fn rank(line: &str, typed: &str, out: &Path) -> Value {
    let mut child = command(line, out)
        .args(["--who", "Ada", "--json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(typed.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The tiny run as it was when its rollouts had been recorded and nobody had said anything.
fn unranked(out: &Path) {
    tiny_run(out);
    fs::remove_file(out.join("judgements.jsonl")).unwrap();
    for stage in [
        "rank",
        "reward",
        "align",
        "evaluate-base",
        "evaluate-aligned",
    ] {
        fs::remove_file(out.join(format!("stages/{stage}.json"))).unwrap();
    }
}

/// The files of the reward and their bytes.
fn reward(out: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<(String, Vec<u8>)> = fs::read_dir(out.join("reward"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.is_file())
        .map(|p| {
            let name = p.file_name().unwrap().to_string_lossy().into_owned();
            (name, fs::read(p).unwrap())
        })
        .collect();
    files.sort();
    files
}

#[test]
fn a_wish_taken_back_is_learnt_from_no_more_and_may_be_said_anew() {
    let folder = tempfile::tempdir().unwrap();
    let [out, never] = ["run", "never"].map(|n| folder.path().join(n));
    unranked(&out);
    unranked(&never);
    // One who never had the third wish.
    rank("rank", "1>2>3>4\n4>3>2>1\n", &never);
    let without = figures("reward", &never);

    rank("rank", "1>2>3>4\n4>3>2>1\n", &out);
    rank("rank --more 1", "2>1>3>4\n", &out);
    let learnt = figures("reward", &out);
    assert_eq!(learnt[0]["result"]["taken_back"], 0, "{learnt}");
    let with_it = reward(&out);
    assert_ne!(with_it, reward(&never));

    let log = JudgementLog::read(out.join("judgements.jsonl"))
        .unwrap()
        .judgements;
    let third = log[2].id.clone();
    // Somebody else cannot take it back.
    let line = fail(&mut command(
        &format!("judge revoke {third} --who Ben"),
        &out,
    ));
    assert!(line.contains("begins the id of 0"), "{line}");
    let back = figures(&format!("judge revoke {} --who Ada", &third[..12]), &out);
    assert_eq!(
        back["judgements"][0]["answer"]["judgements"],
        serde_json::json!([third])
    );
    // What was learnt is out of date, and says so.
    let line = fail(&mut command("align", &out));
    assert!(line.contains("judgements.jsonl has changed"), "{line}");
    let output = command("reward", &out).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains("1 judgements were taken back: kept, not learnt from"),
        "{said}"
    );
    let learnt = figures("reward", &out);
    assert_eq!(learnt[0]["result"]["taken_back"], 1, "{learnt}");
    for figure in ["comparisons", "evidence"] {
        let [now, without] = [&learnt, &without].map(|f| &f[0]["result"][figure]);
        assert_eq!(now, without, "{figure}");
    }
    let names = |files: &[(String, Vec<u8>)]| files.iter().map(|f| f.0.clone()).collect::<Vec<_>>();
    assert_eq!(names(&reward(&out)), names(&reward(&never)));
    assert!(
        reward(&out) == reward(&never),
        "as if it had never been said"
    );

    // All of them: nothing is left to learn from, and the same clips are asked about again.
    let back = figures("judge revoke --who Ada", &out);
    let taken = back["judgements"][0]["answer"]["judgements"]
        .as_array()
        .unwrap();
    assert_eq!(taken.len(), 2);
    let line = fail(&mut command("reward", &out));
    assert!(line.contains("apprentice rank"), "{line}");
    let anew = rank("rank", "4>3>2>1\n1>2>3>4\n", &out);
    assert_eq!(
        (&anew["rankings"], &anew["complete"]),
        (&2.into(), &true.into())
    );
    let learnt = figures("reward", &out);
    assert_eq!(learnt[0]["result"]["taken_back"], 3, "{learnt}");
    let log = JudgementLog::read(out.join("judgements.jsonl"))
        .unwrap()
        .judgements;
    let rankings = log
        .iter()
        .filter(|j| matches!(j.answer, Answer::Ranking { .. }));
    assert_eq!(rankings.count(), 5, "nothing that was said is gone");
}
