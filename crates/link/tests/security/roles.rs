//! What each role can do, through a robot that listens and through a router that both join.

use crate::intruders::WaitOk as _;
use crate::rig::{
    Heard, OPERATOR, ROBOT, RUNTIME, Rig, SECOND_OPERATOR, SILENCE, VIEWER, ask, key, key_of,
    knock, put_ten, until,
};
use apprentice_link::security::Role;
use apprentice_link::session::Connection;
use std::thread::sleep;
use std::time::Duration;
use zenoh::Session;
use zenoh::query::Queryable;

fn answers(session: &Session, end: &str) -> Queryable<()> {
    let said = end.to_owned();
    session
        .declare_queryable(key(end))
        .callback(move |query| {
            let key = query.key_expr().clone();
            query.reply(key, said.clone()).wait_ok();
        })
        .wait_ok()
}

/// A robot and all others do what their roles are for; a viewer and an operator try what theirs are not for.
fn everybody_does_their_work(rig: &Rig, robot: &Session) {
    let commands = Heard::on(robot, "command/*");
    let takeover = Heard::on(robot, "takeover/*");
    let leases = Heard::tokens(robot, "lease/*");
    let takeovers = Heard::tokens(robot, "takeover/*");
    let served = [
        ("describe", false),
        ("service/stop", true),
        ("service/enable", true),
        ("service/acknowledge", true),
        ("reset", true),
    ];
    let end = |(path, numbered): (&str, bool), client: u32| match numbered {
        true => format!("{path}/{client:08x}"),
        false => path.to_owned(),
    };
    let all = |(path, numbered): (&str, bool)| match numbered {
        true => format!("{path}/*"),
        false => path.to_owned(),
    };
    let _served: Vec<_> = served.iter().map(|s| answers(robot, &all(*s))).collect();
    let _alive = robot.liveliness().declare_token(key("alive")).wait_ok();

    let runtime = rig.open(Role::Runtime, Connection::Join).unwrap();
    let operator = rig.open(Role::Operator, Connection::Join).unwrap();
    let viewer = rig.open(Role::Viewer, Connection::Join).unwrap();
    let _teleop = answers(&operator, "teleop");

    // State and pictures reach whoever may look.
    let lookers = [&runtime, &operator, &viewer];
    let seen: Vec<Heard> = lookers
        .iter()
        .flat_map(|s| [Heard::on(s, "state"), Heard::on(s, "camera/wrist")])
        .collect();
    assert!(
        until(|| {
            put_ten(robot, &key("state"), "q");
            put_ten(robot, &key("camera/wrist"), "q");
            seen.iter().all(|h| h.count("q") > 0)
        }),
        "somebody sees nothing"
    );

    // Who decides is said by the runtime alone, to everybody.
    let told = [robot, &operator, &viewer].map(|s| Heard::on(s, "authority"));
    assert!(
        until(|| {
            put_ten(&runtime, &key("authority"), "ours");
            told.iter().all(|h| h.count("ours") > 0)
        }),
        "somebody is not told who decides"
    );
    for session in [&viewer, &operator] {
        put_ten(session, &key("authority"), "stranger");
    }
    sleep(SILENCE);
    assert!(told.iter().all(|h| h.count("stranger") == 0));
    drop(told);

    // Questions: all of the runtime's, and a stop from anybody. A stop is a person's to acknowledge.
    for one in served {
        let asked = end(one, RUNTIME);
        if one.0 == "service/acknowledge" {
            assert_eq!(ask(&runtime, &asked), None, "{asked}");
            continue;
        }
        assert!(
            until(|| ask(&runtime, &asked).as_deref() == Some(&*all(one))),
            "{asked}"
        );
        // Under another's number, or everybody's, nothing is asked.
        if one.1 {
            for other in [end(one, RUNTIME + 0x10_0000), end(one, OPERATOR), all(one)] {
                assert_eq!(ask(&runtime, &other), None, "{other}");
            }
        }
    }
    assert!(until(|| ask(&runtime, "teleop").is_some()));
    for (name, session, client) in [
        ("operator", &operator, OPERATOR),
        ("viewer", &viewer, VIEWER),
    ] {
        for path in [("describe", false), ("service/stop", true)] {
            let asked = end(path, client);
            assert!(
                until(|| ask(session, &asked).is_some()),
                "{name} asks {asked}"
            );
        }
        for path in ["service/enable", "reset", "service/*"] {
            for number in [client, RUNTIME] {
                let asked = end((path, true), number);
                assert_eq!(ask(session, &asked), None, "{name} asks {asked}");
            }
        }
        for asked in [
            end(("service/stop", true), RUNTIME),
            "service/stop/*".into(),
            "service/*/*".into(),
        ] {
            assert_eq!(ask(session, &asked), None, "{name} asks {asked}");
        }
    }
    let acknowledge = ("service/acknowledge", true);
    assert!(until(
        || ask(&operator, &end(acknowledge, OPERATOR)).is_some()
    ));
    assert_eq!(ask(&viewer, &end(acknowledge, VIEWER)), None);
    assert_eq!(ask(&viewer, "teleop"), None, "a viewer asks teleop");

    // Tokens: a lease of the runtime's, a takeover of the operator's, none of a viewer's.
    let raw = knock("client", &rig.endpoint, Some(&rig.files(Role::Viewer))).unwrap();
    let mut held = Vec::new();
    for session in [&viewer, &raw, &operator] {
        for number in [RUNTIME, VIEWER, OPERATOR] {
            let token = session.liveliness().declare_token(key_of("lease", number));
            held.push(token.wait_ok());
        }
    }
    for session in [&viewer, &raw, &runtime] {
        for number in [RUNTIME, VIEWER, OPERATOR] {
            let token = session
                .liveliness()
                .declare_token(key_of("takeover", number));
            held.push(token.wait_ok());
        }
        let token = session.liveliness().declare_token(key("alive"));
        held.push(token.wait_ok());
    }
    // Those of the right role, under numbers that are another's.
    for (session, path, number) in [
        (&operator, "takeover", SECOND_OPERATOR),
        (&runtime, "lease", RUNTIME + 0x10_0000),
    ] {
        let token = session.liveliness().declare_token(key_of(path, number));
        held.push(token.wait_ok());
    }
    let (lease, hold) = (key_of("lease", RUNTIME), key_of("takeover", OPERATOR));
    let leased = runtime.liveliness().declare_token(lease.clone()).wait_ok();
    let holding = operator.liveliness().declare_token(hold.clone()).wait_ok();
    assert_eq!(leases.wait_for(&lease, 1), 1);
    assert_eq!(takeovers.wait_for(&hold, 1), 1);
    sleep(SILENCE);
    assert_eq!(
        leases.all(),
        std::slice::from_ref(&lease),
        "a lease that is not one"
    );
    assert_eq!(takeovers.all(), std::slice::from_ref(&hold));
    // A viewer may see who commands.
    let looked = Heard::tokens(&viewer, "lease/*");
    assert_eq!(looked.wait_for(&lease, 1), 1);
    drop(leased);
    drop(holding);
    assert_eq!(leases.wait_for(&format!("-{lease}"), 1), 1);
    assert_eq!(takeovers.wait_for(&format!("-{hold}"), 1), 1);

    // Commands: each on their own key, and nobody on another's.
    let strangers = [&viewer, &raw, &operator];
    for session in strangers {
        for number in [RUNTIME, OPERATOR, VIEWER] {
            put_ten(session, &key_of("command", number), "stranger");
        }
        put_ten(session, &key("command/*"), "stranger");
        put_ten(session, "**", "stranger");
    }
    for session in [&viewer, &raw, &runtime] {
        put_ten(session, &key_of("takeover", OPERATOR), "stranger");
        put_ten(session, &key("state"), "stranger");
    }
    // The right role under another's number, everybody's, and none.
    for (session, path, others) in [
        (&runtime, "command", RUNTIME + 0x10_0000),
        (&operator, "takeover", SECOND_OPERATOR),
    ] {
        put_ten(session, &key_of(path, others), "stranger");
        for end in ["*", "**", "$*"] {
            put_ten(session, &key(&format!("{path}/{end}")), "stranger");
        }
        put_ten(session, &key(path), "stranger");
    }
    put_ten(&runtime, &key_of("command", RUNTIME), "ours");
    put_ten(&operator, &key_of("takeover", OPERATOR), "ours");
    assert_eq!(commands.wait_for("ours", 10), 10);
    assert_eq!(takeover.wait_for("ours", 10), 10);
    sleep(SILENCE);
    let strange = commands.count("stranger") + takeover.count("stranger");
    let forged: usize = seen.iter().map(|h| h.count("stranger")).sum();
    println!("20 of 20 delivered to {ROBOT}, {strange} by strangers, {forged} forged states seen");
    assert_eq!((strange, forged), (0, 0));

    // What is too long to be a command does not reach the one who would decode it.
    let long = vec![b'l'; 100_000];
    let command = key_of("command", RUNTIME);
    runtime.put(command.clone(), long).wait_ok();
    runtime.put(command, "last").wait_ok();
    assert_eq!(commands.wait_for("last", 1), 1);
    assert_eq!(commands.count("l"), 1, "100,000 bytes came as a command");
}

#[test]
fn roles_at_a_robot_that_listens() {
    let rig = Rig::new();
    let robot = rig.open(Role::Robot, Connection::Listen).unwrap();
    everybody_does_their_work(&rig, &robot);
}

#[test]
fn roles_at_a_router() {
    let rig = Rig::new();
    let _router = rig.open(Role::Router, Connection::Listen).unwrap();
    let robot = rig.open(Role::Robot, Connection::Join).unwrap();
    everybody_does_their_work(&rig, &robot);
}

#[test]
fn a_robot_can_join_its_runtime() {
    let rig = Rig::new();
    let runtime = rig.open(Role::Runtime, Connection::Listen).unwrap();
    let robot = rig.open(Role::Robot, Connection::Join).unwrap();
    let commands = Heard::on(&robot, "command/*");
    let states = Heard::on(&runtime, "state");
    let viewer = knock("client", &rig.endpoint, Some(&rig.files(Role::Viewer))).unwrap();
    put_ten(&viewer, &key_of("command", RUNTIME), "stranger");
    put_ten(&viewer, &key("state"), "stranger");
    assert!(until(|| {
        put_ten(&robot, &key("state"), "q");
        put_ten(&runtime, &key_of("command", RUNTIME), "ours");
        states.count("q") > 0 && commands.count("ours") > 0
    }));
    sleep(Duration::from_millis(200));
    assert_eq!(commands.count("stranger") + states.count("stranger"), 0);
}
