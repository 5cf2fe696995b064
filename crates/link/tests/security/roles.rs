//! What each role can do, through a robot that listens and through a router that both join.

use crate::intruders::WaitOk as _;
use crate::rig::{Heard, ROBOT, Rig, SILENCE, ask, key, knock, put_ten, until};
use apprentice_link::security::Role;
use apprentice_link::session::Place;
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
    let commands = Heard::on(robot, "command");
    let takeover = Heard::on(robot, "takeover");
    let leases = Heard::tokens(robot, "lease/*");
    let takeovers = Heard::tokens(robot, "takeover/*");
    let served = ["describe", "service/stop", "service/enable", "reset"];
    let _served: Vec<_> = served.iter().map(|end| answers(robot, end)).collect();
    let _alive = robot.liveliness().declare_token(key("alive")).wait_ok();

    let runtime = rig.open(Role::Runtime, Place::Join).unwrap();
    let operator = rig.open(Role::Operator, Place::Join).unwrap();
    let viewer = rig.open(Role::Viewer, Place::Join).unwrap();
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

    // Questions: all of the runtime's, and a stop from anybody.
    for end in served {
        assert!(
            until(|| ask(&runtime, end).as_deref() == Some(end)),
            "{end}"
        );
    }
    assert!(until(|| ask(&runtime, "teleop").is_some()));
    for (name, session) in [("operator", &operator), ("viewer", &viewer)] {
        for end in ["describe", "service/stop"] {
            assert!(until(|| ask(session, end).is_some()), "{name} asks {end}");
        }
        for end in ["service/enable", "reset", "service/*"] {
            assert_eq!(ask(session, end), None, "{name} asks {end}");
        }
    }
    assert_eq!(ask(&viewer, "teleop"), None, "a viewer asks teleop");

    // Tokens: a lease of the runtime's, a takeover of the operator's, none of a viewer's.
    let raw = knock("client", &rig.endpoint, Some(&rig.files(Role::Viewer))).unwrap();
    let mut held = Vec::new();
    for session in [&viewer, &raw, &operator] {
        held.push(session.liveliness().declare_token(key("lease/9")).wait_ok());
    }
    for session in [&viewer, &raw, &runtime] {
        let token = session.liveliness().declare_token(key("takeover/9"));
        held.push(token.wait_ok());
        let token = session.liveliness().declare_token(key("alive"));
        held.push(token.wait_ok());
    }
    let lease = runtime.liveliness().declare_token(key("lease/1")).wait_ok();
    let hold = operator
        .liveliness()
        .declare_token(key("takeover/1"))
        .wait_ok();
    assert_eq!(leases.wait_for(&key("lease/1"), 1), 1);
    assert_eq!(takeovers.wait_for(&key("takeover/1"), 1), 1);
    sleep(SILENCE);
    assert_eq!(leases.all(), [key("lease/1")], "a lease that is not one");
    assert_eq!(takeovers.all(), [key("takeover/1")]);
    // A viewer may see who commands.
    let looked = Heard::tokens(&viewer, "lease/*");
    assert_eq!(looked.wait_for(&key("lease/1"), 1), 1);
    drop(lease);
    drop(hold);
    assert_eq!(leases.wait_for(&format!("-{}", key("lease/1")), 1), 1);
    assert_eq!(takeovers.wait_for(&format!("-{}", key("takeover/1")), 1), 1);

    // Commands: each on their own key, and nobody on another's.
    let strangers = [&viewer, &raw, &operator];
    for session in strangers {
        put_ten(session, &key("command"), "stranger");
        put_ten(session, "**", "stranger");
    }
    for session in [&viewer, &raw, &runtime] {
        put_ten(session, &key("takeover"), "stranger");
        put_ten(session, &key("state"), "stranger");
    }
    put_ten(&runtime, &key("command"), "ours");
    put_ten(&operator, &key("takeover"), "ours");
    assert_eq!(commands.wait_for("ours", 10), 10);
    assert_eq!(takeover.wait_for("ours", 10), 10);
    sleep(SILENCE);
    let strange = commands.count("stranger") + takeover.count("stranger");
    let forged: usize = seen.iter().map(|h| h.count("stranger")).sum();
    println!("20 of 20 delivered to {ROBOT}, {strange} by strangers, {forged} forged states seen");
    assert_eq!((strange, forged), (0, 0));

    // What is too long to be a command does not reach the one who would decode it.
    let long = vec![b'l'; 100_000];
    runtime.put(key("command"), long).wait_ok();
    runtime.put(key("command"), "last").wait_ok();
    assert_eq!(commands.wait_for("last", 1), 1);
    assert_eq!(commands.count("l"), 1, "100,000 bytes came as a command");
}

#[test]
fn roles_at_a_robot_that_listens() {
    let rig = Rig::new();
    let robot = rig.open(Role::Robot, Place::Listen).unwrap();
    everybody_does_their_work(&rig, &robot);
}

#[test]
fn roles_at_a_router() {
    let rig = Rig::new();
    let _router = rig.open(Role::Router, Place::Listen).unwrap();
    let robot = rig.open(Role::Robot, Place::Join).unwrap();
    everybody_does_their_work(&rig, &robot);
}

#[test]
fn a_robot_can_join_its_runtime() {
    let rig = Rig::new();
    let runtime = rig.open(Role::Runtime, Place::Listen).unwrap();
    let robot = rig.open(Role::Robot, Place::Join).unwrap();
    let commands = Heard::on(&robot, "command");
    let states = Heard::on(&runtime, "state");
    let viewer = knock("client", &rig.endpoint, Some(&rig.files(Role::Viewer))).unwrap();
    put_ten(&viewer, &key("command"), "stranger");
    put_ten(&viewer, &key("state"), "stranger");
    assert!(until(|| {
        put_ten(&robot, &key("state"), "q");
        put_ten(&runtime, &key("command"), "ours");
        states.count("q") > 0 && commands.count("ours") > 0
    }));
    sleep(Duration::from_millis(200));
    assert_eq!(commands.count("stranger") + states.count("stranger"), 0);
}
