//! A robot that listens with keys, and ways to knock at its door.

use apprentice_link::LinkError;
use apprentice_link::security::{
    CertificateAuthority, Devices, IssuedCertificate, Role, Security, Validity,
};
use apprentice_link::session::{Connection, ONE_THREAD, Participant, free_port};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Once};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use zenoh::pubsub::Subscriber;
use zenoh::{Config, Session, Wait as _};

/// The robot of these tests.
pub const ROBOT: &str = "arm";
/// How long a session may take to open.
pub const PATIENCE: Duration = Duration::from_secs(5);
/// How long something that must not arrive is waited for.
pub const SILENCE: Duration = Duration::from_millis(400);

/// Keys of the robot, and where it listens.
pub struct Rig {
    pub authority: CertificateAuthority,
    pub keys: PathBuf,
    pub endpoint: String,
    pub folder: TempDir,
}

impl Rig {
    pub fn new() -> Self {
        static STARTED: Once = Once::new();
        STARTED.call_once(|| {
            let (name, value) = ONE_THREAD;
            // SAFETY: nothing in this process reads its environment but through the standard library, which
            // locks it; zenoh does when it opens its first session, which needs a rig.
            #[allow(unsafe_code)]
            unsafe {
                std::env::set_var(name, value);
            }
        });
        let folder = tempfile::tempdir().unwrap();
        let keys = folder.path().join("keys");
        let authority = CertificateAuthority::new(ROBOT, Validity::days(30).unwrap()).unwrap();
        let devices = Devices {
            runtimes: 2,
            operators: 2,
            viewers: 1,
        };
        authority.write(&keys, ROBOT, &[], &devices).unwrap();
        Self {
            authority,
            keys,
            endpoint: format!("tls/127.0.0.1:{}", free_port().unwrap()),
            folder,
        }
    }

    pub fn security(&self) -> Security {
        Security::Keys {
            folder: self.keys.clone(),
        }
    }

    /// A session of ours with the right keys.
    pub fn open(&self, role: Role, connection: Connection) -> Result<Session, LinkError> {
        let participant = Participant {
            role,
            connection,
            robot: ROBOT,
            endpoint: &self.endpoint,
        };
        participant.open(&self.security(), PATIENCE)
    }

    /// A certificate in a file, for somebody who configures zenoh without us.
    pub fn store(&self, name: &str, made: &IssuedCertificate) -> Files {
        let path = |end: &str| self.folder.path().join(format!("{name}.{end}"));
        std::fs::write(path("pem"), &made.certificate).unwrap();
        std::fs::write(path("key"), &made.key).unwrap();
        Files {
            authority: self.keys.join("ca.pem"),
            own: Some((path("pem"), path("key"))),
        }
    }

    /// What a second device of `role` has.
    pub fn second(&self, role: Role) -> Security {
        Security::Keys {
            folder: self.keys.join(role.name_at(1)),
        }
    }

    /// What the keys' folder holds for `role`.
    pub fn files(&self, role: Role) -> Files {
        let path = |end: &str| self.keys.join(format!("{}.{end}", role.name()));
        Files {
            authority: self.keys.join("ca.pem"),
            own: Some((path("pem"), path("key"))),
        }
    }
}

/// What an intruder shows and trusts.
#[derive(Clone)]
pub struct Files {
    pub authority: PathBuf,
    pub own: Option<(PathBuf, PathBuf)>,
}

/// A configuration that shares nothing with ours, in `mode`, with no access control of its own.
pub fn foreign(mode: &str, endpoint: &str, listens: bool, files: Option<&Files>) -> Config {
    let mut config = Config::default();
    let mut set = |key: &str, value: &str| config.insert_json5(key, value).unwrap();
    set("mode", &format!("{mode:?}"));
    set("scouting/multicast/enabled", "false");
    set("scouting/gossip/enabled", "false");
    let here = format!("[{endpoint:?}]");
    let (listen, connect) = if listens {
        (&*here, "[]")
    } else {
        ("[]", &*here)
    };
    set("listen/endpoints", listen);
    set("connect/endpoints", connect);
    set("connect/timeout_ms", "1500");
    set("connect/exit_on_failure", "true");
    if let Some(files) = files {
        let text = |p: &Path| format!("{:?}", p.to_str().unwrap());
        set(
            "transport/link/tls/root_ca_certificate",
            &text(&files.authority),
        );
        if let Some((certificate, key)) = &files.own {
            set("transport/link/tls/enable_mtls", "true");
            for side in ["listen", "connect"] {
                let place = format!("transport/link/tls/{side}");
                set(&format!("{place}_certificate"), &text(certificate));
                set(&format!("{place}_private_key"), &text(key));
            }
        }
    }
    config
}

/// Whoever knocks with a configuration of their own.
pub fn knock(mode: &str, endpoint: &str, files: Option<&Files>) -> Result<Session, String> {
    zenoh::open(foreign(mode, endpoint, false, files))
        .wait()
        .map_err(|e| e.to_string())
}

/// Ends of keys of the first runtime, operator and viewer, and of the second operator.
pub const RUNTIME: u32 = 0x1000_0001;
pub const OPERATOR: u32 = 0x2000_0001;
pub const VIEWER: u32 = 0x3000_0001;
pub const SECOND_OPERATOR: u32 = 0x2010_0001;

/// A key that ends in a client's number.
pub fn key_of(path: &str, client: u32) -> String {
    key(&format!("{path}/{client:08x}"))
}

pub fn key(end: &str) -> String {
    format!("apprentice/{ROBOT}/{end}")
}

/// Everything that arrived on some key, as text.
pub struct Heard {
    list: Arc<Mutex<Vec<String>>>,
    _subscriber: Subscriber<()>,
}

impl Heard {
    /// Listens on a key.
    pub fn on(session: &Session, end: &str) -> Self {
        let list = Arc::new(Mutex::new(Vec::new()));
        let to = Arc::clone(&list);
        let subscriber = session
            .declare_subscriber(key(end))
            .callback(move |s| {
                let text = String::from_utf8_lossy(&s.payload().to_bytes()).into_owned();
                to.lock().unwrap().push(format!("{}{text}", kind(&s)));
            })
            .wait()
            .unwrap();
        Self {
            list,
            _subscriber: subscriber,
        }
    }

    /// Listens for tokens.
    pub fn tokens(session: &Session, end: &str) -> Self {
        let list = Arc::new(Mutex::new(Vec::new()));
        let to = Arc::clone(&list);
        let subscriber = session
            .liveliness()
            .declare_subscriber(key(end))
            .history(true)
            .callback(move |s| {
                to.lock()
                    .unwrap()
                    .push(format!("{}{}", kind(&s), s.key_expr()));
            })
            .wait()
            .unwrap();
        Self {
            list,
            _subscriber: subscriber,
        }
    }

    pub fn all(&self) -> Vec<String> {
        self.list.lock().unwrap().clone()
    }

    /// How many begin with `start`.
    pub fn count(&self, start: &str) -> usize {
        self.all().iter().filter(|t| t.starts_with(start)).count()
    }

    /// Waits until so many that begin with `start` are there, and says how many came.
    pub fn wait_for(&self, start: &str, wanted: usize) -> usize {
        until(|| self.count(start) >= wanted);
        self.count(start)
    }
}

/// A minus before what was deleted.
fn kind(sample: &zenoh::sample::Sample) -> &'static str {
    match sample.kind() {
        zenoh::sample::SampleKind::Put => "",
        zenoh::sample::SampleKind::Delete => "-",
    }
}

/// Waits until it is true, or for a few seconds.
pub fn until(mut there: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if there() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    there()
}

/// Puts ten messages on a key, for others than the sender itself, and says how many its own side accepted.
pub fn put_ten(session: &Session, key: &str, what: &str) -> usize {
    (0..10)
        .filter(|n| {
            session
                .put(key, format!("{what} {n}"))
                .congestion_control(zenoh::qos::CongestionControl::Block)
                .allowed_destination(zenoh::sample::Locality::Remote)
                .wait()
                .is_ok()
        })
        .count()
}

/// Asks on a key; the answer's text, or `None` when nobody answers.
pub fn ask(session: &Session, end: &str) -> Option<String> {
    let replies = session
        .get(key(end))
        .payload("?")
        .timeout(SILENCE)
        .wait()
        .ok()?;
    let reply = replies.recv().ok()?;
    let sample = reply.result().ok()?;
    Some(String::from_utf8_lossy(&sample.payload().to_bytes()).into_owned())
}
