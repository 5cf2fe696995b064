//! `apprentice judge`: a person says something of episodes, and it is kept in the run's log.

use crate::cli::{JudgeArgs, JudgeWhat, VerdictArg, YesNoArg};
use crate::commands::rank::now_unix_ms;
use anyhow::{Result, bail};
use apprentice_episode::Tick;
use apprentice_pipeline::context::Context;
use apprentice_pipeline::judgements::SIMULATED;
use apprentice_pipeline::layout::{
    ALIGNED_EVALUATION, BASE_EVALUATION, DEMONSTRATIONS, JUDGEMENTS, ROLLOUTS, outcomes_file,
};
use apprentice_pipeline::outcomes::{EpisodeOutcome, open_episode, read_outcomes};
use apprentice_pipeline::run::{Options, open_to_read};
use apprentice_preference::{
    Answer, Instead, Item, Judgement, JudgementLog, Scale, Span, Verdict, is_wish, standing,
};
use std::path::Path;

/// Digits of a hash that are enough to try.
const DIGITS: usize = 4;

/// Runs the command.
///
/// # Errors
/// When an episode is not in the run, the judgement contradicts itself, or the log cannot be written. What was written
/// before stays.
pub fn run(args: &JudgeArgs) -> Result<()> {
    if args.who.trim().is_empty() || args.who == SIMULATED {
        bail!(
            "--who is {:?}, allowed: any name but none and {SIMULATED:?}",
            args.who
        );
    }
    if matches!(args.what, JudgeWhat::Flag { .. }) && args.axis.is_none() {
        bail!("a flag says yes or no to something: name it with --axis, such as --axis gentleness");
    }
    let context = open_to_read(&Options {
        folder: args.out.clone(),
        quiet: args.json,
        ..Options::default()
    })?;
    let path = context.dir.path(JUDGEMENTS);
    let answers = match &args.what {
        JudgeWhat::Revoke { judgements } => vec![revocation(args, judgements, &path)?],
        what => answers(what, &Episodes::of(&context)?)?,
    };
    let mut opened = JudgementLog::recover(&path)?;
    if let Some(aside) = opened.set_aside {
        context.warn(&format!(
            "the last line of {} was cut off and is now in {}",
            path.display(),
            aside.display()
        ));
    }
    let mut kept = Vec::new();
    for answer in answers {
        let judgement = Judgement {
            axis: args.axis.clone(),
            confidence: args.confidence,
            comment: args.comment.clone(),
            ..Judgement::new(now_unix_ms(), &args.who, answer)
        };
        let judgement = judgement.with_id();
        opened.log.append(&judgement)?;
        kept.push(judgement);
    }
    if args.json {
        println!(
            "{}",
            serde_json::to_string_pretty(&serde_json::json!({ "judgements": kept, "log": path }))?
        );
    } else {
        for judgement in &kept {
            let items = judgement.answer.items();
            let items: Vec<String> = items.iter().map(ToString::to_string).collect();
            let used = context.config.reward.learner.uses();
            if let Answer::Revocation { judgements } = &judgement.answer {
                println!(
                    "taken back: {} judgements of {}; they stay in the log, and `apprentice reward` does not learn from them",
                    judgements.len(),
                    judgement.who
                );
                continue;
            }
            let learnt = if used.contains(&judgement.learnt_as()) {
                ""
            } else {
                "; this run's learner does not learn from it"
            };
            println!(
                "kept: {} {}{learnt}",
                judgement.answer.kind(),
                items.join(", ")
            );
        }
    }
    Ok(())
}

/// What takes judgements back: each is named, so that what is said later under the same name stays.
fn revocation(args: &JudgeArgs, named: &[String], path: &Path) -> Result<Answer> {
    let said = standing(&JudgementLog::read(path)?.judgements);
    let own = || said.iter().filter(|j| j.who == args.who);
    if named.is_empty() {
        let wishes: Vec<String> = own()
            .filter(|j| j.axis == args.axis && is_wish(j))
            .map(|j| j.id.clone())
            .collect();
        if wishes.is_empty() {
            bail!(
                "there is nothing to take back: {} has said nothing {} in {}; --who names who said it, --axis what of",
                args.who,
                args.axis
                    .as_ref()
                    .map_or("over all".to_owned(), |axis| format!("of {axis}")),
                path.display()
            );
        }
        return Ok(Answer::Revocation { judgements: wishes });
    }
    let mut judgements = Vec::new();
    for name in named {
        let found: Vec<&Judgement> = own().filter(|j| j.id.starts_with(name)).collect();
        match found[..] {
            [one] if name.len() >= DIGITS => judgements.push(one.id.clone()),
            _ => bail!(
                "{name:?} begins the id of {} of the judgements of {} that stand in {}; allowed: {DIGITS} digits or more \
                 that begin one",
                found.len(),
                args.who,
                path.display()
            ),
        }
    }
    Ok(Answer::Revocation { judgements })
}

/// What was said, one answer an episode where several are named.
fn answers(what: &JudgeWhat, run: &Episodes<'_>) -> Result<Vec<Answer>> {
    let each = |names: &[String], answer: &dyn Fn(Item) -> Answer| -> Result<Vec<Answer>> {
        names
            .iter()
            .map(|name| Ok(answer(run.item(name)?)))
            .collect()
    };
    match what {
        JudgeWhat::Success { verdict, episodes } => {
            let verdict = match verdict {
                VerdictArg::Yes => Verdict::Yes,
                VerdictArg::No => Verdict::No,
                VerdictArg::Unsure => Verdict::Unsure,
            };
            if let Some(part) = episodes.iter().find(|name| name.contains('@')) {
                bail!("success is of whole episodes, got {part}; leave the part after @ away");
            }
            each(episodes, &|item| Answer::Success { item, verdict })
        }
        JudgeWhat::Flag { answer, episodes } => {
            let yes = *answer == YesNoArg::Yes;
            each(episodes, &|item| Answer::Flag { item, yes })
        }
        &JudgeWhat::Rating {
            value,
            ref episodes,
            low,
            high,
        } => {
            let scale = Scale { low, high };
            each(episodes, &|item| Answer::Rating { item, value, scale })
        }
        JudgeWhat::Similarity {
            anchor,
            nearer,
            farther,
        } => Ok(vec![Answer::Similarity {
            anchor: run.item(anchor)?,
            nearer: run.item(nearer)?,
            farther: run.item(farther)?,
        }]),
        JudgeWhat::Correction { episode, instead } => Ok(vec![Answer::Correction {
            item: run.item(episode)?,
            instead: Instead::Item(run.item(instead)?),
        }]),
        JudgeWhat::Revoke { .. } => Ok(Vec::new()),
        JudgeWhat::Utterance { text, episodes } => {
            let items: Result<Vec<Item>> = episodes.iter().map(|name| run.item(name)).collect();
            Ok(vec![Answer::Utterance {
                text: text.clone(),
                items: items?,
            }])
        }
    }
}

/// The episodes of a run.
struct Episodes<'a> {
    context: &'a Context,
    /// With their folders.
    all: Vec<(&'static str, EpisodeOutcome)>,
}

impl<'a> Episodes<'a> {
    fn of(context: &'a Context) -> Result<Self> {
        let mut all = Vec::new();
        for folder in [
            DEMONSTRATIONS,
            ROLLOUTS,
            BASE_EVALUATION,
            ALIGNED_EVALUATION,
        ] {
            if context.dir.path(&outcomes_file(folder)).exists() {
                let episodes = read_outcomes(context, folder)?.episodes;
                all.extend(episodes.into_iter().map(|episode| (folder, episode)));
            }
        }
        Ok(Self { context, all })
    }

    /// The item of this name.
    fn item(&self, text: &str) -> Result<Item> {
        let (name, span) = match text.split_once('@') {
            Some((name, span)) => (name, Some(span)),
            None => (text, None),
        };
        let (folder, episode) = self.named(name)?;
        let Some(span) = span else {
            return Ok(Item::whole(episode.id.clone()));
        };
        let seconds = span.split_once('-').and_then(|(start, end)| {
            let ends = [start.parse::<f64>().ok()?, end.parse::<f64>().ok()?];
            let usable = |s: &f64| s.is_finite() && *s >= 0.0;
            ends.iter().all(usable).then_some(ends)
        });
        let Some(seconds) = seconds else {
            bail!(
                "{text} has the part {span:?}, allowed: START-END in seconds from its start, such as 0.5-2"
            );
        };
        let ticks = open_episode(self.context, folder, episode)?.ticks;
        let stamp = |tick: Option<&Tick>| tick.map_or(0, |t| t.stamp_ns);
        let (first, last) = (stamp(ticks.first()), stamp(ticks.last()));
        // The last tick lasts as long as the others.
        let length = last.saturating_sub(first)
            + last.saturating_sub(first) / (ticks.len().max(2) as u64 - 1);
        let length_s = length as f64 / 1e9;
        if seconds[1] > length_s + 1e-6 {
            bail!(
                "{text} ends at {} s, and the episode after {length_s:.1} s",
                seconds[1]
            );
        }
        let [start_ns, end_ns] = seconds.map(|s| first.saturating_add((s * 1e9) as u64));
        Ok(Item::part(episode.id.clone(), Span { start_ns, end_ns }))
    }

    fn named(&self, name: &str) -> Result<(&'static str, &EpisodeOutcome)> {
        let root = self.context.dir.root();
        let path = std::path::Path::new(name);
        let file = path.strip_prefix(root).unwrap_or(path);
        let is = |(folder, episode): &&(&str, EpisodeOutcome)| {
            let digits = name.len() >= DIGITS && episode.id.as_str().starts_with(name);
            digits || file == std::path::Path::new(folder).join(&episode.file)
        };
        let mut found = self.all.iter().filter(is);
        let Some((folder, episode)) = found.next() else {
            bail!(
                "{name:?} is none of the {} episodes of {}; allowed: its file, such as {}/episode-0000.mcap, or the \
                 first {DIGITS} digits of its hash or more",
                self.all.len(),
                root.display(),
                ROLLOUTS
            );
        };
        if found.any(|(_, other)| other.id != episode.id) {
            bail!("{name:?} begins the hash of several episodes; give more digits, or its file");
        }
        Ok((*folder, episode))
    }
}
