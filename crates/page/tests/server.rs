//! What the server lets in and keeps out, over plain sockets.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that fails may say so by panicking.

mod browsing;

use apprentice_core::{Observation, RobotState, Seed};
use apprentice_episode::{DecidedBy, Episode, EpisodeMeta, EpisodeWriter, Source, Tick};
use apprentice_page::{
    Access, Chooser, Chosen, Material, Page, PageError, Parts, Recorded, Wanted,
};
use apprentice_preference::JudgementLog;
use browsing::{TOKEN, asked, cookie, get, own, post, send};
use serde_json::{Value, json};
use std::io::Write as _;
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

/// Two episodes without cameras, 0.4 s each.
fn episodes(folder: &Path) -> Vec<Recorded> {
    ["a", "b"].map(|name| recorded(folder, name)).into()
}

fn recorded(folder: &Path, name: &str) -> Recorded {
    let file = folder.join(format!("{name}.mcap"));
    if let Ok(episode) = Episode::open(&file) {
        let id = episode.id;
        return Recorded { id, file };
    }
    let meta = EpisodeMeta::new(name, "none", Source::Teleop, vec![], "joints", 1, 10.0);
    let mut writer = EpisodeWriter::create(&file, &meta).unwrap();
    for index in 0..5 {
        let stamp_ns = index * 100_000_000;
        let state = RobotState {
            sequence: index,
            stamp_ns,
            positions: vec![0.0],
            velocities: vec![0.0],
            gripper_width: 0.0,
            efforts: None,
            external_wrench: None,
        };
        let tick = Tick {
            index,
            stamp_ns,
            observation: Observation {
                state,
                frames: vec![],
            },
            proprioception: vec![0.0],
            action: vec![0.0],
            guard_interventions: vec![],
            decided_by: DecidedBy::Agent,
            unexecuted: vec![],
        };
        writer.tick(&tick).unwrap();
    }
    let id = writer.finish().unwrap().id;
    Recorded { id, file }
}

fn serve(folder: &Path) -> Page {
    served(folder, Some(TOKEN)).unwrap()
}

fn served(folder: &Path, token: Option<&str>) -> Result<Page, PageError> {
    let episodes = episodes(folder);
    let material = Material {
        title: "test".into(),
        groups: vec![episodes.iter().map(|e| e.id.clone()).collect()],
        episodes,
        reason: "test".into(),
        asked: None,
        who: String::new(),
        reserved: vec!["simulated operator".into()],
        seed: Seed(1),
        robot: None,
    };
    let log = JudgementLog::open(folder.join("judgements.jsonl")).unwrap();
    Page::serve(material, log, &Access::here(0, token), Parts::default())
}

fn answer(page: &Page, who: &str, order: &Value) -> Value {
    let (_, next) = asked(page, "/api/question", &json!({ "who": who }));
    json!({
        "question": next["question"]["id"], "who": who, "what": { "order": order }, "confidence": 1.0,
        "response_time_ms": 500, "ticks_shown": [5, 5], "speed": 1.0,
    })
}

#[test]
fn only_whoever_has_the_token_is_let_in() {
    let folder = tempfile::tempdir().unwrap();
    let page = serve(folder.path());
    let own = own(&page);
    let (status, answer) = get(&page, &format!("/enter/{TOKEN}"), &own);
    assert_eq!(status, 303, "{answer}");
    let lower = answer.to_lowercase();
    assert!(lower.contains("location: /\r\n") && lower.contains("httponly; samesite=strict"));
    for path in ["/enter/another-token-of-tests", "/enter/"] {
        assert_ne!(get(&page, path, &own).0, 303, "{path}");
    }
    let closed = [
        "/api/about",
        "/clips/x/1/0",
        "/stills/x/1/0",
        "/recordings/x",
        "/viewer/0.36.3/re_viewer.js",
    ];
    let wrong = format!(
        "{own}{}",
        cookie(&page).replace(TOKEN, "another-token-of-tests")
    );
    for path in closed {
        assert_eq!(get(&page, path, &own).0, 401, "{path}");
        assert_eq!(get(&page, path, &wrong).0, 401, "{path}");
        assert_ne!(
            get(&page, path, &(own.clone() + &cookie(&page))).0,
            401,
            "{path}"
        );
    }
    let (status, door) = get(&page, "/", &own);
    assert_eq!(status, 401);
    assert!(!door.contains(TOKEN) && !door.contains("main.js"));
    for bad in ["short", "a token with spaces in it"] {
        assert!(
            matches!(
                served(folder.path(), Some(bad)),
                Err(PageError::Token { .. })
            ),
            "{bad}"
        );
    }
    let one = served(folder.path(), None).unwrap().entrance();
    assert_ne!(one, served(folder.path(), None).unwrap().entrance());
}

#[test]
fn other_hosts_and_other_sites_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let page = serve(folder.path());
    let (at, port, cookie) = (page.address(), page.address().port(), cookie(&page));
    let body = json!({ "who": "Ada" }).to_string();
    let good = format!("Host: localhost:{port}\r\nOrigin: http://localhost:{port}\r\n{cookie}");
    assert_eq!(post(&page, "/api/question", &good, &body).0, 200);
    let refused = [
        // A name of somebody else's that leads here, the right name twice, none.
        format!("Host: evil.example:{port}\r\nOrigin: http://evil.example:{port}\r\n"),
        format!("Host: {at}\r\nHost: evil.example\r\nOrigin: http://{at}\r\n"),
        format!("Origin: http://{at}\r\n"),
        format!("Host: 127.0.0.1\r\nOrigin: http://{at}\r\n"),
        format!("Host: {at}\r\nOrigin: http://evil.example\r\n"),
        format!("Host: {at}\r\nOrigin: null\r\n"),
        format!("Host: {at}\r\nOrigin: https://{at}\r\n"),
        format!("Host: {at}\r\n"),
        format!("Host: {at}\r\nOrigin: http://{at}\r\nSec-Fetch-Site: cross-site\r\n"),
    ];
    for headers in refused {
        let (status, answer) = post(&page, "/api/question", &(headers.clone() + &cookie), &body);
        assert!(status == 403 || status == 400, "{headers}{answer}");
    }
    let embedded =
        format!("Host: {at}\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n{cookie}");
    assert_eq!(get(&page, "/api/about", &embedded).0, 403);
    let (_, answer) = get(&page, "/", &good);
    let lower = answer.to_lowercase();
    assert!(lower.contains("frame-ancestors 'none'") && lower.contains("nosniff"));
}

#[test]
fn nothing_beyond_the_page_s_own_files_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let page = serve(folder.path());
    let headers = own(&page) + &cookie(&page);
    for path in [
        "/web/../Cargo.toml",
        "/web/..%2f..%2fCargo.toml",
        "/web/%2e%2e/%2e%2e/etc/passwd",
        "/web//etc/passwd",
        "/../../etc/passwd",
        "/recordings/..%2f..%2fetc%2fpasswd",
        "/stills/x/99999999999999999999/0",
        "/judgements.jsonl",
    ] {
        let (status, answer) = get(&page, path, &headers);
        assert!((400..500).contains(&status), "{path}: {answer}");
        assert!(
            !answer.contains("root:") && !answer.contains("[package]"),
            "{path}"
        );
    }
    assert_eq!(get(&page, "/web/main.js", &headers).0, 200);
}

#[test]
fn large_and_strange_requests_are_refused_and_the_next_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    let page = serve(folder.path());
    let headers = own(&page) + &cookie(&page);
    let long = format!("{headers}X-Long: {}\r\n", "x".repeat(64 << 10));
    assert_ne!(get(&page, "/", &long).0, 200);
    let (status, _) = post(&page, "/api/answer", &headers, &"x".repeat(65 << 10));
    assert_eq!(status, 413);
    for body in [
        "",
        "{",
        "[]",
        "{\"who\": 3}",
        "{\"who\": \"Ada\", \"more\": 1}",
        "\u{0}",
    ] {
        let (status, answer) = post(&page, "/api/question", &headers, body);
        assert_eq!(status, 422, "{body:?}: {answer}");
    }
    for who in ["", "  ", "simulated operator", "a\nb", &"x".repeat(65)] {
        let (status, said) = asked(&page, "/api/question", &json!({ "who": who }));
        assert_eq!(status, 422, "{who:?}: {said}");
    }
    assert_eq!(send(page.address(), "no request at all\r\n\r\n").0, 400);
    assert_eq!(get(&page, "/", &headers).0, 200);
}

#[test]
fn a_thousand_sockets_and_slow_heads_hold_nobody_up_for_long() {
    let folder = tempfile::tempdir().unwrap();
    let page = serve(folder.path());
    // As many as this process may have open.
    let idle: Vec<TcpStream> = (0..1000)
        .map_while(|_| TcpStream::connect(page.address()).ok())
        .collect();
    assert!(idle.len() > 400, "{}", idle.len());
    let mut slow = TcpStream::connect(page.address()).unwrap();
    let _ = slow.write_all(b"GET / HTTP/1.1\r\nHo");
    // Every place is taken by whoever says nothing; they lose it in ten seconds.
    let headers = own(&page) + &cookie(&page);
    let start = Instant::now();
    while get(&page, "/", &headers).0 != 200 {
        assert!(start.elapsed() < Duration::from_secs(40));
        std::thread::sleep(Duration::from_millis(500));
    }
    drop(idle);
    assert_eq!(get(&page, "/", &headers).0, 200);
}

#[test]
fn an_answer_is_kept_once_and_another_one_to_the_same_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("judgements.jsonl");
    let kept = || JudgementLog::read(&path).unwrap().judgements;
    let page = serve(folder.path());
    let mut said = answer(&page, "Ada", &json!([[2], [1]]));
    let first = asked(&page, "/api/answer", &said);
    assert_eq!(
        (first.0, &first.1["before"]),
        (200, &json!(false)),
        "{}",
        first.1
    );
    assert_eq!(kept().len(), 1);
    // Its acknowledgement was lost, and it took longer therefore.
    said["response_time_ms"] = json!(900);
    let again = asked(&page, "/api/answer", &said);
    assert_eq!(
        (again.0, &again.1["before"]),
        (200, &json!(true)),
        "{}",
        again.1
    );
    assert_eq!(first.1["kept"], again.1["kept"]);
    said["what"] = json!({ "order": [[1], [2]] });
    assert_eq!(asked(&page, "/api/answer", &said).0, 409);
    // Also where another process asks.
    drop(page);
    let page = serve(folder.path());
    assert_eq!(asked(&page, "/api/answer", &said).0, 409);
    said["what"] = json!({ "order": [[2], [1]] });
    assert_eq!(asked(&page, "/api/answer", &said).1["before"], json!(true));
    assert_eq!(kept().len(), 1);
    // Others are asked the same.
    let bob = answer(&page, "Bob", &json!([[1, 2]]));
    assert_eq!(asked(&page, "/api/answer", &bob).0, 200);
    let who: Vec<String> = kept().into_iter().map(|j| j.who).collect();
    assert_eq!(who, ["Ada", "Bob"]);
    let (_, next) = asked(&page, "/api/question", &json!({ "who": "Ada" }));
    assert_eq!(next["question"], Value::Null);
    assert_eq!(next["progress"]["agreements"][0]["groups"], json!(1));
    assert!(page.progress().enough);
}

#[test]
fn an_answer_is_taken_back_by_whoever_gave_it() {
    let folder = tempfile::tempdir().unwrap();
    let page = serve(folder.path());
    let said = answer(&page, "Ada", &json!([[2], [1]]));
    let kept = asked(&page, "/api/answer", &said).1["kept"].clone();
    for (who, id) in [("Bob", &kept), ("Ada", &json!("none"))] {
        let back = json!({ "who": who, "kept": id });
        assert_eq!(asked(&page, "/api/take-back", &back).0, 404, "{who}");
    }
    assert!(page.progress().enough);
    let back = json!({ "who": "Ada", "kept": kept });
    for before in [false, true] {
        let (status, taken) = asked(&page, "/api/take-back", &back);
        assert_eq!((status, &taken["before"]), (200, &json!(before)), "{taken}");
    }
    assert!(!page.progress().enough);
    // The same is asked again, and another answer stands.
    let other = answer(&page, "Ada", &json!([[1], [2]]));
    assert_eq!(other["question"], said["question"]);
    assert_eq!(
        asked(&page, "/api/answer", &other).1["before"],
        json!(false)
    );
    let log = JudgementLog::read(folder.path().join("judgements.jsonl")).unwrap();
    assert_eq!(log.judgements.len(), 3);
    assert_eq!(
        apprentice_preference::standing(&log.judgements),
        log.judgements[2..]
    );
}

#[test]
fn a_part_is_marked_once_and_only_where_there_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let page = serve(folder.path());
    let (_, next) = asked(&page, "/api/question", &json!({ "who": "Ada" }));
    let good = json!({
        "question": next["question"]["id"], "who": "Ada", "column": 1, "ticks": [1, 3], "name": "good",
    });
    for before in [false, true] {
        let (status, kept) = asked(&page, "/api/mark", &good);
        assert_eq!((status, &kept["before"]), (200, &json!(before)), "{kept}");
    }
    let wrong = [
        ("ticks", json!([3, 1])),
        ("ticks", json!([0, 5])),
        ("name", json!(" ")),
    ];
    for (key, value) in wrong {
        let mut mark = good.clone();
        mark[key] = value;
        assert_eq!(asked(&page, "/api/mark", &mark).0, 422, "{mark}");
    }
    let log = JudgementLog::read(folder.path().join("judgements.jsonl")).unwrap();
    assert_eq!(log.judgements.len(), 1);
    assert_eq!(page.progress().ranked, 0);
}

#[test]
fn answers_that_cannot_be_are_refused_with_nothing_kept() {
    let folder = tempfile::tempdir().unwrap();
    let page = serve(folder.path());
    let good = answer(&page, "Ada", &json!([[2], [1]]));
    let wrong = [
        ("what", json!({ "order": [[2]] })),
        ("what", json!({ "order": [[2], [2, 1]] })),
        ("what", json!({ "order": [[2], [], [1]] })),
        ("what", json!({ "order": [[0], [1]] })),
        ("what", json!("shrug")),
        ("confidence", json!(1.5)),
        ("speed", json!(0)),
        ("note", json!("two\nlines")),
        // Not all was looked at, or not for long enough.
        ("ticks_shown", json!([5, 4])),
        ("ticks_shown", json!([5])),
        ("response_time_ms", json!(20)),
    ];
    for (key, value) in wrong {
        let mut said = good.clone();
        said[key] = value.clone();
        let (status, why) = asked(&page, "/api/answer", &said);
        assert_eq!(status, 422, "{key} {value}: {why}");
        assert!(why["error"].as_str().is_some_and(|w| !w.is_empty()));
    }
    for (key, value) in [("question", "none"), ("who", "Bob"), ("axis", "speed")] {
        let mut said = good.clone();
        said[key] = json!(value);
        assert_eq!(asked(&page, "/api/answer", &said).0, 404, "{key}");
    }
    let log = JudgementLog::read(folder.path().join("judgements.jsonl")).unwrap();
    assert_eq!(log.judgements, []);
    assert_eq!(asked(&page, "/api/answer", &good).0, 200);
}

#[test]
fn an_episode_that_was_exchanged_is_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let page = serve(folder.path());
    let [a, b] = ["a.mcap", "b.mcap"].map(|name| folder.path().join(name));
    std::fs::copy(a, b).unwrap();
    let (status, why) = asked(&page, "/api/question", &json!({ "who": "Ada" }));
    assert_eq!(status, 500);
    assert!(
        why["error"].as_str().unwrap().contains("restore the file"),
        "{why}"
    );
}

/// Chooses the two episodes anew each time, with another reason.
#[derive(Debug)]
struct Anew(Vec<apprentice_episode::EpisodeId>, u32);

impl Chooser for Anew {
    fn choose(&mut self, wanted: &Wanted<'_>) -> Option<Chosen> {
        self.1 += 1;
        let mine = wanted.standing.iter().filter(|j| j.who == wanted.who);
        (mine.count() == 0).then(|| Chosen {
            group: self.0.clone(),
            reason: format!("choice {}", self.1),
            worth: Some("0.4 bits".into()),
            seconds: Some(7.5),
        })
    }

    fn advice(&self) -> Option<String> {
        Some("go on".into())
    }
}

#[test]
fn what_somebody_else_chooses_is_asked_until_it_is_answered_also_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let serve = || {
        let episodes = episodes(folder.path());
        let ids = episodes.iter().map(|e| e.id.clone()).collect();
        let material = Material {
            title: "test".into(),
            episodes,
            groups: Vec::new(),
            reason: "none".into(),
            asked: Some(folder.path().join("asked.jsonl")),
            who: String::new(),
            reserved: Vec::new(),
            seed: Seed(1),
            robot: None,
        };
        let log = JudgementLog::open(folder.path().join("judgements.jsonl")).unwrap();
        let parts = Parts {
            chooser: Some(Box::new(Anew(ids, 0))),
            ..Parts::default()
        };
        Page::serve(material, log, &Access::here(0, Some(TOKEN)), parts).unwrap()
    };
    let page = serve();
    let said = answer(&page, "Ada", &json!([[2], [1]]));
    let (_, again) = asked(&page, "/api/question", &json!({ "who": "Ada" }));
    assert_eq!(again["question"]["id"], said["question"]);
    assert_eq!(
        (
            &again["question"]["worth"],
            &again["question"]["seconds"],
            &again["advice"]
        ),
        (&json!("0.4 bits"), &json!(7.5), &json!("go on"))
    );
    drop(page);
    let page = serve();
    for before in [false, true] {
        let (status, kept) = asked(&page, "/api/answer", &said);
        assert_eq!((status, &kept["before"]), (200, &json!(before)), "{kept}");
    }
    let (_, next) = asked(&page, "/api/question", &json!({ "who": "Ada" }));
    assert_eq!(next["question"], Value::Null);
    let log = JudgementLog::read(folder.path().join("judgements.jsonl")).unwrap();
    assert_eq!(log.judgements.len(), 1);
    let reason = log.judgements[0].query_reason.as_deref();
    assert_eq!(reason, Some("choice 1"), "why it was asked first");
}
