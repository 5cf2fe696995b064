//! What every importer must do; goes over the whole registry.
#![allow(clippy::unwrap_used)]

use apprentice_episode::{Catalog, Damage, ImportKind, Sample, Source};
use std::fs;
use std::path::Path;

fn sample(kind: &ImportKind) -> (tempfile::TempDir, Sample) {
    let folder = tempfile::tempdir().unwrap();
    let sample = kind.sample(folder.path()).unwrap();
    (folder, sample)
}

/// Files below a folder that are whole episodes or meant to become one.
fn left_over(to: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(to) else {
        return Vec::new();
    };
    let names = entries.map(|e| e.unwrap().file_name().to_string_lossy().into_owned());
    names.filter(|name| name.ends_with(".mcap")).collect()
}

#[test]
fn what_is_imported_is_what_was_there_and_once_more_gives_the_same_files() {
    for kind in ImportKind::all() {
        let name = kind.name();
        let ((from, sample), to) = (sample(&kind), tempfile::tempdir().unwrap());
        assert!(
            sample.episodes.len() >= 2,
            "{name}: the sample is too small"
        );
        let summary = kind.import(from.path(), to.path(), &mut |_| true).unwrap();
        assert_eq!(summary.episodes.len(), sample.episodes.len(), "{name}");
        let catalog = Catalog::open(to.path()).unwrap();
        for (entry, wanted) in summary.episodes.iter().zip(&sample.episodes) {
            let episode = catalog.load(&entry.id).unwrap();
            assert!(episode.complete, "{name}");
            assert_eq!(episode.meta.source, Source::Import, "{name}");
            assert_eq!(episode.meta.instruction, wanted.instruction, "{name}");
            assert_eq!(episode.meta.cameras, summary.cameras, "{name}");
            assert_eq!(episode.ticks.len(), wanted.ticks.len(), "{name}");
            for (i, tick) in episode.ticks.iter().enumerate() {
                let [action, proprioception] = &wanted.ticks[i];
                assert_eq!(&tick.action, action, "{name}: tick {i}");
                assert_eq!(&tick.proprioception, proprioception, "{name}: tick {i}");
                let frames = tick.observation.frames.iter().map(|f| f.image.clone());
                assert_eq!(
                    frames.collect::<Vec<_>>(),
                    wanted.pictures[i],
                    "{name}: tick {i}"
                );
            }
        }
        let again = kind.import(from.path(), to.path(), &mut |_| true).unwrap();
        assert_eq!(again, summary, "{name}: importing again gives other files");
        println!("tried importer {name}");
    }
}

#[test]
fn a_stopped_import_keeps_what_it_has() {
    for kind in ImportKind::all() {
        let name = kind.name();
        let ((from, _), to) = (sample(&kind), tempfile::tempdir().unwrap());
        let stopped = kind.import(from.path(), to.path(), &mut |written| written < 1);
        let error = stopped.unwrap_err().to_string();
        assert!(
            error.contains("stopped on request after 1 episodes"),
            "{name}: {error}"
        );
        assert_eq!(
            Catalog::open(to.path()).unwrap().entries().len(),
            1,
            "{name}"
        );
    }
}

#[test]
fn every_refusal_names_the_file_and_the_place() {
    for kind in ImportKind::all() {
        let name = kind.name();
        let damages: Vec<Damage> = sample(&kind).1.damages;
        assert!(
            damages.len() >= 3,
            "{name}: too few ways to damage the sample"
        );
        for (i, damage) in damages.iter().enumerate() {
            let ((from, _), to) = (sample(&kind), tempfile::tempdir().unwrap());
            (damage.damage)(from.path()).unwrap();
            let refused = kind.import(from.path(), to.path(), &mut |_| true);
            let error = apprentice_core::in_one_line(&refused.unwrap_err());
            for word in &damage.said {
                assert!(
                    error.contains(word),
                    "{name}, damage {i}: {word:?} is not in: {error}"
                );
            }
            assert_eq!(error.lines().count(), 1, "{name}: {error}");
        }
    }
}

#[test]
fn a_file_that_is_cut_off_is_refused_by_its_name_and_leaves_no_half_episode() {
    for kind in ImportKind::all() {
        let name = kind.name();
        let (from, _) = sample(&kind);
        for file in fs::read_dir(from.path()).unwrap() {
            let path = file.unwrap().path();
            if !path.is_file() {
                continue;
            }
            let whole = fs::read(&path).unwrap();
            fs::write(&path, &whole[..whole.len() / 2]).unwrap();
            let to = tempfile::tempdir().unwrap();
            let refused = kind.import(from.path(), to.path(), &mut |_| true);
            let error = apprentice_core::in_one_line(&refused.unwrap_err());
            let file = path.file_name().unwrap().to_string_lossy();
            assert!(error.contains(&*file), "{name}: {file} is not in: {error}");
            for entry in Catalog::open(to.path()).unwrap().entries() {
                assert!(entry.complete, "{name}: {} is half an episode", entry.file);
            }
            fs::write(&path, whole).unwrap();
        }
        let nothing = from.path().join("nothing_is_here");
        let to = tempfile::tempdir().unwrap();
        let refused = kind.import(&nothing, to.path(), &mut |_| true);
        let error = apprentice_core::in_one_line(&refused.unwrap_err());
        assert!(error.contains("nothing_is_here"), "{name}: {error}");
        assert!(left_over(to.path()).is_empty(), "{name}");
    }
}
