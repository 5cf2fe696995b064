//! Versions of a policy: kept, promoted through the gate, watched, and gone back from.

#![allow(clippy::unwrap_used)] // A test that fails may say so by panicking.

use apprentice_core::Seed;
use apprentice_pipeline::config::PromotionConfig;
use apprentice_pipeline::run_dir::RunDir;
use apprentice_pipeline::trials::{
    Guarding, Judge, PolicyIdentity, PolicyRole, Purpose, Start, Trial, Verdict,
};
use apprentice_pipeline::versions::event::{EventKind, THE_WATCH};
use apprentice_pipeline::versions::evidence::tried;
use apprentice_pipeline::versions::fresh::FreshEpisode;
use apprentice_pipeline::versions::gate::{Check, checks};
use apprentice_pipeline::versions::promise::Promise;
use apprentice_pipeline::versions::promotion::{Proposal, promote, rollback};
use apprentice_pipeline::versions::store::{History, current_policy, keep_version};
use apprentice_pipeline::versions::version::{Drift, RewardEvidence, Version};
use apprentice_pipeline::versions::watch::Watch;
use rand::Rng as _;
use std::fs;
use std::path::Path;

fn version(number: u32, file: String, sha256: String) -> Version {
    Version {
        number,
        name: if number == 1 { "base" } else { "aligned" }.into(),
        file,
        sha256,
        made_at_s: 1,
        made_from: (number > 1).then(|| number - 1),
        judgements: None,
        reward: Some(RewardEvidence {
            accuracy: 0.9,
            pairs: 60,
            p_value: 0.001,
            allowed: 0.01,
        }),
        alignment: Some(Drift {
            evidence: true,
            steps: 100,
            drift: 0.05,
            budget: Some(0.1),
        }),
        seed: 0,
        settings: serde_json::json!({}),
    }
}

/// A run with so many versions; the files hold other bytes each.
fn run_with(folder: &Path, versions: u32) -> RunDir {
    let dir = RunDir::make(folder).unwrap();
    let policy = folder.join("policy");
    for number in 1..=versions {
        fs::write(&policy, number.to_le_bytes()).unwrap();
        assert_eq!(keep_version(&dir, &policy, version).unwrap().number, number);
    }
    dir
}

fn episodes(clean: usize, bad: usize, success: f64) -> Vec<FreshEpisode> {
    let all = clean + bad;
    let done = (success * all as f64).round() as usize;
    (0..all)
        .map(|i| FreshEpisode {
            success: Some(i < done),
            other_success: Some(i < done),
            intervention: i < bad,
            drop: Some(false),
            ..FreshEpisode::default()
        })
        .collect()
}

fn proposal(dir: &RunDir, number: u32, fresh: &[FreshEpisode]) -> Proposal {
    let config = PromotionConfig::default();
    let history = History::of(dir).unwrap();
    let version = history.version(number).unwrap().clone();
    Proposal {
        from: history.current().unwrap().map_or(1, |v| v.number),
        checks: checks(&version, fresh, &config).unwrap(),
        promise: Promise::of(fresh, &config),
        accepted: None,
        version,
    }
}

fn failed(checks: &[Check]) -> Vec<&str> {
    let failed = checks.iter().filter(|c| !c.passed);
    failed.map(|c| c.name.as_str()).collect()
}

#[test]
fn each_line_of_the_gate_fails_for_its_own_reason_and_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let dir = run_with(folder.path(), 2);
    let config = PromotionConfig::default();
    let good = History::of(&dir).unwrap().version(2).unwrap().clone();
    let enough = episodes(180, 0, 0.9);
    assert!(failed(&checks(&good, &enough, &config).unwrap()).is_empty());

    // So few pairs do where more may be lost.
    let lenient = PromotionConfig {
        margin: 0.5,
        ..config.clone()
    };
    // 34 clean episodes do at a limit of one in ten and a confidence of 95 %.
    let few = checks(&good, &episodes(17, 0, 0.9), &lenient).unwrap();
    assert_eq!(failed(&few), ["safety"]);
    let safety = few.iter().find(|c| c.name == "safety").unwrap();
    let advice = safety.advice.as_deref().unwrap();
    assert!(
        advice.starts_with("17 more clean episodes would do"),
        "{advice}"
    );
    assert!(
        safety.got.starts_with("0 of 17 fresh episodes bad"),
        "{}",
        safety.got
    );
    assert_eq!(safety.allowed, "below 10.0 %");

    for spoil in [
        |e: &mut FreshEpisode| e.stop = true,
        |e: &mut FreshEpisode| e.takeover = true,
        |e: &mut FreshEpisode| e.drop = Some(true),
        |e: &mut FreshEpisode| e.intervention = true,
    ] {
        let mut bad = enough.clone();
        bad.iter_mut().take(40).for_each(spoil);
        assert_eq!(failed(&checks(&good, &bad, &config).unwrap()), ["safety"]);
    }

    let mut luck = good.clone();
    luck.reward.as_mut().unwrap().p_value = 0.011;
    assert_eq!(
        failed(&checks(&luck, &enough, &config).unwrap()),
        ["reward"]
    );
    let mut far = good.clone();
    far.alignment.as_mut().unwrap().drift = 0.11;
    assert_eq!(failed(&checks(&far, &enough, &config).unwrap()), ["drift"]);
    let mut worse = enough.clone();
    for episode in worse.iter_mut().take(90) {
        episode.success = Some(false);
    }
    assert_eq!(
        failed(&checks(&good, &worse, &config).unwrap()),
        ["success"]
    );
}

#[test]
fn versions_and_events_are_kept_and_the_way_back_is_the_way_there() {
    let folder = tempfile::tempdir().unwrap();
    let dir = run_with(folder.path(), 3);
    assert_eq!(current_policy(&dir).unwrap(), None);
    assert!(rollback(&dir, "Ann", "why not").is_err());

    let fresh = episodes(180, 0, 0.9);
    let refused = promote(&dir, proposal(&dir, 2, &episodes(3, 0, 1.0)), "Ann");
    assert!(
        refused
            .unwrap_err()
            .to_string()
            .contains("safety and success failed")
    );
    assert!(promote(&dir, proposal(&dir, 2, &fresh), " ").is_err());
    assert_eq!(current_policy(&dir).unwrap(), None);

    promote(&dir, proposal(&dir, 2, &fresh), "Ann").unwrap();
    promote(&dir, proposal(&dir, 3, &fresh), "Ben").unwrap();
    assert_eq!(
        current_policy(&dir).unwrap().unwrap(),
        "versions/0003.safetensors"
    );
    assert!(rollback(&dir, "Ann", " ").is_err());
    assert_eq!(rollback(&dir, "Ann", "drops cups").unwrap().version, 2);
    assert_eq!(
        current_policy(&dir).unwrap().unwrap(),
        "versions/0002.safetensors"
    );
    assert_eq!(rollback(&dir, "Ann", "those too").unwrap().version, 1);
    let end = rollback(&dir, "Ann", "and now?").unwrap_err().to_string();
    assert!(end.contains("no version to go back to"), "{end}");

    let history = History::of(&dir).unwrap();
    assert_eq!(history.versions.len(), 3);
    let who: Vec<(EventKind, &str)> = history
        .events
        .iter()
        .map(|e| (e.what, e.who.as_str()))
        .collect();
    let (up, back) = (EventKind::Promoted, EventKind::RolledBack);
    assert_eq!(
        who,
        [(up, "Ann"), (up, "Ben"), (back, "Ann"), (back, "Ann")]
    );
    assert_eq!(history.events[2].reason.as_deref(), Some("drops cups"));
    assert_eq!(history.events[0].checks.len(), 4);
}

#[test]
fn a_version_that_was_changed_is_not_run() {
    let folder = tempfile::tempdir().unwrap();
    let dir = run_with(folder.path(), 2);
    promote(&dir, proposal(&dir, 2, &episodes(180, 0, 0.9)), "Ann").unwrap();
    fs::write(dir.path("versions/0002.safetensors"), b"other").unwrap();
    let error = current_policy(&dir).unwrap_err().to_string();
    assert!(error.contains("is not version 2 any more"), "{error}");
    // What was left of a process that was killed takes no number twice, and is not overwritten.
    fs::write(dir.path("versions/0003.safetensors"), b"half").unwrap();
    let policy = folder.path().join("policy");
    assert_eq!(keep_version(&dir, &policy, version).unwrap().number, 4);
    assert_eq!(
        fs::read(dir.path("versions/0003.safetensors")).unwrap(),
        b"half"
    );
}

/// A promoted version that is promised a success rate of 0.9.
fn promised(folder: &Path) -> RunDir {
    let dir = run_with(folder, 2);
    let mut proposal = proposal(&dir, 2, &episodes(180, 0, 0.9));
    let few = Promise::of(&episodes(60, 0, 0.9), &PromotionConfig::default());
    let bound = few.success.unwrap();
    assert!((bound - 0.811).abs() < 0.005, "54 of 60 promise {bound}");
    proposal.promise.success = Some(0.9);
    promote(&dir, proposal, "Ann").unwrap();
    dir
}

#[test]
fn the_watch_goes_back_soon_after_success_falls_and_seldom_without() {
    let mut rng = Seed(9).rng();
    let folder = tempfile::tempdir().unwrap();
    let promise = promised(&folder.path().join("detectors"));
    let event = History::of(&promise).unwrap().events[0].promise.unwrap();
    let (success, clean) = (
        event.success_detector().unwrap().unwrap(),
        event.clean_detector().unwrap(),
    );
    let (mut delays, mut false_ones) = (Vec::new(), 0_u32);
    let runs = 20_000;
    for _ in 0..runs {
        let (mut quiet, mut safe) = (success, clean);
        for _ in 0..500 {
            quiet.observe(rng.random_bool(0.9));
            safe.observe(rng.random_bool(0.9));
        }
        false_ones += u32::from(quiet.alarm() || safe.alarm());
        let mut fallen = success;
        delays.push(
            (1..10_000)
                .find(|_| fallen.observe(rng.random_bool(0.6)))
                .unwrap(),
        );
    }
    delays.sort_unstable();
    let (median, share) = (
        delays[delays.len() / 2],
        f64::from(false_ones) / f64::from(runs),
    );
    println!(
        "success 0.9 to 0.6: back after a median of {median} episodes; no change, and as many bad episodes as \
         allowed: back for no reason within 500 episodes in {share:.4}"
    );
    assert!(median <= 20);
    assert!(share <= 0.05);
}

#[test]
fn the_watch_survives_its_process_and_keeps_why_it_went_back() {
    let folder = tempfile::tempdir().unwrap();
    let dir = promised(folder.path());
    let episode = |success| FreshEpisode {
        success,
        ..FreshEpisode::default()
    };
    let mut rolled_back = None;
    for number in 1.. {
        // Each episode in a process of its own.
        let mut watch = Watch::of_current(&dir).unwrap().unwrap();
        assert_eq!(watch.version(), 2);
        assert!(watch.finished(episode(None)).unwrap().is_none());
        if let Some(event) = watch.finished(episode(Some(false))).unwrap() {
            rolled_back = Some((number, event));
            break;
        }
    }
    let (failures, event) = rolled_back.unwrap();
    assert!((4..=8).contains(&failures), "{failures} failures in a row");
    assert_eq!(
        (event.version, event.from, event.who.as_str()),
        (1, 2, THE_WATCH)
    );
    let reason = event.reason.unwrap();
    assert!(
        reason.contains(&format!("0 of the {failures} episodes")),
        "{reason}"
    );
    assert!(Watch::of_current(&dir).unwrap().is_none());
    assert_eq!(
        current_policy(&dir).unwrap().unwrap(),
        "versions/0001.safetensors"
    );
}

#[test]
fn bad_episodes_send_it_back_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let dir = promised(folder.path());
    let mut watch = Watch::of_current(&dir).unwrap().unwrap();
    let bad = FreshEpisode {
        success: Some(true),
        takeover: true,
        ..FreshEpisode::default()
    };
    let event = (0..12).find_map(|_| watch.finished(bad).unwrap()).unwrap();
    assert!(event.reason.unwrap().contains("were bad"));
}

#[test]
fn what_is_not_shown_is_open_and_passes_only_if_a_person_accepts_it() {
    let folder = tempfile::tempdir().unwrap();
    let dir = run_with(folder.path(), 2);
    let nobody_looked: Vec<FreshEpisode> = vec![FreshEpisode::default(); 34];
    let mut asked = proposal(&dir, 2, &nobody_looked);
    assert_eq!(failed(&asked.checks), ["safety", "success"]);
    assert!(asked.checks.iter().all(|c| c.passed || c.open));
    assert!(promote(&dir, asked.clone(), "Ann").is_err());
    // Whoever never does it is shown to be bad, and nobody can accept that.
    let never = episodes(180, 0, 0.0);
    let mut bad = proposal(&dir, 2, &never);
    bad.accepted = Some("in a hurry".into());
    assert!(!bad.passes());
    assert!(promote(&dir, bad, "Ann").is_err());
    // Unsure is a failure, in the promise too.
    let mut unsure = episodes(180, 0, 1.0);
    unsure.iter_mut().take(90).for_each(|e| e.success = None);
    let promised = Promise::of(&unsure, &PromotionConfig::default());
    assert!(promised.success.unwrap() < 0.5);
    assert!(failed(&proposal(&dir, 2, &unsure).checks).contains(&"success"));

    asked.accepted = Some("a first try".into());
    let event = promote(&dir, asked, "Ann").unwrap();
    assert_eq!(event.accepted.as_deref(), Some("a first try"));
}

#[test]
fn going_back_again_and_again_ends_at_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let dir = run_with(folder.path(), 3);
    let fresh = episodes(180, 0, 0.9);
    promote(&dir, proposal(&dir, 2, &fresh), "Ann").unwrap();
    rollback(&dir, "Ann", "drops cups").unwrap();
    promote(&dir, proposal(&dir, 3, &fresh), "Ann").unwrap();
    promote(&dir, proposal(&dir, 2, &fresh), "Ann").unwrap();
    assert_eq!(rollback(&dir, "Ann", "again").unwrap().version, 3);
    assert_eq!(rollback(&dir, "Ann", "those too").unwrap().version, 1);
    assert!(rollback(&dir, "Ann", "and now?").is_err());
}

#[test]
fn a_promotion_that_somebody_else_came_before_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let dir = run_with(folder.path(), 3);
    let fresh = episodes(180, 0, 0.9);
    promote(&dir, proposal(&dir, 2, &fresh), "Ann").unwrap();
    let late = proposal(&dir, 3, &fresh);
    rollback(&dir, "Ben", "drops cups").unwrap();
    let error = promote(&dir, late, "Ann").unwrap_err().to_string();
    assert!(error.contains("changed meanwhile"), "{error}");
}

/// A trial in real time: the first tick waits for the policy's first decision.
fn trial(sha256: String, place: u8, success: Verdict) -> Trial {
    Trial {
        number: 0,
        purpose: Purpose::Comparison,
        comparison: "c1".into(),
        policy: PolicyIdentity {
            role: PolicyRole::Aligned,
            sha256,
            version: None,
        },
        start: Start {
            number: 0,
            seed: 7,
            by_person: false,
        },
        place: Some(place),
        success,
        preferred: None,
        judge: Judge::Person("Ada".into()),
        facts: [].into(),
        guarding: Guarding {
            ticks: 100,
            interventions: 0,
            reasons: [("stale".to_owned(), 1)].into(),
            drops: Some(0),
            ..Guarding::default()
        },
        reward: None,
        episode: None,
        at_unix_ms: 1,
    }
}

#[test]
fn waiting_for_the_first_decision_is_not_bad_and_pairs_are_against_the_version_before() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::of(&run_with(folder.path(), 3)).unwrap();
    let [base, before, new] = [1, 2, 3].map(|n| history.version(n).unwrap().clone());
    let trials = [
        trial(new.sha256.clone(), 0, Verdict::Yes),
        trial(base.sha256.clone(), 1, Verdict::Unsure),
    ];
    let against_base = tried(&trials, &new, &base);
    assert!(!against_base[0].is_bad());
    assert_eq!(against_base[0].other_success, Some(true));
    assert_eq!(tried(&trials, &new, &before)[0].other_success, None);
    let mut late = trials.clone();
    late[0].guarding.interventions = 1;
    assert!(tried(&late, &new, &base)[0].is_bad());
}
