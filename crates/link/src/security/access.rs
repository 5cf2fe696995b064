//! Who may do what on the keys of one robot.
//!
//! One table of rights per role. The side that listens enforces it for each role that connects; a side that
//! connects enforces the mirror image of its own rights towards whoever it reached, so that a stranger who
//! answers at a robot's address is told nothing either. Zenoh denies what no rule allows. Nobody may delete.

use super::Role;
use serde_json::{Value, json};

/// What a role may do; keys below `apprentice/<robot>/`.
struct Rights {
    publishes: &'static [&'static str],
    reads: &'static [&'static str],
    /// Questions it answers.
    serves: &'static [&'static str],
    /// Questions it asks.
    asks: &'static [&'static str],
    /// Liveliness tokens it may hold.
    holds: &'static [&'static str],
    /// Liveliness tokens it may see.
    watches: &'static [&'static str],
}

/// What a robot says of itself.
const SAID: &[&str] = &["state", "status", "event", "camera/*"];
/// All tokens: that of the robot, of who commands it, of who takes over.
const TOKENS: &[&str] = &["alive", "lease/*", "takeover/*"];
/// Anybody with a certificate may stop a robot.
const LOOK_AND_STOP: &[&str] = &["describe", "service/stop"];

fn rights(role: Role) -> Option<Rights> {
    match role {
        Role::Robot => Some(Rights {
            publishes: SAID,
            reads: &["command", "chunk", "takeover"],
            serves: &[
                "describe",
                "clock",
                "reset",
                "service/acquire",
                "service/release",
                "service/enable",
                "service/stop",
                "service/recover",
                "service/home",
            ],
            asks: &[],
            holds: &["alive"],
            watches: TOKENS,
        }),
        Role::Runtime => Some(Rights {
            publishes: &["command", "chunk"],
            reads: &["state", "status", "event", "camera/*", "takeover"],
            serves: &[],
            asks: &["describe", "clock", "reset", "service/*", "teleop"],
            holds: &["lease/*"],
            watches: TOKENS,
        }),
        Role::Operator => Some(Rights {
            publishes: &["takeover"],
            reads: SAID,
            serves: &["teleop"],
            asks: LOOK_AND_STOP,
            holds: &["takeover/*"],
            watches: TOKENS,
        }),
        Role::Viewer => Some(Rights {
            publishes: &[],
            reads: SAID,
            serves: &[],
            asks: LOOK_AND_STOP,
            holds: &[],
            watches: TOKENS,
        }),
        Role::Router | Role::Guest => None,
    }
}

/// Which way a message goes, seen from the role whose rights are meant.
#[derive(Clone, Copy)]
enum Way {
    From,
    To,
}

impl Rights {
    /// Keys, message kinds and their direction, for every right that is not empty.
    fn rules(&self) -> Vec<(&'static [&'static str], &'static [&'static str], Way)> {
        use Way::{From, To};
        let watching: &[&str] = &["declare_liveliness_subscriber", "liveliness_query"];
        [
            (self.publishes, &["put"][..], From),
            (self.publishes, &["declare_subscriber"], To),
            (self.reads, &["declare_subscriber"], From),
            (self.reads, &["put"], To),
            (self.serves, &["declare_queryable", "reply"], From),
            (self.serves, &["query"], To),
            (self.asks, &["query"], From),
            (self.asks, &["declare_queryable", "reply"], To),
            (self.holds, &["liveliness_token"], From),
            (self.holds, watching, To),
            (self.watches, watching, From),
            (self.watches, &["liveliness_token"], To),
        ]
        .into_iter()
        .filter(|(keys, _, _)| !keys.is_empty())
        .collect()
    }
}

/// Zenoh's `access_control` for a session of `role` at the keys of `robot`, or `None` for a guest.
pub(crate) fn control(role: Role, listens: bool, robot: &str) -> Option<Value> {
    if role == Role::Guest {
        return None;
    }
    let mut rules = Vec::new();
    let mut subjects = Vec::new();
    let mut policies = Vec::new();
    // Listening: each role that connects has its own rights. Connecting: whoever may listen has ours.
    let cases: Vec<(Role, Vec<Role>)> = if listens {
        Role::CERTIFIED.iter().map(|r| (*r, vec![*r])).collect()
    } else {
        let hosts = Role::CERTIFIED.into_iter().filter(|r| r.may_listen());
        vec![(role, hosts.collect())]
    };
    for (holder, others) in cases {
        let Some(rights) = rights(holder) else {
            continue;
        };
        let names: Vec<String> = others.iter().map(|r| r.common_name(robot)).collect();
        let mut ids = Vec::new();
        for (number, (keys, messages, way)) in rights.rules().into_iter().enumerate() {
            let id = format!("{}-{number}", holder.name());
            let inwards = listens == matches!(way, Way::From);
            let keys: Vec<String> = keys
                .iter()
                .map(|k| format!("apprentice/{robot}/{k}"))
                .collect();
            rules.push(json!({
                "id": id,
                "permission": "allow",
                "messages": messages,
                "flows": [if inwards { "ingress" } else { "egress" }],
                "key_exprs": keys,
            }));
            ids.push(id);
        }
        subjects.push(json!({
            "id": holder.name(),
            "cert_common_names": names,
            "link_protocols": ["tls"],
        }));
        policies.push(json!({"rules": ids, "subjects": [holder.name()]}));
    }
    Some(json!({
        "enabled": true,
        "default_permission": "deny",
        "rules": rules,
        "subjects": subjects,
        "policies": policies,
    }))
}

/// Longest command, bytes: 64 joints and their header are far below it.
const LONGEST_COMMAND: usize = 16 << 10;
/// Longest chunk of commands, bytes.
const LONGEST_CHUNK: usize = 1 << 20;
/// Longest request of a service, or takeover command, bytes.
const LONGEST_REQUEST: usize = 64 << 10;

/// Zenoh's `low_pass_filter`: what is too long to be a command never reaches the one who decodes commands.
pub(crate) fn size_limits(robot: &str) -> Value {
    let limit = |id: &str, message: &str, key: &str, most: usize| {
        json!({
            "id": id,
            "flows": ["ingress"],
            "messages": [message],
            "key_exprs": [format!("apprentice/{robot}/{key}")],
            "size_limit": most,
        })
    };
    json!([
        limit("command", "put", "command", LONGEST_COMMAND),
        limit("chunk", "put", "chunk", LONGEST_CHUNK),
        limit("takeover", "put", "takeover", LONGEST_REQUEST),
        limit("question", "query", "**", LONGEST_REQUEST),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who may send a message of this kind on this key to a listener.
    fn senders(message: &str, key: &str) -> Vec<String> {
        let control = control(Role::Robot, true, "arm").unwrap();
        let list = |v: &Value| v.as_array().unwrap().clone();
        let allowed: Vec<Value> = list(&control["rules"])
            .into_iter()
            .filter(|r| {
                r["flows"] == json!(["ingress"])
                    && list(&r["messages"]).contains(&json!(message))
                    && list(&r["key_exprs"]).contains(&json!(format!("apprentice/arm/{key}")))
            })
            .map(|r| r["id"].clone())
            .collect();
        list(&control["policies"])
            .iter()
            .filter(|p| list(&p["rules"]).iter().any(|r| allowed.contains(r)))
            .map(|p| p["subjects"][0].as_str().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn each_thing_may_be_done_by_those_who_need_it() {
        assert_eq!(senders("put", "command"), ["runtime"]);
        assert_eq!(senders("put", "chunk"), ["runtime"]);
        assert_eq!(senders("put", "takeover"), ["operator"]);
        assert_eq!(senders("put", "state"), ["robot"]);
        assert_eq!(senders("liveliness_token", "lease/*"), ["runtime"]);
        assert_eq!(senders("liveliness_token", "takeover/*"), ["operator"]);
        assert_eq!(senders("liveliness_token", "alive"), ["robot"]);
        assert_eq!(senders("query", "service/*"), ["runtime"]);
        assert_eq!(senders("query", "service/stop"), ["operator", "viewer"]);
        assert_eq!(senders("declare_queryable", "service/stop"), ["robot"]);
        assert_eq!(senders("declare_queryable", "teleop"), ["operator"]);
        assert!(senders("delete", "command").is_empty());
    }

    #[test]
    fn who_connects_expects_only_those_who_may_listen() {
        let control = control(Role::Viewer, false, "arm").unwrap();
        assert_eq!(
            control["subjects"][0]["cert_common_names"],
            json!(["robot@arm", "runtime@arm", "router@arm"])
        );
        // A viewer sends nothing to anybody: no rule lets a put out.
        let out = control["rules"]
            .as_array()
            .unwrap()
            .iter()
            .any(|r| r["flows"] == json!(["egress"]) && r["messages"] == json!(["put"]));
        assert!(!out);
    }
}
