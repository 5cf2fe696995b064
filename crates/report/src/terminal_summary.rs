//! The last thing the terminal shows: what was learnt, where it lies, what to try.

use super::figures::Report;
use super::files::{HTML, JSON};
use super::page_content::recordings;
use super::wording::{
    Verdict, bytes, chance, count, duration, guard_advice, percent, reasons, share, warnings, who,
};
use apprentice_pipeline::shell_word::shell_word;
use apprentice_statistics::Proportion;
use std::path::Path;

/// Lines for the terminal.
#[must_use]
pub fn terminal_summary(report: &Report, dir: &Path, named: &[String]) -> String {
    let reward = &report.reward;
    let best = &reward.controls.best_single_feature;
    let mut lines = vec![String::new(), Verdict::of(report).sentence(report)];
    lines.extend(warnings(report).iter().map(|w| format!("! {w}")));
    let row = |name: &str, before: Proportion, after: Proportion| {
        format!("  {name:<18}{:<42}{}", share(before), share(after))
    };
    lines.extend([
        String::new(),
        format!("  {:<18}{:<42}after", format!("{} scenes", report.base.success.n), "before alignment"),
        row(report.words.words.done, report.base.success, report.aligned.success),
        row("the preferred way", report.base.preferred, report.aligned.preferred),
        format!("  (share, count, Wilson 95 % interval; the second row counts only what was {})", report.words.words.done),
        String::new(),
        format!("  rankings    {} of four, by {}; chance of a fluke {}", report.labels.rankings, who(report), chance(reward.evidence.p_value)),
        format!(
            "  reward      {}",
            if reward.pairs_heldout == 0 {
                "not tried: no two unseen attempts of which one was better (nothing to count)".to_owned()
            } else {
                format!(
                    "right in {} of unseen triplets (best single number {}, guessing {}), correlation {:.3}",
                    percent(reward.triplet_accuracy_heldout),
                    percent(best.accuracy),
                    percent(reward.controls.majority),
                    reward.spearman_heldout
                )
            }
        ),
        format!("  drift       {:.4} of {} allowed", report.drift, report.alignment.drift_budget),
        format!(
            "  guard       {} commands, {} changed, {} outside limits",
            count(report.guard.commands),
            count(report.guard.refusals),
            count(report.guard.violations)
        ),
    ]);
    let why = reasons(&report.guard, 2);
    if !why.is_empty() {
        let share = format!("share of ticks in which it {why}");
        lines.extend(indented(&share));
    }
    if let Some(advice) = guard_advice(&report.guard) {
        lines.extend(indented(&advice));
    }
    lines.extend([
        format!(
            "  cost        {}, at most {} of memory, device {}",
            duration(report.seconds()),
            bytes(report.peak_memory_bytes),
            report.device
        ),
        String::new(),
        format!("In {}:", dir.display()),
        format!(
            "  {:<44}what happened, with pictures; the figures",
            format!("{}, {}", HTML, JSON)
        ),
    ]);
    lines.extend(
        recordings(dir)
            .iter()
            .map(|name| format!("  {name:<44}to be opened in rerun")),
    );
    lines.extend([
        format!("  {:<44}the policies", "policy/{base,aligned}.safetensors"),
        format!(
            "  {:<44}the episodes",
            "demonstrations/, rollouts/, evaluation/"
        ),
        String::new(),
        "Try next:".to_owned(),
    ]);
    for (what, commands) in suggestions(&dir.display().to_string(), named) {
        let mut why = format!("   # {what}");
        for command in commands {
            lines.push(format!("  {command}{why}"));
            why.clear();
        }
    }
    lines.join("\n")
}

/// What to try next: why, and the commands, with the settings of this run (`named`, the options that named them).
#[must_use]
pub fn suggestions(folder: &str, named: &[String]) -> Vec<(String, Vec<String>)> {
    // A name beside this run's folder, since a run keeps to the settings it was started with.
    let other = |name: &str| format!("{}-{name}", folder.trim_end_matches('/'));
    let mine = other("mine");
    let settings: String = named
        .iter()
        .map(|w| format!(" {}", shell_word(w)))
        .collect();
    vec![
        (
            "rank the attempts yourself".to_owned(),
            vec![
                format!(
                    "apprentice record demonstrations --out {mine}{settings} && apprentice train --out {mine}"
                ),
                format!("apprentice record rollouts --out {mine} && apprentice rank --out {mine}"),
                format!("apprentice demo --out {mine}"),
            ],
        ),
        (
            "an operator who errs in one ranking of five".to_owned(),
            vec![format!(
                "apprentice demo --out {}{settings} --set operator.error_rate=0.2",
                other("errors")
            )],
        ),
        (
            "rankings that say nothing, as a control".to_owned(),
            vec![format!(
                "apprentice demo --out {}{settings} --set operator.shuffle=true",
                other("shuffled")
            )],
        ),
        (
            "another seed, and watch it live".to_owned(),
            vec![format!(
                "apprentice demo --out {}{settings} --seed 1 --view",
                other("seed-1")
            )],
        ),
    ]
}

/// A text below the column of values, in lines that a terminal shows whole.
fn indented(text: &str) -> Vec<String> {
    const MOST: usize = 100;
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => word.clone_into(line),
            Some(line) if line.len() + word.len() < MOST => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
        .iter()
        .map(|line| format!("{:14}{line}", ""))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::report;
    use crate::wording::span;

    #[test]
    fn it_says_the_figures_their_intervals_and_what_exists() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("run.rrd"), "").unwrap();
        let run = report();
        let screen = terminal_summary(&run, dir.path(), &[]);
        for needed in [
            span(run.base.preferred),
            span(run.aligned.preferred),
            span(run.aligned.success),
            Verdict::of(&report()).sentence(&report()),
            "report.html".into(),
            "run.rrd".into(),
            "0 outside limits".into(),
            "spread a change of a joint's speed over more time".into(),
            "apprentice rank --out".into(),
            "operator.shuffle=true".into(),
        ] {
            assert!(screen.contains(&needed), "{needed}\n{screen}");
        }
        assert!(screen.lines().count() <= 32, "{screen}");
        assert!(
            screen
                .lines()
                .all(|l| l.len() <= 140 || l.contains("--out")),
            "{screen}"
        );
    }

    #[test]
    fn what_to_try_next_has_the_settings_of_this_run() {
        let named = ["--config", "my files/tiny.toml", "--set", "train.steps=9"].map(str::to_owned);
        for (why, commands) in suggestions("runs/a", &named) {
            // A run that was started with them keeps them.
            assert!(
                commands[0].contains(" --config 'my files/tiny.toml' --set train.steps=9"),
                "{why}: {commands:?}"
            );
        }
        let own = suggestions("runs/a", &named)[1].1[0].clone();
        assert!(own.ends_with("--set operator.error_rate=0.2"), "{own}");
        assert_eq!(shell_word("it's"), r"'it'\''s'");
    }

    #[test]
    fn it_does_not_boast() {
        let dir = tempfile::tempdir().unwrap();
        let mut run = report();
        run.aligned = run.base;
        assert!(terminal_summary(&run, dir.path(), &[]).contains("the preference was not learnt"));
        run.alignment.evidence = false;
        let screen = terminal_summary(&run, dir.path(), &[]);
        assert!(screen.contains("left as it was") && !screen.contains("run.rrd"));
    }
}
