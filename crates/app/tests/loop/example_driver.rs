//! The driver of `robots/examples`, in Python, beside the runtime: tested as it is and with single rules broken, and
//! recorded from while a person (here lines on standard input) sets up its scenes.

use crate::program::{apprentice, fail, repository, succeed};
use apprentice_episode::Episode;
use apprentice_link::session::free_port;
use serde_json::Value;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Python with zenoh.
fn python() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("example");
    let requirements = repository().join("robots/examples/requirements.txt");
    apprentice_peers::python(&folder, &requirements, None).unwrap()
}

/// A Python program, stopped when it goes out of scope.
struct Program(Child);

impl Program {
    /// Runs until it has said its first line.
    fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        said.read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "{command:?} said nothing");
        Self(child)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

const ROBOT: &str = "robots/examples/planar_arm";

/// A copy of the example in `folder`, with this text in one of its files replaced by that.
fn copied(folder: &Path, broken: Option<(&str, &str, &str)>) {
    for file in ["driver.py", "access_rules.py", "simulated_arm.py"] {
        let mut text = fs::read_to_string(repository().join("robots/examples").join(file)).unwrap();
        if let Some((_, from, to)) = broken.filter(|b| b.0 == file) {
            assert_eq!(text.matches(from).count(), 1, "{from:?} in {file}");
            text = text.replace(from, to);
        }
        fs::write(folder.join(file), text).unwrap();
    }
    let described = succeed(apprentice().args(["robot", "describe", ROBOT]));
    assert!(!described.contains("[urdf]") && described.contains("[[kinematics.frames]]"));
    fs::write(folder.join("described.toml"), described).unwrap();
}

/// The driver in `folder`, and where it listens.
fn driver(python: &Path, folder: &Path) -> (Program, String) {
    let endpoint = format!("tcp/127.0.0.1:{}", free_port().unwrap());
    let program = Program::start(
        Command::new(python)
            .arg(folder.join("driver.py"))
            .arg(&endpoint)
            .arg(folder.join("described.toml")),
    );
    (program, endpoint)
}

/// What `robot check --live --move` finds wrong, by name, and its exit status.
fn found_wrong(python: &Path, broken: Option<(&str, &str, &str)>) -> (Vec<String>, bool) {
    let folder = tempfile::tempdir().unwrap();
    copied(folder.path(), broken);
    let (_driver, endpoint) = driver(python, folder.path());
    let output = apprentice()
        .args(["robot", "check", ROBOT, "--move", "--json", "--live"])
        .arg(&endpoint)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let found: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|e| panic!("{e}: {said}\n{:?}", output.stdout));
    let findings = found["findings"].as_array().unwrap();
    assert!(findings.len() > 20, "{found:#}");
    let failed = findings.iter().filter(|f| f["verdict"] == "fail");
    let failed: Vec<String> = failed
        .map(|f| {
            for part in ["got", "allowed", "advice"] {
                assert!(!f[part].as_str().unwrap().is_empty(), "{f}");
            }
            format!(
                "{} {}",
                f["what"].as_str().unwrap(),
                f["got"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(found["passed"], failed.is_empty());
    (failed, output.status.success())
}

/// What is broken: file, text, what replaces it, and the finding that names it.
const BROKEN: [(&str, &str, &str, &str); 7] = [
    (
        "access_rules.py",
        r#"        self.need(client == self.owner, "not_owner", "acquire it first")"#,
        "        pass",
        "a stranger's commands",
    ),
    (
        "driver.py",
        "time.monotonic_ns())",
        "time.monotonic_ns() // 1000)",
        "stamps of states",
    ),
    (
        "driver.py",
        r#"size = (camera["width"], camera["height"])"#,
        "size = (16, 16)",
        "size of frames of top",
    ),
    (
        "access_rules.py",
        "silent > HOLD_S",
        "silent > 1e9",
        "silence of 200 ms",
    ),
    (
        "access_rules.py",
        "self.need(abs(q - before) <= most + ROUNDING,",
        "self.need(True,",
        "a jump",
    ),
    (
        "access_rules.py",
        "self.stop = 2 if self.stop else 0",
        "self.stop = 0",
        "a stop outlives its owner",
    ),
    (
        "access_rules.py",
        r#"self.need(mine or client in self.leases, "no_lease", "declare the token, then acquire")"#,
        "pass",
        "acquire without a token",
    ),
];

#[test]
#[ignore = "beside Python programs, which it installs below target: `-- --ignored needs_python`"]
fn needs_python_the_example_driver_passes_and_broken_ones_are_named() {
    let python = python();
    let lines = fs::read_to_string(repository().join("robots/examples/driver.py")).unwrap();
    assert!(lines.lines().count() < 150, "{}", lines.lines().count());
    std::thread::scope(|scope| {
        let checks: Vec<_> = BROKEN
            .iter()
            .map(|(file, from, to, named)| {
                let python = &python;
                let check = scope.spawn(move || found_wrong(python, Some((file, from, to))));
                (check, *named)
            })
            .collect();
        let whole = scope.spawn(|| found_wrong(&python, None));
        assert_eq!(whole.join().unwrap(), (Vec::new(), true));
        for (check, named) in checks {
            let (failed, passed) = check.join().unwrap();
            assert!(!passed);
            let names = failed.iter().any(|f| f.starts_with(named));
            assert!(names, "{named} is not in {failed:#?}");
        }
    });
}

#[test]
#[ignore = "beside Python programs, which it installs below target: `-- --ignored needs_python`"]
fn needs_python_people_set_up_the_scenes_of_a_native_robot_that_cannot() {
    let python = python();
    let folder = tempfile::tempdir().unwrap();
    // It sees tokens late, as over a slow network.
    let lease = "    def lease(self, sample):\n";
    let late = format!("{lease}        time.sleep(1.5)\n");
    copied(folder.path(), Some(("driver.py", lease, &late)));
    let (_driver, endpoint) = driver(&python, folder.path());
    let _teleop = Program::start(
        Command::new(&python)
            .arg(repository().join("tests/peers/example/teleop.py"))
            .arg(&endpoint),
    );
    let out = folder.path().join("run");
    let record = || {
        let mut command = apprentice();
        command
            .args(["record", "demonstrations", "--json", "--out"])
            .arg(&out)
            .args(["--set", "run.task=reach far"])
            .args(["--set", &format!("robot.description={ROBOT}")])
            .args(["--set", &format!("robot.endpoint={endpoint}")])
            .args(["--set", "demonstrations.episodes=3"])
            .args(["--set", "demonstrations.ticks=12"]);
        command
    };
    // Nobody is there: it says so before anything moves.
    let line = fail(record().stdin(Stdio::null()));
    assert!(line.contains("nobody is there to set up scenes"), "{line}");

    let mut child = record()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"\n\n\n").unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    assert_eq!(said.matches("set up the next scene").count(), 3, "{said}");
    // The one token of the run was waited for.
    let waited = said.matches("no_lease").count();
    assert!(waited == 1 && said.contains("for up to 10 s"), "{said}");

    let folder = out.join("demonstrations");
    let mut ends = Vec::new();
    for index in 0..3 {
        let path = folder.join(format!("episode-{index:04}.mcap"));
        let ticks = Episode::open(&path).unwrap().ticks;
        let at = |i: usize| ticks[i].observation.state.positions.clone();
        // Each begins at home, where the guarded way led, however far the one before went.
        let (first, last) = (at(0), at(ticks.len() - 1));
        assert!((first[0] - 0.6).abs() < 0.03, "{first:?}");
        assert!((first[1] + 1.2).abs() < 0.03, "{first:?}");
        ends.push(last[0] - first[0]);
    }
    assert!(ends.iter().all(|moved| *moved > 0.1), "{ends:?}");
}
