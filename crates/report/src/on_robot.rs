//! Trials of base and aligned policy on a robot: a section of the page, and the whole page of a run on an arm that no
//! simulator of ours judges.

use super::escape::escape;
use super::files::{HTML, JSON};
use super::page_shell::whole;
use anyhow::{Result, bail};
use apprentice_pipeline::context::Context;
use apprentice_pipeline::layout::{ALIGNMENT, ON_ROBOT, TRIALS};
use apprentice_pipeline::on_robot::figures::{ComparisonFigures, Pairs, Share, in_words};
use apprentice_pipeline::run_dir::write_whole;
use apprentice_pipeline::scores::read_reward;
use apprentice_pipeline::stages::align::Alignment;
use apprentice_pipeline::trials::{Judge, TrialLog};
use serde::Serialize;
use std::collections::BTreeSet;

/// What a run on an arm of one's own amounts to.
#[derive(Clone, Debug, Serialize)]
pub struct ArmReport {
    /// The task in words.
    pub task: String,
    /// The robot's name.
    pub robot: String,
    /// Seed of everything random.
    pub seed: u64,
    /// Base and aligned policy, tried on it.
    pub trials: ComparisonFigures,
    /// Who said how these trials went.
    pub judges: Vec<String>,
    /// Chance that the rankings' evidence is a fluke; `None` where no reward was learnt.
    pub reward_p_value: Option<f64>,
    /// How far the policy was moved by the alignment; `None` without one.
    pub drift: Option<f64>,
}

/// Whether a run's report is this one: its robot is not one of our simulated ones.
#[must_use]
pub fn is_of_an_arm(context: &Context) -> bool {
    !context.config.robot.endpoint.is_empty()
}

/// Writes `report.json` and `report.html` of such a run.
///
/// # Errors
/// When both policies have not been tried on the robot, a file cannot be read, or the folder not be written.
pub fn write_of_an_arm(context: &Context) -> Result<ArmReport> {
    if !context.dir.path(ON_ROBOT).exists() {
        bail!(
            "both policies have not been tried on the robot yet; run `apprentice evaluate --on-robot --out {}` first",
            context.dir.root().display()
        );
    }
    let trials: ComparisonFigures = context.dir.read(ON_ROBOT)?;
    let judges = judges(context, &trials)?;
    let alignment: Option<Alignment> = context.dir.read(ALIGNMENT).ok();
    let report = ArmReport {
        task: context.config.instruction(),
        robot: apprentice_pipeline::robots::describe(context)?.name,
        seed: context.seed.0,
        reward_p_value: read_reward(context).ok().map(|r| r.evidence.p_value),
        drift: alignment.and_then(|a| a.report).map(|r| r.drift),
        judges,
        trials,
    };
    let page = whole(&escape(&report.task), &body(&report));
    context.dir.write(JSON, &report)?;
    write_whole(&context.dir.path(HTML), page.as_bytes())?;
    Ok(report)
}

fn judges(context: &Context, figures: &ComparisonFigures) -> Result<Vec<String>> {
    let log = TrialLog::read(&context.dir.path(TRIALS))?;
    let names: BTreeSet<String> = log
        .entries
        .into_iter()
        .filter(|t| t.comparison == figures.comparison)
        .map(|t| match t.judge {
            Judge::Robot => "the robot itself".to_owned(),
            Judge::Person(who) => who,
            Judge::Nobody => "nobody (cut short)".to_owned(),
        })
        .collect();
    Ok(names.into_iter().collect())
}

fn body(report: &ArmReport) -> String {
    let mut learnt = String::new();
    if let Some(p) = report.reward_p_value {
        learnt.push_str(&format!("<li>Rankings: chance of a fluke {p:.4}.</li>"));
    }
    if let Some(drift) = report.drift {
        learnt.push_str(&format!(
            "<li>The alignment moved the policy by {drift:.4}.</li>"
        ));
    }
    format!(
        "<header><p class=\"kicker\">Apprentice \u{b7} seed {} \u{b7} {}</p><h1>{}</h1><p class=\"lead\">{}.</p></header>\
         <section><h2>Trials on the robot</h2>{}</section>\
         <section><h2>How sure this is</h2><ul>{learnt}<li>How the trials went was said by {}.</li></ul></section>",
        report.seed,
        escape(&report.robot),
        escape(&report.task),
        escape(&capital(in_words(report.trials.decision))),
        section(&report.trials),
        escape(&report.judges.join(", ")),
    )
}

fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

/// The trials as a section of the page.
#[must_use]
pub fn section(figures: &ComparisonFigures) -> String {
    let (base, aligned) = (&figures.base, &figures.aligned);
    let row = |name: &str, before: Share, after: Share| {
        format!(
            "<tr><td>{name}</td><td>{}</td><td>{}</td></tr>",
            before, after
        )
    };
    let mut rows = row("done", base.success, aligned.success);
    if figures.tells_preferred() {
        rows += &row("the preferred way", base.preferred, aligned.preferred);
    }
    for (name, before, after) in [
        (
            "trials with interventions",
            base.interventions,
            aligned.interventions,
        ),
        ("stops", base.stops, aligned.stops),
        ("takeovers", base.takeovers, aligned.takeovers),
        ("drops", base.drops, aligned.drops),
    ] {
        rows += &format!("<tr><td>{name}</td><td>{before}</td><td>{after}</td></tr>");
    }
    let preferred = figures
        .paired_preferred
        .as_ref()
        .map(|p| format!("<p>The preferred way: {}</p>", pairs(p)));
    let not_told = (!figures.tells_preferred()).then_some(
        "<p>Nobody told which way it was done: the decision is about success alone.</p>",
    );
    let preferred = preferred
        .or(not_told.map(str::to_owned))
        .unwrap_or_default();
    format!(
        "<p>{} trials of each policy, in turns from the same starts, in an order nobody was shown.</p>\
         <table><tr><th></th><th>base</th><th>aligned</th></tr>{rows}</table>\
         <p>Success: {} It is wrong with a probability of at most {}, however often one looked; a loss of {} counts as \
         fine.{}</p>{preferred}\
         <p class=\"note\">Clopper-Pearson 95 % intervals. What was unsure is no success; it counts as a failure in the \
         lower bound and as a success in the upper one, and what the test says holds whichever way it went.</p>",
        base.trials.min(aligned.trials),
        pairs(&figures.paired),
        figures.error_rate,
        figures.margin,
        if figures.ended_early {
            format!(
                " It decided before all {} trials were done.",
                figures.wanted
            )
        } else {
            String::new()
        },
    )
}

fn pairs(pairs: &Pairs) -> String {
    format!(
        "<b>{}</b>, after {} pairs ({} unsure): only the base policy in {}, only the aligned one in {}; difference {:+.3}, \
         between {:+.3} and {:+.3} at every moment.",
        in_words(pairs.decision),
        pairs.pairs,
        pairs.unsure,
        pairs.base_only,
        pairs.aligned_only,
        pairs.difference,
        pairs.interval.0,
        pairs.interval.1
    )
}
