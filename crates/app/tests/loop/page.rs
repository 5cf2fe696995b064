//! A scripted operator ranks through the page alone, and the next stage learns from it.

use crate::on_robot;
use crate::program::{apprentice, succeed};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const TOKEN: &str = "a-token-of-the-tests";

/// What the page at `address` answers to an operator.
fn post(address: &str, path: &str, body: &Value) -> Value {
    let port = address.rsplit(':').next().unwrap();
    let body = body.to_string();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nOrigin: http://{address}\r\nConnection: close\r\n\
         Cookie: apprentice_page_{port}={TOKEN}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut socket = TcpStream::connect(address).unwrap();
    socket.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

#[test]
fn rankings_given_on_the_page_are_learnt_from() {
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
    let mut command = apprentice();
    command
        .args(["studio", "--json", "--port", "0", "--token", TOKEN, "--run"])
        .arg(&out)
        .stdout(Stdio::piped());
    let mut studio = command.spawn().unwrap();
    let mut lines = BufReader::new(studio.stdout.take().unwrap()).lines();
    let mut told = || -> Value { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
    let address = told()["address"].as_str().unwrap().to_owned();
    let mut given = 0;
    loop {
        let next = post(&address, "/api/question", &json!({ "who": "Ada" }));
        let Some(clips) = next["question"]["clips"].as_array() else {
            break;
        };
        let order: Vec<[usize; 1]> = (1..=clips.len()).map(|column| [column]).collect();
        let ticks: Vec<usize> = clips
            .iter()
            .map(|clip| clip["times_ms"].as_array().unwrap().len())
            .collect();
        let answer = json!({
            "question": next["question"]["id"], "who": "Ada", "what": { "order": order }, "confidence": 1.0,
            "response_time_ms": 60_000, "ticks_shown": ticks, "speed": 1.0,
        });
        let kept = post(&address, "/api/answer", &answer);
        assert_eq!(kept["before"], false);
        given += 1;
    }
    assert!(given > 0);
    assert_eq!(told(), json!({ "complete": true }));
    let interrupt = ["-INT".to_owned(), studio.id().to_string()];
    assert!(
        Command::new("kill")
            .args(interrupt)
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(told()["ended"]["ranked"], json!(given));
    assert!(studio.wait().unwrap().success());

    let log = std::fs::read_to_string(out.join("judgements.jsonl")).unwrap();
    assert_eq!(log.lines().count(), given);
    let learnt = succeed(apprentice().args(["reward", "--json", "--out"]).arg(&out));
    let learnt: Value = serde_json::from_str(&learnt).unwrap();
    assert!(
        learnt[0]["result"]["comparisons"].as_u64().unwrap() > 0,
        "{learnt}"
    );
}

/// What the page at `address` says of the robot.
fn robot_at(address: &str) -> Value {
    let port = address.rsplit(':').next().unwrap();
    let request = format!(
        "GET /api/live HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nCookie: apprentice_page_{port}={TOKEN}\r\n\r\n"
    );
    let mut socket = TcpStream::connect(address).unwrap();
    socket.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

/// Once that is so.
fn seen(address: &str, what: &str, is: impl Fn(&Value) -> bool) -> Value {
    let start = Instant::now();
    loop {
        let told = robot_at(address);
        if is(&told) {
            return told;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "{what}: {told}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn trials_on_a_robot_are_seen_on_the_page_and_stopped_there() {
    let place = on_robot::place();
    let endpoint = format!(
        "tcp/127.0.0.1:{}",
        apprentice_link::session::free_port().unwrap()
    );
    let mut sim = apprentice();
    sim.args(["sim", "--verdict", "--listen", &endpoint])
        .args(["--config", "configs/tiny.toml", "--set"])
        .arg(on_robot::described(&place.robot))
        .stdout(Stdio::piped());
    let mut sim = Ended(sim.spawn().unwrap());
    let mut line = String::new();
    let mut said = BufReader::new(sim.0.stdout.take().unwrap());
    said.read_line(&mut line).unwrap();
    let mut studio = apprentice();
    studio
        .args(["studio", "--json", "--port", "0", "--token", TOKEN])
        .args(["--live", "--endpoint", &endpoint, "--run"])
        .arg(&place.out)
        .stdout(Stdio::piped());
    // The demo's rankings are the simulated operator's; people see the robot all the same.
    let mut studio = Ended(studio.spawn().unwrap());
    let mut line = String::new();
    let mut told = BufReader::new(studio.0.stdout.take().unwrap());
    told.read_line(&mut line).unwrap();
    let told: Value = serde_json::from_str(&line).unwrap();
    let address = told["address"].as_str().unwrap().to_owned();
    seen(&address, "the robot is reached", |t| t["joints"].is_array());

    let mut trials = apprentice();
    trials
        .args([
            "evaluate",
            "--on-robot",
            "--verdict",
            "robot",
            "--trials",
            "40",
        ])
        .args(["--set", &format!("robot.endpoint={endpoint}"), "--out"])
        .arg(&place.out)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let trials = Ended(trials.spawn().unwrap());
    let told = seen(&address, "a trial runs", |t| {
        t["episode"]["running"] == true
    });
    let name = told["episode"]["name"].as_str().unwrap();
    assert!(name.contains("trial-"), "{told}");
    assert_eq!(told["episode"]["version"], Value::Null, "trials are blind");
    post(&address, "/api/live/ask", &json!({ "what": "stop" }));
    let told = seen(&address, "it is stopped", |t| t["stopped"] == true);
    assert_eq!(told["status"]["phase"], "stopped");
    drop(trials);
}
