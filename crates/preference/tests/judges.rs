//! Every judge that is listed keeps what judges promise.

#![allow(clippy::panic)] // A test that fails may say so by panicking.

use apprentice_preference::{JudgeKind, check_judge};

#[test]
fn every_judge_keeps_what_judges_promise() {
    for judge in JudgeKind::all() {
        let name = judge.name();
        check_judge(&*judge).unwrap_or_else(|broken| panic!("{name}: {broken}"));
        println!("judge {name} keeps its promises");
        let text = serde_json::to_string(&judge).unwrap_or_default();
        let read = serde_json::from_str::<JudgeKind>(&text).ok();
        assert_eq!(read.as_ref(), Some(&judge), "{text}");
        assert_eq!(JudgeKind::named(name), Some(judge));
    }
}
