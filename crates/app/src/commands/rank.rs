//! `apprentice rank`: a person puts rollouts in order, four at a time.

use crate::cli::{RankArgs, RunArgs};
use anyhow::{Result, bail};
use apprentice_episode::{Episode, EpisodeId};
use apprentice_pipeline::context::Context;
use apprentice_pipeline::freshness::{inputs, out_of_date};
use apprentice_pipeline::judgements::{
    SIMULATED, check_episodes, drop_rankings, is_ranking, who_ranked,
};
use apprentice_pipeline::layout::{JUDGEMENTS, ROLLOUTS};
use apprentice_pipeline::outcomes::{Outcomes, by_id, open_episode, read_outcomes};
use apprentice_pipeline::robots::describe;
use apprentice_pipeline::rounds;
use apprentice_pipeline::run::{mark, open};
use apprentice_pipeline::stages::{rank, reward, rollouts};
use apprentice_preference::{
    Judge as _, JudgeInputs, Judgement, JudgementLog, Person, Presentation, Question, QuestionKind,
    Terminal, standing,
};
use apprentice_studio::Studio;
use std::collections::BTreeSet;
use std::io::{self, BufRead as _, Write as _};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How long Ctrl-C may go unnoticed while nobody types.
const PATIENCE: Duration = Duration::from_millis(100);

/// A run whose rollouts people rank, and what they have said.
pub(super) struct Session {
    pub context: Context,
    pub notes: Outcomes,
    pub log: JudgementLog,
    /// Groups that have been looked at, and those that are to be.
    pub groups: Vec<Vec<EpisodeId>>,
    /// How many others were ranked before, when there were other rollouts.
    before: usize,
    pub cameras: Vec<String>,
    started: Instant,
}

impl Session {
    /// Opens the run that `args` name for its rankings.
    ///
    /// # Errors
    /// When there are no rollouts, the rankings there are come from the simulated operator or have been learnt from,
    /// or the log cannot be read.
    pub fn open(args: &RunArgs) -> Result<Self> {
        let context = open(&args.options(), Some(&rank::STAGE))?;
        context
            .dir
            .needs(rollouts::STAGE.name, rollouts::STAGE.command)?;
        let ranked = context.dir.done(rank::STAGE.name);
        let why = match &ranked {
            Some(mark) => out_of_date(&context.dir, &context.run_settings(), &rank::STAGE, mark)?,
            None => Vec::new(),
        };
        if !why.is_empty() {
            context.warn(&format!(
                "the rankings are out of date: {}; those whose episodes are still there stay",
                why.join("; ")
            ));
            let rollouts = read_outcomes(&context, ROLLOUTS)?;
            if who_ranked(&context.dir)?.is_some() {
                drop_rankings(&context.dir, Some(&rollouts))?;
            }
            context.dir.forget(rank::STAGE.name)?;
        } else if context.dir.done(reward::STAGE.name).is_some() && ranked.is_some() {
            bail!(
                "this run's reward has been learnt from its rankings already; start another run with --out"
            );
        }
        let started = Instant::now();
        let notes = read_outcomes(&context, ROLLOUTS)?;
        let log = open_log(&context, &notes)?;
        let ids: Vec<EpisodeId> = notes.episodes.iter().map(|e| e.id.clone()).collect();
        let mut groups = rounds::groups(&notes, context.seed.derive("groups", 0));
        if groups.is_empty() {
            bail!(
                "{} rollouts are too few to rank, at least 2 are needed; record more (rollouts.episodes)",
                ids.len()
            );
        }
        // Those that have been looked at first, then as many others as are wanted.
        let said = standing(log.judgements());
        groups.sort_by_key(|group| !is_shown(&said, group));
        let shown = groups.iter().filter(|group| is_shown(&said, group)).count();
        let of_round = |j: &&Judgement| is_ranking(j) && rounds::is_of_newest(j, &notes);
        let rankings = said.iter().filter(of_round);
        let ranked: BTreeSet<BTreeSet<&EpisodeId>> =
            rankings.map(|j| j.episodes().collect()).collect();
        let before = ranked.len().saturating_sub(shown);
        let wanted = context.config.operator.rankings.saturating_sub(before);
        groups.truncate(wanted.max(shown));
        let cameras = camera_names(&context)?;
        Ok(Self {
            context,
            notes,
            log,
            groups,
            before,
            cameras,
            started,
        })
    }

    /// Notes that every group has been looked at, and how long it took.
    ///
    /// # Errors
    /// When the note cannot be written.
    pub fn complete(&self) -> Result<f64> {
        let before = self.context.dir.done(rank::STAGE.name);
        let seconds = self.started.elapsed().as_secs_f64() + before.map_or(0.0, |m| m.seconds);
        let inputs = inputs(
            &self.context.dir,
            &self.context.run_settings(),
            &rank::STAGE,
        )?;
        mark(&self.context, &rank::STAGE, seconds, inputs)?;
        Ok(seconds)
    }
}

/// Whether somebody has looked at just these episodes.
fn is_shown(said: &[Judgement], group: &[EpisodeId]) -> bool {
    let group: BTreeSet<&EpisodeId> = group.iter().collect();
    let mut rankings = said.iter().filter(|j| is_ranking(j));
    rankings.any(|j| j.episodes().collect::<BTreeSet<_>>() == group)
}

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
    let mut session = Session::open(&args.run)?;
    let groups = session.groups.clone();
    let wanted = session.before + groups.len();
    let said = standing(session.log.judgements());
    let left = groups
        .iter()
        .filter(|g| !is_shown(&said, g))
        .collect::<Vec<_>>();
    let done = wanted - left.len();
    let (context, log) = (&session.context, &mut session.log);
    let person = Person {
        who: args.who.clone(),
    };
    let mut terminal = TypedLines {
        lines: typed_lines(),
        json: args.run.json,
        context,
    };
    let presentation = Presentation {
        layout: Some("side by side".into()),
        speed: None,
        cameras: session.cameras.clone(),
    };
    terminal.say(&format!(
        "Rank {wanted} groups of four clips. Type an order such as 2>1=4>3 (best first, = for a tie),\n\
         s to skip, q to stop; what you have said is kept."
    ));
    let mut stopped = false;
    for (index, group) in left.into_iter().enumerate() {
        let clips = show(context, &session.notes, group)?;
        terminal.say(&format!(
            "\nGroup {} of {wanted}: {clips}",
            done + index + 1
        ));
        let question = Question {
            presentation: Some(presentation.clone()),
            ..Question::new(QuestionKind::Ranking, group.iter().cloned())
        };
        let mut inputs = JudgeInputs {
            terminal: Some(&mut terminal),
            ..JudgeInputs::nothing(context.seed)
        };
        let answer = person.answer(&[question], &mut inputs)?;
        let Some(ranking) = answer.into_iter().next().flatten() else {
            stopped = true;
            break;
        };
        log.append(&ranking)?;
    }
    let seconds = if stopped {
        session.started.elapsed().as_secs_f64()
    } else {
        session.complete()?
    };
    let (context, log) = (&session.context, &session.log);
    let root = context.dir.root().display();
    if args.run.json {
        println!("{}", summary(log, wanted, stopped, seconds)?);
    }
    if context.stopping() {
        bail!(
            "stopped on request after {} of {wanted} groups; the same command goes on from there",
            log.judgements().iter().filter(|j| is_ranking(j)).count()
        );
    }
    terminal.say(&if stopped {
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
        let simulated = said
            .judgements
            .iter()
            .filter(|j| is_ranking(j) && j.who == SIMULATED);
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
    let opened = JudgementLog::recover(&path)?;
    if let Some(aside) = opened.set_aside {
        context.warn(&format!(
            "the last line of {} was cut off and is now in {}; that group is asked again",
            path.display(),
            aside.display()
        ));
    }
    Ok(opened.log)
}

fn camera_names(context: &Context) -> Result<Vec<String>> {
    let description = describe(context)?;
    Ok(description.cameras.into_iter().map(|c| c.name).collect())
}

fn summary(log: &JudgementLog, wanted: usize, stopped: bool, seconds: f64) -> Result<String> {
    let rankings = || log.judgements().iter().filter(|j| is_ranking(j));
    let skipped = rankings().filter(|j| j.skipped).count();
    let who: BTreeSet<&str> = rankings().map(|j| j.who.as_str()).collect();
    Ok(serde_json::to_string_pretty(&serde_json::json!({
        "groups": wanted,
        "rankings": rankings().count() - skipped,
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
    let studio = Studio::to_file(&path, &describe(context)?)?;
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

/// Lines that somebody types.
struct TypedLines<'a> {
    lines: Receiver<io::Result<String>>,
    json: bool,
    context: &'a Context,
}

impl Terminal for TypedLines<'_> {
    /// Says something, beside the result where that is JSON.
    fn say(&mut self, text: &str) {
        if self.json {
            eprintln!("{text}");
        } else {
            println!("{text}");
        }
    }

    /// The next line; `None` at the end of the input or when the user stops.
    fn ask(&mut self, prompt: &str) -> io::Result<Option<String>> {
        if self.json {
            eprint!("{prompt}");
        } else {
            print!("{prompt}");
            io::stdout().flush()?;
        }
        loop {
            if self.context.stopping() {
                return Ok(None);
            }
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => return line.map(Some),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
            }
        }
    }

    fn now_unix_ms(&self) -> u64 {
        now_unix_ms()
    }
}

/// The time, milliseconds since 1970 UTC.
#[must_use]
pub fn now_unix_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_millis() as u64)
}

/// What is typed, line by line, read on a thread: reading cannot be interrupted, waiting for it can.
fn typed_lines() -> Receiver<io::Result<String>> {
    let (typed, lines) = channel();
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines() {
            if typed.send(line).is_err() {
                break;
            }
        }
    });
    lines
}
