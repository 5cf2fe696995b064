//! `apprentice keys`: certificates with which a robot and those around it know each other.

use crate::cli::KeysArgs;
use anyhow::{Result, bail};
use apprentice_link::security::{
    CheckedCertificate, Devices, KeyCheck, KeyFile, Role, check, make,
};
use serde_json::{Value, json};
use std::path::Path;
use std::time::SystemTime;

/// Days before their end from which on keys should be made anew.
const SOON: i64 = 30;

/// Runs the command.
///
/// # Errors
/// When keys are there already, cannot be written, or do not fit together.
pub fn run(args: &KeysArgs) -> Result<()> {
    let now = SystemTime::now();
    let robot = match &args.robot {
        Some(robot) if !args.check => robot,
        _ => return look(args, &check(&args.folder, now)?),
    };
    let devices = Devices {
        runtimes: args.runtimes,
        operators: args.operators,
        viewers: args.viewers,
    };
    let files = make(&args.folder, robot, &args.host, &devices, args.days)?;
    // What was just written is read again before anybody is told to copy it.
    let found = check(&args.folder, now)?;
    if !found.problems.is_empty() {
        bail!(
            "the new keys do not fit together: {}",
            found.problems.join("; ")
        );
    }
    let last_day = found
        .certificates
        .first()
        .map_or("", |c| c.last_day.as_str());
    let setting = settings(args);
    if args.json {
        let made = json!({
            "folder": args.folder, "robot": robot, "hosts": args.host, "last_day": last_day,
            "files": files.iter().map(file).collect::<Vec<_>>(), "settings": setting,
        });
        println!("{}", serde_json::to_string_pretty(&made)?);
        return Ok(());
    }
    println!("keys of {robot} are in {}", args.folder.display());
    println!("good until {last_day} (UTC); after that nobody is let in, so make new ones before\n");
    println!("copy to the machine of");
    for role in Role::CERTIFIED {
        let names: Vec<String> = files
            .iter()
            .filter(|f| f.device_index == 0 && f.roles.contains(&role))
            .map(|f| name(&args.folder, &f.path))
            .collect();
        let only = match role {
            Role::Operator => "  (a device to take over with)",
            Role::Router => "  (only where one stands between the others)",
            _ => "",
        };
        println!("  the {:<9} {}{only}", role.name(), names.join(" "));
        for place in 1..role.max_devices() {
            if files
                .iter()
                .any(|f| f.device_index == place && f.roles == [role])
            {
                let name = role.name_at(place);
                println!(
                    "  {:<13} {name}/  (the whole folder, as its FOLDER)",
                    "another"
                );
            }
        }
    }
    println!("\ncopy to no machine");
    println!(
        "  authority/    its key makes certificates this robot obeys, and nothing that runs needs it:"
    );
    println!("                move the folder to a medium off the network, or delete it");
    if args.host.is_empty() {
        println!("\nno --host was given: whoever listens can only be reached from its own machine");
    }
    println!("\nin the configuration of each, FOLDER being where its three files are");
    println!("{setting}");
    Ok(())
}

/// Lines for the configuration.
fn settings(args: &KeysArgs) -> String {
    let host = args.host.first().map_or("127.0.0.1", String::as_str);
    let host = if host.contains(':') {
        format!("[{host}]")
    } else {
        host.to_owned()
    };
    format!("  [robot]\n  endpoint = \"tls/{host}:7447\"\n  keys = \"FOLDER\"")
}

/// A file's path below the folder.
fn name(folder: &Path, path: &Path) -> String {
    let short = path.strip_prefix(folder).unwrap_or(path);
    short.display().to_string()
}

fn file(file: &KeyFile) -> Value {
    let machines: Vec<&str> = file.roles.iter().map(|r| r.name()).collect();
    json!({"path": file.path, "machines": machines, "device": file.device_index})
}

/// Says what a check found.
fn look(args: &KeysArgs, found: &KeyCheck) -> Result<()> {
    let fits = found.problems.is_empty();
    if args.json {
        let said = json!({
            "folder": args.folder, "fits": fits, "problems": found.problems,
            "certificates": found.certificates.iter().map(certificate).collect::<Vec<_>>(),
        });
        println!("{}", serde_json::to_string_pretty(&said)?);
    } else {
        for c in &found.certificates {
            let soon = if c.days_left < SOON {
                ", make new ones soon"
            } else {
                ""
            };
            let hosts = if c.hosts.is_empty() {
                String::new()
            } else {
                format!(", reached at {}", c.hosts.join(" "))
            };
            println!(
                "{:<24} good until {} ({} days{soon}){hosts}",
                c.common_name, c.last_day, c.days_left
            );
        }
        if fits {
            println!("they fit together");
        }
    }
    if !fits {
        bail!("{}", found.problems.join("; "));
    }
    Ok(())
}

fn certificate(c: &CheckedCertificate) -> Value {
    json!({
        "path": c.path, "name": c.common_name, "last_day": c.last_day, "days_left": c.days_left,
        "hosts": c.hosts, "problems": c.problems,
    })
}
