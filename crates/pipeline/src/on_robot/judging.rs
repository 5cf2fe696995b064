//! Who says how a trial went: the robot itself, or the person at it.

use crate::config::Config;
use crate::context::Context;
use crate::episode_verdict::{DROPS, PREFERRED, ask_robot, outcome_of};
use crate::outcomes::EpisodeOutcome;
use crate::preference::Preference;
use crate::robots::Robots;
use crate::trials::{Judge, Verdict};
use anyhow::{Context as _, Result, bail};
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

impl Said {
    /// Where nobody was there to say.
    #[must_use]
    pub fn nothing(success: Verdict) -> Self {
        Self {
            success,
            preferred: None,
            judge: Judge::Nobody,
            drops: None,
            facts: BTreeMap::new(),
        }
    }
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
    let (outcome, drops) = match (robots.nodes.first(), robots.loops.first()) {
        (Some(node), _) => (node.ground_truth().outcome(), None),
        (None, Some(control)) => {
            let verdict = ask_robot(control, seed).context(
                "the robot does not say how the episode went; --verdict ask asks the person at it instead",
            )?;
            (outcome_of(&verdict), verdict.drops)
        }
        (None, None) => bail!("there is no robot to ask"),
    };
    let facts: BTreeMap<String, Value> = (outcome.facts.iter())
        .filter_map(|(name, fact)| {
            let value = match fact {
                Fact::Number(number) => (*number).into(),
                Fact::Name(name) => name.clone().into(),
            };
            // These have places of their own.
            (![PREFERRED, DROPS].contains(&name)).then(|| (name.to_owned(), value))
        })
        .collect();
    Ok(Said {
        success: Verdict::of(outcome.success),
        facts,
        preferred: preferred(context, outcome).map(|yes| Verdict::of(Some(yes))),
        judge: Judge::Robot,
        drops,
    })
}

/// Whether the robot says that it was the preferred way, or what it measured does; `None` where neither tells, which is
/// not the same as unsure. A failure tells nothing of its own: it may come of a robot that never tells.
fn preferred(context: &Context, outcome: Outcome) -> Option<bool> {
    if outcome.success != Some(true) {
        let told = outcome.facts.get(PREFERRED)?;
        return Some(*told == Fact::name("yes"));
    }
    let preference = Preference::of(&context.config).ok()?;
    preference.is_preferred(&EpisodeOutcome {
        id: "".into(),
        file: String::new(),
        seed: 0,
        outcome: Some(outcome),
        guard: None,
        added: false,
    })
}
