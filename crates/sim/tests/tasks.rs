//! What every task must do. It goes over the registry, so that a new task is tested without another line.
#![allow(clippy::unwrap_used)]

use apprentice_core::{CartesianAction, Image, JointCommand, Seed, sha256_bytes};
use apprentice_robot::{DifferentialIk, RobotDescription};
use apprentice_sim::{
    Fact, Outcome, Scene, SimConfig, SimError, Simulation, TaskKind, facts::EVERY_TASK,
};
use std::collections::BTreeSet;

/// Scenes in which each style is shown.
const SCENES: u64 = 20;
/// Ticks after which a demonstration must be over, at 10 Hz.
const LONGEST: u32 = 120;

struct Cell {
    simulation: Simulation,
    ik: DifferentialIk,
}

impl Cell {
    fn new(task: &TaskKind) -> Self {
        let robot = RobotDescription::embedded("franka_fr3").unwrap();
        Self {
            simulation: Simulation::new(SimConfig::default(), task.clone(), &robot).unwrap(),
            ik: DifferentialIk::new(&robot).unwrap(),
        }
    }

    /// One policy tick at 10 Hz, commands at 50 Hz.
    fn act(&mut self, joints: &mut Vec<f64>, action: &CartesianAction) {
        for _ in 0..5 {
            *joints = self.ik.step(joints, &action.pose, 0.02);
            let command = JointCommand {
                sequence: 1,
                stamp_ns: 0,
                positions: joints.clone(),
                gripper_width: action.gripper_width,
            };
            self.simulation.apply(&command).unwrap();
            self.simulation.advance(20_000_000);
        }
    }

    /// A demonstration: how it ended, whether the expert came to an end, and a hash of what was reported.
    fn demonstrate(&mut self, style: usize, seed: u64) -> (Outcome, bool, String) {
        self.simulation.reset(Seed(seed));
        let mut joints = self.simulation.state().positions;
        let home = self.simulation.tool_pose();
        let task = self.simulation.task().clone();
        let mut expert = task.expert(style, self.simulation.scene(), &home, Seed(seed));
        let mut bytes = Vec::new();
        let mut done = false;
        for _ in 0..LONGEST {
            let state = self.simulation.state();
            let numbers = state.positions.iter().chain(&state.velocities);
            bytes.extend(numbers.flat_map(|v| v.to_le_bytes()));
            let tool = self.simulation.tool_pose();
            let step = expert.act(&tool, state.gripper_width, self.simulation.scene());
            done = step.done;
            if done {
                break;
            }
            self.act(&mut joints, &step.executed);
        }
        bytes.extend_from_slice(self.simulation.render(0).unwrap().rgb());
        (self.simulation.measure(), done, sha256_bytes(&bytes))
    }

    fn scene(&mut self, seed: u64) -> (Scene, Image, Outcome) {
        self.simulation.reset(Seed(seed));
        (
            self.simulation.scene().clone(),
            self.simulation.render(0).unwrap(),
            self.simulation.measure(),
        )
    }
}

#[test]
fn the_same_seed_gives_the_same_scene_and_others_differ() {
    for task in TaskKind::all() {
        let mut cell = Cell::new(&task);
        let first = cell.scene(1);
        assert_eq!(first, Cell::new(&task).scene(1), "{}", task.name());
        let bodies = |seed: u64, cell: &mut Cell| -> Vec<String> {
            let scene = cell.scene(seed).0;
            scene
                .bodies
                .iter()
                .map(|b| format!("{:?}", b.pose))
                .collect()
        };
        let different: BTreeSet<_> = (0..20).map(|seed| bodies(seed, &mut cell)).collect();
        assert!(different.len() > 10, "{}: {}", task.name(), different.len());
        assert_eq!(first, cell.scene(1), "{}", task.name());
    }
}

#[test]
fn every_style_succeeds_and_its_facts_tell_it_from_the_others() {
    for task in TaskKind::all() {
        let mut cell = Cell::new(&task);
        assert!(!task.styles().is_empty(), "{}", task.name());
        for (index, style) in task.styles().iter().enumerate() {
            let mut good = 0;
            for seed in 0..SCENES {
                let (outcome, done, _) = cell.demonstrate(index, 1000 + seed);
                let told = task.style_of(&outcome) == Some(index);
                if !(told && done) {
                    println!("{} {} {seed}: {outcome:?}", task.name(), style.name);
                }
                good += u64::from(told && done);
            }
            println!(
                "tried task {} {}: {good} of {SCENES}",
                task.name(),
                style.name
            );
            assert!(
                10 * good >= 9 * SCENES,
                "{} {}: {good} of {SCENES}",
                task.name(),
                style.name
            );
        }
    }
}

#[test]
fn nothing_is_left_over_of_an_episode_before() {
    for task in TaskKind::all() {
        let mut used = Cell::new(&task);
        for style in 0..task.styles().len() {
            used.demonstrate(style, 9);
        }
        assert_eq!(
            used.demonstrate(0, 3),
            Cell::new(&task).demonstrate(0, 3),
            "{}",
            task.name()
        );
    }
}

#[test]
fn an_arm_at_rest_does_nothing() {
    for task in TaskKind::all() {
        let mut cell = Cell::new(&task);
        for seed in 0..5 {
            cell.simulation.reset(Seed(seed));
            assert_ne!(
                cell.simulation.measure().success,
                Some(true),
                "{}",
                task.name()
            );
            cell.simulation.advance(3_000_000_000);
            let outcome = cell.simulation.measure();
            assert_ne!(outcome.success, Some(true), "{} {outcome:?}", task.name());
            assert_eq!(task.style_of(&outcome), None);
            let speed = outcome.facts.number("peak_tool_speed_m_s").unwrap();
            assert!(speed < 1e-6, "{speed} m/s");
        }
    }
}

#[test]
fn what_is_measured_is_what_the_table_says() {
    for task in TaskKind::all() {
        let name = task.name();
        let table: Vec<_> = EVERY_TASK.iter().chain(task.facts()).collect();
        let names: BTreeSet<_> = table.iter().map(|f| f.name).collect();
        assert_eq!(names.len(), table.len(), "{name}: a fact has two rows");
        assert!(!names.contains("success"), "{name}");
        let (outcome, ..) = Cell::new(&task).demonstrate(0, 1);
        for (fact, value) in outcome.facts.iter() {
            let info = table.iter().find(|f| f.name == fact);
            let info = info.unwrap_or_else(|| panic!("{name}: {fact} is in no table"));
            match value {
                Fact::Number(_) => assert!(info.names.is_empty(), "{name}: {fact}"),
                Fact::Name(value) => {
                    assert!(info.names.contains(&value.as_ref()), "{name}: {fact}")
                }
            }
        }
        for info in table {
            assert!(
                outcome.facts.get(info.name).is_some(),
                "{name}: no {}",
                info.name
            );
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            assert!(info.name.chars().all(plain), "{name}: {}", info.name);
            assert!(info.about.ends_with('.'), "{name}: {}", info.name);
        }
        for style in task.styles() {
            assert!(
                !style.facts.is_empty() || task.styles().len() == 1,
                "{name}"
            );
            assert!(
                style.facts.iter().all(|(fact, _)| names.contains(fact)),
                "{name}"
            );
        }
    }
}

#[test]
fn an_outcome_survives_a_file() {
    for task in TaskKind::all() {
        let (outcome, ..) = Cell::new(&task).demonstrate(0, 1);
        let text = toml::to_string(&outcome).unwrap();
        assert_eq!(toml::from_str::<Outcome>(&text).unwrap(), outcome);
    }
}

#[test]
fn the_words_are_there() {
    for task in TaskKind::all() {
        let words = task.words();
        let all = [
            words.instruction,
            words.object,
            words.take,
            words.taken,
            words.done,
        ];
        for word in all.into_iter().chain(task.styles().iter().map(|s| s.way)) {
            assert!(
                !word.is_empty() && word == word.trim(),
                "{}: {word:?}",
                task.name()
            );
            assert!(!word.ends_with('.'), "{}: {word:?}", task.name());
        }
        assert!(words.scenes.ends_with('.'), "{}", task.name());
        let styles: BTreeSet<_> = task.styles().iter().map(|s| (s.name, s.way)).collect();
        assert_eq!(styles.len(), task.styles().len(), "{}", task.name());
        let unknown = Outcome::default();
        assert!(
            task.describe(&unknown).contains("not known"),
            "{}",
            task.name()
        );
        let failed = Outcome {
            success: Some(false),
            ..unknown
        };
        assert!(
            task.describe(&failed).starts_with("not "),
            "{}",
            task.name()
        );
    }
}

/// Changes each number of the settings to one that cannot be, and says which keys nobody minded.
fn unminded(task: &TaskKind) -> Vec<String> {
    let settings = toml::Table::try_from(task).unwrap();
    let mut found = Vec::new();
    for (path, _) in leaves(&settings, "") {
        let mut wrong = settings.clone();
        spoil(&mut wrong, &path);
        let read: Result<TaskKind, _> = toml::from_str(&toml::to_string(&wrong).unwrap());
        let key = path.rsplit('.').next().unwrap().to_owned();
        match read {
            // Refused as it is read: not even of the right kind.
            Err(_) => {}
            Ok(task) => match task.validate() {
                Err(SimError::Config {
                    table, key: named, ..
                }) => {
                    assert_eq!(format!("{table}.{named}"), format!("task.{path}"));
                }
                Err(error) => assert!(error.to_string().contains(&key), "{error}"),
                Ok(()) => found.push(path),
            },
        }
    }
    found
}

fn leaves(table: &toml::Table, path: &str) -> Vec<(String, toml::Value)> {
    table
        .iter()
        .flat_map(|(key, value)| {
            let full = if path.is_empty() {
                key.clone()
            } else {
                format!("{path}.{key}")
            };
            match value {
                toml::Value::Table(inner) => leaves(inner, &full),
                toml::Value::String(_) | toml::Value::Boolean(_) => Vec::new(),
                other => vec![(full, other.clone())],
            }
        })
        .collect()
}

fn spoil(table: &mut toml::Table, path: &str) {
    if let Some((section, rest)) = path.split_once('.') {
        return spoil(table[section].as_table_mut().unwrap(), rest);
    }
    let slot = &mut table[path];
    *slot = match slot {
        toml::Value::Array(values) => vec![toml::Value::Float(1e9); values.len()].into(),
        toml::Value::Integer(_) => toml::Value::Integer(1_000_000_000),
        _ => toml::Value::Float(1e9),
    };
}

#[test]
fn settings_out_of_range_are_refused_with_their_key() {
    for task in TaskKind::all() {
        task.validate().unwrap();
        assert_eq!(unminded(&task), Vec::<String>::new(), "{}", task.name());
        let text = format!("kind = {:?}\nno_such_setting = 1\n", task.name());
        let error = toml::from_str::<TaskKind>(&text).unwrap_err();
        assert!(error.to_string().contains("no_such_setting"), "{error}");
        let defaults = format!("kind = {:?}\n", task.name());
        assert_eq!(toml::from_str::<TaskKind>(&defaults).unwrap(), task);
        let text = toml::to_string(&task).unwrap();
        assert_eq!(toml::from_str::<TaskKind>(&text).unwrap(), task);
        assert_eq!(TaskKind::named(task.name()).as_ref(), Some(&task));
    }
}

#[test]
fn outcomes_from_before_are_read() {
    let old = "success = true\ngrasp = 'rim'\nlifted_m = 0.149\n";
    let outcome: Outcome = toml::from_str(old).unwrap();
    assert_eq!(outcome.success, Some(true));
    assert_eq!(outcome.facts.name("grasp"), Some("rim"));
    assert_eq!(outcome.facts.number("lifted_m"), Some(0.149));
    let task = TaskKind::default();
    assert_eq!(
        task.style_of(&outcome).map(|s| task.styles()[s].name),
        Some("rim")
    );
}
