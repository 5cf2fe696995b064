//! A scripted operator ranks through the page alone, and the next stage learns from it.

use crate::program::{apprentice, succeed};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};

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
