//! The page's sections on learning: the reward, and the curves of the trainings.

use super::colour::Colour;
use super::escape::escape;
use super::figures::Report;
use super::film_strip::FilmStrip;
use super::histogram::histogram;
use super::page_content::{Ending, PageContent, ScoredEpisode};
use super::plots::{Axes, Line, line_chart};
use super::wording::{count, percent};

/// Endings that somebody knows, with a colour and words for each.
fn endings(done: &str) -> [(Ending, Colour, String); 3] {
    [
        (
            Ending::Preferred,
            Colour::Preferred,
            format!("{done} the preferred way"),
        ),
        (Ending::Other, Colour::Other, format!("{done} another way")),
        (Ending::Failed, Colour::Failed, format!("not {done}")),
    ]
}

/// The reward.
pub fn learnt(report: &Report, content: &PageContent) -> String {
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
        x: "reward".into(),
        y: "attempts".into(),
        ..Axes::default()
    };
    let groups = endings(report.words.words.done).map(|(ending, colour, name)| {
        let of = with(&content.held_out, ending);
        (
            format!("{name} ({})", of.len()),
            colour,
            of.iter().map(|e| e.scored.total).collect(),
        )
    });
    let share = |share: f64| match reward.pairs_heldout {
        0 => "nothing to count".to_owned(),
        _ => percent(share),
    };
    format!(
        "<p>From the rankings came a reward, from pictures alone. Of {} pairs of attempts it had never seen, it puts the \
         better one nearer to one that the operator likes in <b>{}</b>; its rank correlation with the hidden preference is <b>{:.3}</b>.</p>\
         <div class=\"wide\"><table><tr><th>who says which is better</th><th>right</th></tr>\
         <tr><td>the reward, from pictures alone</td><td>{}</td></tr>\
         <tr><td>best single number, chosen with hindsight: {}</td><td>{}</td></tr>\
         <tr><td>always the same answer</td><td>{}</td></tr></table></div>\
         <div class=\"pair\">{}{}</div><p class=\"note\">Lines: mean of each kind of attempt; bands: 10th to 90th \
         percentile.</p>{}",
        count(reward.pairs_heldout as u64),
        share(reward.triplet_accuracy_heldout),
        reward.spearman_heldout,
        share(reward.triplet_accuracy_heldout),
        escape(&best.name),
        share(best.accuracy),
        share(reward.controls.majority),
        line_chart(
            &moments,
            &reward_lines(report.words.words.done, &content.held_out)
        ),
        histogram(&totals, &groups, 24),
        film_strips(&content.best_and_worst)
    )
}

/// Curves of the three trainings.
pub fn curves(report: &Report, content: &PageContent) -> String {
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
    let loss: Vec<f64> = content
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
        &axes("The encoder: loss on comparisons", "epoch", "loss"),
        &[
            line(
                "learnt from",
                Colour::Before,
                numbered(&content.encoder_training),
                false,
            ),
            line(
                "kept back",
                Colour::After,
                numbered(&content.encoder_validation),
                false,
            ),
        ],
    );
    let Some(alignment) = &content.alignment else {
        return format!("<div class=\"pair\">{charts}</div><p>There was no alignment to show.</p>");
    };
    let curve = |f: fn(&(usize, f32, f32, f64)) -> f64| {
        alignment.curve.iter().map(|p| (p.0 as f64, f(p))).collect()
    };
    let drift = Axes {
        rules: vec![(alignment.drift_budget, "budget".into())],
        include_y: vec![0.0],
        ..axes("The policy: drift from the base policy", "step", "drift")
    };
    charts += &line_chart(
        &drift,
        &[line("drift", Colour::After, curve(|p| p.3), false)],
    );
    let preference = Axes {
        include_y: vec![0.0, 1.0],
        ..axes("The policy: preference", "step", "")
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
        "<p>The policy imitated {} moments of the demonstrations, and was then aligned in {} steps on {} pairs of \
         episodes that the reward tells apart (beta {:.1}).</p><div class=\"pair\">{charts}</div>",
        count(content.samples as u64),
        report.alignment.steps,
        count(alignment.pairs as u64),
        alignment.facts.get("beta").copied().unwrap_or_default()
    )
}

/// FilmStrip strips whose reward bars can be compared.
pub fn film_strips(film_strips: &[FilmStrip]) -> String {
    let lowest = film_strips
        .iter()
        .flat_map(|f| &f.rewards)
        .copied()
        .fold(0.0, f64::min);
    film_strips.iter().map(|f| f.html(lowest)).collect()
}

fn with(episodes: &[ScoredEpisode], ending: Ending) -> Vec<&ScoredEpisode> {
    episodes.iter().filter(|e| e.ending == ending).collect()
}

/// Mean and spread of each moment's reward, a line for each way to end.
fn reward_lines(done: &str, episodes: &[ScoredEpisode]) -> Vec<Line> {
    let lines = endings(done).into_iter().map(|(ending, colour, name)| {
        let of = with(episodes, ending);
        let moments = of
            .iter()
            .map(|e| e.scored.per_frame.len())
            .max()
            .unwrap_or(0);
        let (mut points, mut band) = (Vec::new(), Vec::new());
        for moment in 0..moments {
            let mut values: Vec<f64> = of
                .iter()
                .filter_map(|e| e.scored.per_frame.get(moment).copied())
                .collect();
            values.sort_by(f64::total_cmp);
            let x = 100.0 * moment as f64 / (moments - 1).max(1) as f64;
            let at = |share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
            points.push((x, values.iter().sum::<f64>() / values.len() as f64));
            band.push((x, at(0.1), at(0.9)));
        }
        Line {
            name,
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
