//! Demonstrations by a person: recorded one by one, and kept, redone or discarded as the person says. Nothing recorded
//! is ever deleted: what is not kept is moved aside, and every take has a number that no other take had.

use crate::context::Context;
use crate::episode_verdict::RobotWitness;
use crate::folder_changes::follow_folder;
use crate::layout::{
    DEMONSTRATIONS as FOLDER, JUDGEMENTS, outcomes_file, unfinished_outcomes_file,
};
use crate::lookers_on::LookersOn;
use crate::outcomes::{EpisodeOutcome, GuardCounts, Outcomes};
use crate::recording::{Recording, episode_meta, show};
use crate::robots::Robots;
use crate::takes::{Decided, Take, Takes};
use anyhow::{Context as _, Result, bail};
use apprentice_control::{Agent, ControlLoop, EpisodePlan, record_episodes};
use apprentice_core::Seed;
use apprentice_episode::{Catalog, EpisodeEntry, Source, Tick};
use apprentice_preference::{Answer, Item, Judgement, JudgementLog, Verdict};
use std::fs;
use std::sync::Arc;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// A demonstration that was recorded, as the person is asked about it.
#[derive(Clone, Debug)]
pub struct RecordedTake {
    /// Its file's name.
    pub file: String,
    /// Policy ticks.
    pub ticks: usize,
    /// Seconds.
    pub seconds: f64,
    /// Whether a simulator saw the task done; `None` where nobody measured it.
    pub measured: Option<bool>,
}

/// What a person says of a demonstration.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// What becomes of it.
    pub decided: Decided,
    /// Whether the task was done, if they said so.
    pub success: Option<Verdict>,
    /// Anything else they said.
    pub note: Option<String>,
}

/// The person at the arm, and what their hands are on.
pub trait Person {
    /// Their name, for the record.
    fn who(&self) -> &str;

    /// Who decides what the robot does while they demonstrate.
    fn agent(&mut self) -> &mut dyn Agent;

    /// Asks whether the next one may begin; `sets_up` says that the robot sets up the scene itself. `false` where the
    /// person leaves.
    ///
    /// # Errors
    /// When nobody can be asked.
    fn ready(&mut self, what: &str, sets_up: bool) -> Result<bool>;

    /// Asks what becomes of a demonstration; `None` where the person leaves without saying.
    ///
    /// # Errors
    /// When nobody can be asked.
    fn decide(&mut self, take: &RecordedTake) -> Result<Option<Decision>>;

    /// Tells them something.
    fn tell(&mut self, text: &str);
}

/// Records until so many demonstrations are kept as the run wants, each of at most so many ticks.
///
/// # Errors
/// When robot, device or disk fail, or the person leaves; what was kept stays, and the same command goes on.
pub fn record_by_person(context: &Context, person: &mut dyn Person, ticks: u64) -> Result<()> {
    let wanted = context.config.demonstrations.episodes;
    let mut robots = Robots::start(context)?;
    // A take that is ended may still be kept: the person's agent ends it, within a decision.
    for control in &mut robots.loops {
        control.brake_when(Arc::default());
    }
    // A person has two hands.
    robots.loops.truncate(1);
    robots.nodes.truncate(1);
    let mut session = Session::open(context)?;
    session.decide_left_over(person)?;
    let mut again = None;
    loop {
        session.follow()?;
        let kept = session.list.episodes.len();
        if kept >= wanted {
            break;
        }
        if context.stopping() {
            return session.leave(wanted);
        }
        let number = session.takes.next_number();
        let what = format!("demonstration {} of {wanted} (take {number})", kept + 1);
        let sets_up = robots.loops.iter().all(ControlLoop::sets_up_scenes);
        if !person.ready(&what, sets_up)? {
            return session.leave(wanted);
        }
        let fresh = context.seed.derive("demonstration", number);
        let seed = again.take().unwrap_or(fresh);
        let recorded = session.record(&mut robots, person.agent(), (number, seed), ticks)?;
        let Some(decided) = session.ask(person, recorded)? else {
            return session.leave(wanted);
        };
        if decided == Decided::Redo {
            again = Some(seed);
        }
    }
    session.finish()
}

/// What is recorded, and what of it is kept.
struct Session<'a> {
    context: &'a Context,
    list: Outcomes,
    takes: Takes,
    witness: RobotWitness,
}

impl<'a> Session<'a> {
    fn open(context: &'a Context) -> Result<Self> {
        let dir = &context.dir;
        let path = dir.path(FOLDER);
        fs::create_dir_all(&path).with_context(|| format!("{} cannot be made", path.display()))?;
        let unfinished = unfinished_outcomes_file(FOLDER);
        let part: Option<Outcomes> = dir.read(&unfinished).ok();
        let whole: Option<Outcomes> = Outcomes::of(dir, FOLDER).ok();
        // A beginning beside the list of a whole recording says nothing.
        let part = part.filter(|p| whole.is_none() || !p.episodes.is_empty());
        let list = part.or(whole).unwrap_or_default();
        let takes = Takes::open(dir, &list)?;
        let session = Self {
            context,
            list,
            takes,
            witness: RobotWitness::default(),
        };
        session.save()?;
        Ok(session)
    }

    fn save(&self) -> Result<()> {
        let dir = &self.context.dir;
        self.takes.write(dir)?;
        dir.write(&unfinished_outcomes_file(FOLDER), &self.list)
    }

    /// Takes from the list what was deleted by hand; the others stay.
    fn follow(&mut self) -> Result<()> {
        let dir = &self.context.dir;
        follow_folder(dir, FOLDER, false)?;
        self.list = dir.read(&unfinished_outcomes_file(FOLDER))?;
        Ok(())
    }

    fn record(
        &mut self,
        robots: &mut Robots,
        agent: &mut dyn Agent,
        (number, seed): (u64, Seed),
        ticks: u64,
    ) -> Result<EpisodeOutcome> {
        let context = self.context;
        let recording = Recording {
            folder: FOLDER,
            what: "demonstrate",
            source: Source::Teleop,
            policy: None,
            seeds: vec![seed],
            ticks,
        };
        let mut meta = episode_meta(context, &recording)?;
        meta.seed = seed.0;
        let plan = EpisodePlan {
            path: context.dir.path(FOLDER).join(Takes::file(number)),
            meta,
            seed,
        };
        let before = robots.loops.first().map(ControlLoop::totals);
        let lookers_on = LookersOn::of(robots, [&plan], context.dir.root(), false);
        let counted = Mutex::new(GuardCounts::default());
        let watch = |robot: usize, tick: &Tick| {
            let mut counts = counted.lock().unwrap_or_else(PoisonError::into_inner);
            counts.add_tick(&tick.guard_interventions);
            drop(counts);
            lookers_on.tell(robot, tick);
            show(context, recording.what, robot, tick);
        };
        let mut entry: Option<EpisodeEntry> = None;
        record_episodes(
            &mut robots.loops,
            agent,
            &[plan],
            ticks,
            context.config.inference.chunking,
            &watch,
            |finished| {
                entry = Some(finished.entry.clone());
                true
            },
        )?;
        let mut counts = counted.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let (Some(before), Some(robot)) = (before, robots.loops.first()) {
            counts.add_counts(before, robot.totals());
        }
        let entry = entry.context("nothing was recorded")?;
        let outcome = match (robots.nodes.first(), robots.loops.first()) {
            (Some(node), _) => Some(node.ground_truth().outcome()),
            (None, Some(control)) => self.witness.outcome(context, control, seed.0),
            (None, None) => None,
        };
        Ok(EpisodeOutcome {
            id: entry.id,
            file: entry.file,
            seed: seed.0,
            outcome,
            guard: Some(counts),
            added: false,
        })
    }

    /// Asks about a take, and does as the person says. `None` where they left: it is asked about next time.
    fn ask(&mut self, person: &mut dyn Person, episode: EpisodeOutcome) -> Result<Option<Decided>> {
        let dir = &self.context.dir;
        let entry = Catalog::rebuild(dir.path(FOLDER))?
            .entries()
            .iter()
            .find(|e| e.file == episode.file)
            .cloned()
            .with_context(|| {
                format!(
                    "{} is gone before anybody said anything of it",
                    episode.file
                )
            })?;
        let take = RecordedTake {
            file: episode.file.clone(),
            ticks: entry.ticks,
            seconds: entry.ticks as f64 / entry.meta.policy_hz.max(1e-3),
            measured: episode.success(),
        };
        let Some(decision) = person.decide(&take)? else {
            return Ok(None);
        };
        self.remember(person.who(), &episode, &decision)?;
        self.takes.add(Take {
            file: episode.file.clone(),
            seed: episode.seed,
            decided: decision.decided,
        });
        if decision.decided == Decided::Keep {
            if let Some(guard) = &episode.guard {
                self.list.guard += guard;
            }
            self.list.episodes.push(episode);
        } else {
            let aside = Takes::set_aside(dir, &episode.file)?;
            person.tell(&format!("moved to {}", aside.display()));
        }
        self.save()?;
        Ok(Some(decision.decided))
    }

    /// Writes down what the person said of a take.
    fn remember(&self, who: &str, episode: &EpisodeOutcome, said: &Decision) -> Result<()> {
        let item = || Item::whole(episode.id.clone());
        let success = said.success.map(|verdict| Answer::Success {
            item: item(),
            verdict,
        });
        let note = said.note.clone().map(|text| Answer::Utterance {
            text,
            items: vec![item()],
        });
        let answers: Vec<Answer> = success.into_iter().chain(note).collect();
        if answers.is_empty() {
            return Ok(());
        }
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let now_ms = since.map_or(0, |d| d.as_millis() as u64);
        let path = self.context.dir.path(JUDGEMENTS);
        let mut log = JudgementLog::recover(&path)?.log;
        for answer in answers {
            log.append(&Judgement::new(now_ms, who, answer).with_id())?;
        }
        Ok(())
    }

    /// Asks about what was recorded and nobody said anything of, such as when the power failed; a file that lacks its
    /// end is moved aside.
    fn decide_left_over(&mut self, person: &mut dyn Person) -> Result<()> {
        let dir = &self.context.dir;
        let entries = Catalog::rebuild(dir.path(FOLDER))?.entries().to_vec();
        for entry in entries {
            if self.list.episodes.iter().any(|e| e.file == entry.file) {
                continue;
            }
            if !entry.complete {
                let aside = Takes::set_aside(dir, &entry.file)?;
                person.tell(&format!(
                    "{} lacks its end: moved to {}",
                    entry.file,
                    aside.display()
                ));
                continue;
            }
            let episode = EpisodeOutcome {
                id: entry.id,
                file: entry.file,
                seed: entry.meta.seed,
                outcome: None,
                guard: None,
                added: false,
            };
            if self.ask(person, episode)?.is_none() {
                return self.leave(self.context.config.demonstrations.episodes);
            }
        }
        Ok(())
    }

    fn leave(&self, wanted: usize) -> Result<()> {
        bail!(
            "stopped on request with {} of {wanted} demonstrations kept; the same command goes on from there",
            self.list.episodes.len()
        )
    }

    fn finish(&self) -> Result<()> {
        let dir = &self.context.dir;
        Catalog::rebuild(dir.path(FOLDER))?;
        self.takes.write(dir)?;
        dir.write(&outcomes_file(FOLDER), &self.list)?;
        // Left where it cannot be removed: it says the same as the list.
        let _ = fs::remove_file(dir.path(&unfinished_outcomes_file(FOLDER)));
        Ok(())
    }
}
