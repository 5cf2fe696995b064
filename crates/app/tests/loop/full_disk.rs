//! A disk that is full, over and over, in the middle of the demo.

use crate::program::{apprentice, succeed, tiny_demo};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;

/// A file system in memory with room for the first of these, then the next, and so on, as if somebody
/// made a little space each time; only the last is enough. Kibibytes.
const ROOM: [u32; 6] = [200, 500, 900, 1400, 1900, 1 << 19];

/// Runs the demo once for each of [`ROOM`] in a mount namespace of its own, and leaves what it said in
/// `$LOGS/<room>` and its report in `$LOGS/report.json`.
const SCRIPT: &str = r#"
set -eu
mount -t tmpfs -o size=100k tmpfs "$DISK"
for room in $ROOM; do
    mount -o remount,size="${room}k" "$DISK"
    status=0
    "$@" --out "$DISK/run" >"$LOGS/$room.out" 2>"$LOGS/$room" || status=$?
    echo "$status" >"$LOGS/$room.status"
done
cp "$DISK/run/report.json" "$LOGS/report.json"
"#;

#[test]
#[ignore = "a small disk needs `unshare -rm` (root, or user namespaces): `-- --ignored needs_namespaces`"]
fn needs_namespaces_a_full_disk_stops_the_demo_in_one_line_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (disk, logs) = (folder.path().join("disk"), folder.path().join("logs"));
    let whole = folder.path().join("whole");
    fs::create_dir_all(&disk).unwrap();
    fs::create_dir_all(&logs).unwrap();
    succeed(&mut tiny_demo(&whole, 8));

    let demo = tiny_demo(Path::new("unused"), 8);
    // Everything but `--out unused`, which the script sets.
    let count = demo.get_args().count() - 2;
    let mut script = Command::new("unshare");
    script
        .args(["-rm", "sh", "-c", SCRIPT, "sh"])
        .arg(apprentice().get_program())
        .args(demo.get_args().take(count))
        .current_dir(crate::program::repository())
        .env("DISK", &disk)
        .env("LOGS", &logs)
        .env("ROOM", ROOM.map(|r| r.to_string()).join(" "));
    succeed(&mut script);

    let said =
        |room: u32, what: &str| fs::read_to_string(logs.join(format!("{room}{what}"))).unwrap();
    let (enough, too_small) = ROOM.split_last().unwrap();
    for &room in too_small {
        let errors = said(room, "");
        let lines: Vec<&str> = errors
            .lines()
            .filter(|l| l.starts_with("error: "))
            .collect();
        assert_ne!(said(room, ".status").trim(), "0", "{room} KiB were enough");
        assert_eq!(lines.len(), 1, "{room} KiB: {errors}");
        let line = lines[0].to_lowercase();
        assert!(
            line.contains("disk full")
                || line.contains("no space")
                || line.contains("the disk full?"),
            "{room} KiB: {line}"
        );
        assert!(line.contains("/run"), "{room} KiB: where? {line}");
    }
    assert_eq!(
        said(*enough, ".status").trim(),
        "0",
        "{}",
        said(*enough, "")
    );
    let artefacts = |path: &Path| -> Value {
        let report: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        report["artefacts"].clone()
    };
    assert_eq!(
        artefacts(&logs.join("report.json")),
        artefacts(&whole.join("report.json"))
    );
}
