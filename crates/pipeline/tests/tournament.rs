//! A blind tournament of versions: asked, answered, taken back, killed and gone on with, by several operators.

#![allow(clippy::unwrap_used)] // A test that fails may say so by panicking.

use apprentice_core::Seed;
use apprentice_episode::EpisodeWriter;
use apprentice_pipeline::run_dir::RunDir;
use apprentice_pipeline::sample_episode::sample_episode;
use apprentice_pipeline::tournament::{
    MatchQuestion, Next, Tournament, TournamentSettings, Verdict,
};
use apprentice_pipeline::versions::store::keep_version;
use apprentice_pipeline::versions::version::Version;
use rand::Rng as _;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

const SEED: Seed = Seed(5);

fn version(number: u32, file: String, sha256: String) -> Version {
    Version {
        number,
        name: if number == 1 { "base" } else { "aligned" }.into(),
        file,
        sha256,
        made_at_s: 1,
        made_from: (number > 1).then(|| number - 1),
        judgements: None,
        reward: None,
        alignment: None,
        seed: 0,
        settings: serde_json::json!({}),
    }
}

/// A run with so many versions, and so many episodes of each: the first half of them from the same starts.
fn run_with(root: &Path, versions: u32, episodes: u64) -> RunDir {
    let dir = RunDir::make(root).unwrap();
    let policy = root.join("policy");
    for number in 1..=versions {
        fs::write(&policy, number.to_le_bytes()).unwrap();
        let kept = keep_version(&dir, &policy, version).unwrap();
        let folder = match number {
            1 => "evaluation/base".to_owned(),
            2 => "evaluation/aligned".to_owned(),
            other => format!("evaluation/aligned.old-{}", other - 2),
        };
        fs::create_dir_all(dir.path(&folder)).unwrap();
        for i in 0..episodes {
            let mut sample = sample_episode(1.0);
            sample.meta.policy = Some(kept.sha256.clone());
            sample.meta.seed = if i < episodes / 2 {
                i
            } else {
                1_000 * u64::from(number) + i
            };
            // Other content for each, or they would be one episode.
            sample.ticks[0].action[0] = (100 * number) as f32 + i as f32;
            let path = dir.path(&folder).join(format!("episode-{i:04}.mcap"));
            let mut writer = EpisodeWriter::create(path, &sample.meta).unwrap();
            writer.tick(&sample.ticks[0]).unwrap();
            writer.finish().unwrap();
        }
    }
    dir
}

fn open(dir: &RunDir) -> Tournament {
    Tournament::open(dir, SEED, TournamentSettings::default()).unwrap()
}

fn question(tournament: &mut Tournament, who: &str) -> MatchQuestion {
    match tournament.next(who, true).unwrap() {
        Next::Match(question) => question,
        other => panic!("{other:?}"),
    }
}

/// The version of each episode.
fn versions(tournament: &Tournament) -> BTreeMap<String, u32> {
    let all = tournament.entrants().iter();
    all.flat_map(|e| {
        e.episodes
            .iter()
            .map(move |r| (r.id.as_str().to_owned(), e.version))
    })
    .collect()
}

#[test]
fn an_answer_is_kept_once_whatever_happens_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let dir = run_with(folder.path(), 3, 4);
    let mut tournament = open(&dir);
    assert_eq!(tournament.entrants().len(), 3);
    let first = question(&mut tournament, "Ada");
    assert!(first.same_start, "matched starts come first");
    let json = serde_json::to_string(&first).unwrap();
    for telling in ["evaluation", "aligned", "mcap", "version"] {
        assert!(!json.contains(telling), "{telling}: {json}");
    }
    // The same until it is answered, in another process as well; and nobody else has the log meanwhile.
    assert_eq!(question(&mut tournament, "Ada"), first);
    let busy = open(&dir).next("Ada", true).unwrap_err().to_string();
    assert!(busy.contains("in another process already"), "{busy}");
    drop(tournament);
    let mut tournament = open(&dir);
    assert_eq!(question(&mut tournament, "Ada"), first);
    let answered = tournament
        .answer("Ada", &first.id, Verdict::Second, Some(900), 1)
        .unwrap();
    let known = versions(&tournament);
    for (clip, version) in first.clips.iter().zip(answered.versions) {
        assert_eq!(known[clip.episode.as_str()], version);
    }
    // Sent again by a page that does not know: nothing twice. Another answer, or to another question, is refused.
    let again = tournament.answer("Ada", &first.id, Verdict::Second, None, 2);
    assert_eq!(again.unwrap(), answered);
    let other = tournament.answer("Ada", &first.id, Verdict::First, None, 2);
    assert!(other.unwrap_err().to_string().contains("already"));
    let none = tournament.answer("Ada", "0123", Verdict::First, None, 2);
    assert!(
        none.unwrap_err()
            .to_string()
            .contains("not the one that is open")
    );
    drop(tournament);

    // A process that is killed right after the answer leaves it; one that is killed in a line leaves those before.
    let log = fs::read_dir(dir.path("tournament")).unwrap().next();
    let log = log.unwrap().unwrap().path();
    let whole = fs::read(&log).unwrap();
    assert_eq!(whole.iter().filter(|b| **b == b'\n').count(), 1);
    fs::write(&log, [&whole[..], b"{\"crc32\":\"12"].concat()).unwrap();
    let mut tournament = open(&dir);
    assert_eq!(
        tournament.standings().unwrap().operators[0]
            .table
            .comparisons,
        1
    );
    let second = question(&mut tournament, "Ada");
    assert_ne!(second.id, first.id);
    assert_eq!(tournament.take_back("Ada", 3).unwrap(), Some(0));
    assert_eq!(tournament.take_back("Ada", 3).unwrap(), None);
    assert_eq!(
        tournament.standings().unwrap().operators[0]
            .table
            .comparisons,
        0
    );
    drop(tournament);

    // What was changed is refused, with its line.
    let text = fs::read_to_string(&log).unwrap();
    fs::write(&log, text.replacen("\"second\"", "\"first\"", 1)).unwrap();
    let error = format!("{:#}", open(&dir).standings().unwrap_err());
    assert!(
        error.contains("line 1") && error.contains("CRC-32"),
        "{error}"
    );
}

#[test]
fn a_planted_order_is_told_and_operators_who_disagree_are_not_averaged_in_silence() {
    let folder = tempfile::tempdir().unwrap();
    let dir = run_with(folder.path(), 4, 12);
    let mut tournament = open(&dir);
    let known = versions(&tournament);
    let mut rng = Seed(3).rng();
    // Ada likes higher numbers, Bob lower ones; 9 of 10 answers are as they mean them.
    for (who, likes_higher) in [("Ada", true), ("Bob", false)] {
        let (mut seen, mut asked, mut same, mut first) = (BTreeSet::new(), 0_u32, 0_u32, 0_u32);
        while let Next::Match(question) = tournament.next(who, false).unwrap() {
            let ids = question
                .clips
                .each_ref()
                .map(|c| c.episode.as_str().to_owned());
            let [a, b] = ids.each_ref().map(|id| known[id]);
            assert_ne!(a, b);
            let mut pair = ids.clone();
            pair.sort();
            assert!(seen.insert(pair), "no two episodes come twice");
            let better = (a > b) == likes_higher;
            let as_meant = rng.random_bool(0.9);
            let verdict = if better == as_meant {
                Verdict::First
            } else {
                Verdict::Second
            };
            first += u32::from(verdict == Verdict::First);
            same += u32::from(question.same_start);
            asked += 1;
            tournament
                .answer(who, &question.id, verdict, None, 1)
                .unwrap();
            assert!(asked < 200, "{who} is never done");
        }
        println!(
            "{who}: told after {asked} comparisons, {same} from the same start, clip 1 preferred {first} times"
        );
        assert!(same > asked / 4, "{same} of {asked}");
        assert!(first > asked / 5 && first < asked * 4 / 5);
    }
    let standings = tournament.standings().unwrap();
    let order = |i: usize| -> Vec<u32> {
        let table = &standings.operators[i].table;
        assert!(table.decided && table.comparisons_wanted == Some(0));
        for row in &table.rows {
            assert!(0.0 < row.low && row.low < row.preferred && row.preferred < row.high);
        }
        table.rows.iter().map(|r| r.version).collect()
    };
    let (ada, bob) = (order(0), order(1));
    println!("Ada {ada:?}, Bob {bob:?}");
    assert_eq!((ada[0], ada[3]), (4, 1));
    assert_eq!((bob[0], bob[3]), (1, 4));
    let agreement = &standings.agreement[0];
    assert!(agreement.tau_b.unwrap() < -0.6);
    let sure = agreement.disagreements.iter().find(|d| d.sure).unwrap();
    assert!(sure.first_prefers > sure.second_prefers);
    assert!(
        !standings.together.unwrap().decided,
        "nobody's opinion is told"
    );
}

#[test]
fn what_cannot_be_a_tournament_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let dir = run_with(folder.path(), 2, 1);
    let refused = |settings: TournamentSettings| {
        format!("{:#}", Tournament::open(&dir, SEED, settings).unwrap_err())
    };
    let of = |versions: &[u32]| TournamentSettings {
        versions: versions.to_vec(),
        ..TournamentSettings::default()
    };
    assert!(refused(of(&[1])).contains("at least 2"));
    assert!(refused(of(&[1, 7])).contains("there is no version 7"));
    let rate = TournamentSettings {
        error_rate: 1.0,
        ..TournamentSettings::default()
    };
    assert!(refused(rate).contains("error rate"));
    let mut tournament = open(&dir);
    for name in ["", " Ada", "a\nb"] {
        assert!(tournament.next(name, true).is_err(), "{name:?}");
    }
    // Names that no file could have are fine: a log is called by a hash.
    let odd = question(&mut tournament, "../../Ünal/х");
    tournament
        .answer("../../Ünal/х", &odd.id, Verdict::CannotTell, None, 1)
        .unwrap();
    assert_eq!(
        tournament.next("../../Ünal/х", false).unwrap(),
        Next::Exhausted
    );
    let standings = tournament.standings().unwrap();
    assert_eq!(standings.operators[0].cannot_tell, 1);
    assert_eq!(standings.operators[0].table.comparisons, 0);
    // A version without episodes takes no part, unless it is named.
    let policy = folder.path().join("policy");
    fs::write(&policy, b"new").unwrap();
    keep_version(&dir, &policy, version).unwrap();
    assert_eq!(open(&dir).entrants().len(), 2);
    let line = refused(of(&[1, 3]));
    assert!(
        line.contains("no episode of version 3") && line.contains("apprentice record rollouts")
    );
}
