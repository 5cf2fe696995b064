//! Episodes as tables of numbers: one file `*.csv` each, a line a tick, the action's numbers, a semicolon, those of
//! the proprioception. The last line says how many there are: `end 12`.

use crate::{
    Damage, EpisodeEntry, EpisodeError, EpisodeMeta, EpisodeWriter, ImportError, ImportSummary,
    Importer, Sample, SampleEpisode, Source, Tick, file_name::file_name,
};
use apprentice_core::{Observation, RobotState};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::{fs, io};
use thiserror::Error;

/// What a table does not say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Table {
    /// Ticks per second.
    pub rate_hz: f64,
}

impl Default for Table {
    fn default() -> Self {
        Self { rate_hz: 10.0 }
    }
}

/// A table that cannot be imported.
#[derive(Debug, Error)]
pub enum TableError {
    /// The operating system refused.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A line that is no tick.
    #[error("{} line {line}: {problem}; correct it, or leave the file out", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// Stopped by whoever watched.
    #[error("stopped on request after {0} episodes, which stay")]
    Stopped(usize),
    /// An episode could not be written.
    #[error(transparent)]
    Episode(#[from] EpisodeError),
}

impl Importer for Table {
    fn about(&self) -> &'static str {
        "tables of numbers, a line a tick"
    }

    fn import(
        &self,
        from: &Path,
        to: &Path,
        watch: &mut dyn FnMut(usize) -> bool,
    ) -> Result<ImportSummary, ImportError> {
        self.import_all(from, to, watch).map_err(ImportError::new)
    }

    fn sample(&self, folder: &Path) -> Result<Sample, ImportError> {
        write_sample(folder).map_err(ImportError::new)
    }
}

impl Table {
    fn import_all(
        &self,
        from: &Path,
        to: &Path,
        watch: &mut dyn FnMut(usize) -> bool,
    ) -> Result<ImportSummary, TableError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| TableError::Io { path, source }
        };
        let mut files = Vec::new();
        for item in fs::read_dir(from).map_err(failed(from))? {
            let path = item.map_err(failed(from))?.path();
            if path.extension().is_some_and(|e| e == "csv") {
                files.push(path);
            }
        }
        files.sort();
        fs::create_dir_all(to).map_err(failed(to))?;
        let mut summary = ImportSummary {
            dataset: file_name(from),
            episodes: Vec::new(),
            ticks: 0,
            cameras: Vec::new(),
            blank_cameras: Vec::new(),
            action_dim: 0,
            proprioception_dim: 0,
        };
        for path in files {
            if !watch(summary.episodes.len()) {
                return Err(TableError::Stopped(summary.episodes.len()));
            }
            let text = fs::read_to_string(&path).map_err(failed(&path))?;
            let rows = rows(&text, &path)?;
            let first = rows.first();
            summary.action_dim = first.map_or(0, |r| r[0].len());
            summary.proprioception_dim = first.map_or(0, |r| r[1].len());
            let entry = self.write(&path, to, rows, summary.action_dim)?;
            summary.ticks += entry.ticks;
            summary.episodes.push(entry);
        }
        Ok(summary)
    }

    fn write(
        &self,
        path: &Path,
        to: &Path,
        rows: Vec<[Vec<f32>; 2]>,
        action_dim: usize,
    ) -> Result<EpisodeEntry, TableError> {
        let place = to.join(file_name(path)).with_extension("mcap");
        let _ = fs::remove_file(&place);
        let rate = self.rate_hz;
        let meta = EpisodeMeta::new(
            "table",
            "unknown",
            Source::Import,
            vec![],
            "numbers",
            action_dim,
            rate,
        );
        let mut writer = EpisodeWriter::create(&place, &meta)?;
        for (index, [action, proprioception]) in (0..).zip(rows) {
            let stamp_ns = (index as f64 * 1e9 / rate).round() as u64;
            let state = RobotState {
                sequence: index,
                stamp_ns,
                positions: Vec::new(),
                velocities: Vec::new(),
                gripper_width: 0.0,
                efforts: None,
                external_wrench: None,
            };
            writer.tick(&Tick {
                index,
                stamp_ns,
                observation: Observation {
                    state,
                    frames: Vec::new(),
                },
                proprioception,
                action,
                guard_interventions: Vec::new(),
                decided_by: crate::DecidedBy::Agent,
                unexecuted: Vec::new(),
            })?;
        }
        Ok(writer.finish()?)
    }
}

/// Action and proprioception of each line.
fn rows(text: &str, path: &Path) -> Result<Vec<[Vec<f32>; 2]>, TableError> {
    let wrong = |line: usize, problem: String| TableError::Line {
        path: path.to_owned(),
        line,
        problem,
    };
    let mut rows: Vec<[Vec<f32>; 2]> = Vec::new();
    for (line, content) in (1..).zip(text.lines()) {
        if content == format!("end {}", rows.len()) {
            return Ok(rows);
        }
        let Some((action, proprioception)) = content.split_once(';') else {
            return Err(wrong(line, format!("{content:?} has no semicolon")));
        };
        let numbers = |part: &str| -> Result<Vec<f32>, TableError> {
            let number = |n: &str| match n.trim().parse::<f32>() {
                Ok(v) if v.is_finite() => Ok(v),
                _ => Err(wrong(line, format!("{n:?} is not a finite number"))),
            };
            part.split(',').map(number).collect()
        };
        let row = [numbers(action)?, numbers(proprioception)?];
        let lengths = |r: &[Vec<f32>; 2]| (r[0].len(), r[1].len());
        if let Some(first) = rows.first()
            && lengths(first) != lengths(&row)
        {
            let (got, expected) = (lengths(&row), lengths(first));
            return Err(wrong(
                line,
                format!("{got:?} numbers, expected {expected:?}"),
            ));
        }
        rows.push(row);
    }
    let line = rows.len() + 1;
    Err(wrong(
        line,
        "the last line is missing, `end` and the number of lines".into(),
    ))
}

fn write_sample(folder: &Path) -> Result<Sample, TableError> {
    let texts = ["1,2;3\n4,5;6.5\nend 2\n", "7,8;9\nend 1\n"];
    for (name, text) in ["a.csv", "b.csv"].iter().zip(texts) {
        let path = folder.join(name);
        fs::write(&path, text).map_err(|source| TableError::Io { path, source })?;
    }
    let damage = |text: &'static str, said: &[&'static str]| Damage {
        damage: Box::new(move |folder| fs::write(folder.join("b.csv"), text)),
        said: [&["b.csv"], said].concat(),
    };
    let episode = |ticks: Vec<[Vec<f32>; 2]>| SampleEpisode {
        instruction: None,
        pictures: vec![Vec::new(); ticks.len()],
        ticks,
    };
    Ok(Sample {
        episodes: vec![
            episode(vec![
                [vec![1.0, 2.0], vec![3.0]],
                [vec![4.0, 5.0], vec![6.5]],
            ]),
            episode(vec![[vec![7.0, 8.0], vec![9.0]]]),
        ],
        damages: vec![
            damage(
                "7,8;9\n7;9\nend 2\n",
                &["line 2", "(1, 1) numbers, expected (2, 1)"],
            ),
            damage(
                "7,NaN;9\nend 1\n",
                &["line 1", "\"NaN\" is not a finite number"],
            ),
            damage("7,8 9\nend 1\n", &["line 1", "no semicolon"]),
        ],
    })
}
