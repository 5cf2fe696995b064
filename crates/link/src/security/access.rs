//! Who may do what on the keys of one robot.
//!
//! One table of rights per role. The side that listens enforces it for each certificate that connects; a side that
//! connects enforces the mirror image of its own rights towards whoever it reached, so that a stranger who
//! answers at a robot's address is told nothing either. Zenoh denies what no rule allows. Nobody may delete.
//! What a client sends it sends on keys that end in a number of its certificate.

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

/// At the end of a key: the numbers of the certificate that is meant.
const OWN: &str = "OWN";
/// What is said of a robot, by itself and by the runtime that drives it.
const SAID: &[&str] = &[
    "state",
    "status",
    "event",
    "camera/*",
    "authority",
    "episode",
];
/// All tokens: that of the robot, of who commands it, of who takes over.
const TOKENS: &[&str] = &["alive", "lease/*", "takeover/*"];

fn rights(role: Role) -> Option<Rights> {
    match role {
        Role::Robot => Some(Rights {
            publishes: &["state", "status", "event", "camera/*"],
            // State and description for whoever publishes a camera's frames beside the driver, in the robot's name.
            reads: &["command/*", "chunk/*", "takeover/*", "authority", "state"],
            serves: &[
                "describe",
                "clock",
                "verdict",
                "reset/*",
                "service/acquire/*",
                "service/release/*",
                "service/enable/*",
                "service/stop/*",
                "service/recover/*",
                "service/home/*",
                "service/acknowledge/*",
            ],
            asks: &["describe"],
            holds: &["alive"],
            watches: TOKENS,
        }),
        Role::Runtime => Some(Rights {
            publishes: &["command/OWN", "chunk/OWN", "authority", "episode"],
            reads: &["state", "status", "event", "camera/*", "takeover/*"],
            serves: &[],
            asks: &[
                "describe",
                "clock",
                "verdict",
                "teleop",
                "reset/OWN",
                "service/acquire/OWN",
                "service/release/OWN",
                "service/enable/OWN",
                "service/stop/OWN",
                "service/recover/OWN",
                "service/home/OWN",
            ],
            holds: &["lease/OWN"],
            watches: TOKENS,
        }),
        Role::Operator => Some(Rights {
            publishes: &["takeover/OWN"],
            reads: SAID,
            serves: &["teleop"],
            // Whoever is beside the robot may say that it can go on after a stop that nobody owns.
            asks: &["describe", "service/stop/OWN", "service/acknowledge/OWN"],
            holds: &["takeover/OWN"],
            watches: TOKENS,
        }),
        Role::Viewer => Some(Rights {
            publishes: &[],
            reads: SAID,
            serves: &[],
            // Anybody with a certificate may stop a robot.
            asks: &["describe", "service/stop/OWN"],
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

/// Keys, message kinds and their direction.
struct Rule {
    keys: Vec<String>,
    messages: &'static [&'static str],
    way: Way,
}

impl Rights {
    /// Rules for every right that is not empty, of a certificate whose clients' numbers end keys like `own`.
    fn rules(&self, own: &str) -> Vec<Rule> {
        use Way::{From, To};
        let watching: &[&str] = &["declare_liveliness_subscriber", "liveliness_query"];
        // What others declare on keys of all clients they declare once; what is sent there bears a number.
        [
            (self.publishes, &["put"][..], From, own),
            (self.publishes, &["declare_subscriber"], To, "*"),
            (self.reads, &["declare_subscriber"], From, own),
            (self.reads, &["put"], To, own),
            (self.serves, &["declare_queryable", "reply"], From, own),
            (self.serves, &["query"], To, own),
            (self.asks, &["query"], From, own),
            (self.asks, &["declare_queryable"], To, "*"),
            (self.asks, &["reply"], To, own),
            (self.holds, &["liveliness_token"], From, own),
            (self.holds, watching, To, "*"),
            (self.watches, watching, From, own),
            (self.watches, &["liveliness_token"], To, own),
        ]
        .into_iter()
        .filter(|(keys, ..)| !keys.is_empty())
        .map(|(keys, messages, way, end)| Rule {
            keys: keys.iter().map(|key| ending(key, end)).collect(),
            messages,
            way,
        })
        .collect()
    }
}

/// The key, with this in place of [`OWN`].
fn ending(key: &str, end: &str) -> String {
    match key.strip_suffix(OWN) {
        Some(path) => format!("{path}{end}"),
        None => key.to_owned(),
    }
}

/// A role, and which device of it.
type Device = (Role, u32);

/// All devices of these roles.
fn devices(roles: &[Role]) -> Vec<Device> {
    let of = |role: Role| (0..role.max_devices()).map(move |device_index| (role, device_index));
    roles.iter().copied().flat_map(of).collect()
}

/// Zenoh's `access_control` for a session of the device at `place` of `role` at the keys of `robot`, or `None` for
/// a guest.
pub(crate) fn control(role: Role, device_index: u32, listens: bool, robot: &str) -> Option<Value> {
    if role == Role::Guest {
        return None;
    }
    let mut rules = Vec::new();
    let mut subjects = Vec::new();
    let mut policies = Vec::new();
    // Listening: each certificate that connects has its own rights. Connecting: whoever may listen has ours.
    let cases: Vec<(Device, Vec<Device>)> = if listens {
        let all = devices(&Role::CERTIFIED);
        all.into_iter().map(|c| (c, vec![c])).collect()
    } else {
        let hosts: Vec<Role> = Role::CERTIFIED
            .into_iter()
            .filter(|r| r.may_listen())
            .collect();
        vec![((role, device_index), devices(&hosts))]
    };
    for ((holder, device_index), others) in cases {
        let Some(rights) = rights(holder) else {
            continue;
        };
        let names: Vec<String> = others
            .iter()
            .map(|(role, device_index)| role.common_name_at(*device_index, robot))
            .collect();
        let own = holder.clients(device_index).unwrap_or_default();
        let mut ids = Vec::new();
        for (number, rule) in rights.rules(&own).into_iter().enumerate() {
            let id = format!("{}-{number}", holder.name_at(device_index));
            let inwards = listens == matches!(rule.way, Way::From);
            let keys: Vec<String> = rule
                .keys
                .iter()
                .map(|k| format!("apprentice/{robot}/{k}"))
                .collect();
            rules.push(json!({
                "id": id,
                "permission": "allow",
                "messages": rule.messages,
                "flows": [if inwards { "ingress" } else { "egress" }],
                "key_exprs": keys,
            }));
            ids.push(id);
        }
        subjects.push(json!({
            "id": holder.name_at(device_index),
            "cert_common_names": names,
            "link_protocols": ["tls"],
        }));
        policies.push(json!({"rules": ids, "subjects": [holder.name_at(device_index)]}));
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
        limit("command", "put", "command/*", LONGEST_COMMAND),
        limit("chunk", "put", "chunk/*", LONGEST_CHUNK),
        limit("takeover", "put", "takeover/*", LONGEST_REQUEST),
        limit("question", "query", "**", LONGEST_REQUEST),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who may send a message of this kind on this key, or one of these numbers, to a listener.
    fn senders(message: &str, key: &str) -> Vec<String> {
        let control = control(Role::Robot, 0, true, "arm").unwrap();
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
        assert_eq!(senders("put", "command/100$*"), ["runtime"]);
        assert_eq!(senders("put", "command/103$*"), ["runtime.3"]);
        assert_eq!(senders("put", "chunk/10f$*"), ["runtime.15"]);
        assert_eq!(senders("put", "takeover/200$*"), ["operator"]);
        assert_eq!(senders("put", "takeover/201$*"), ["operator.1"]);
        assert_eq!(senders("put", "state"), ["robot"]);
        assert_eq!(senders("put", "authority").len(), 16);
        assert_eq!(senders("put", "episode"), senders("put", "authority"));
        assert_eq!(senders("liveliness_token", "lease/101$*"), ["runtime.1"]);
        assert_eq!(
            senders("liveliness_token", "takeover/202$*"),
            ["operator.2"]
        );
        assert_eq!(senders("liveliness_token", "alive"), ["robot"]);
        assert_eq!(senders("query", "reset/100$*"), ["runtime"]);
        assert_eq!(senders("query", "service/enable/100$*"), ["runtime"]);
        assert_eq!(senders("query", "service/stop/301$*"), ["viewer.1"]);
        assert_eq!(senders("query", "service/stop/100$*"), ["runtime"]);
        for service in ["stop", "acknowledge"] {
            let key = format!("service/{service}/200$*");
            assert_eq!(senders("query", &key), ["operator"]);
        }
        // A stop is a person's to acknowledge: no program's, and nobody's who only looks on.
        for others in ["100$*", "300$*"] {
            assert!(senders("query", &format!("service/acknowledge/{others}")).is_empty());
        }
        assert_eq!(senders("declare_queryable", "service/stop/*"), ["robot"]);
        assert_eq!(senders("declare_queryable", "teleop").len(), 16);
    }

    /// Nobody may send on a key of all clients, nor on one that bears no number.
    #[test]
    fn no_certificate_may_send_under_any_number() {
        for key in [
            "command",
            "chunk",
            "takeover",
            "reset",
            "service/stop",
            "service/enable",
        ] {
            for end in ["", "/*", "/**", "/$*", "/OWN", "/1$*", "/2$*"] {
                for message in ["put", "query", "liveliness_token", "delete"] {
                    let who = senders(message, &format!("{key}{end}"));
                    assert!(who.is_empty(), "{message} {key}{end}: {who:?}");
                }
            }
        }
        for end in ["", "/*", "/OWN"] {
            assert!(senders("liveliness_token", &format!("lease{end}")).is_empty());
        }
    }

    #[test]
    fn who_connects_expects_only_those_who_may_listen() {
        let control = control(Role::Viewer, 0, false, "arm").unwrap();
        let names = control["subjects"][0]["cert_common_names"]
            .as_array()
            .unwrap();
        assert_eq!(names.len(), 18);
        for name in ["robot@arm", "runtime@arm", "runtime.15@arm", "router@arm"] {
            assert!(names.contains(&json!(name)), "{name}");
        }
        // A viewer sends nothing to anybody: no rule lets a put out.
        let out = control["rules"]
            .as_array()
            .unwrap()
            .iter()
            .any(|r| r["flows"] == json!(["egress"]) && r["messages"] == json!(["put"]));
        assert!(!out);
    }
}
