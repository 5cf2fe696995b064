//! `apprentice rank`: a person puts rollouts in order, four at a time.

use crate::cli::RankArgs;
use anyhow::{Result, bail};
use apprentice_episode::{Episode, EpisodeId};
use apprentice_pipeline::context::Context;
use apprentice_pipeline::freshness::inputs;
use apprentice_pipeline::judgements::{SIMULATED, check_episodes};
use apprentice_pipeline::layout::{JUDGEMENTS, ROLLOUTS};
use apprentice_pipeline::outcomes::{Outcomes, by_id, open_episode, read_outcomes};
use apprentice_pipeline::run::{mark, open};
use apprentice_pipeline::stages::{rank, reward, rollouts};
use apprentice_preference::{Judgement, JudgementLog, Order, groups_of_four, parse_order};
use apprentice_studio::Studio;
use std::collections::BTreeSet;
use std::io::{BufRead as _, Write as _};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How long Ctrl-C may go unnoticed while nobody types.
const PATIENCE: Duration = Duration::from_millis(100);

/// Runs the command.
///
/// # Errors
/// When there are no rollouts, the rankings there are come from the simulated operator, the log
/// cannot be written, or the user stops with Ctrl-C.
pub fn run(args: &RankArgs) -> Result<()> {
    if args.who.trim().is_empty() || args.who == SIMULATED {
        bail!(
            "--who is {:?}, allowed: any name but none and {SIMULATED:?}",
            args.who
        );
    }
    let context = open(&args.run.options(), Some(&rank::STAGE))?;
    context
        .dir
        .needs(rollouts::STAGE.name, rollouts::STAGE.command)?;
    if context.dir.done(reward::STAGE.name).is_some() {
        bail!(
            "this run's reward has been learnt from its rankings already; start another run with --out"
        );
    }
    let started = Instant::now();
    let notes = read_outcomes(&context, ROLLOUTS)?;
    let mut log = open_log(&context, &notes)?;
    let ids: Vec<EpisodeId> = notes.episodes.iter().map(|e| e.id.clone()).collect();
    let groups = groups_of_four(&ids, context.seed.derive("groups", 0));
    if groups.is_empty() {
        bail!(
            "{} rollouts are too few to rank, at least 2 are needed; record more (rollouts.episodes)",
            ids.len()
        );
    }
    let wanted = context.config.operator.rankings.min(groups.len());
    let done = log.judgements().len();
    let left: Vec<Vec<EpisodeId>> = {
        let shown: BTreeSet<BTreeSet<&EpisodeId>> = log
            .judgements()
            .iter()
            .map(|j| j.episodes().collect())
            .collect();
        groups
            .into_iter()
            .filter(|group| !shown.contains(&group.iter().collect::<BTreeSet<_>>()))
            .take(wanted.saturating_sub(done))
            .collect()
    };
    let person = Person {
        lines: typed_lines(),
        json: args.run.json,
    };
    person.tell(&format!(
        "Rank {wanted} groups of four clips. Type an order such as 2>1=4>3 (best first, = for a tie),\n\
         s to skip, q to stop; what you have said is kept."
    ));
    let mut stopped = false;
    for (index, group) in left.iter().enumerate() {
        let clips = show(&context, &notes, group)?;
        person.tell(&format!(
            "\nGroup {} of {wanted}: {clips}",
            done + index + 1
        ));
        let Some(order) = person.ask(&context, group.len())? else {
            stopped = true;
            break;
        };
        log.append(&judgement(order, &args.who, group))?;
    }
    let mut seconds = started.elapsed().as_secs_f64();
    if !stopped {
        seconds += context
            .dir
            .done(rank::STAGE.name)
            .map_or(0.0, |m| m.seconds);
        let inputs = inputs(&context.dir, &context.run_settings(), &rank::STAGE)?;
        mark(&context, &rank::STAGE, seconds, inputs)?;
    }
    let root = context.dir.root().display();
    if args.run.json {
        println!("{}", summary(&log, wanted, stopped, seconds)?);
    }
    if context.stopping() {
        bail!(
            "stopped on request after {} of {wanted} groups; the same command goes on from there",
            log.judgements().len()
        );
    }
    person.tell(&if stopped {
        format!("Stopped; `apprentice rank --out {root}` goes on from here.")
    } else {
        format!("All ranked. Next: apprentice reward --out {root}")
    });
    Ok(())
}

/// The person's log, with what is in it checked.
fn open_log(context: &Context, notes: &Outcomes) -> Result<JudgementLog> {
    let path = context.dir.path(JUDGEMENTS);
    if path.exists() {
        // Looked at first: a log that is not ours stays as it is.
        let said = JudgementLog::read(&path)?;
        let simulated = said.judgements.iter().filter(|j| j.who == SIMULATED);
        let simulated = simulated.count();
        if simulated > 0 {
            bail!(
                "{} holds {simulated} rankings of the {SIMULATED}, and a person's are not mixed with them; rank in \
                 another run (--out), or move that file away and rank again",
                path.display()
            );
        }
        check_episodes(&path, &said.judgements, notes)?;
    }
    let opened = JudgementLog::open_telling(&path)?;
    if let Some(aside) = opened.set_aside {
        context.warn(&format!(
            "the last line of {} was cut off and is now in {}; that group is asked again",
            path.display(),
            aside.display()
        ));
    }
    Ok(opened.log)
}

fn judgement(order: Order, who: &str, group: &[EpisodeId]) -> Judgement {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_millis() as u64);
    match order {
        Order::Skipped => Judgement::skip(now, who, group.to_vec(), None),
        Order::Ranked(places) => {
            let name = |place: &Vec<usize>| place.iter().map(|&i| group[i].clone()).collect();
            Judgement::new(now, who, 1.0, places.iter().map(name).collect(), None)
        }
    }
}

fn summary(log: &JudgementLog, wanted: usize, stopped: bool, seconds: f64) -> Result<String> {
    let skipped = log.judgements().iter().filter(|j| j.skipped).count();
    let who: BTreeSet<&str> = log.judgements().iter().map(|j| j.who.as_str()).collect();
    Ok(serde_json::to_string_pretty(&serde_json::json!({
        "groups": wanted,
        "rankings": log.judgements().len() - skipped,
        "skipped": skipped,
        "operators": who,
        "complete": !stopped,
        "seconds": seconds,
        "log": log.path(),
    }))?)
}

/// Writes the group's clips to a rerun file, shows them on the page if one is served, and says where.
fn show(context: &Context, notes: &Outcomes, group: &[EpisodeId]) -> Result<String> {
    let index = by_id(notes);
    let clips: Vec<(String, Episode)> = group
        .iter()
        .filter_map(|id| notes.episodes.get(*index.get(id)?))
        .enumerate()
        .map(|(i, note)| {
            Ok((
                format!("clip {}", i + 1),
                open_episode(context, ROLLOUTS, note)?,
            ))
        })
        .collect::<Result<_>>()?;
    let path = context.dir.path("rank/group.rrd");
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    let studio = Studio::to_file(&path, &apprentice_pipeline::robots::describe(context)?)?;
    studio.clips(&clips);
    studio.finish()?;
    let live = context.view.as_ref().and_then(|view| {
        view.clips(&clips);
        view.url()
    });
    let page = live.map_or(String::new(), |url| format!(", also at {url}"));
    Ok(format!(
        "rerun {} (clips 1 to {}, side by side){page}",
        path.display(),
        group.len()
    ))
}

/// Whoever types.
struct Person {
    lines: Receiver<std::io::Result<String>>,
    json: bool,
}

impl Person {
    /// Says something, beside the result where that is JSON.
    fn tell(&self, text: &str) {
        if self.json {
            eprintln!("{text}");
        } else {
            println!("{text}");
        }
    }

    /// An order of the clips; `None` when there is none to come.
    fn ask(&self, context: &Context, clips: usize) -> Result<Option<Order>> {
        loop {
            if self.json {
                eprint!("order> ");
            } else {
                print!("order> ");
                std::io::stdout().flush()?;
            }
            let Some(line) = self.line(context)? else {
                return Ok(None);
            };
            if line.trim() == "q" {
                return Ok(None);
            }
            match parse_order(line.trim(), clips) {
                Ok(order) => return Ok(Some(order)),
                Err(problem) => self.tell(&problem.to_string()),
            }
        }
    }

    /// The next line; `None` at the end of the input or when the user stops.
    fn line(&self, context: &Context) -> Result<Option<String>> {
        loop {
            if context.stopping() {
                return Ok(None);
            }
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => return Ok(Some(line?)),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
            }
        }
    }
}

/// What is typed, line by line, read on a thread: reading cannot be interrupted, waiting for it can.
fn typed_lines() -> Receiver<std::io::Result<String>> {
    let (typed, lines) = channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            if typed.send(line).is_err() {
                break;
            }
        }
    });
    lines
}
