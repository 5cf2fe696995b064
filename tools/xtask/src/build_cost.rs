//! What a cold build of the default program costs, in CPU seconds, and which dependency brings it: `cargo xtask
//! build-cost`. CPU seconds hardly depend on what else the machine does; wall-clock times do.

mod dependencies;
mod measured;

use measured::{Crate, Measured};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Crates that are listed one by one.
const LISTED: usize = 25;

/// What to build.
#[derive(Debug, Default)]
pub struct Options {
    /// A commit to build beside the working tree, and to compare with.
    against: Option<String>,
    /// Where figures go, as JSON.
    json: Option<PathBuf>,
}

impl Options {
    /// Understands a command line; `None` where it cannot be.
    pub fn parse(arguments: &[&str]) -> Option<Self> {
        let mut options = Self::default();
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let value = arguments.next()?;
            match *argument {
                "--against" => options.against = Some((*value).to_owned()),
                "--json" => options.json = Some(PathBuf::from(value)),
                _ => return None,
            }
        }
        Some(options)
    }
}

/// Builds, measures and prints.
pub fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let folder = std::env::current_dir()?.join("target/build-cost");
    let before = match &options.against {
        Some(commit) => Some(earlier(commit, &folder)?),
        None => None,
    };
    let now = Measured::of(Path::new("."), &folder.join("now"))?;
    print_crates(&now);
    dependencies::print(&now)?;
    println!(
        "\ncold build of the default program: {:.0} CPU seconds ({:.0} in crates, the rest in build scripts, cargo \
         and linking), {} crates; timings: {}",
        now.cpu_s,
        now.crates.iter().map(|c| c.cpu_s).sum::<f64>(),
        now.crates.len(),
        folder.join("now/cargo-timings").display()
    );
    if let Some(before) = &before {
        println!(
            "at {}: {:.0} CPU seconds, {} crates; now {:.1} % of that",
            options.against.as_deref().unwrap_or_default(),
            before.cpu_s,
            before.crates.len(),
            100.0 * now.cpu_s / before.cpu_s
        );
    }
    if let Some(file) = &options.json {
        let figures = serde_json::json!({
            "cpu_s": now.cpu_s,
            "before_cpu_s": before.as_ref().map(|b| b.cpu_s),
            "crates": now.crates.iter().map(Crate::json).collect::<Vec<_>>(),
        });
        std::fs::write(file, serde_json::to_vec_pretty(&figures)?)?;
    }
    Ok(())
}

/// Builds a commit in a checkout of its own.
fn earlier(commit: &str, folder: &Path) -> Result<Measured, Box<dyn Error>> {
    let checkout = folder.join("checkout");
    let git = |arguments: &[&str]| -> Result<(), Box<dyn Error>> {
        let status = Command::new("git").args(arguments).status()?;
        if status.success() {
            Ok(())
        } else {
            Err(format!("git {} failed ({status})", arguments.join(" ")).into())
        }
    };
    let place = checkout
        .to_str()
        .ok_or("the path of this folder is not UTF-8")?;
    std::fs::create_dir_all(folder)?;
    if checkout.exists() {
        git(&["worktree", "remove", "--force", place])?;
    }
    git(&["worktree", "add", "--detach", place, commit])?;
    let measured = Measured::of(&checkout, &folder.join("before"));
    git(&["worktree", "remove", "--force", place])?;
    measured
}

fn print_crates(measured: &Measured) {
    println!("\nCPU seconds of the {LISTED} costliest crates:");
    for Crate {
        name,
        version,
        cpu_s,
    } in measured.crates.iter().take(LISTED)
    {
        println!("{cpu_s:8.1}  {name} {version}");
    }
}
