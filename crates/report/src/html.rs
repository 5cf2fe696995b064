//! The page: one file that needs nothing else, no scripts, light or dark as the reader's system is.

use super::escape::escape;
use super::figures::Report;
use super::learning;
use super::on_robot::section as on_robot_section;
use super::page_content::PageContent;
use super::page_shell::whole;
use super::sections;
use super::wording::{Verdict, duration, percent, span, warnings};

/// The whole page.
#[must_use]
pub fn page(report: &Report, content: &PageContent) -> String {
    let verdict = Verdict::of(report);
    let title = escape(&report.task);
    let mut body = format!(
        "<header><p class=\"kicker\">Apprentice \u{b7} seed {} \u{b7} {}</p><h1>{title}</h1><p class=\"lead\">{}</p></header>",
        report.seed,
        escape(&report.device),
        escape(&verdict.sentence(report))
    );
    let warnings = warnings(report);
    if !warnings.is_empty() {
        body.push_str("<ul class=\"warn\">");
        body.extend(warnings.iter().map(|w| format!("<li>{}</li>", escape(w))));
        body.push_str("</ul>");
    }
    body.push_str(&tiles(report));
    for (heading, section) in [
        ("What was asked", sections::asked(report)),
        ("What changed", sections::changed(report, content)),
        ("What was learnt", learning::learnt(report, content)),
        ("How sure this is", sections::sure(report)),
        ("How it learnt", learning::curves(report, content)),
        ("What it cost", sections::cost(report)),
        ("The guard", sections::guard(report)),
        ("Where everything lies", sections::places(report, content)),
        ("What to try next", sections::next(content)),
        ("What these figures do not show", sections::limits(report)),
    ] {
        body.push_str(&format!("<section><h2>{heading}</h2>{section}</section>"));
    }
    if let Some(trials) = &content.on_robot {
        body.push_str("<section><h2>Trials on the robot</h2>");
        body.push_str(&on_robot_section(trials));
        body.push_str("</section>");
    }
    whole(&title, &body)
}

/// The figures to see first.
fn tiles(report: &Report) -> String {
    let rate = |p: apprentice_statistics::Proportion| {
        if p.n == 0 {
            "none".to_owned()
        } else {
            percent(p.rate())
        }
    };
    let moved = |before: apprentice_statistics::Proportion, after| {
        format!("{} \u{2192} <b>{}</b>", rate(before), rate(after))
    };
    let interval = |p| format!("after: 95 % interval {}", span(p));
    let (base, aligned, words) = (&report.base, &report.aligned, &report.words.words);
    let tiles = [
        (
            format!("{} the preferred way", words.taken),
            moved(base.preferred, aligned.preferred),
            interval(aligned.preferred),
        ),
        (
            format!("{} at all", words.done),
            moved(base.success, aligned.success),
            interval(aligned.success),
        ),
        (
            "rankings of four".to_owned(),
            format!("<b>{}</b>", report.labels.rankings),
            format!("{} comparisons", report.labels.comparisons),
        ),
        (
            "from start to end".to_owned(),
            format!("<b>{}</b>", duration(report.seconds())),
            "all stages together".to_owned(),
        ),
    ];
    let tiles = tiles.map(|(name, value, note)| {
        format!(
            "<div><span>{name}</span><p>{value}</p><small>{}</small></div>",
            escape(&note)
        )
    });
    format!("<div class=\"tiles\">{}</div>", tiles.concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{content, report};

    #[test]
    fn the_page_is_whole_and_needs_nothing_else() {
        let page = page(&report(), &content());
        for needed in [
            "<!doctype html>",
            "What was asked",
            "data:image/png;base64,",
            "</html>",
        ] {
            assert!(page.contains(needed), "{needed}");
        }
        for foreign in ["<script", "src=\"http", "href=\"http", "@import", "NaN"] {
            assert!(!page.contains(foreign), "{foreign}");
        }
        for tag in ["section", "figure", "table", "svg", "ul", "p", "div", "pre"] {
            let opened = page.matches(&format!("<{tag}>")).count()
                + page.matches(&format!("<{tag} ")).count();
            assert_eq!(opened, page.matches(&format!("</{tag}>")).count(), "{tag}");
        }
    }

    #[test]
    fn intervals_controls_and_the_guard_are_shown() {
        let run = report();
        let page = page(&run, &content());
        for share in [
            run.base.success,
            run.base.preferred,
            run.aligned.success,
            run.aligned.preferred,
        ] {
            assert!(page.contains(&span(share)), "{}", span(share));
        }
        for needed in [
            "last finger opening",
            "always the same answer",
            "0 outside",
            "sha256",
            "attachment",
        ] {
            assert!(page.contains(needed), "{needed}");
        }
    }

    #[test]
    fn words_from_outside_stay_words() {
        let mut run = report();
        run.task = "<img src=x onerror=alert(1)>".into();
        run.labels.operators = vec!["<b>Eve</b>".into()];
        run.device = "\"><script>".into();
        let mut content = content();
        content.folder = "a</code><script>".into();
        let page = page(&run, &content);
        assert!(
            !page.contains("<img src=x") && !page.contains("<b>Eve") && !page.contains("<script")
        );
    }

    #[test]
    fn a_run_that_learnt_nothing_says_so() {
        let mut run = report();
        run.alignment.evidence = false;
        run.aligned = run.base;
        run.drift = 0.0;
        let mut content = content();
        content.alignment = None;
        let page = page(&run, &content);
        assert!(page.contains("left as it was") && !page.contains("The arm learnt to"));
    }

    #[test]
    #[ignore = "writes the sample page to the folder in APPRENTICE_SAMPLE_PAGE, to be looked at"]
    fn sample_page() {
        let folder = std::path::PathBuf::from(std::env::var("APPRENTICE_SAMPLE_PAGE").unwrap());
        std::fs::write(folder.join("report.html"), page(&report(), &content())).unwrap();
    }
}
