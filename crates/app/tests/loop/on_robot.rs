//! Policies on a robot that is not the run's own: the simulated one, in lockstep, behind the link.

use crate::program::{apprentice, fail, repository, succeed, tiny_demo};
use serde_json::Value;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A finished tiny run, and a robot folder with its small cameras.
pub struct Place {
    _folder: tempfile::TempDir,
    pub robot: PathBuf,
    pub out: PathBuf,
}

pub fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let robot = folder.path().join("robot");
    fs::create_dir(&robot).unwrap();
    for entry in fs::read_dir(repository().join("robots/franka_fr3")).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), robot.join(entry.file_name())).unwrap();
        }
    }
    let file = robot.join("robot.toml");
    let text: Vec<String> = fs::read_to_string(&file)
        .unwrap()
        .lines()
        .map(|line| match line.split_once(" = ") {
            Some((name @ ("width" | "height"), _)) => format!("{name} = 32"),
            _ => line.to_owned(),
        })
        .collect();
    fs::write(&file, text.join("\n")).unwrap();
    let out = folder.path().join("run");
    succeed(tiny_demo(&out, 3).args(["--set", &described(&robot)]));
    Place {
        _folder: folder,
        robot,
        out,
    }
}

pub fn described(robot: &Path) -> String {
    format!("robot.description={:?}", robot.to_str().unwrap())
}

/// The simulated robot in a process of its own.
struct Sim {
    process: Child,
    endpoint: String,
}

impl Sim {
    fn start(robot: &Path, arguments: &[&str]) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("tcp/{}", port.local_addr().unwrap());
        drop(port);
        let mut process = apprentice()
            .args(["sim", "--lockstep", "--listen", &endpoint])
            .args(["--config", "configs/tiny.toml", "--set", &described(robot)])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut said = BufReader::new(process.stdout.take().unwrap());
        said.read_line(&mut line).unwrap();
        assert!(line.starts_with("simulated"), "{line}");
        Self { process, endpoint }
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn on(sim: &Sim, place: &Place, arguments: &[&str]) -> Command {
    let mut command = apprentice();
    command
        .args(arguments)
        .args(["--set", &format!("robot.endpoint={}", sim.endpoint)])
        .arg("--out")
        .arg(&place.out);
    command
}

fn json(command: &mut Command) -> Value {
    serde_json::from_str(&succeed(command)).unwrap()
}

fn trials(place: &Place) -> Vec<Value> {
    let text = fs::read_to_string(place.out.join("trials.jsonl")).unwrap();
    text.lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect()
}

#[test]
fn policies_are_tried_and_work_on_a_robot_behind_the_link() {
    let place = place();
    let sim = Sim::start(&place.robot, &["--verdict"]);
    let evaluate = ["evaluate", "--on-robot", "--verdict", "robot", "--json"];
    let found = json(on(&sim, &place, &evaluate).args(["--trials", "4"]));
    for side in ["base", "aligned"] {
        assert_eq!(found[side]["trials"], 2, "{found}");
        assert_eq!(found[side]["success"]["n"], 2, "{found}");
    }
    assert_eq!(found["paired"]["pairs"], 2);
    assert_eq!(found["decision"], "undecided");
    assert_eq!(found["error_rate"], 0.05);
    assert_eq!(found["first"].as_array().unwrap().len(), 2);
    let before = trials(&place);
    assert_eq!(before.len(), 4);
    // Both halves of a pair begin from the same start, in whichever order.
    assert_eq!(before[0]["start"], before[1]["start"]);
    assert_ne!(before[0]["policy"], before[1]["policy"]);
    assert_ne!(before[1]["start"], before[2]["start"]);
    assert_eq!(before[0]["judge"], "robot");
    assert!(before[0]["facts"]["duration_s"].is_number(), "{before:?}");
    // A crash in the middle of a pair: that trial is run again, and none is counted twice.
    let log = place.out.join("trials.jsonl");
    let whole = fs::read(&log).unwrap();
    fs::write(&log, &whole[..whole.len() - 20]).unwrap();
    let again = json(on(&sim, &place, &evaluate).args(["--trials", "6"]));
    assert_eq!(again["paired"]["pairs"], 3);
    let after = trials(&place);
    assert_eq!(after.len(), 6);
    assert_eq!(after[..3], before[..3]);

    // Rollouts are asked about, too, and the answer is kept with them.
    let more = [
        "record",
        "rollouts",
        "--policy",
        "base",
        "--episodes",
        "2",
        "--json",
    ];
    let round = json(&mut on(&sim, &place, &more));
    let list = fs::read_to_string(place.out.join("judge/rounds-0002.json")).unwrap();
    let list: Value = serde_json::from_str(&list).unwrap();
    let outcomes: Vec<&Value> = list["episodes"].as_array().unwrap().iter().collect();
    assert_eq!(outcomes.len(), 2);
    let told = |e: &&&Value| e["outcome"]["success"].is_boolean();
    assert_eq!(outcomes.iter().filter(told).count(), 2, "{list}");
    assert!(
        outcomes[0]["outcome"]["facts"]["duration_s"].is_number(),
        "{list}"
    );
    let done = outcomes.iter().filter(|e| e["outcome"]["success"] == true);
    assert_eq!(round["succeeded"], done.count());

    let worked = json(&mut on(
        &sim,
        &place,
        &["run", "--policy", "aligned", "--episodes", "2", "--json"],
    ));
    assert_eq!(worked["episodes"], 2);
    assert_eq!(worked["ended"], "all episodes done");
    let log = trials(&place);
    assert_eq!(log.len(), 8);
    assert_eq!(log[7]["purpose"], "work");
    assert_eq!(log[7]["success"], "unsure");
    let file = log[7]["episode"]["file"].as_str().unwrap();
    assert!(place.out.join("work").join(file).exists());
    // Nothing but the robot's own words are the report's of such a run.
    let report = json(&mut on(&sim, &place, &["report", "--json"]));
    assert_eq!(report["trials"]["paired"]["pairs"], 3);
    let page = fs::read_to_string(place.out.join("report.html")).unwrap();
    assert!(page.contains("Trials on the robot") && !page.contains("simulated operator"));
}

#[test]
fn a_person_says_how_trials_went_and_is_not_told_which_policy_it_was() {
    let place = place();
    let sim = Sim::start(&place.robot, &[]);
    let evaluate = ["evaluate", "--on-robot", "--trials", "4", "--json"];
    let asked = ["--ask-which", "Softly?"];
    let answer = |typed: &str| {
        let mut process = on(&sim, &place, &evaluate)
            .args(asked)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = process.stdin.take().unwrap();
        input.write_all(typed.as_bytes()).unwrap();
        drop(input);
        process.wait_with_output().unwrap()
    };
    // Nobody is there any more when the third trial is asked about.
    let first = answer("y\nperhaps\ny\nu\nn\n");
    let said = String::from_utf8(first.stderr).unwrap();
    assert!(!first.status.success());
    assert!(said.contains("goes on from there"), "{said}");
    let second = answer("n\nn\n");
    assert!(
        second.status.success(),
        "{}",
        String::from_utf8_lossy(&second.stderr)
    );
    let said = said + &String::from_utf8(second.stderr).unwrap();
    assert!(said.contains("Softly?"), "{said}");
    for word in ["base", "aligned"] {
        let told = said.lines().find(|l| l.contains(word));
        assert_eq!(told, None, "{said}");
    }
    let found: Value = serde_json::from_slice(&second.stdout).unwrap();
    let unsure = |side: &str| found[side]["success"]["unsure"].as_u64().unwrap();
    // The trial at whose end nobody was there is not driven again: nobody knows how it went.
    assert_eq!(unsure("base") + unsure("aligned"), 2, "{found}");
    assert_eq!(found["paired"]["unsure"], 2);
    assert_eq!(trials(&place).len(), 4);
    // A robot that cannot tell is not asked in vain.
    let line =
        fail(on(&sim, &place, &evaluate).args(["--verdict", "robot", "--error-rate", "0.1"]));
    assert!(line.contains("--verdict ask"), "{line}");
}

#[test]
fn work_ends_cleanly_by_ctrl_c_and_by_a_stop() {
    let place = place();
    let sim = Sim::start(&place.robot, &[]);
    let start = || {
        let process = on(&sim, &place, &["run", "--policy", "base", "--json"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let before = trials_so_far(&place);
        while trials_so_far(&place) < before + 2 {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        process
    };
    let ended = |process: Child| -> Value {
        let output = process.wait_with_output().unwrap();
        assert!(output.status.success());
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let process = start();
    let interrupt = ["-INT", &process.id().to_string()].map(str::to_owned);
    assert!(
        Command::new("kill")
            .args(interrupt)
            .status()
            .unwrap()
            .success()
    );
    let first = ended(process);
    assert_eq!(first["ended"], "stopped on request");
    let count = trials_so_far(&place);
    assert_eq!(first["episodes"], count);
    let process = start();
    let arm = ["--endpoint", &sim.endpoint, "--robot", "franka_fr3"];
    succeed(apprentice().arg("stop").args(arm));
    let second = ended(process);
    let words = second["ended"].as_str().unwrap();
    assert!(words.starts_with("the arm was stopped"), "{words}");
    let log = trials(&place);
    assert_eq!(second["episodes"], log.len() - count);
    for trial in &log {
        // Cut short by the stop, or recorded whole: never half a recording that counts.
        let stopped = trial["guarding"]["stops"] == 1;
        assert_eq!(trial["episode"].is_null(), stopped, "{trial}");
        assert_eq!(trial["success"], if stopped { "no" } else { "unsure" });
    }
}

fn trials_so_far(place: &Place) -> usize {
    fs::read_to_string(place.out.join("trials.jsonl")).map_or(0, |t| t.lines().count())
}

#[test]
fn a_policy_for_another_robot_is_refused() {
    let place = place();
    // The same arm with one camera.
    let file = place.robot.join("robot.toml");
    let text = fs::read_to_string(&file).unwrap();
    let (first, _) = text.rsplit_once("[[cameras]]").unwrap();
    fs::write(&file, first).unwrap();
    let other = place.out.with_file_name("other");
    succeed(tiny_demo(&other, 3).args(["--set", &described(&place.robot)]));
    fs::write(&file, &text).unwrap();
    let foreign = other.join("policy/base.safetensors");
    let run = |policy: &str| {
        let mut command = apprentice();
        command
            .args(["run", "--episodes", "1", "--policy", policy, "--out"])
            .arg(&place.out);
        fail(&mut command)
    };
    let line = run(foreign.to_str().unwrap());
    assert!(line.contains("does not fit robot"), "{line}");
    assert!(line.contains("1 cameras"), "{line}");
    let line = run("nobody");
    assert!(line.contains("base, aligned, current"), "{line}");
    let line = run("current");
    assert!(line.contains("apprentice promote"), "{line}");
    let both = fail_to_parse(&["run", "train", "--policy", "base"]);
    assert!(both.contains("cannot be used with"), "{both}");
}

fn fail_to_parse(arguments: &[&str]) -> String {
    let output = apprentice().args(arguments).output().unwrap();
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}
