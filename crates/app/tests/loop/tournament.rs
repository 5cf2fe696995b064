//! People compare versions blind in the terminal.

use crate::program::{apprentice, fail, succeed, tiny_demo};
use serde_json::Value;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

/// Answers with these lines typed; what comes on standard output and on standard error.
fn typed(out: &Path, who: &str, more: &[&str], lines: &str) -> (Value, String) {
    let mut child = apprentice()
        .arg("tournament")
        .arg(out)
        .args(["--json", "--by", who])
        .args(more)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
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
fn versions_are_compared_blind_and_the_table_is_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    succeed(&mut tiny_demo(&out, 3));
    // A slip, an answer, one that is taken back, one that cannot be told, stop.
    let (said, told) = typed(&out, "Ada", &[], "3\n1>2\n2\nu\ns\nq\n");
    assert!(told.contains("is not a clip number"), "{told}");
    assert!(
        told.contains("clips 1 and 2, side by side, from the same start"),
        "{told}"
    );
    assert!(
        !told.contains("version 1") && !told.contains("evaluation/"),
        "{told}"
    );
    assert_eq!(
        (&said["given"], &said["decided"]),
        (&3.into(), &false.into())
    );
    let ada = &said["standings"]["operators"][0];
    assert_eq!(ada["table"]["comparisons"], 1);
    assert_eq!(ada["cannot_tell"], 1);
    assert_eq!(ada["table"]["rows"].as_array().unwrap().len(), 2);
    assert!(said["standings"]["together"].is_null());

    let (said, told) = typed(&out, "Bob", &["--matches", "2", "--reveal"], "=\n2>1\n");
    assert!(told.contains("1 was version"), "{told}");
    assert_eq!(said["ended"], "as many as wanted were asked");
    let standings = &said["standings"];
    assert_eq!(standings["operators"][1]["table"]["comparisons"], 2);
    assert_eq!(standings["together"]["comparisons"], 3);
    let agreement = &standings["agreement"][0];
    assert_eq!(agreement["operators"][0], "Ada");

    let table = succeed(apprentice().args(["tournament", "--table"]).arg(&out));
    for part in [
        "Ada: 1 comparisons",
        "Bob: 2 comparisons",
        "all together",
        "tau-b",
        "more comparisons",
    ] {
        assert!(table.contains(part), "{part}: {table}");
    }
    let line = fail(
        apprentice()
            .arg("tournament")
            .arg(&out)
            .args(["--versions", "1,9"]),
    );
    assert!(line.contains("there is no version 9"), "{line}");

    // When a version was made is said as people read it.
    let history = succeed(apprentice().args(["history", "--out"]).arg(&out));
    assert!(!history.contains("after 1970"), "{history}");
}
