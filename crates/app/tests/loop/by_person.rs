//! Demonstrations by a person whose keys are scripted: kept, redone, discarded, deleted by hand, and none lost.

use crate::program::{apprentice, fail, succeed};
use apprentice_pipeline::layout::{DEMONSTRATIONS, JUDGEMENTS};
use apprentice_pipeline::outcomes::Outcomes;
use apprentice_pipeline::run_dir::RunDir;
use apprentice_preference::{JudgementLog, success_labels};
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// One demonstration: Enter begins it, keys drive, one a policy tick, Enter ends it, and then what is said of it.
fn showing(keys: &str, said: &str) -> String {
    format!("\n{keys}\n{said}")
}

/// `record demonstrations --by keyboard`, its keys from a script.
fn record(out: &Path, endpoint: &str, episodes: usize, script: &str) -> (bool, String) {
    let mut child = apprentice()
        .args([
            "record",
            "demonstrations",
            "--by",
            "keyboard",
            "--who",
            "Ada",
        ])
        .args([
            "--config",
            "configs/tiny.toml",
            "--episodes",
            &episodes.to_string(),
        ])
        .args(["--set", &format!("robot.endpoint={endpoint}"), "--out"])
        .arg(out)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // One that leaves early does not read it all.
    let _ = stdin.write_all(script.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.success(), said)
}

/// Our simulator as a robot that is not the run's own.
struct Robot(Child);

impl Drop for Robot {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn robot() -> (Robot, String) {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("tcp/{}", port.local_addr().unwrap());
    drop(port);
    let mut command: Command = apprentice();
    let child = command
        .args([
            "sim",
            "--lockstep",
            "--config",
            "configs/tiny.toml",
            "--set",
            "robot.image_size=96",
            "--listen",
            &endpoint,
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut robot = Robot(child);
    let mut line = String::new();
    let stdout = robot.0.stdout.take().unwrap();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line).unwrap();
    assert!(line.contains(&endpoint), "{line}");
    (robot, endpoint)
}

fn kept(dir: &RunDir) -> Vec<String> {
    let list = Outcomes::of(dir, DEMONSTRATIONS).unwrap();
    list.episodes.into_iter().map(|e| e.file).collect()
}

#[test]
fn ten_by_keyboard_one_redone_one_discarded_one_deleted_and_none_lost() {
    let (_robot, endpoint) = robot();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    // The person leaves after four, the fourth undecided; the same command goes on.
    let some = [
        showing("ww.ss", "yk"),
        showing("aad", "r"),
        showing("rrf", "mthe cube slipped\nnk"),
        showing("vvcc", "q"),
    ]
    .concat();
    let (done, said) = record(&out, &endpoint, 10, &some);
    assert!(!done, "{said}");
    assert!(said.contains("2 of 10 demonstrations kept"), "{said}");
    // Nobody scripted takes the place of what is begun either.
    let scripted = fail(
        apprentice()
            .args(["record", "demonstrations", "--out"])
            .arg(&out),
    );
    assert!(scripted.contains("recorded by a person"), "{scripted}");
    // The driver is tested before the first demonstration, and what was found is printed.
    let tested = "the driver of franka_fr3 was tested against robots/PROTOCOL.md";
    assert!(
        said.contains(tested) && said.contains(" pass, 0 fail, "),
        "{said}"
    );
    let rest: String = std::iter::once("k".to_owned())
        .chain([showing("jju", "d")])
        .chain((0..7).map(|_| showing("wad", "k")))
        .collect();
    let (done, said) = record(&out, &endpoint, 10, &rest);
    assert!(done && !said.contains(tested), "{said}");
    let (dir, _) = RunDir::open(&out).unwrap();
    let all = kept(&dir);
    assert_eq!(all.len(), 10, "{all:?}");
    let aside = |name: &str| out.join("demonstrations.discarded").join(name).exists();
    assert!(aside("episode-0001.mcap") && aside("episode-0004.mcap"));
    // Number 1 was redone as number 2 in the same scene.
    let list = Outcomes::of(&dir, DEMONSTRATIONS).unwrap();
    let log = JudgementLog::read(dir.path(JUDGEMENTS)).unwrap().judgements;
    let labels = success_labels(&log);
    assert_eq!(labels.get(&list.episodes[0].id), Some(&Some(true)));
    assert_eq!(labels.get(&list.episodes[1].id), Some(&Some(false)));
    assert!(
        log.iter()
            .any(|j| format!("{:?}", j.answer).contains("the cube slipped"))
    );

    // One is deleted by hand: the nine others stay as they are, and one more is recorded under a new number.
    let gone = &all[3];
    let bytes = |file: &String| std::fs::read(out.join(DEMONSTRATIONS).join(file)).unwrap();
    let before: Vec<Vec<u8>> = all.iter().filter(|f| *f != gone).map(bytes).collect();
    std::fs::remove_file(out.join(DEMONSTRATIONS).join(gone)).unwrap();
    let (done, said) = record(&out, &endpoint, 10, &showing("wws", "k"));
    assert!(done, "{said}");
    let after = kept(&dir);
    assert_eq!(after.len(), 10);
    assert!(
        !after.contains(gone) && !all.contains(&after[9]),
        "{after:?}"
    );
    let same: Vec<Vec<u8>> = after[..9].iter().map(bytes).collect();
    assert!(same == before, "a demonstration was recorded again");
    // Nothing is left to do, and nobody scripted takes their place.
    let (done, said) = record(&out, &endpoint, 10, "");
    assert!(done && said.contains("done before"), "{said}");
    let _ = succeed(apprentice().args(["record", "demonstrations", "--help"]));
}
