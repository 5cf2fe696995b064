//! `apprentice promote`, `rollback` and `history`: which policy is the arm's, and how it became that.

use crate::cli::{HistoryArgs, PromoteArgs, RollbackArgs};
use crate::commands::utc::in_utc;
use anyhow::{Result, bail};
use apprentice_pipeline::run::{Options, open_to_read};
use apprentice_pipeline::run_dir::RunDir;
use apprentice_pipeline::versions::event::{Event, EventKind};
use apprentice_pipeline::versions::promotion::{Proposal, propose};
use apprentice_pipeline::versions::store::History;
use apprentice_pipeline::versions::version::Version;
use apprentice_pipeline::versions::{promotion, watch::Watch};
use serde_json::{Value, json};
use std::io::{BufRead as _, Write as _, stderr, stdin};
use std::path::Path;

/// Makes a version the arm's policy, if the gate lets it through and a person says yes.
///
/// # Errors
/// When it does not, nobody does, or there is no such version.
pub fn promote(args: &PromoteArgs) -> Result<()> {
    let context = open_to_read(&options(&args.out, args.json))?;
    let mut proposal = propose(&context, args.version)?;
    proposal.accepted.clone_from(&args.accept);
    eprint!("{}", told(&proposal));
    let who = args.who.clone().unwrap_or_else(|| "operator".to_owned());
    let yes = proposal.passes() && (args.yes || asked(&proposal)?);
    let version = proposal.version.number;
    let mut said = json!({
        "promoted": yes, "version": version, "from": proposal.from, "checks": proposal.checks,
        "promise": proposal.promise, "who": who,
    });
    let passes = proposal.passes();
    if yes {
        // What was true before the question need not be true after it.
        let mut again = propose(&context, Some(version))?;
        again.accepted.clone_from(&args.accept);
        if again != proposal {
            bail!(
                "version {version} is not promoted: what the gate finds has changed since the question; look again by \
                 apprentice promote"
            );
        }
    }
    // A refusal of the gate is an error of its own.
    let outcome = if yes || !passes {
        promotion::promote(&context.dir, proposal, &who).map(Some)
    } else {
        Ok(None)
    };
    said["promoted"] = matches!(outcome, Ok(Some(_))).into();
    if args.json {
        println!("{}", serde_json::to_string_pretty(&said)?);
    }
    let out = args.out.display();
    match outcome? {
        Some(_) if !args.json => println!(
            "version {version} is the arm's policy now; next: apprentice history --out {out}, and if it is not as \
             promised: apprentice rollback --out {out} --reason TEXT"
        ),
        Some(_) => {}
        None => bail!(
            "version {version} is not promoted: nobody said yes; say it when asked, or by --yes --who NAME"
        ),
    }
    Ok(())
}

/// Goes back to the version before.
///
/// # Errors
/// When there is none.
pub fn rollback(args: &RollbackArgs) -> Result<()> {
    let (dir, _) = RunDir::open(&args.out)?;
    let event = promotion::rollback(&dir, &args.who, &args.reason)?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&event)?);
    } else {
        println!(
            "version {} is the arm's policy again, and version {} is kept",
            event.version, event.from
        );
    }
    Ok(())
}

/// Lists every version and what happened to it.
///
/// # Errors
/// When the history cannot be read.
pub fn history(args: &HistoryArgs) -> Result<()> {
    let (dir, _) = RunDir::open(&args.out)?;
    let history = History::of(&dir)?;
    let current = history.current_number();
    let watch = Watch::of_current(&dir)?;
    if args.json {
        let versions: Result<Vec<Value>> = history
            .versions
            .iter()
            .map(|v| described(&history, v, current))
            .collect();
        let watch = watch.as_ref().map(Watch::described);
        let damaged: Vec<Value> = history
            .damaged
            .iter()
            .map(|(number, why)| json!({ "number": number, "why": why }))
            .collect();
        let said = json!({
            "current": current, "versions": versions?, "events": history.events, "damaged": damaged, "watch": watch,
        });
        println!("{}", serde_json::to_string_pretty(&said)?);
        return Ok(());
    }
    if history.versions.is_empty() && history.damaged.is_empty() {
        println!("no version is kept yet; apprentice align makes one");
    }
    for version in &history.versions {
        let mark = if current == Some(version.number) {
            "*"
        } else {
            " "
        };
        let made = version
            .made_from
            .map_or(String::new(), |n| format!(", made from version {n}"));
        let judged = version
            .judgements
            .as_ref()
            .map_or(String::new(), |j| format!(", {} judgements", j.judgements));
        let sha = version.sha256.get(..12).unwrap_or_default();
        println!(
            "{mark} {:>3}  {:<8} {sha}{made}{judged}",
            version.number, version.name
        );
        for event in happened(&history, version.number) {
            println!("         {}", in_words(event));
        }
    }
    for (number, why) in &history.damaged {
        let mark = if current == Some(*number) { "*" } else { " " };
        println!("{mark} {number:>3}  damaged: {why}");
        for event in happened(&history, *number) {
            println!("         {}", in_words(event));
        }
    }
    if let Some(watch) = watch {
        println!("watched: {}", watch.in_words());
    }
    Ok(())
}

fn options(folder: &Path, quiet: bool) -> Options {
    Options {
        folder: folder.to_owned(),
        quiet,
        ..Options::default()
    }
}

/// What the gate found, a line or two for each.
fn told(proposal: &Proposal) -> String {
    let mut text = format!(
        "version {} ({})\n",
        proposal.version.number, proposal.version.name
    );
    for check in &proposal.checks {
        let mark = match (check.passed, check.open) {
            (true, _) => "ok    ",
            (false, true) if proposal.accepted.is_some() => "taken ",
            (false, true) => "OPEN  ",
            (false, false) => "FAILED",
        };
        text += &format!(
            "  {mark} {:<8} {}; allowed: {}\n",
            check.name, check.got, check.allowed
        );
        if let Some(advice) = &check.advice {
            text += &format!("                  -> {advice}\n");
        }
    }
    if let (true, Some(success)) = (proposal.passes(), proposal.promise.success) {
        text += &format!("  promised: success of at least {:.1} %\n", 100.0 * success);
    }
    text
}

fn asked(proposal: &Proposal) -> Result<bool> {
    eprint!(
        "Shall version {} be the arm's policy from now on, instead of version {}? [y/N] ",
        proposal.version.number, proposal.from
    );
    stderr().flush()?;
    let mut answer = String::new();
    stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn happened(history: &History, version: u32) -> impl Iterator<Item = &Event> {
    history
        .events
        .iter()
        .filter(move |e| e.version == version || e.from == version)
}

fn in_words(event: &Event) -> String {
    let why = event
        .reason
        .as_ref()
        .map_or(String::new(), |r| format!(": {r}"));
    let accepted = (event.accepted.as_ref()).map_or(String::new(), |r| {
        format!("; accepted though not all was shown: {r}")
    });
    let what = match event.what {
        EventKind::Promoted => format!("promoted to version {} from {}", event.version, event.from),
        EventKind::RolledBack => format!(
            "rolled back from version {} to {}",
            event.from, event.version
        ),
    };
    format!(
        "{what} by {}, {}{why}{accepted}",
        event.who,
        in_utc(event.at_s)
    )
}

fn described(history: &History, version: &Version, current: Option<u32>) -> Result<Value> {
    let mut value = serde_json::to_value(version)?;
    let events: Vec<u32> = happened(history, version.number)
        .map(|e| e.number)
        .collect();
    value["current"] = (current == Some(version.number)).into();
    value["events"] = json!(events);
    Ok(value)
}
