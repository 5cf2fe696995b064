//! Which rollouts a person is asked about next, while they answer: chosen by a strategy, from what has been learnt of
//! their answers so far. What is learnt is learnt beside them; nobody waits for it.

mod learning;

use crate::context::Context;
use crate::judgements::is_ranking;
use crate::outcomes::{Outcomes, by_id};
use crate::rounds;
use apprentice_core::Seed;
use apprentice_episode::EpisodeId;
use apprentice_preference::{Asked, Item, Judgement, Question, QuestionKind, standing};
use apprentice_query::{
    Advice, AnswerTime, Background, Consistency, Part, Pool, QueryInputs, Stability, Strategy,
    accuracy_gain, information, question_again,
};
use learning::{Learning, Learnt};
use rand::seq::SliceRandom as _;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Clips of a question.
const SIZE: usize = 4;

/// How questions are chosen, and for whom.
#[derive(Clone, Debug, PartialEq)]
pub struct HowToAsk {
    /// By what.
    pub strategy: Strategy,
    /// Share of the questions that are ones of before, their clips in another order; 0 to 1.
    pub again: f64,
    /// Who answers.
    pub who: String,
}

/// Chooses the questions of one person.
#[derive(Debug)]
pub struct NextQuestion {
    how: HowToAsk,
    seed: Seed,
    ids: Vec<EpisodeId>,
    index: BTreeMap<EpisodeId, usize>,
    parts: Vec<Part>,
    learning: Background<Vec<Judgement>, Result<Learnt, String>>,
    stability: Stability,
    problem: Option<String>,
    told: Option<String>,
    stop: Arc<AtomicBool>,
}

impl Drop for NextQuestion {
    /// What is being learnt is not waited for.
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

impl NextQuestion {
    /// Starts to learn from what was `said` of these rollouts; returns at once.
    #[must_use]
    pub fn start(context: &Context, notes: &Outcomes, how: HowToAsk, said: &[Judgement]) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let beside = Context {
            dir: context.dir.clone(),
            config: context.config.clone(),
            seed: context.seed,
            device: context.device.clone(),
            device_name: context.device_name.clone(),
            stop: Arc::clone(&stop),
            view: None,
            quiet: true,
            named: context.named.clone(),
        };
        let mut learning = Learning::new(beside, notes.clone());
        let learning = Background::start(move |said: Vec<Judgement>, stop| {
            match learning.learn(&said, stop) {
                Ok(learnt) => learnt.map(Ok),
                Err(error) => Some(Err(format!("{error:#}"))),
            }
        });
        learning.give(said.to_vec());
        Self {
            how,
            seed: context.seed,
            ids: notes.episodes.iter().map(|e| e.id.clone()).collect(),
            index: by_id(notes),
            parts: parts(notes),
            learning,
            stability: Stability::default(),
            problem: None,
            told: None,
            stop,
        }
    }

    /// What is learnt from now on comes from what was `said` by now; returns at once.
    pub fn answered(&self, said: &[Judgement]) {
        self.learning.give(said.to_vec());
    }

    /// The next question, from the newest that has been learnt; `None` where everything has been asked.
    pub fn next(&mut self, said: &[Judgement]) -> Option<Question> {
        let rankings = || said.iter().filter(|j| is_ranking(j) && j.axis.is_none());
        let number = rankings().count() as u64;
        let seed = self.seed.derive("next question", number);
        let shown: BTreeSet<BTreeSet<usize>> = rankings()
            .filter_map(|j| {
                let episodes = j.episodes().map(|id| self.index.get(id).copied());
                episodes.collect()
            })
            .collect();
        let learnt = self.newest();
        let index = &self.index;
        let known = |items: &[Item]| -> Option<Vec<usize>> {
            let each = items.iter().map(|i| index.get(&i.episode).copied());
            each.collect()
        };
        let committee = learnt.as_ref().and_then(|l| l.committee.as_ref());
        let time = answer_time(said, &self.how.who);
        let again = question_again(&standing(said), &self.how.who, self.how.again, seed)
            .and_then(|items| Some((known(&items)?, items)));
        let (group, items, why) = if let Some((group, items)) = again {
            (
                group,
                items,
                "asked before: how consistent are you?".to_owned(),
            )
        } else {
            let pool = Pool {
                parts: self.parts.clone(),
                shown,
            };
            let choice = self.how.strategy.choose(&QueryInputs {
                pool: &pool,
                distances: learnt.as_ref().map(|l| &*l.distances),
                committee,
                time,
                seed,
            })?;
            // The order in which they were found says something of them.
            let mut group = choice.group;
            group.shuffle(&mut seed.derive("places", 0).rng());
            let ids = group.iter().filter_map(|&e| self.ids.get(e));
            let items = ids.map(|id| Item::whole(id.clone())).collect();
            (group, items, choice.why)
        };
        let is_again = rankings().any(|j| {
            j.who == self.how.who && {
                let before: BTreeSet<&Item> = j.answer.items().into_iter().collect();
                before == items.iter().collect()
            }
        });
        let worth = committee.map(|c| (information(c, &group), accuracy_gain(c, &group)));
        let asked = Asked {
            strategy: self.how.strategy.name().into(),
            again: is_again,
            learnt_from: committee.map_or(0, |c| c.answers),
            bits: worth.map(|w| w.0.bits),
            answer_bits: worth.map(|w| w.0.answer_bits),
            accuracy_gain: worth.map(|w| w.1),
            seconds: Some(time.seconds(worth.map_or(USUAL_BITS, |w| w.0.answer_bits))),
        };
        if let (Some(committee), Some((_, gain)), false) = (committee, worth, is_again) {
            self.stability.observe(committee, gain);
        }
        Some(Question {
            reason: Some(format!("{}: {why}; {}", asked.strategy, expected(&asked))),
            asked: Some(asked),
            ..Question::new(QuestionKind::Ranking, items)
        })
    }

    /// The newest that was learnt, if anything was.
    fn newest(&mut self) -> Option<Learnt> {
        match self.learning.newest().as_deref()? {
            Ok(learnt) => Some(learnt.clone()),
            Err(problem) => {
                self.problem = Some(problem.clone());
                None
            }
        }
    }

    /// Why nothing can be learnt beside the person, where the last question had to do without; the same is told once.
    pub fn problem(&mut self) -> Option<String> {
        let problem = self.problem.take()?;
        let new = self.told.as_ref() != Some(&problem);
        self.told = Some(problem.clone());
        new.then_some(problem)
    }

    /// Whether to go on, from the fits that questions came from so far.
    #[must_use]
    pub fn advice(&self) -> Advice {
        self.stability.advice()
    }

    /// How consistent the person is in what was `said`.
    #[must_use]
    pub fn consistency(&self, said: &[Judgement]) -> Consistency {
        Consistency::of(&standing(said), &self.how.who)
    }
}

/// What an answer leaves open where nothing is known yet, bits: a group of four has 24 orders.
const USUAL_BITS: f64 = 3.0;

/// What is expected of an answer, in words.
fn expected(asked: &Asked) -> String {
    let seconds = asked
        .seconds
        .map_or(String::new(), |s| format!("about {s:.0} s"));
    match (asked.bits, asked.accuracy_gain) {
        _ if asked.again => format!("expected: {seconds}"),
        (Some(bits), Some(gain)) => format!(
            "expected: {bits:.2} bits, {:.1} % of the pairs put right at most, {seconds} (learnt from {} answers)",
            100.0 * gain,
            asked.learnt_from
        ),
        _ => format!("expected: {seconds}; nothing is learnt yet"),
    }
}

/// From the answers that `who` gave: what they left open, and how long they took.
fn answer_time(said: &[Judgement], who: &str) -> AnswerTime {
    let own = said
        .iter()
        .filter(|j| is_ranking(j) && j.who == who && !j.skipped);
    let times: Vec<(Option<f64>, f64)> = own
        .filter_map(|j| {
            let seconds = j.response_time_ms? as f64 / 1e3;
            Some((j.asked.as_ref().and_then(|a| a.answer_bits), seconds))
        })
        .collect();
    AnswerTime::fit(&times)
}

/// What groups are drawn from: all rollouts, or as [`rounds::groups`] has it after the first round, half of the newest and
/// half of earlier ones.
fn parts(notes: &Outcomes) -> Vec<Part> {
    let earlier = rounds::earlier(notes);
    let of = |wanted: bool| -> Vec<usize> {
        let each = notes.episodes.iter().enumerate();
        let those = each.filter(|(_, e)| earlier.contains(&e.id) == wanted);
        those.map(|(i, _)| i).collect()
    };
    let part = |episodes: Vec<usize>, count: usize| Part { episodes, count };
    if earlier.is_empty() {
        let all = of(false);
        let count = SIZE.min(all.len());
        return vec![part(all, count)];
    }
    vec![part(of(false), SIZE / 2), part(of(true), SIZE / 2)]
}
