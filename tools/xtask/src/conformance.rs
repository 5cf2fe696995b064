//! `cargo xtask conformance`: our adapter for franka-node beside franka-node and franka-sim themselves, in
//! a network namespace of their own.

mod namespace;
mod setup;

use namespace::Namespace;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const ARM: &str = "sim";
const PORT: u16 = 7461;
/// Where franka-sim, as an arm's controller, answers.
const ARM_PORT: u16 = 1337;

/// What was asked for.
#[derive(Debug, PartialEq)]
pub struct Options {
    episodes: u32,
    json: Option<PathBuf>,
    /// franka-node 0.4.0, when it is not to be installed.
    node: Option<PathBuf>,
    /// Python with franka-sim, when none is to be set up.
    python: Option<PathBuf>,
    /// The driver, when it is not to be built.
    binary: Option<PathBuf>,
}

impl Options {
    /// Reads them; `None` when they cannot be understood.
    pub fn parse(arguments: &[&str]) -> Option<Self> {
        let mut options = Self {
            episodes: 50,
            json: None,
            node: None,
            python: None,
            binary: None,
        };
        for pair in arguments.chunks(2) {
            let [name, value] = pair else { return None };
            match *name {
                "--episodes" => options.episodes = value.parse().ok().filter(|n| *n > 0)?,
                "--json" => options.json = Some(value.into()),
                "--node" => options.node = Some(value.into()),
                "--python" => options.python = Some(value.into()),
                "--binary" => options.binary = Some(value.into()),
                _ => return None,
            }
        }
        Some(options)
    }
}

/// Sets all up, and runs it.
///
/// # Errors
/// When something cannot be set up, or a figure is not as it must be.
pub fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()?;
    let folder = root.join("target/conformance");
    std::fs::create_dir_all(&folder)?;
    setup::allowed()?;
    let node = match &options.node {
        Some(file) => file.canonicalize()?,
        None => setup::node(&folder)?,
    };
    let python = match &options.python {
        // Not resolved: what a virtual environment is called is how it is known.
        Some(file) => std::path::absolute(file)?,
        None => setup::python(&root, &folder)?,
    };
    let driver = match &options.binary {
        Some(file) => file.canonicalize()?,
        None => setup::driver(&root)?,
    };
    let model = folder.join("fr3.xml");
    setup::ran(
        Command::new(&python)
            .arg(root.join("tests/peers/franka/mjcf.py"))
            .arg(&model),
    )?;
    let configuration = folder.join("node.toml");
    std::fs::write(&configuration, node_configuration())?;

    let urgent = setup::urgent();
    println!(
        "franka-sim and franka-node run {}",
        if urgent.is_empty() {
            "with ordinary priority: real-time priority is not allowed here"
        } else {
            "with real-time priority, as an arm's controller does"
        }
    );
    let mut space = Namespace::new(&format!("apprentice-{}", std::process::id()))?;
    let simulator = python.with_file_name("run-franka-sim-server");
    let mut arm = space.command(&urgent, &simulator);
    arm.args(["--enforce-motion-limits", "--enforce-comm-constraints"])
        .env("FR3_MJCF", &model);
    let log = folder.join("franka-sim.log");
    space.start("franka-sim", arm, &log, ARM_PORT, Duration::from_secs(60))?;
    let mut serving = space.command(&urgent, &node);
    // With the reason of each refusal.
    serving
        .arg(&configuration)
        .env("RUST_LOG", "info,franka_node=debug");
    let node_log = folder.join("franka-node.log");
    space.start(
        "franka-node",
        serving,
        &node_log,
        PORT,
        Duration::from_secs(30),
    )?;

    let rows = match &options.json {
        Some(file) => std::path::absolute(file)?,
        None => folder.join("rows.json"),
    };
    // Rows of a run before are not this one's.
    let _ = std::fs::remove_file(&rows);
    let status = space
        .command(&[], &driver)
        .arg(format!("tcp/127.0.0.1:{PORT}"))
        .args([ARM, &options.episodes.to_string()])
        .arg(&rows)
        .status()?;
    drop(space);
    let quiet = add_reflexes(&log, &rows)?;
    println!(
        "figures in {}, what the others said in {} and {}",
        rows.display(),
        log.display(),
        node_log.display()
    );
    if status.success() && quiet {
        Ok(())
    } else {
        Err(format!("not conformant ({status})").into())
    }
}

/// Adds what the simulated arm itself says of motions it ended; whether there were none.
fn add_reflexes(log: &Path, rows: &Path) -> Result<bool, Box<dyn Error>> {
    let said = std::fs::read_to_string(log)?;
    let aborted: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("aborting the motion"))
        .collect();
    aborted.iter().for_each(|line| eprintln!("{line}"));
    let quiet = aborted.is_empty();
    println!(
        "R18 {:4} {:>12.6}  motions ended by the simulated arm's own limits, as it says itself (must be = 0)",
        if quiet { "ok" } else { "FAIL" },
        aborted.len() as f64
    );
    // Without rows the driver has not come to its end, which its status says.
    if let Ok(text) = std::fs::read(rows) {
        let mut all: Vec<serde_json::Value> = serde_json::from_slice(&text)?;
        all.push(serde_json::json!({
            "row": "R18",
            "what": "motions ended by the simulated arm's own limits, as it says itself",
            "figure": aborted.len(),
            "limit": "= 0",
            "pass": quiet,
            "seconds": 0.0,
        }));
        std::fs::write(rows, serde_json::to_string_pretty(&all)? + "\n")?;
    }
    Ok(quiet)
}

/// The node's defaults, which the table of behaviour is about, and the simulated arm and hand.
fn node_configuration() -> String {
    format!(
        "name = \"conformance\"\n\
         [zenoh]\n\
         listen = [\"tcp/127.0.0.1:{PORT}\"]\n\
         multicast_scouting = false\n\
         [[arm]]\n\
         name = \"{ARM}\"\n\
         host = \"127.0.0.1\"\n\
         realtime = \"ignore\"\n\
         gripper = \"hand\"\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_understood_or_refused() {
        let options = Options::parse(&["--episodes", "3", "--json", "x.json"]).unwrap();
        assert_eq!(options.episodes, 3);
        assert_eq!(options.json, Some("x.json".into()));
        assert_eq!(Options::parse(&[]).unwrap().episodes, 50);
        for bad in [&["--episodes"][..], &["--episodes", "0"], &["--speed", "1"]] {
            assert_eq!(Options::parse(bad), None);
        }
    }
}
