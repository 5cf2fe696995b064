//! `apprentice promote`, `history` and `rollback` on a run that was recorded.

use crate::program::{apprentice, fail, one_error, succeed, tiny_run};
use apprentice_core::sha256_file;
use apprentice_pipeline::trials::{
    Guarding, Judge, PolicyIdentity, PolicyRole, Purpose, Start, Trial, TrialLog, Verdict,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

fn command(line: &str, out: &Path) -> Command {
    let mut command = apprentice();
    command.args(line.split_whitespace()).arg("--out").arg(out);
    command
}

fn said(line: &str, out: &Path) -> Value {
    serde_json::from_str(&succeed(command(line, out).arg("--json"))).unwrap()
}

/// The gate's answer to a proposal it refuses, and the lines for a person.
fn refused(line: &str, out: &Path) -> (Value, String) {
    let output = command(line, out).arg("--json").output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success(), "{said}");
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["promoted"], false);
    (answer, said)
}

fn failed(answer: &Value) -> Vec<&str> {
    let checks = answer["checks"].as_array().unwrap();
    assert_eq!(checks.len(), 4, "{answer}");
    let failed = checks.iter().filter(|c| c["passed"] == false);
    failed.map(|c| c["name"].as_str().unwrap()).collect()
}

/// What nobody can accept.
fn shown_bad(answer: &Value) -> Vec<&str> {
    let checks = answer["checks"].as_array().unwrap();
    let bad = checks
        .iter()
        .filter(|c| c["passed"] == false && c["open"] == false);
    bad.map(|c| c["name"].as_str().unwrap()).collect()
}

/// With the limit that so few episodes can show.
fn lenient(out: &Path) {
    succeed(&mut command(
        "train --set promotion.bad_limit=0.9 --json",
        out,
    ));
}

/// Changes what is kept of a version.
fn edit(out: &Path, version: u32, edit: impl Fn(&mut Value)) {
    let path = out.join(format!("versions/{version:04}.json"));
    let mut value: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    edit(&mut value);
    fs::write(path, value.to_string()).unwrap();
}

#[test]
fn a_version_is_promoted_by_a_person_and_taken_back_for_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    tiny_run(&out);
    let before = said("history", &out);
    assert_eq!(
        (&before["current"], &before["watch"]),
        (&Value::Null, &Value::Null)
    );
    // Nobody says yes; the gate is asked before anybody is.
    let (answer, told) = refused("promote --yes --who Ada", &out);
    assert_eq!(failed(&answer), ["safety", "success"]);
    assert!(
        told.contains("OPEN   safety   0 of 4 fresh episodes bad"),
        "{told}"
    );
    assert!(told.contains("more clean episodes would do"), "{told}");
    assert!(!told.contains("[y/N]"), "{told}");
    let line = one_error(&told[told.find("error:").unwrap()..]);
    assert!(
        line.contains("version 2 is not promoted: safety and success failed"),
        "{line}"
    );

    lenient(&out);
    for answer in ["n\n", ""] {
        let mut child = command("promote --accept tiny", &out)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(answer.as_bytes())
            .unwrap();
        let output = child.wait_with_output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(
            !output.status.success() && told.contains("nobody said yes"),
            "{told}"
        );
    }
    assert_eq!(said("history", &out)["events"], json!([]));
    let line = fail(command("promote --yes --accept tiny", &out).args(["--who", " "]));
    assert!(line.contains("--who NAME"), "{line}");
    let promoted = said("promote --yes --who Ada --accept tiny", &out);
    assert_eq!(
        (
            &promoted["promoted"],
            &promoted["version"],
            &promoted["from"]
        ),
        (&true.into(), &2.into(), &1.into())
    );
    let history = said("history", &out);
    assert_eq!(history["current"], 2);
    assert_eq!(history["versions"][1]["made_from"], 1);
    assert_eq!(history["versions"][1]["current"], true);
    assert_eq!(history["events"][0]["who"], "Ada");
    assert_eq!(history["events"][0]["checks"].as_array().unwrap().len(), 4);
    assert!(history["watch"].is_object(), "{history}");
    let screen = succeed(&mut command("history", &out));
    assert!(screen.contains("*   2  aligned"), "{screen}");
    assert!(
        screen.contains("promoted to version 2 from 1 by Ada"),
        "{screen}"
    );
    let line = fail(command("promote --yes --who Ada", &out).arg("--json"));
    assert!(
        line.contains("version 2 is the arm's policy already"),
        "{line}"
    );
    let line = fail(&mut command("promote 9 --yes --who Ada", &out));
    assert!(line.contains("no version 9; allowed: 1, 2"), "{line}");

    let line = fail(command("rollback --who Ben", &out).args(["--reason", " "]));
    assert!(line.contains("--reason TEXT"), "{line}");
    let back = succeed(command("rollback --who Ben --json", &out).args(["--reason", "drops cups"]));
    let back: Value = serde_json::from_str(&back).unwrap();
    assert_eq!(
        (&back["version"], &back["from"], &back["reason"]),
        (&1.into(), &2.into(), &"drops cups".into())
    );
    let line = fail(&mut command("rollback --reason again", &out));
    assert!(line.contains("there is no version to go back to"), "{line}");
    let history = said("history", &out);
    assert_eq!(
        (&history["current"], &history["watch"]),
        (&1.into(), &Value::Null)
    );
    // It may be promoted again, by its number.
    assert_eq!(
        said("promote 2 --yes --who Ada --accept tiny", &out)["promoted"],
        true
    );
}

#[test]
fn each_line_of_the_gate_refuses_a_promotion() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    tiny_run(&out);
    lenient(&out);
    let promote = "promote 2 --yes --who Ada";
    edit(&out, 2, |v| v["reward"]["allowed"] = 0.0.into());
    let (answer, told) = refused(promote, &out);
    assert_eq!(shown_bad(&answer), ["reward"]);
    assert!(told.contains("-> add rankings"), "{told}");
    edit(&out, 2, |v| {
        v["reward"]["allowed"] = 1.0.into();
        v["alignment"]["drift"] = 0.5.into();
        v["alignment"]["budget"] = 0.25.into();
    });
    let (answer, told) = refused(promote, &out);
    assert_eq!(shown_bad(&answer), ["drift"]);
    assert!(
        told.contains("0.5000 of the noise's variance; allowed: at most 0.25"),
        "{told}"
    );
    edit(&out, 2, |v| v["alignment"]["drift"] = 0.125.into());

    // Trials on the arm: what a person said of pairs, and what became of the arm.
    let trial = |policy: &str, pair: u64, success, stops| Trial {
        number: 0,
        at_unix_ms: 0,
        purpose: Purpose::Comparison,
        comparison: "c".into(),
        policy: PolicyIdentity {
            role: if policy == "base" {
                PolicyRole::Base
            } else {
                PolicyRole::Aligned
            },
            sha256: sha256_file(&out.join(format!("policy/{policy}.safetensors"))).unwrap(),
            version: None,
        },
        start: Start {
            number: pair,
            seed: pair,
            by_person: true,
        },
        place: Some(u8::from(policy == "base")),
        success,
        preferred: None,
        judge: Judge::Person("Ada".into()),
        facts: BTreeMap::new(),
        guarding: Guarding {
            ticks: 10,
            stops,
            ..Guarding::default()
        },
        reward: None,
        episode: None,
    };
    let mut log = TrialLog::open(&out.join("trials.jsonl")).unwrap();
    for pair in 0..20 {
        log.append(trial("base", pair, Verdict::Yes, 0)).unwrap();
        log.append(trial("aligned", pair, Verdict::No, 0)).unwrap();
    }
    let (answer, told) = refused(promote, &out);
    assert_eq!(shown_bad(&answer), ["success"]);
    assert!(
        told.contains("points of success against the policy before in 24 pairs"),
        "{told}"
    );
    // And when the arm was stopped in nearly all of them, that fails as well.
    for pair in 20..200 {
        log.append(trial("aligned", pair, Verdict::Yes, 1)).unwrap();
    }
    let (answer, told) = refused(promote, &out);
    assert_eq!(failed(&answer), ["safety", "success"]);
    assert!(told.contains("180 stopped"), "{told}");
    assert!(
        told.contains("version 2 is not promoted: safety and success failed"),
        "{told}"
    );
    assert_eq!(said("history", &out)["events"], json!([]));
}

#[test]
fn a_damaged_version_is_named_and_the_way_back_is_open() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    tiny_run(&out);
    lenient(&out);
    let policy = out.join("versions/0002.safetensors");
    let whole = fs::read(&policy).unwrap();
    // One byte of many.
    let mut damaged = whole.clone();
    let last = damaged.len() - 1;
    damaged[last] ^= 1;
    fs::write(&policy, &damaged).unwrap();
    let line = fail(&mut command("promote 2 --yes --who Ada", &out));
    assert!(line.contains("is not version 2 any more"), "{line}");
    fs::write(&policy, &whole).unwrap();
    said("promote --yes --who Ada --accept tiny", &out);
    // Damaged after it became the arm's: it does not run, and the version before does.
    fs::write(&policy, &damaged).unwrap();
    let line = fail(&mut command("run --policy current --episodes 1", &out));
    assert!(line.contains("is not version 2 any more"), "{line}");
    assert!(line.contains("apprentice rollback"), "{line}");
    assert_eq!(said("history", &out)["current"], 2);
    // What is kept of it is cut short: which file, and the way back is still there.
    let kept = out.join("versions/0002.json");
    let text = fs::read(&kept).unwrap();
    fs::write(&kept, &text[..text.len() / 2]).unwrap();
    let line = fail(&mut command("run --policy current --episodes 1", &out));
    assert!(line.contains("versions/0002.json"), "{line}");
    assert!(line.contains("apprentice rollback"), "{line}");
    let screen = succeed(&mut command("history", &out));
    assert!(screen.contains("0002.json"), "{screen}");
    let back = said("rollback --who Ada --reason damaged", &out);
    assert_eq!(back["version"], 1);
    assert_eq!(said("history", &out)["current"], 1);
    // Nothing of a damaged version is overwritten by the next one.
    assert_eq!(fs::read(&kept).unwrap(), &text[..text.len() / 2]);
}
