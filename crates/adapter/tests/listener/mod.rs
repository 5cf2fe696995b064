//! A zenoh session that others connect to.

use apprentice_link::session::free_port;
use zenoh::{Config, Session, Wait as _};

/// Listens on a free loopback port as a `router` or a `peer`; the session, and where.
pub fn listen(mode: &str) -> (Session, String) {
    let endpoint = free_endpoint();
    let mut config = Config::default();
    for (key, value) in [
        ("mode", format!("{mode:?}")),
        ("scouting/multicast/enabled", "false".to_owned()),
        ("listen/endpoints", format!("[{endpoint:?}]")),
    ] {
        config.insert_json5(key, &value).unwrap();
    }
    (zenoh::open(config).wait().unwrap(), endpoint)
}

/// A loopback address that is free now.
pub fn free_endpoint() -> String {
    format!("tcp/127.0.0.1:{}", free_port().unwrap())
}
