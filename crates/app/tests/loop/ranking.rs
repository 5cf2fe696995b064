//! A person ranks, stops, goes on, and is not mixed up with the simulated operator.

use crate::program::{apprentice, fail, one_error, succeed};
use serde_json::Value;
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn rank(out: &Path) -> Command {
    let mut command = apprentice();
    command
        .args(["rank", "--json", "--who", "Ada", "--out"])
        .arg(out)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Ranks with these lines typed; what comes on standard output and on standard error.
fn typed(out: &Path, lines: &str) -> (Value, String) {
    let mut child = rank(out).spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(lines.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    (serde_json::from_slice(&output.stdout).unwrap(), said)
}

#[test]
fn a_person_ranks_stops_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    for stage in [
        &["record", "demonstrations"][..],
        &["train"],
        &["record", "rollouts"],
    ] {
        let mut command = apprentice();
        command
            .args(stage)
            .args(["--config", "configs/tiny.toml", "--json", "--out"]);
        succeed(command.arg(&out));
    }
    let log = out.join("judgements.jsonl");

    // Ctrl-C ends the wait for an answer.
    let mut child = rank(&out).spawn().unwrap();
    let mut stderr = child.stderr.take().unwrap();
    let mut said = Vec::new();
    while !said.ends_with(b"order> ") {
        let mut byte = [0];
        assert_eq!(stderr.read(&mut byte).unwrap(), 1, "it never asked");
        said.push(byte[0]);
    }
    let asked = Instant::now();
    let interrupt = ["-INT".to_owned(), child.id().to_string()];
    assert!(
        Command::new("kill")
            .args(interrupt)
            .status()
            .unwrap()
            .success()
    );
    // Its input stays open: nothing is typed.
    let input = child.stdin.take();
    let status = child.wait().unwrap();
    drop(input);
    assert!(asked.elapsed() < Duration::from_secs(20));
    assert!(!status.success());
    let mut rest = String::new();
    stderr.read_to_string(&mut rest).unwrap();
    let line = one_error(&rest);
    assert!(line.contains("after 0 of 2 groups"), "{line}");

    // One answer, a slip first, then stop.
    let (summary, said) = typed(&out, "5\n2>1=4>3\nq\n");
    assert!(
        said.contains("Rank 2 groups") && said.contains("5"),
        "{said}"
    );
    assert_eq!(summary["rankings"], 1);
    assert_eq!(summary["complete"], false);
    assert!(!out.join("stages/rank.json").exists());
    let line = fail(
        apprentice()
            .args(["rank", "--simulated", "--out"])
            .arg(&out),
    );
    assert!(line.contains("holds judgements of Ada"), "{line}");

    // A line that a crash cut off is told of and asked again.
    let whole = fs::read(&log).unwrap();
    fs::write(&log, [&whole[..], b"{\"crc32\":\"12"].concat()).unwrap();
    let (summary, said) = typed(&out, "s\n");
    assert!(said.contains("was cut off and is now in"), "{said}");
    assert_eq!(
        (&summary["rankings"], &summary["skipped"]),
        (&1.into(), &1.into())
    );
    assert_eq!(summary["complete"], true);
    assert!(out.join("stages/rank.json").exists());

    // Other judgements lie beside rankings, and are counted where the reward is learnt.
    let other = |words: &[&str]| {
        let mut command = apprentice();
        command.args(["judge", "--who", "Ada", "--json", "--out"]);
        command.arg(&out).args(words);
        command
    };
    let first = "rollouts/episode-0000.mcap";
    for words in [
        &["success", "yes", first, "rollouts/episode-0001.mcap"][..],
        &["flag", "no", first, "--axis", "spilled"],
        &[
            "rating",
            "4",
            &format!("{first}@0-0.2"),
            "--confidence",
            "0.5",
        ],
        &["correction", first, "demonstrations/episode-0000.mcap"],
        &["utterance", "more slowly", "--comment", "always"],
    ] {
        let kept: Value = serde_json::from_str(&succeed(&mut other(words))).unwrap();
        let judgements = kept["judgements"].as_array().unwrap();
        assert_eq!(judgements[0]["answer"]["kind"], words[0]);
        assert_eq!(judgements.len(), if words[0] == "success" { 2 } else { 1 });
    }
    let line = fail(&mut other(&[
        "success",
        "yes",
        "rollouts/episode-9999.mcap",
    ]));
    assert!(line.contains("none of the 12 episodes"), "{line}");
    let line = fail(&mut other(&["rating", "9", first]));
    assert!(line.contains("rating is 9, allowed: 1 to 5"), "{line}");
    let line = fail(&mut other(&["rating", "4", &format!("{first}@2-1")]));
    assert!(line.contains("span is"), "{line}");
    let (summary, _) = typed(&out, "");
    assert_eq!(
        (&summary["rankings"], &summary["skipped"]),
        (&1.into(), &1.into())
    );
    let mut reward = apprentice();
    let said = reward.args(["reward", "--out"]).arg(&out).output().unwrap();
    let said = String::from_utf8(said.stderr).unwrap();
    let counted = "1 correction, 1 flag on an axis, 1 rating of a part, 2 success labels and 1 utterance are kept, not learnt from";
    assert!(said.contains(counted), "{said}");

    // The simulated operator's rankings are nobody's, and what people said of other things stays.
    fs::remove_file(out.join("stages/reward.json")).ok();
    fs::remove_file(&log).unwrap();
    fs::remove_file(out.join("stages/rank.json")).unwrap();
    succeed(
        apprentice()
            .args(["rank", "--simulated", "--json", "--out"])
            .arg(&out),
    );
    let simulated = fs::read(&log).unwrap();
    let line = fail(apprentice().args(["rank", "--out"]).arg(&out));
    assert!(
        line.contains("2 rankings of the simulated operator"),
        "{line}"
    );
    assert_eq!(fs::read(&log).unwrap(), simulated);
}

#[test]
fn a_rollout_that_is_gone_takes_no_ranking_of_others_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let stage = |stage: &[&str]| {
        let mut command = apprentice();
        command
            .args(stage)
            .args(["--config", "configs/tiny.toml", "--json", "--out"])
            .arg(&out);
        command
    };
    for words in [
        &["record", "demonstrations"][..],
        &["train"],
        &["record", "rollouts"],
    ] {
        succeed(&mut stage(words));
    }
    typed(&out, "1>2>3>4\n2>1>3>4\n");
    succeed(&mut stage(&["reward"]));
    // More rankings at any time; what was learnt from those before is out of date, and says so.
    let mut more = rank(&out);
    let mut child = more.args(["--more", "1"]).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"4>3>2>1\n").unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("operator.rankings asks for 2"), "{said}");
    assert!(
        said.contains("1 new rankings: what was learnt before them (reward) is out of date"),
        "{said}"
    );
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&summary["rankings"], &summary["groups"]),
        (&3.into(), &3.into())
    );
    let mut again = stage(&["reward"]);
    let said = String::from_utf8(again.output().unwrap().stderr).unwrap();
    assert!(said.contains("judgements.jsonl has changed"), "{said}");
    let last = "rollouts/episode-0007.mcap";
    succeed(
        apprentice()
            .args(["judge", "success", "yes", last, "--out"])
            .arg(&out),
    );
    let log = out.join("judgements.jsonl");
    let before = fs::read(&log).unwrap();
    fs::remove_file(out.join("rollouts/episode-0000.mcap")).unwrap();
    let refused = fail(&mut stage(&["demo"]));
    assert!(
        refused.contains("rankings by Ada") && refused.contains("apprentice rank"),
        "{refused}"
    );
    assert_eq!(fs::read(&log).unwrap(), before);
    let (summary, said) = typed(&out, "1>2>3>4\n1>2>3>4\n");
    assert!(said.contains("the rankings are out of date"), "{said}");
    assert_eq!(summary["complete"], true);
    let judgements = fs::read_to_string(&log).unwrap();
    assert!(judgements.contains("success"), "a label stays");
    assert!(out.join("judgements.jsonl.old-1").exists());
    succeed(&mut stage(&["reward"]));

    // No evidence has an exit code of its own, and leaves nothing that looks aligned.
    succeed(&mut stage(&["align"]));
    let aligned = out.join("policy/aligned.safetensors");
    assert!(aligned.exists());
    let strict = ["--set", "reward.significance=0"];
    let mut reward = stage(&["reward"]);
    succeed(reward.args(strict));
    let mut align = stage(&["align"]);
    let output = align.args(strict).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let line = one_error(&String::from_utf8(output.stderr).unwrap());
    assert!(line.contains("there is no aligned policy"), "{line}");
    assert!(!aligned.exists());
}

#[test]
fn whoever_stops_reading_ends_the_program_quietly() {
    let mut child = apprentice()
        .args(["robot", "list"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Closed before anything is read.
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!said.contains("panicked"), "{said}");
}

/// What was chosen from the answers so far is asked while the next fit is learnt, and why stands in the log.
#[test]
fn questions_are_chosen_from_the_answers_so_far() {
    use apprentice_preference::{Item, Judgement, JudgementLog};
    use std::collections::BTreeSet;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    for stage in [
        &["record", "demonstrations"][..],
        &["train"],
        &["record", "rollouts"],
    ] {
        let mut command = apprentice();
        command
            .args(stage)
            .args(["--config", "configs/tiny.toml", "--json", "--out"])
            .arg(&out)
            .args(["--set", "rollouts.episodes=14"]);
        succeed(&mut command);
    }
    let refused = apprentice()
        .args(["rank", "--choose", "oracle", "--out"])
        .arg(&out)
        .output()
        .unwrap();
    let refused = String::from_utf8(refused.stderr).unwrap();
    assert!(
        refused.contains("random, disagreement, information, diversity, mix"),
        "{refused}"
    );
    let mut child = rank(&out)
        .args(["--choose", "mix", "--again", "0.25", "--more", "9"])
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let log = out.join("judgements.jsonl");
    let given = || JudgementLog::read(&log).map_or_else(|_| Vec::new(), |said| said.judgements);
    for answer in 0..9 {
        input.write_all(b"2>1=4>3\n").unwrap();
        // As a person would, and so that something has been learnt in the end.
        let begun = Instant::now();
        while given().len() <= answer {
            assert!(begun.elapsed() < Duration::from_secs(60), "answer {answer}");
            std::thread::sleep(Duration::from_millis(20));
        }
        std::thread::sleep(Duration::from_millis(if answer < 6 { 100 } else { 1500 }));
    }
    drop(input);
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains("Asked again: of 12 pairs in 2 questions"),
        "{said}"
    );
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(summary["choose"]["strategy"], "mix");
    assert_eq!(summary["choose"]["asked_again"], 2);
    let given = given();
    let asked: Vec<_> = given.iter().map(|j| j.asked.clone().unwrap()).collect();
    assert!(
        asked
            .iter()
            .all(|a| a.strategy == "mix" && a.seconds > Some(0.0))
    );
    assert_eq!(asked.iter().filter(|a| a.again).count(), 2);
    let last = asked.last().unwrap();
    assert!(last.learnt_from > 0 && last.bits >= Some(0.0), "{last:?}");
    assert!(
        given
            .iter()
            .all(|j| j.query_reason.as_ref().unwrap().starts_with("mix: "))
    );
    assert!(given.iter().all(|j| j.response_time_ms.is_some()));
    let group =
        |j: &Judgement| -> BTreeSet<Item> { j.answer.items().into_iter().cloned().collect() };
    let groups: BTreeSet<_> = given.iter().map(group).collect();
    assert_eq!(groups.len(), 7, "nothing else is asked twice");
}
