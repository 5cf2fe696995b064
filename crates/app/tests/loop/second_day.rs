//! Learning beside a recording, further rounds, and wishes that change.

use crate::program::{apprentice, fail, succeed, tiny_demo};
use apprentice_preference::{Answer, JudgementLog};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

fn command(line: &str, out: &Path) -> Command {
    let mut command = apprentice();
    command.args(line.split_whitespace()).arg("--out").arg(out);
    command
}

fn figures(line: &str, out: &Path) -> Value {
    serde_json::from_str(&succeed(command(line, out).arg("--json"))).unwrap()
}

fn read(out: &Path, file: &str) -> Vec<u8> {
    fs::read(out.join(file)).unwrap()
}

/// Ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn what_is_recorded_while_a_policy_is_aligned_is_of_the_next_round_and_nothing_before_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    succeed(tiny_demo(&out, 4).arg("--json"));
    let first = read(&out, "judge/rollouts.json");
    let said = JudgementLog::read(out.join("judgements.jsonl")).unwrap();
    let aligned = read(&out, "policy/aligned.safetensors");

    let endless = "align --set align.steps=10000000 --set align.drift_budget=1e9";
    let child = command(endless, &out)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let learner = Running(child);
    let begun = Instant::now();
    while fs::read_to_string(out.join("locks/learning")).map_or(true, |who| {
        !who.contains(&format!("process {} ", learner.0.id()))
    }) {
        assert!(begun.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(50));
    }
    let process = format!("process {}", learner.0.id());
    let refused = fail(&mut command("reward", &out));
    for part in [process.as_str(), "(apprentice align", "learning"] {
        assert!(refused.contains(part), "{part}: {refused}");
    }
    let refused = fail(&mut command("align --set align.steps=4", &out));
    for part in ["align.steps is 4", &process, "10000000"] {
        assert!(refused.contains(part), "{part}: {refused}");
    }
    let round = figures("record rollouts --policy base --episodes 4", &out);
    assert_eq!(
        (&round["round"], &round["episodes"]),
        (&2.into(), &4.into())
    );
    assert_eq!(read(&out, "judge/rollouts.json"), first);
    drop(learner);

    // The round is not in what was learnt from: nothing before is out of date, and an alignment goes on from there.
    figures("align --set align.steps=3", &out);
    assert_eq!(read(&out, "judge/rollouts.json"), first);
    assert_eq!(
        JudgementLog::read(out.join("judgements.jsonl")).unwrap(),
        said
    );
    assert!(read(&out, "policy/aligned.safetensors").len() == aligned.len());
    figures("evaluate", &out);

    // A changed wish: what was said of the first round stays in the log, and is taken back.
    let aligned = read(&out, "policy/aligned.safetensors");
    let wish = "rank --simulated --set operator.prefers=-success --set operator.takes_back=true";
    let ranked = figures(wish, &out);
    assert_eq!(ranked[0]["result"]["rankings"], 4);
    let log = JudgementLog::read(out.join("judgements.jsonl")).unwrap();
    assert_eq!(log.judgements[..2], said.judgements);
    assert!(matches!(
        log.judgements[2].answer,
        Answer::Revocation { .. }
    ));
    assert_eq!(log.judgements.len(), 5);
    let rollouts = String::from_utf8(read(&out, "judge/rollouts.json")).unwrap();
    assert_eq!(rollouts.matches("round-0002-").count(), 4);
    assert_eq!(rollouts.matches("episode-000").count(), 8 + 4);
    let reward = figures("reward", &out);
    assert_eq!(reward[0]["result"]["taken_back"], 2);
    let align = figures("align --set align.start=current", &out);
    let start = &align[0]["result"]["start"];
    assert_eq!(start["name"], "current");
    assert_eq!(start["sha256"], apprentice_core::sha256_bytes(&aligned));
    assert!(out.join("policy/start.safetensors").exists());
    // A second look changes nothing.
    let again = figures("align", &out);
    assert_eq!(again[0]["seconds"], align[0]["seconds"]);
}

#[test]
fn what_a_person_takes_back_stays_in_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    succeed(tiny_demo(&out, 5).arg("--json"));
    let refused = fail(&mut command("judge revoke --who Ada", &out));
    assert!(
        refused.contains("Ada has said nothing over all"),
        "{refused}"
    );
    let rating = "judge rating 5 rollouts/episode-0000.mcap --who Ada";
    let rated = figures(rating, &out);
    let id = rated["judgements"][0]["id"].as_str().unwrap();
    figures(
        "judge success yes rollouts/episode-0001.mcap --who Ada",
        &out,
    );
    let back = figures("judge revoke --who Ada", &out);
    let named = &back["judgements"][0]["answer"]["judgements"];
    assert_eq!(named, &serde_json::json!([id]), "success is no wish");
    let refused = fail(&mut command(
        &format!("judge revoke {} --who Ada", &id[..12]),
        &out,
    ));
    assert!(refused.contains("begins the id of 0"), "{refused}");
    let log = JudgementLog::read(out.join("judgements.jsonl")).unwrap();
    let kept = log.judgements.iter().filter(|j| j.who == "Ada").count();
    assert_eq!(kept, 3);
}
