//! `apprentice studio`: people rank rollouts on a page in their browser.

use super::rank::Session;
use crate::cli::{RunArgs, StudioArgs};
use anyhow::{Result, bail};
use apprentice_page::{Material, Page, Recorded};
use apprentice_pipeline::judgements::SIMULATED;
use apprentice_pipeline::layout::ROLLOUTS;
use apprentice_pipeline::robots::describe;
use apprentice_preference::JudgementLog;
use serde_json::json;
use std::io::Write as _;
use std::time::Duration;

/// How long Ctrl-C, or the last answer, may go unnoticed.
const PATIENCE: Duration = Duration::from_millis(100);

/// Runs the command: serves the page until Ctrl-C.
///
/// # Errors
/// As those of `rank`, and when the page cannot be served.
pub fn run(args: &StudioArgs) -> Result<()> {
    let session = Session::open(&run_args(args), None)?;
    let context = &session.context;
    let groups = [session.ranked.clone(), session.left.clone()].concat();
    if groups.is_empty() {
        session.complete()?;
        bail!("every ranking that is wanted is there (operator.rankings); there is nothing to ask");
    }
    let episodes = session.notes.episodes.iter().map(|note| Recorded {
        id: note.id.clone(),
        file: context.dir.path(ROLLOUTS).join(&note.file),
    });
    let name = context.dir.root().file_name().unwrap_or_default();
    let material = Material {
        title: format!("Rollouts of {}", name.display()),
        episodes: episodes.collect(),
        groups,
        reason: "random groups".into(),
        who: args.who.clone().unwrap_or_default(),
        reserved: vec![SIMULATED.into()],
        seed: context.seed.derive("page", 0),
        robot: Some(describe(context)?),
    };
    // The page's alone from here on.
    let path = session.log.path().to_owned();
    let page = Page::serve(
        material,
        JudgementLog::open(&path)?,
        args.port,
        args.token.as_deref(),
    )?;
    tell(
        args,
        &json!({ "url": page.entrance(), "address": page.address(), "log": path }),
        &format!(
            "Rank at {}\nCtrl-C ends; what was answered is in {}",
            page.entrance(),
            path.display()
        ),
    );
    let mut complete = false;
    while !session.context.stopping() {
        if !complete && page.progress().enough {
            session.complete()?;
            complete = true;
            let root = session.context.dir.root().display();
            tell(
                args,
                &json!({ "complete": true }),
                &format!("Every group is ranked. Next: apprentice reward --out {root}"),
            );
        }
        std::thread::sleep(PATIENCE);
    }
    let progress = page.progress();
    drop(page);
    tell(
        args,
        &json!({ "ended": progress }),
        &format!(
            "Ended with {} of {} groups ranked.",
            progress.ranked, progress.groups
        ),
    );
    Ok(())
}

fn run_args(args: &StudioArgs) -> RunArgs {
    RunArgs {
        out: args.run.clone(),
        seed: None,
        device: None,
        config: None,
        set: Vec::new(),
        json: args.json,
        view: false,
    }
}

fn tell(args: &StudioArgs, result: &serde_json::Value, words: &str) {
    let mut out = std::io::stdout();
    // Nobody reading it is no reason to stop serving.
    let _ = if args.json {
        writeln!(out, "{result}")
    } else {
        writeln!(out, "{words}")
    };
    let _ = out.flush();
}
