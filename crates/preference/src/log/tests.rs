use super::*;
use proptest::prelude::*;

fn sample(n: u64, comment: Option<String>) -> Judgement {
    let ranking = vec![vec!["b".into()], vec!["a".into(), "c".into()]];
    Judgement::ranking(n, "Zoë \"z\"", 0.1, ranking, comment)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn round_trip(comments in proptest::collection::vec(any::<Option<String>>(), 0..5)) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("judgements.jsonl");
        let given: Vec<_> = comments.into_iter().zip(0..).map(|(c, i)| sample(i, c)).collect();
        for judgement in &given {
            JudgementLog::open(&path).unwrap().append(judgement).unwrap();
        }
        let opened = JudgementLog::recover(&path).unwrap();
        prop_assert_eq!(opened.log.judgements(), given.as_slice());
        prop_assert!(opened.set_aside.is_none());
        // Every line is JSON to any other tool.
        for line in fs::read_to_string(&path).unwrap().lines() {
            prop_assert!(serde_json::from_str::<serde_json::Value>(line).is_ok());
        }
    }
}

#[test]
fn a_line_torn_anywhere_is_set_aside_and_the_log_goes_on() {
    let whole = encode(&sample(1, None)).unwrap();
    let torn = encode(&sample(2, None)).unwrap();
    let dir = tempfile::tempdir().unwrap();
    for cut in 1..torn.len() {
        let path = dir.path().join(format!("{cut}.jsonl"));
        fs::write(&path, [whole.as_bytes(), &torn.as_bytes()[..cut]].concat()).unwrap();
        let mut opened = JudgementLog::recover(&path).unwrap();
        assert_eq!(opened.log.judgements(), [sample(1, None)]);
        let aside = fs::read(opened.set_aside.unwrap()).unwrap();
        assert_eq!(&aside[..cut], &torn.as_bytes()[..cut]);
        opened.log.append(&sample(3, None)).unwrap();
        let again = JudgementLog::open(&path).unwrap();
        assert_eq!(again.judgements(), [sample(1, None), sample(3, None)]);
    }
}

#[test]
fn a_damaged_last_line_with_an_end_is_an_error_and_stays() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let line = encode(&sample(1, None)).unwrap();
    let text = format!("{line}{}", line.replacen("0.1", "0.9", 1));
    fs::write(&path, &text).unwrap();
    for error in [
        JudgementLog::open(&path).unwrap_err(),
        JudgementLog::read(&path).unwrap_err(),
    ] {
        let error = error.to_string();
        assert!(error.contains("log line 2 is damaged"), "{error}");
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
    assert!(!dir.path().join("log.torn").exists());
}

#[test]
fn reading_changes_nothing_and_tells_of_a_torn_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    assert!(JudgementLog::read(&path).is_err() && !path.exists());
    let text = format!("{}{{\"crc", encode(&sample(1, None)).unwrap());
    fs::write(&path, &text).unwrap();
    let said = JudgementLog::read(&path).unwrap();
    assert_eq!((said.judgements.len(), said.torn_bytes), (1, 5));
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn damage_before_the_end_and_newer_lines_are_errors() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let line = encode(&sample(1, None)).unwrap();
    let bad = line.replacen("0.1", "0.9", 1);
    fs::write(&path, format!("{bad}{line}")).unwrap();
    let error = JudgementLog::open(&path).unwrap_err().to_string();
    assert!(error.contains("line 1 is damaged: its crc32 is"), "{error}");

    let newer = r#"{"format_version":7,"mood":"good"}"#;
    let crc = crc32fast::hash(newer.as_bytes());
    fs::write(&path, format!("{PREFIX}{crc:08x}\",{}\n", &newer[1..])).unwrap();
    let error = JudgementLog::open(&path).unwrap_err().to_string();
    assert!(
        error.contains("format version 7, this build reads up to 4"),
        "{error}"
    );
}

#[test]
fn a_judgement_that_contradicts_itself_is_not_written() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = JudgementLog::open(dir.path().join("log")).unwrap();
    let twice = Judgement::ranking(0, "ann", 1.0, vec![vec!["a".into()]; 2], None);
    assert!(log.append(&twice).is_err());
    assert_eq!(fs::read(log.path()).unwrap(), b"");
}

/// The lines that the program wrote before judgements had kinds, ids and all.
const VERSION_1: [&str; 2] = [
    r#"{"format_version":1,"id":"7b86f800","when_unix_ms":12,"who":"Ada","how_sure":0.9,"ranking":[["b"],["a","c"]],"skipped":false,"comment":"hm"}"#,
    r#"{"format_version":1,"id":"6d8bc8ec","when_unix_ms":13,"who":"Ada","how_sure":0.0,"ranking":[["a","b"]],"skipped":true,"comment":null}"#,
];

#[test]
fn version_1_is_read_and_learnt_from_and_never_rewritten() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let old: String = VERSION_1.iter().map(|json| with_crc(json)).collect();
    fs::write(&path, &old).unwrap();
    let mut log = JudgementLog::open(&path).unwrap();
    let tiers = vec![vec!["b".into()], vec!["a".into(), "c".into()]];
    let ranked = Judgement {
        id: "7b86f800".into(),
        ..Judgement::ranking(12, "Ada", 0.9, tiers, Some("hm".into()))
    };
    let skipped = Judgement {
        id: "6d8bc8ec".into(),
        ..Judgement::skip(13, "Ada", vec!["a".into(), "b".into()], None)
    };
    assert_eq!(log.judgements(), [ranked.clone(), skipped.clone()]);
    // What a learner does first.
    let known = ["a", "b", "c"].map(Into::into).into();
    crate::validate(&log.judgements()[0], &known).unwrap();
    assert_eq!(crate::pairs(log.judgements()).len(), 2);
    // A new line is of version 2, and the old ones are as they were.
    log.append(&sample(1, None)).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let new = text.strip_prefix(&old).unwrap();
    assert!(
        new.contains("\"format_version\":2") && new.contains("\"kind\":\"ranking\""),
        "{new}"
    );
    let both = JudgementLog::read(&path).unwrap().judgements;
    assert_eq!(both, [ranked, skipped, sample(1, None)]);
}

#[test]
fn every_field_survives_a_log() {
    use crate::{Answer, Asked, Item, Presentation, Scale, Span};
    let span = Span {
        start_ns: 5,
        end_ns: u64::MAX,
    };
    let rating = Answer::Rating {
        item: Item::part("a".into(), span),
        value: 3.25,
        scale: Scale {
            low: -1.0,
            high: 5.0,
        },
    };
    let full = Judgement {
        axis: Some("gentleness".into()),
        response_time_ms: Some(1500),
        query_reason: Some("active: largest disagreement".into()),
        asked: Some(Asked {
            strategy: "information".into(),
            again: true,
            learnt_from: 12,
            bits: Some(0.25),
            answer_bits: Some(2.5),
            accuracy_gain: None,
            seconds: Some(17.5),
        }),
        presentation: Some(Presentation {
            layout: Some("side by side".into()),
            speed: Some(0.5),
            cameras: vec!["front".into(), "wrist".into()],
        }),
        ..Judgement::new(7, "ann", rating)
    }
    .with_id();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    JudgementLog::open(&path).unwrap().append(&full).unwrap();
    assert_eq!(JudgementLog::read(&path).unwrap().judgements, [full]);
    // Builds that do not know what was expected of an answer are told that the line is newer.
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains("\"format_version\":4"), "{text}");
}

#[test]
fn what_was_expected_of_an_answer_is_a_number() {
    let asked = |strategy: &str, seconds| Judgement {
        asked: Some(crate::Asked {
            strategy: strategy.into(),
            seconds: Some(seconds),
            ..crate::Asked::default()
        }),
        ..sample(1, None)
    };
    let dir = tempfile::tempdir().unwrap();
    let mut log = JudgementLog::open(dir.path().join("log")).unwrap();
    log.append(&asked("mix", 3.0)).unwrap();
    for (wrong, part) in [
        (asked("mix", f64::NAN), "asked.seconds is NaN"),
        (asked("mix", -1.0), "asked.seconds is -1"),
        (asked(" ", 1.0), "asked.strategy"),
    ] {
        let refused = log.append(&wrong).unwrap_err().to_string();
        assert!(refused.contains(part), "{part}: {refused}");
    }
    assert_eq!(log.judgements().len(), 1);
}

#[test]
fn what_no_version_has_is_damage() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let good = serde_json::to_value(Line {
        format_version: FORMAT_VERSION,
        judgement: &sample(1, None),
    })
    .unwrap();
    let damage = |json: &Value| {
        fs::write(&path, with_crc(&json.to_string())).unwrap();
        JudgementLog::read(&path).unwrap_err().to_string()
    };
    let mut line = good.clone();
    line["format_version"] = 0.into();
    assert!(damage(&line).contains("format_version is 0, allowed: 1 to 4"));
    let mut line = good.clone();
    line["mood"] = "good".into();
    assert!(damage(&line).contains("unknown field `mood`"));
    let mut line = good.clone();
    line["answer"]["mood"] = "good".into();
    assert!(damage(&line).contains("unknown field `mood`"));
    let mut line = good;
    line["answer"]["kind"] = "guess".into();
    assert!(damage(&line).contains("unknown variant `guess`"));
}
