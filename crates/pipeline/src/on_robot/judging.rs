//! Who says how a trial went: the robot itself, or the person at it.

use crate::config::Config;
use crate::context::Context;
use crate::outcomes::EpisodeOutcome;
use crate::preference::Preference;
use crate::robots::Robots;
use crate::trials::{Judge, Verdict};
use anyhow::{Context as _, Result, bail};
use apprentice_link::EpisodeVerdict;
use apprentice_link::verdict::VerdictFact;
use apprentice_sim::{Fact, Outcome};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::BufRead;

/// Who is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The robot.
    Robot,
    /// A person.
    Person {
        /// Their name, for the record.
        who: String,
        /// The question about the way it was done, asked after a success; `None` for none.
        which: Option<String>,
    },
    /// Nobody: success stays unsure.
    Nobody,
}

/// What was said.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// Whether the task was done.
    pub success: Verdict,
    /// Whether it was done the preferred way, where that was asked.
    pub preferred: Option<Verdict>,
    /// Who said so.
    pub judge: Judge,
    /// Things dropped.
    pub drops: Option<u64>,
    /// What else was measured.
    pub facts: BTreeMap<String, Value>,
}

impl Asked {
    /// The question that is asked about the way, where a wish was set and none was given.
    #[must_use]
    pub fn which_of(config: &Config) -> Option<String> {
        let prefers = &config.operator.prefers;
        let unset = Config::load(None, &[]).is_ok_and(|c| c.operator.prefers == *prefers);
        (!unset).then(|| format!("Was it done the way you like ({prefers})?"))
    }
}

/// Asks how the episode that has just ended went.
///
/// # Errors
/// When the robot does not answer, or nobody is there any more.
pub fn ask(
    context: &Context,
    asked: &Asked,
    robots: &Robots,
    seed: u64,
    typed: &mut dyn BufRead,
) -> Result<Said> {
    match asked {
        Asked::Nobody => Ok(Said {
            success: Verdict::Unsure,
            preferred: None,
            judge: Judge::Nobody,
            drops: None,
            facts: BTreeMap::new(),
        }),
        Asked::Robot => robot(context, robots, seed),
        Asked::Person { who, which } => {
            let success = yes_no_unsure(context, "Was it done?", typed)?;
            let preferred = match (which, success) {
                (None, _) => None,
                (Some(_), Verdict::No) => Some(Verdict::No),
                (Some(words), _) => Some(yes_no_unsure(context, words, typed)?),
            };
            Ok(Said {
                success,
                preferred,
                judge: Judge::Person(who.clone()),
                drops: None,
                facts: BTreeMap::new(),
            })
        }
    }
}

/// A line that somebody typed.
///
/// # Errors
/// When standard input has ended, or cannot be read.
pub fn line(typed: &mut dyn BufRead) -> Result<String> {
    let mut line = String::new();
    if typed.read_line(&mut line)? == 0 {
        bail!(
            "nobody is there to answer: standard input has ended. What was said is kept, and the same command goes on \
             from there"
        );
    }
    Ok(line.trim().to_owned())
}

fn yes_no_unsure(context: &Context, question: &str, typed: &mut dyn BufRead) -> Result<Verdict> {
    loop {
        context.warn(&format!("{question} [y]es, [n]o, [u]nsure"));
        match line(typed)?.to_lowercase().as_str() {
            "y" | "yes" => return Ok(Verdict::Yes),
            "n" | "no" => return Ok(Verdict::No),
            "u" | "unsure" => return Ok(Verdict::Unsure),
            other => context.warn(&format!("{other:?} is none of y, n and u")),
        }
    }
}

fn robot(context: &Context, robots: &Robots, seed: u64) -> Result<Said> {
    let verdict = match (robots.nodes.first(), robots.loops.first()) {
        (Some(node), _) => {
            let outcome = node.ground_truth().outcome();
            EpisodeVerdict {
                success: outcome.success,
                facts: outcome
                    .facts
                    .iter()
                    .map(|(name, fact)| (name.to_owned(), sent(fact)))
                    .collect(),
                ..EpisodeVerdict::default()
            }
        }
        (None, Some(control)) => control.verdict().context(
            "the robot does not say how the episode went; --verdict ask asks the person at it instead",
        )?,
        (None, None) => bail!("there is no robot to ask"),
    };
    if let Some(other) = verdict.seed.filter(|other| *other != seed) {
        bail!(
            "the robot's verdict is about the scene of seed {other}, the episode was in that of {seed}; its driver has to \
             answer about the newest scene"
        );
    }
    let preferred = verdict.preferred.or_else(|| preferred(context, &verdict));
    let facts = verdict.facts.into_iter().map(|(name, fact)| {
        let value = match fact {
            VerdictFact::Number(number) => number.into(),
            VerdictFact::Word(word) => word.into(),
        };
        (name, value)
    });
    Ok(Said {
        success: Verdict::of(verdict.success),
        // A robot that says nothing of the way was not asked, as it were.
        preferred: preferred.map(|known| Verdict::of(Some(known))),
        judge: Judge::Robot,
        drops: verdict.drops,
        facts: facts.collect(),
    })
}

fn sent(fact: &Fact) -> VerdictFact {
    match fact {
        Fact::Number(number) => VerdictFact::Number(*number),
        Fact::Name(name) => VerdictFact::Word(name.clone().into_owned()),
    }
}

/// Whether the facts are those of the preferred way, where they tell.
fn preferred(context: &Context, verdict: &EpisodeVerdict) -> Option<bool> {
    let preference = Preference::of(&context.config).ok()?;
    let mut outcome = Outcome {
        success: verdict.success,
        ..Outcome::default()
    };
    for (name, fact) in &verdict.facts {
        let fact = match fact {
            VerdictFact::Number(number) => Fact::Number(*number),
            VerdictFact::Word(word) => Fact::Name(word.clone().into()),
        };
        outcome.facts.put(name.clone(), fact);
    }
    preference.is_preferred(&EpisodeOutcome {
        id: "".into(),
        file: String::new(),
        seed: 0,
        outcome: Some(outcome),
        guard: None,
        added: false,
    })
}
