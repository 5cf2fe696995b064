//! `apprentice rank`: a person puts rollouts in order, four at a time.

use crate::cli::{ChooseArgs, RankArgs, RunArgs};
use anyhow::{Result, bail};
use apprentice_episode::{Episode, EpisodeId};
use apprentice_pipeline::context::Context;
use apprentice_pipeline::freshness::{inputs, out_of_date};
use apprentice_pipeline::judgements::{
    SIMULATED, check_episodes, drop_rankings, is_ranking, who_ranked,
};
use apprentice_pipeline::layout::{JUDGEMENTS, ROLLOUTS};
use apprentice_pipeline::next_question::{HowToAsk, NextQuestion};
use apprentice_pipeline::next_step::say_next;
use apprentice_pipeline::outcomes::{Outcomes, by_id, open_episode, read_outcomes};
use apprentice_pipeline::robots::describe;
use apprentice_pipeline::rounds;
use apprentice_pipeline::run::{mark, open};
use apprentice_pipeline::stages::{align, evaluate_aligned, rank, reward, rollouts};
use apprentice_preference::{
    Judge as _, JudgeInputs, Judgement, JudgementLog, Person, Presentation, Question, QuestionKind,
    Terminal, standing,
};
use apprentice_query::{Advice, Strategy};
use apprentice_studio::Studio;
use std::collections::BTreeSet;
use std::io::{self, BufRead as _, Write as _};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How long Ctrl-C may go unnoticed while nobody types.
const PATIENCE: Duration = Duration::from_millis(100);

/// Ways in which all clips are put into groups, at most.
const WAYS: u64 = 64;

/// A run whose rollouts people rank, and what they have said.
pub(super) struct Session {
    pub context: Context,
    pub notes: Outcomes,
    pub log: JudgementLog,
    /// Groups that have been ranked, of those that are asked about.
    pub ranked: Vec<Vec<EpisodeId>>,
    /// Groups that are to be.
    pub left: Vec<Vec<EpisodeId>>,
    /// Groups of the newest round that were ranked, also others than are asked about now.
    done: usize,
    /// Groups that have no clip in common.
    disjoint: usize,
    started: Instant,
}

impl Session {
    /// Opens the run that `args` name for its rankings, so many more where that is said.
    ///
    /// # Errors
    /// When there are no rollouts, the rankings there are come from the simulated operator, or the log cannot be read.
    pub fn open(args: &RunArgs, more: Option<usize>) -> Result<Self> {
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
        }
        let started = Instant::now();
        let notes = read_outcomes(&context, ROLLOUTS)?;
        let log = open_log(&context, &notes)?;
        let groups = rounds::groups(&notes, context.seed.derive("groups", 0));
        let disjoint = groups.len();
        if groups.is_empty() {
            bail!(
                "{} rollouts are too few to rank, at least 2 are needed; record more (rollouts.episodes)",
                notes.episodes.len()
            );
        }
        // Several people may have ranked the same group: it counts once.
        let over_all = |j: &&Judgement| is_ranking(j) && j.axis.is_none();
        // What was taken back is asked about anew.
        let said = standing(log.judgements());
        let rankings = || said.iter().filter(over_all);
        let group_of = |j: &Judgement| j.episodes().cloned().collect();
        let shown: BTreeSet<BTreeSet<EpisodeId>> = rankings().map(group_of).collect();
        let of_round = rankings().filter(|j| rounds::is_of_newest(j, &notes));
        let done = of_round.map(group_of).collect::<BTreeSet<_>>().len();
        let wanted = match more {
            Some(more) => done.saturating_add(more),
            None => context.config.operator.rankings.min(disjoint).max(done),
        };
        // Beyond groups that have no clip in common, the same clips are put together in other ways.
        let ways = if more.is_some() { WAYS } else { 1 };
        let again =
            (1..ways).flat_map(|i| rounds::groups(&notes, context.seed.derive("groups", i)));
        let is_shown = |group: &Vec<EpisodeId>| shown.contains(&group.iter().cloned().collect());
        let (ranked, open): (Vec<_>, Vec<_>) = groups.into_iter().chain(again).partition(is_shown);
        let left = open.into_iter().take(wanted.saturating_sub(done)).collect();
        Ok(Self {
            context,
            notes,
            log,
            ranked,
            left,
            done,
            disjoint,
            started,
        })
    }

    /// Notes that every group has been looked at; answers how many seconds that took.
    ///
    /// # Errors
    /// When the note cannot be written.
    pub fn complete(&self) -> Result<f64> {
        let before = self.context.dir.done(rank::STAGE.name);
        let seconds = self.started.elapsed().as_secs_f64() + before.map_or(0.0, |m| m.seconds);
        let run_settings = self.context.run_settings();
        let inputs = inputs(&self.context.dir, &run_settings, &rank::STAGE)?;
        mark(&self.context, &rank::STAGE, seconds, inputs)?;
        Ok(seconds)
    }
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
    let mut session = Session::open(&args.run, args.more)?;
    let (context, notes, log) = (&session.context, &session.notes, &mut session.log);
    let (done, disjoint, left) = (session.done, session.disjoint, &session.left);
    let asked = context.config.operator.rankings;
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
        cameras: camera_names(context)?,
    };
    let wanted = done + left.len();
    terminal.say(&why_so_many(
        wanted,
        done,
        asked,
        disjoint,
        notes.episodes.len(),
    ));
    terminal.say(&format!(
        "Rank {wanted} groups of four clips. Type an order such as 2>1=4>3 (best first, = for a tie),\n\
         s to skip, q to stop; what you have said is kept."
    ));
    let (mut stopped, mut given) = (false, 0);
    let mut said = Advice::TooEarly {
        answers: 0,
        fewest: 0,
    };
    let mut next = choosing(context, notes, &args.choose, &args.who, log);
    for (index, group) in left.iter().enumerate() {
        let mut question = Question::new(QuestionKind::Ranking, group.iter().cloned());
        if let Some(next) = &mut next {
            let Some(chosen) = next.next(log.judgements()) else {
                break;
            };
            question = chosen;
            if let Some(problem) = next.problem() {
                context.warn(&format!("nothing is learnt beside you: {problem}"));
            }
        }
        question.presentation = Some(presentation.clone());
        let group: Vec<EpisodeId> = question.items.iter().map(|i| i.episode.clone()).collect();
        let clips = show(context, notes, &group)?;
        terminal.say(&format!(
            "\nGroup {} of {wanted}: {clips}",
            done + index + 1
        ));
        if let Some(reason) = &question.reason {
            terminal.say(reason);
        }
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
        given += 1;
        if let Some(next) = &mut next {
            next.answered(log.judgements());
            let advice = next.advice();
            if std::mem::discriminant(&advice) != std::mem::discriminant(&said) {
                terminal.say(&advice.sentence());
                said = advice;
            }
        }
    }
    let consistency = next.as_ref().map(|next| next.consistency(log.judgements()));
    if let Some(sentence) = consistency.and_then(|c| c.sentence()) {
        terminal.say(&sentence);
    }
    let seconds = if stopped {
        session.started.elapsed().as_secs_f64()
    } else {
        session.complete()?
    };
    let (context, log) = (&session.context, &session.log);
    let root = context.dir.root().display();
    if args.run.json {
        let mut summary = summary(log, wanted, stopped, seconds);
        if let (Some(next), Some(strategy)) = (&next, &args.choose.choose) {
            let consistency = consistency.unwrap_or_default();
            summary["choose"] = serde_json::json!({
                "strategy": strategy,
                "advice": next.advice().sentence(),
                "asked_again": consistency.questions,
                "pairs_again": consistency.pairs,
                "pairs_the_same": consistency.same,
                "pairs_the_contrary": consistency.contrary,
            });
        }
        println!("{}", serde_json::to_string_pretty(&summary)?);
    }
    if context.stopping() {
        bail!(
            "stopped on request after {} of {wanted} groups; the same command goes on from there",
            standing(log.judgements())
                .iter()
                .filter(|j| is_ranking(j))
                .count()
        );
    }
    terminal.say(&if stopped {
        format!("Stopped; `apprentice rank --out {root}` goes on from here.")
    } else {
        format!("All ranked. (More rankings at any time: apprentice rank --more 4 --out {root})")
    });
    if given > 0 {
        let learnt = [&reward::STAGE, &align::STAGE, &evaluate_aligned::STAGE];
        let stale: Vec<&str> = learnt
            .iter()
            .map(|stage| stage.name)
            .filter(|stage| context.dir.done(stage).is_some())
            .collect();
        if !stale.is_empty() {
            context.warn(&format!(
                "{given} new rankings: what was learnt before them ({}) is out of date; apprentice reward --out {root} learns anew",
                stale.join(", ")
            ));
        }
    }
    if !stopped {
        say_next(context);
    }
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

/// How many groups there are to rank, and why so many.
fn why_so_many(wanted: usize, done: usize, asked: usize, disjoint: usize, clips: usize) -> String {
    format!(
        "{done} of {wanted} groups are ranked: operator.rankings asks for {asked}, and {clips} clips make {disjoint} groups of \
         four without a clip in common (--more N adds groups of clips put together anew)."
    )
}

fn camera_names(context: &Context) -> Result<Vec<String>> {
    let description = describe(context)?;
    Ok(description.cameras.into_iter().map(|c| c.name).collect())
}

/// What chooses the questions, if they are chosen.
fn choosing(
    context: &Context,
    notes: &Outcomes,
    args: &ChooseArgs,
    who: &str,
    log: &JudgementLog,
) -> Option<NextQuestion> {
    let how = HowToAsk {
        strategy: Strategy::named(args.choose.as_deref()?)?,
        again: args.again,
        who: who.to_owned(),
    };
    Some(NextQuestion::start(context, notes, how, log.judgements()))
}

fn summary(log: &JudgementLog, wanted: usize, stopped: bool, seconds: f64) -> serde_json::Value {
    let said = standing(log.judgements());
    let rankings = || said.iter().filter(|j| is_ranking(j));
    let skipped = rankings().filter(|j| j.skipped).count();
    let who: BTreeSet<&str> = rankings().map(|j| j.who.as_str()).collect();
    serde_json::json!({
        "groups": wanted,
        "rankings": rankings().count() - skipped,
        "skipped": skipped,
        "operators": who,
        "complete": !stopped,
        "seconds": seconds,
        "log": log.path(),
    })
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
pub struct TypedLines<'a> {
    /// As they come.
    pub lines: Receiver<io::Result<String>>,
    /// Whether standard output is for the result alone.
    pub json: bool,
    /// Says whether the user stops.
    pub context: &'a Context,
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
#[must_use]
pub fn typed_lines() -> Receiver<io::Result<String>> {
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
