//! What is worth a line of text while an arm works: people who take over, and what the guard refused.

use apprentice_episode::DecidedBy;
use apprentice_safety::{Intervention, Interventions};
use std::collections::{BTreeMap, BTreeSet};

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub text: String,
    /// Whether somebody should look.
    pub warns: bool,
}

/// What became different at a tick.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct News {
    pub lines: Vec<Line>,
    /// Who has the arm, where that changed.
    pub holder: Option<&'static str>,
    /// Interventions of this tick, and at how many ticks each was there so far.
    pub counts: Vec<(String, u64)>,
}

/// Follows the ticks of episodes and tells what is new.
#[derive(Debug, Default)]
pub(crate) struct Story {
    holder: Option<DecidedBy>,
    refused: BTreeSet<String>,
    counts: BTreeMap<String, u64>,
}

impl Story {
    /// A new episode: who has the arm is told anew; what was refused is counted on.
    pub fn begin(&mut self) {
        self.holder = None;
        self.refused.clear();
    }

    /// What is new at a tick at which `holder` decided and the guard changed commands for these reasons.
    pub fn tick(&mut self, holder: DecidedBy, reasons: &[String]) -> News {
        let mut news = News::default();
        let before = self.holder.replace(holder);
        if before != Some(holder) {
            news.holder = Some(name(holder));
            news.lines.extend(turn(before, holder));
        }
        let refused: BTreeSet<String> = reasons
            .iter()
            .filter(|reason| !only_shapes(reason))
            .cloned()
            .collect();
        for reason in &refused {
            let count = self.counts.entry(reason.clone()).or_default();
            *count += 1;
            news.counts.push((reason.clone(), *count));
            // A reason that lasts is one line.
            if !self.refused.contains(reason) {
                news.lines.push(Line {
                    text: in_words(reason),
                    warns: true,
                });
            }
        }
        self.refused = refused;
        news
    }
}

fn name(holder: DecidedBy) -> &'static str {
    match holder {
        DecidedBy::Agent => "the policy has the arm",
        DecidedBy::Human => "a person has the arm",
        DecidedBy::Nobody => "nobody has the arm: it stays",
    }
}

/// What a change of who decides is called; nothing where an episode begins as usual.
fn turn(before: Option<DecidedBy>, now: DecidedBy) -> Option<Line> {
    let (text, warns) = match (before, now) {
        (None, DecidedBy::Agent) => return None,
        (_, DecidedBy::Human) => ("a person took over", true),
        (Some(DecidedBy::Human), DecidedBy::Nobody) => ("the person let go: the arm stays", true),
        (_, DecidedBy::Nobody) => ("nobody decides: the arm stays", true),
        (_, DecidedBy::Agent) => ("the policy has the arm back", false),
    };
    Some(Line {
        text: text.to_owned(),
        warns,
    })
}

/// What the guard did for a reason, the limit it kept, and what to do; of a reason that is not known its name.
fn in_words(reason: &str) -> String {
    let Some(known) = Intervention::named(reason) else {
        return format!("the guard changed commands: {reason}");
    };
    let limit = match known.limit() {
        "" => String::new(),
        limit => format!(" ({limit})"),
    };
    format!("the guard {}{limit}; {}", known.did(), known.advice())
}

/// Whether a reason only slows a command down, as any step of a target has to be. A reason that is not known
/// does not.
fn only_shapes(reason: &str) -> bool {
    Intervention::named(reason).is_some_and(|intervention| {
        let mut alone = Interventions::default();
        alone.insert(intervention);
        alone.only_rate_limits()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(story: &mut Story, holder: DecidedBy, reasons: &[&str]) -> Vec<String> {
        let reasons: Vec<String> = reasons.iter().map(|r| (*r).to_owned()).collect();
        let lines = story.tick(holder, &reasons).lines;
        lines.into_iter().map(|l| l.text).collect()
    }

    #[test]
    fn a_takeover_is_told_at_its_beginning_and_end() {
        let mut story = Story::default();
        assert!(told(&mut story, DecidedBy::Agent, &["velocity"]).is_empty());
        assert_eq!(
            told(&mut story, DecidedBy::Human, &[]),
            ["a person took over"]
        );
        assert!(told(&mut story, DecidedBy::Human, &[]).is_empty());
        assert_eq!(
            told(&mut story, DecidedBy::Nobody, &[]),
            ["the person let go: the arm stays"]
        );
        assert_eq!(
            told(&mut story, DecidedBy::Agent, &[]),
            ["the policy has the arm back"]
        );
        story.begin();
        assert!(told(&mut story, DecidedBy::Agent, &[]).is_empty());
    }

    #[test]
    fn refusals_other_than_shape_are_told_once_and_counted_each_tick() {
        let mut story = Story::default();
        let lasting = ["workspace", "acceleration"];
        assert_eq!(
            told(&mut story, DecidedBy::Agent, &lasting),
            [
                "the guard kept the tool inside the workspace (`workspace` in robot.toml, m); see whether the task needs more \
                 room than `workspace`, or demonstrate farther inside"
            ]
        );
        assert!(told(&mut story, DecidedBy::Agent, &lasting).is_empty());
        let news = story.tick(
            DecidedBy::Agent,
            &["lead".to_owned(), "workspace".to_owned()],
        );
        assert_eq!(
            news.counts,
            [("lead".to_owned(), 1), ("workspace".to_owned(), 3)]
        );
        assert_eq!(news.lines.len(), 1);
        assert_eq!(told(&mut story, DecidedBy::Agent, &["new one"]).len(), 1);
    }
}
