//! The page's sections, one function each.

use super::escape::escape;
use super::figures::Report;
use super::files::JSON;
use super::learning::film_strips;
use super::page_content::PageContent;
use super::rates_plot::rates_plot;
use super::task_words::TaskWords;
use super::terminal_summary::suggestions;
use super::wording::{bytes, chance, count, duration, guard_advice, percent, reasons, way, who};
use apprentice_core::sha256_bytes;
use apprentice_pipeline::layout;
use apprentice_preference::unused_sentence;
use apprentice_reward::PanelRow;
use std::fmt::Write as _;

/// What the operator wanted and gave.
pub fn asked(report: &Report) -> String {
    let (labels, words) = (&report.labels, &report.words.words);
    let simulated = labels.operators.iter().any(|o| o.contains("simulated"));
    let secret = if simulated {
        format!(
            "It wanted {} {} <b>{}</b> and told nobody; only the order of the clips could give that away.",
            words.object,
            words.taken,
            way(report)
        )
    } else {
        format!(
            "These figures count as preferred: {} <b>{}</b> (<code>operator.prefers</code>).",
            words.taken,
            way(report)
        )
    };
    let skipped = if labels.skipped == 0 {
        String::new()
    } else {
        format!(" {} groups were skipped.", labels.skipped)
    };
    let unused = unused_sentence(&labels.unused).map_or(String::new(), |s| format!(" {s}."));
    format!(
        "<p>The task: {}. The arm was shown {} demonstrations{}, and imitated \
         them all. Then {} put {} groups of four of its own attempts in order, best first.{skipped}{unused} {secret}</p>",
        escape(&report.task),
        episodes(report, "demonstrations/"),
        report.words.parts(),
        escape(&who(report)),
        labels.rankings,
    )
}

/// Before and after.
pub fn changed(report: &Report, content: &PageContent) -> String {
    let (base, aligned, scenes) = (&report.base, &report.aligned, &report.scenes);
    let words = &report.words.words;
    let taken = TaskWords::capital(words.taken);
    let rows = [
        (
            format!("{}, of all scenes", TaskWords::capital(words.done)),
            base.success,
            aligned.success,
        ),
        (
            format!("{taken} the preferred way, of those {}", words.done),
            base.preferred,
            aligned.preferred,
        ),
        (
            format!("{taken} the preferred way, of all scenes"),
            base.preferred_of_all,
            aligned.preferred_of_all,
        ),
    ];
    format!(
        "<p>Both policies were tried in the same {} scenes, none of which they had seen. In {} scenes the preferred \
         way came with alignment, in {} it went, in {} it was there both times and in {} neither time.</p>\
         <div class=\"rates\">{}</div><p class=\"note\">Whiskers and brackets: Wilson 95 % intervals. Below: the first scene \
         that alignment turned to the preferred way, or the first of all where it turned none.</p>{}",
        base.success.n,
        scenes.gained,
        scenes.lost,
        scenes.kept,
        scenes.never,
        rates_plot("Before and after, on held-out scenes", &rows),
        film_strips(&content.before_and_after)
    )
}

/// What supports the figures.
pub fn sure(report: &Report) -> String {
    let budget = if report.alignment.stopped_by_budget {
        format!(
            " The budget ended the alignment after {} steps.",
            report.alignment.steps
        )
    } else {
        String::new()
    };
    let shares: Vec<String> = (report.objective_terms.iter())
        .map(|term| format!("{} {:.0} %", term.name, 100.0 * term.gradient_share))
        .collect();
    let terms = match shares.len() {
        0 | 1 => String::new(),
        _ => format!(
            "<li>Shares of the gradient: {}.</li>",
            escape(&shares.join(", "))
        ),
    };
    let evidence = &report.reward.evidence;
    let gate = if report.alignment.evidence {
        "so the policy was aligned"
    } else {
        "so the policy was left as it was"
    };
    format!(
        "<ul><li>Every share above comes with its Wilson 95 % interval: where two intervals are apart, chance is a \
         poor explanation.</li>\
         <li>Rankings kept back: rewards learnt without them agree with {} of their {} pairs of a best attempt with another. With rankings in random \
         order that much agreement has a chance of {} (allowed: {}), {gate}.</li>\
         <li>Controls: the table above sets the reward beside answers that need no learning. \
         <code>operator.shuffle=true</code> repeats the run with rankings that say nothing.</li>\
         <li>Drift: the aligned policy's predicted velocity, in which every diffusion step weighs alike, differs from the \
         base policy's by {:.4} in the mean square; the budget is {}, and the velocity itself has a variance of about 1.{budget}</li>\
         {terms}\
         <li>This is one seed. Other seeds give other figures.</li></ul>{}",
        percent(evidence.accuracy),
        evidence.pairs,
        chance(evidence.p_value),
        report.reward.significance,
        report.drift,
        report.alignment.drift_budget,
        panel(report),
    )
}

/// What else could have been learnt from the same judgements.
fn panel(report: &Report) -> String {
    if report.panel.is_empty() {
        return String::new();
    }
    let number = |value: Option<f64>, digits: usize| {
        value.map_or("\u{2013}".to_owned(), |v| {
            format!("{v:.digits$}").replace('-', "\u{2212}")
        })
    };
    let row = |row: &PanelRow| {
        let why = row.absent.as_deref().unwrap_or_default();
        format!(
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            escape(&row.member),
            number(row.heldout_accuracy, 3),
            number(row.likelihood, 3),
            escape(why)
        )
    };
    let rows: String = report.panel.iter().map(row).collect();
    format!(
        "<p>The same judgements, learnt from in other ways and judged on those kept back. Where another does as well, what \
         is used owes its accuracy to nothing that the other has not.</p><table><thead><tr><th>reward</th><th>pairs in \
         order</th><th>log likelihood a pair</th><th></th></tr></thead><tbody>{rows}</tbody></table>"
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
            let place = if report.device == "mixed" && !s.device.is_empty() {
                format!(" ({})", s.device)
            } else {
                String::new()
            };
            format!(
                "<tr><td>{}{}</td><td>{}</td><td class=\"meter\"><i style=\"width:{width:.1}%\"></i></td></tr>",
                escape(&s.name),
                escape(&place),
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
    let why = reasons(guard, guard.reasons.len());
    let why = if why.is_empty() {
        String::new()
    } else {
        format!(
            "<p>A policy names a pose some ticks ahead, and the guard makes of it what the arm can do: most changes are \
             such smoothing and no alarm. Share of the {} ticks (several commands each) in which it did so, by reason; \
             a tick may have several: {}.{}</p>",
            count(guard.ticks),
            escape(&why),
            guard_advice(guard).map_or_else(String::new, |advice| format!(
                " Of these {}.",
                escape(&advice)
            ))
        )
    };
    format!(
        "<p>The guard stood between policy and arm all the time: {} commands sent, {} of them changed by it to stay \
         within the limits, and <b>{} outside</b> the limits as a separate checker counts them.</p>{why}",
        count(guard.commands),
        count(guard.refusals),
        count(guard.violations)
    )
}

/// Files, and what of them a second run must give again.
pub fn places(report: &Report, content: &PageContent) -> String {
    let mut html = format!(
        "<p>In the folder <code>{}</code>:</p><ul class=\"files\">",
        escape(&content.folder)
    );
    let item = |html: &mut String, path: &str, what: &str| {
        let path = escape(path);
        let _ = write!(html, "<li><a href=\"{path}\">{path}</a> {what}</li>");
    };
    item(&mut html, JSON, "every figure of this page");
    for name in &content.recordings {
        item(&mut html, name, "recording for the rerun viewer");
    }
    for (path, what) in [
        (layout::BASE_POLICY, "policy before alignment"),
        (layout::ALIGNED_POLICY, "policy after alignment"),
        (layout::REWARD, "the reward"),
        (layout::JUDGEMENTS, "what the operator said"),
        ("demonstrations/", "demonstrations, one MCAP file each"),
        ("rollouts/", "attempts that were ranked"),
        ("evaluation/", "held-out attempts of both policies"),
    ] {
        // Without evidence there is none.
        if path != layout::ALIGNED_POLICY || report.alignment.evidence {
            item(&mut html, path, what);
        }
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
pub fn next(content: &PageContent) -> String {
    let items: String = suggestions(&content.folder, &content.named)
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
         <li>{}</li>\
         <li>The networks and the data are small: {} demonstrations, {} ranked attempts. The intervals cover chance \
         in {} scenes, not other tasks, robots or people.</li>\
         <li>The simulated operator is more even than a person: apart from mistakes made on purpose it never changes \
         its mind.</li></ul>",
        report.words.words.scenes,
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
