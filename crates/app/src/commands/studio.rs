//! `apprentice studio`: people rank rollouts on a page in their browser.

use super::rank::Session;
use crate::cli::{RunArgs, StudioArgs};
use anyhow::{Result, bail};
use apprentice_link::security::Security;
use apprentice_page::{
    Access, Chooser, Insertion, LiveRobot, Material, Page, Parts, Recorded, Tls,
};
use apprentice_pipeline::context::{Context, start_for, stop_on_ctrl_c};
use apprentice_pipeline::judgements::{SIMULATED, is_ranking};
use apprentice_pipeline::layout::{ASKED, JUDGEMENTS, MOMENTS, ROLLOUTS};
use apprentice_pipeline::robots::describe;
use apprentice_pipeline::run::open_to_read;
use apprentice_pipeline::stages::rollouts;
use apprentice_pipeline::versions::store::History;
use apprentice_pipeline::versions::version::Version;
use apprentice_preference::JudgementLog;
use serde_json::json;
use std::io::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

/// How long Ctrl-C, or the last answer, may go unnoticed.
const PATIENCE: Duration = Duration::from_millis(100);

/// Runs the command: serves the page until Ctrl-C.
///
/// # Errors
/// As those of `rank`, and when the page cannot be served.
pub fn run(args: &StudioArgs) -> Result<()> {
    let security = Security::from_settings("", &args.keys)?;
    start_for(&security)?;
    let read = open_to_read(&run_args(args).options())?;
    // Whoever wants to see the robot needs nothing to rank.
    if args.live
        && let Some(why) = nothing_to_rank(&read)?
    {
        read.warn(&format!("{why}; the page shows the robot alone"));
        let context = Context {
            stop: stop_on_ctrl_c()?,
            ..read
        };
        return serve(args, &context, None, &security);
    }
    drop(read);
    let session = Session::open(&run_args(args), None)?;
    if !args.list && session.ranked.is_empty() && session.left.is_empty() {
        session.complete()?;
        if !args.live {
            bail!(
                "every ranking that is wanted is there (operator.rankings); there is nothing to ask"
            );
        }
    }
    serve(args, &session.context, Some(&session), &security)
}

/// Why nobody is asked to rank, if so.
fn nothing_to_rank(context: &Context) -> Result<Option<&'static str>> {
    if context.dir.done(rollouts::STAGE.name).is_none() {
        return Ok(Some("there are no rollouts to rank yet"));
    }
    let path = context.dir.path(JUDGEMENTS);
    if !path.exists() {
        return Ok(None);
    }
    let said = JudgementLog::read(&path)?.judgements;
    let simulated = said.iter().any(|j| is_ranking(j) && j.who == SIMULATED);
    Ok(simulated.then_some(
        "the rollouts were ranked by the simulated operator, and a person's rankings are not mixed with its",
    ))
}

/// Serves until Ctrl-C.
fn serve(
    args: &StudioArgs,
    context: &Context,
    session: Option<&Session>,
    security: &Security,
) -> Result<()> {
    let live = || live_robot(args, context, security);
    let robot = args.live.then(live).transpose()?;
    let listed = session.filter(|_| args.list);
    let chooser = listed.map(|s| -> Box<dyn Chooser> {
        let episodes = s.notes.episodes.iter();
        Box::new(Insertion::new(episodes.map(|e| e.id.clone()).collect()))
    });
    let material = material(args, context, session)?;
    // The page's alone from here on.
    let path = context.dir.path(JUDGEMENTS);
    let page = Page::serve(
        material,
        JudgementLog::open(&path)?,
        &access(args),
        Parts { robot, chooser },
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
    let mut open = session.filter(|s| args.list || !s.ranked.is_empty() || !s.left.is_empty());
    while !context.stopping() {
        if let Some(session) = open
            && page.progress().enough
        {
            session.complete()?;
            open = None;
            let root = context.dir.root().display();
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

/// What is asked about.
fn material(args: &StudioArgs, context: &Context, session: Option<&Session>) -> Result<Material> {
    let groups = session.filter(|_| !args.list);
    let groups = groups.map(|s| [s.ranked.clone(), s.left.clone()].concat());
    let notes = session.map_or(&[][..], |s| &s.notes.episodes);
    let episodes = notes.iter().map(|note| Recorded {
        id: note.id.clone(),
        file: context.dir.path(ROLLOUTS).join(&note.file),
    });
    let name = context.dir.root().file_name().unwrap_or_default();
    Ok(Material {
        title: format!("Rollouts of {}", name.display()),
        episodes: episodes.collect(),
        groups: groups.unwrap_or_default(),
        reason: "random groups".into(),
        asked: args.list.then(|| context.dir.path(ASKED)),
        who: args.who.clone().unwrap_or_default(),
        reserved: vec![SIMULATED.into()],
        seed: context.seed.derive("page", 0),
        robot: Some(describe(context)?),
    })
}

fn access(args: &StudioArgs) -> Access {
    let files = (args.certificate.clone(), args.certificate_key.clone());
    Access {
        address: SocketAddr::from((args.address, args.port)),
        token: args.token.clone(),
        names: args.name.clone(),
        tls: match files {
            (Some(certificate), Some(key)) => Some(Tls { certificate, key }),
            _ => None,
        },
    }
}

/// The robot of the run: where the run itself reaches it or, behind an adapter, lets operators come.
fn live_robot(args: &StudioArgs, context: &Context, security: &Security) -> Result<LiveRobot> {
    let settings = &context.config.robot;
    let own = if settings.operators.is_empty() {
        &settings.endpoint
    } else {
        &settings.operators
    };
    let endpoint = args.endpoint.as_ref().unwrap_or(own);
    if endpoint.is_empty() {
        bail!(
            "--live shows the robot at robot.endpoint, which is empty in this run: its robots are simulated within it; \
             name one with --endpoint"
        );
    }
    let versions = History::of(&context.dir)?.versions;
    let named = |v: &Version| {
        let name = format!("version {} ({})", v.number, v.name);
        (v.sha256.clone(), name)
    };
    Ok(LiveRobot {
        robot: describe(context)?.name,
        endpoint: endpoint.clone(),
        security: security.clone(),
        matters: context
            .config
            .promotion
            .interventions
            .iter()
            .cloned()
            .collect(),
        versions: versions.iter().map(named).collect(),
        root: context.dir.root().to_owned(),
        moments: context.dir.path(MOMENTS),
    })
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
