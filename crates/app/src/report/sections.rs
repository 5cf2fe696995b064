//! The page's sections, one function each.

use super::colour::Colour;
use super::escape::escape;
use super::figures::Report;
use super::film::Film;
use super::last_screen::suggestions;
use super::material::{Ending, Material, ScoredEpisode};
use super::plots::{Axes, Line, histogram, line_chart};
use super::rates_plot::rates_plot;
use super::words::{bytes, chance, count, duration, percent, way, who};
use apprentice_core::sha256_bytes;
use std::fmt::Write as _;

const ENDINGS: [(Ending, Colour, &str); 3] = [
    (
        Ending::Preferred,
        Colour::Preferred,
        "picked up the preferred way",
    ),
    (Ending::Other, Colour::Other, "picked up another way"),
    (Ending::Failed, Colour::Failed, "not picked up"),
];

/// What the operator wanted and gave.
pub fn asked(report: &Report) -> String {
    let labels = &report.labels;
    let simulated = labels.operators.iter().any(|o| o.contains("simulated"));
    let secret = if simulated {
        format!(
            "It wanted the mug taken <b>{}</b> and told nobody; only the order of the clips could give that away.",
            way(report)
        )
    } else {
        format!(
            "These figures count as preferred: taken <b>{}</b> (<code>operator.prefers</code>).",
            way(report)
        )
    };
    let skipped = if labels.skipped == 0 {
        String::new()
    } else {
        format!(" {} groups were skipped.", labels.skipped)
    };
    format!(
        "<p>The task: {}. The arm was shown {} demonstrations, half by the handle and half by the rim, and imitated \
         them all. Then {} put {} groups of four of its own attempts in order, best first.{skipped} {secret}</p>",
        escape(&report.task),
        episodes(report, "demonstrations/"),
        escape(&who(report)),
        labels.rankings,
    )
}

/// Before and after.
pub fn changed(report: &Report, material: &Material) -> String {
    let (base, aligned, scenes) = (&report.base, &report.aligned, &report.scenes);
    let rows = [
        (
            "Picked up, of all scenes".to_owned(),
            base.success,
            aligned.success,
        ),
        (
            "Taken the preferred way, of those picked up".to_owned(),
            base.preferred,
            aligned.preferred,
        ),
        (
            "Taken the preferred way, of all scenes".to_owned(),
            base.preferred_of_all,
            aligned.preferred_of_all,
        ),
    ];
    format!(
        "<p>Both policies were tried in the same {} scenes, none of which they had seen. In {} scenes the preferred \
         way came with alignment, in {} it went, in {} it was there both times and in {} neither time.</p>\
         <div class=\"rates\">{}</div><p class=\"note\">Whiskers and brackets: Wilson 95 % intervals.</p>{}",
        base.success.n,
        scenes.gained,
        scenes.lost,
        scenes.kept,
        scenes.never,
        rates_plot("Before and after, on held-out scenes", &rows),
        films(&material.before_and_after)
    )
}

/// The reward.
pub fn learnt(report: &Report, material: &Material) -> String {
    let reward = &report.reward;
    let best = &reward.controls.best_single_feature;
    let moments = Axes {
        title: "Reward over time, held-out attempts".into(),
        x: "share of the attempt, %".into(),
        y: "reward of a moment".into(),
        ..Axes::default()
    };
    let totals = Axes {
        title: "Reward of whole attempts, held out".into(),
        x: "reward (0 is the best there can be)".into(),
        y: "attempts".into(),
        ..Axes::default()
    };
    let groups = ENDINGS.map(|(ending, colour, name)| {
        let of = with(&material.held_out, ending);
        (
            format!("{name} ({})", of.len()),
            colour,
            of.iter().map(|e| e.scored.total).collect(),
        )
    });
    format!(
        "<p>From the rankings came an eye that sees what matters to the operator, and with it a reward: how near an \
         attempt comes to the closest of a few preferred ones. On {} pairs of attempts it had never seen, it puts the \
         better one first in <b>{}</b>; its rank correlation with the hidden preference is <b>{:.3}</b>.</p>\
         <div class=\"wide\"><table><tr><th>who orders the pairs</th><th>right</th></tr>\
         <tr><td>the reward, from pictures alone</td><td>{}</td></tr>\
         <tr><td>best single number, chosen with hindsight: {}</td><td>{}</td></tr>\
         <tr><td>always the same answer</td><td>{}</td></tr></table></div>\
         <div class=\"pair\">{}{}</div><p class=\"note\">Lines: mean of each kind of attempt; bands: 10th to 90th \
         percentile. A reward is never above 0.</p>{}",
        count(reward.pairs_heldout as u64),
        percent(reward.triplet_accuracy_heldout),
        reward.spearman_heldout,
        percent(reward.triplet_accuracy_heldout),
        escape(&best.name),
        percent(best.accuracy),
        percent(reward.controls.majority),
        line_chart(&moments, &reward_lines(&material.held_out)),
        histogram(&totals, &groups, 24),
        films(&material.best_and_worst)
    )
}

/// What supports the figures.
pub fn sure(report: &Report) -> String {
    let evidence = &report.reward.evidence;
    let gate = if report.alignment.evidence {
        "so the policy was aligned"
    } else {
        "so the policy was left as it was"
    };
    format!(
        "<ul><li>Every share above comes with its Wilson 95 % interval: where two intervals are apart, chance is a \
         poor explanation.</li>\
         <li>Rankings kept back: rewards learnt without them agree with {} of their {} pairs. With rankings in random \
         order that much agreement has a chance of {} (allowed: {}), {gate}.</li>\
         <li>Controls: the table above sets the reward beside answers that need no learning. \
         <code>operator.shuffle=true</code> repeats the run with rankings that say nothing.</li>\
         <li>Drift: the aligned policy's predicted noise differs from the base policy's by {:.4} in the mean square; \
         the budget is {} and the noise itself has variance 1.</li>\
         <li>This is one seed. Other seeds give other figures.</li></ul>",
        percent(evidence.accuracy),
        evidence.pairs,
        chance(evidence.p_value),
        report.reward.significance,
        report.drift,
        report.alignment.drift_budget,
    )
}

/// Curves of the three trainings.
pub fn curves(report: &Report, material: &Material) -> String {
    let axes = |title: &str, x: &str, y: &str| Axes {
        title: title.into(),
        x: x.into(),
        y: y.into(),
        ..Axes::default()
    };
    let line = |name: &str, colour, points, faint| Line {
        name: name.into(),
        colour,
        points,
        band: Vec::new(),
        faint,
    };
    let numbered = |values: &[f64]| {
        values
            .iter()
            .enumerate()
            .map(|(i, v)| (i as f64 + 1.0, *v))
            .collect::<Vec<_>>()
    };
    let loss: Vec<f64> = material
        .training_loss
        .iter()
        .map(|&l| f64::from(l))
        .collect();
    let training = Axes {
        log_y: true,
        ..axes(
            "Imitation: loss of the diffusion policy",
            "step",
            "loss (log)",
        )
    };
    let mut charts = line_chart(
        &training,
        &[
            line("", Colour::Before, numbered(&loss), true),
            line(
                "mean of 20 steps",
                Colour::After,
                numbered(&running_mean(&loss, 20)),
                false,
            ),
        ],
    );
    charts += &line_chart(
        &axes("The eye: loss on comparisons", "epoch", "loss"),
        &[
            line(
                "learnt from",
                Colour::Before,
                numbered(&material.eye_training),
                false,
            ),
            line(
                "kept back",
                Colour::After,
                numbered(&material.eye_validation),
                false,
            ),
        ],
    );
    let Some(alignment) = &material.alignment else {
        return format!("<div class=\"pair\">{charts}</div><p>There was no alignment to show.</p>");
    };
    let curve = |f: fn(&(usize, f32, f32, f64)) -> f64| {
        alignment.curve.iter().map(|p| (p.0 as f64, f(p))).collect()
    };
    let drift = Axes {
        rules: vec![(alignment.drift_budget, "budget".into())],
        include_y: vec![0.0],
        ..axes("The hand: drift from the base policy", "step", "drift")
    };
    charts += &line_chart(
        &drift,
        &[line("drift", Colour::After, curve(|p| p.3), false)],
    );
    let preference = Axes {
        include_y: vec![0.0, 1.0],
        ..axes("The hand: preference", "step", "")
    };
    charts += &line_chart(
        &preference,
        &[
            line(
                "preference loss",
                Colour::Before,
                curve(|p| f64::from(p.1)),
                false,
            ),
            line(
                "pairs the policy itself orders right",
                Colour::After,
                curve(|p| f64::from(p.2)),
                false,
            ),
        ],
    );
    format!(
        "<p>The policy imitated {} moments of the demonstrations, and was then aligned in {} steps on {} pairs of its \
         own attempts (beta {:.1}).</p><div class=\"pair\">{charts}</div>",
        count(material.samples as u64),
        report.alignment.steps,
        count(alignment.pairs as u64),
        alignment.beta
    )
}

/// Time, memory, labels.
pub fn cost(report: &Report) -> String {
    let longest = report.stages.iter().map(|s| s.seconds).fold(1e-9, f64::max);
    let rows: String = report
        .stages
        .iter()
        .map(|s| {
            let width = 100.0 * s.seconds / longest;
            format!(
                "<tr><td>{}</td><td>{}</td><td class=\"meter\"><i style=\"width:{width:.1}%\"></i></td></tr>",
                escape(&s.name),
                duration(s.seconds)
            )
        })
        .collect();
    format!(
        "<p>{} rankings of four, {} in all, at most {} of memory, on <code>{}</code>.</p>\
         <table class=\"stages\"><tr><th>stage</th><th>time</th><th></th></tr>{rows}</table>",
        report.labels.rankings,
        duration(report.seconds()),
        bytes(report.peak_memory_bytes),
        escape(&report.device)
    )
}

/// What stood between policy and arm.
pub fn guard(report: &Report) -> String {
    let guard = &report.guard;
    format!(
        "<p>The guard stood between policy and arm all the time: {} commands sent, {} of them changed by it to stay \
         within the limits, and <b>{} outside</b> the limits as a separate checker counts them.</p>",
        count(guard.commands),
        count(guard.refusals),
        count(guard.violations)
    )
}

/// Files, and what of them a second run must give again.
pub fn places(report: &Report, material: &Material) -> String {
    let mut html = format!(
        "<p>In the folder <code>{}</code>:</p><ul class=\"files\">",
        escape(&material.folder)
    );
    let item = |html: &mut String, path: &str, what: &str| {
        let path = escape(path);
        let _ = write!(html, "<li><a href=\"{path}\">{path}</a> {what}</li>");
    };
    item(&mut html, super::JSON, "every figure of this page");
    for name in &material.recordings {
        item(&mut html, name, "recording for the rerun viewer");
    }
    for (path, what) in [
        (crate::stages::policy::BASE, "policy before alignment"),
        (crate::stages::align::ALIGNED, "policy after alignment"),
        (crate::stages::reward::REWARD, "the reward"),
        (crate::stages::rank::LOG, "what the operator said"),
        ("demonstrations/", "demonstrations, one MCAP file each"),
        ("rollouts/", "attempts that were ranked"),
        ("evaluation/", "held-out attempts of both policies"),
    ] {
        item(&mut html, path, what);
    }
    html.push_str(
        "</ul><details><summary>What the same seed, device and settings give again, bit for bit</summary>\
         <div class=\"wide\"><table><tr><th>folder</th><th>files</th><th>sha256 of the list of hashes</th></tr>",
    );
    for group in report
        .artefacts
        .chunk_by(|a, b| folder(&a.path) == folder(&b.path))
    {
        let list: String = group
            .iter()
            .map(|a| format!("{}  {}\n", a.sha256, a.path))
            .collect();
        let name = group.first().map_or("", |a| folder(&a.path));
        let sha256 = sha256_bytes(list.as_bytes());
        let _ = write!(
            html,
            "<tr><td>{}</td><td>{}</td><td><code>{sha256}</code></td></tr>",
            escape(name),
            group.len()
        );
    }
    html + "</table></div><p class=\"note\">The hash of every single file is in report.json.</p></details>"
}

/// What a reader may want to do now.
pub fn next(material: &Material) -> String {
    let items: String = suggestions(&material.folder)
        .iter()
        .map(|(what, commands)| {
            format!(
                "<li>{}<pre>{}</pre></li>",
                escape(what),
                escape(&commands.join("\n"))
            )
        })
        .collect();
    format!(
        "<ul>{items}</ul><p class=\"note\">From the source tree, <code>cargo run --release --</code> stands for <code>apprentice</code>.</p>"
    )
}

/// What must not be read into the figures.
pub fn limits(report: &Report) -> String {
    format!(
        "<ul><li>The arm is simulated. Nothing here was tried on a real one.</li>\
         <li>A grasp is modelled as attachment once both fingers touch: slipping and crushing are not in it.</li>\
         <li>One mug, one table, two cameras, one light; scenes differ in where the mug stands, how it is turned and \
         how the arm starts.</li>\
         <li>The networks and the data are small: {} demonstrations, {} ranked attempts. The intervals cover chance \
         in {} scenes, not other tasks, robots or people.</li>\
         <li>The simulated operator is more even than a person: apart from mistakes made on purpose it never changes \
         its mind.</li></ul>",
        episodes(report, "demonstrations/"),
        4 * report.labels.rankings,
        report.base.success.n
    )
}

fn episodes(report: &Report, folder: &str) -> usize {
    report
        .artefacts
        .iter()
        .filter(|a| a.path.starts_with(folder) && a.path.ends_with(".mcap"))
        .count()
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/')
        .map_or("(the run's own)", |(folder, _)| folder)
}

fn films(films: &[Film]) -> String {
    let lowest = films
        .iter()
        .flat_map(|f| &f.rewards)
        .copied()
        .fold(0.0, f64::min);
    films.iter().map(|f| f.html(lowest)).collect()
}

fn with(episodes: &[ScoredEpisode], ending: Ending) -> Vec<&ScoredEpisode> {
    episodes.iter().filter(|e| e.ending == ending).collect()
}

/// Mean and spread of each moment's reward, a line for each way to end.
fn reward_lines(episodes: &[ScoredEpisode]) -> Vec<Line> {
    let lines = ENDINGS.iter().map(|&(ending, colour, name)| {
        let of = with(episodes, ending);
        let moments = of.iter().map(|e| e.scored.moments.len()).max().unwrap_or(0);
        let (mut points, mut band) = (Vec::new(), Vec::new());
        for moment in 0..moments {
            let mut values: Vec<f64> = of
                .iter()
                .filter_map(|e| e.scored.moments.get(moment).copied())
                .collect();
            values.sort_by(f64::total_cmp);
            let x = 100.0 * moment as f64 / (moments - 1).max(1) as f64;
            let at = |share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
            points.push((x, values.iter().sum::<f64>() / values.len() as f64));
            band.push((x, at(0.1), at(0.9)));
        }
        Line {
            name: name.into(),
            colour,
            points,
            band,
            faint: false,
        }
    });
    lines.filter(|l| !l.points.is_empty()).collect()
}

/// Mean of each value and up to `width - 1` before it.
fn running_mean(values: &[f64], width: usize) -> Vec<f64> {
    let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
    (1..=values.len())
        .map(|end| mean(&values[end.saturating_sub(width)..end]))
        .collect()
}
