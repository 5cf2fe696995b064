use super::*;
use crate::{Scale, Span, Verdict};

fn item(id: &str) -> Item {
    Item::whole(id.into())
}

fn span(start_ns: u64, end_ns: u64) -> Span {
    Span { start_ns, end_ns }
}

fn part(id: &str, start_ns: u64, end_ns: u64) -> Item {
    Item::part(id.into(), span(start_ns, end_ns))
}

fn ranked(ids: &[&str]) -> Judgement {
    let tiers = ids.iter().map(|&id| vec![id.into()]).collect();
    Judgement::ranking(1, "ann", 1.0, tiers, None)
}

fn actions(actions: Vec<Vec<f32>>) -> Answer {
    Answer::Correction {
        item: part("a", 3, 9),
        instead: Instead::Actions(ActionSegment {
            action_space: "joint_positions".into(),
            step_ns: 50_000_000,
            actions,
        }),
    }
}

fn rating(value: f64, low: f64, high: f64) -> Answer {
    Answer::Rating {
        item: item("a"),
        value,
        scale: Scale { low, high },
    }
}

fn refusal(answer: Answer) -> String {
    let refused = consistent(&Judgement::new(0, "ann", answer));
    refused.unwrap_err().to_string()
}

#[test]
fn every_kind_has_a_usable_judgement() {
    let usable = [
        Answer::ranking([vec![item("a"), part("a", 0, 5)], vec![part("a", 5, 9)]]),
        rating(5.0, 1.0, 5.0),
        Answer::Flag {
            item: item("a"),
            yes: false,
        },
        Answer::Similarity {
            anchor: item("a"),
            nearer: item("b"),
            farther: part("b", 1, 2),
        },
        actions(vec![vec![0.0, 1.0]; 3]),
        Answer::Correction {
            item: item("a"),
            instead: Instead::Item(item("b")),
        },
        Answer::Utterance {
            text: "slower".into(),
            items: Vec::new(),
        },
        Answer::Takeover {
            item: part("a", 1, 2),
            by: "bob".into(),
        },
        Answer::Success {
            item: item("a"),
            verdict: Verdict::Unsure,
        },
    ];
    let known: HashSet<EpisodeId> = ["a", "b"].map(EpisodeId::from).into();
    for answer in usable {
        let judgement = Judgement::new(0, "ann", answer);
        validate(&judgement, &known).unwrap();
    }
}

#[test]
fn refusals_name_what_came_and_what_is_allowed() {
    let cases = [
        (
            Answer::ranking([vec![item("a")], Vec::new()]),
            "ranking is without an item in tier 1, allowed: tiers of one item",
        ),
        (
            Answer::ranking([vec![part("a", 7, 7)]]),
            "span is 7 to 7 ns, allowed: an end later than the start",
        ),
        (
            rating(6.0, 1.0, 5.0),
            "rating is 6, allowed: 1 to 5, its scale",
        ),
        (
            rating(f64::NAN, 1.0, 5.0),
            "rating is NaN, allowed: 1 to 5, its scale",
        ),
        (
            rating(1.0, 5.0, 1.0),
            "scale is 5 to 1, allowed: two numbers, the lower first",
        ),
        (
            Answer::Similarity {
                anchor: item("a"),
                nearer: item("b"),
                farther: item("a"),
            },
            "a similarity, names episode a twice",
        ),
        (
            Answer::Correction {
                item: item("a"),
                instead: Instead::Item(item("a")),
            },
            "a correction, names episode a twice",
        ),
        (
            actions(Vec::new()),
            "actions is none, allowed: one action or more",
        ),
        (
            actions(vec![vec![0.0, 1.0], vec![0.0]]),
            "action 1 is 1 numbers, allowed: 2 numbers",
        ),
        (
            actions(vec![vec![f32::INFINITY]]),
            "a number of action 0 is inf, allowed: finite",
        ),
        (
            Answer::Utterance {
                text: " ".into(),
                items: Vec::new(),
            },
            "utterance is \" \", allowed: any words",
        ),
        (
            Answer::Takeover {
                item: item("a"),
                by: "bob".into(),
            },
            "takeover's span is none, allowed: the part",
        ),
    ];
    for (answer, expected) in cases {
        let message = refusal(answer);
        assert!(message.contains(expected), "{expected}: {message}");
    }
}

#[test]
fn unknown_and_repeated_episodes_and_other_parts_are_refused() {
    let known: HashSet<EpisodeId> = ["a", "b"].map(EpisodeId::from).into();
    let unknown = validate(&ranked(&["a", "c"]), &known).unwrap_err();
    let unknown = unknown.to_string();
    assert!(unknown.contains("unknown episode c (2 episodes"));
    let twice = validate(&ranked(&["a", "a"]), &known).unwrap_err();
    assert!(twice.to_string().contains("names episode a twice"));
    for confidence in [-0.1, 1.1, f32::NAN] {
        let judgement = Judgement {
            confidence,
            ..ranked(&["a", "b"])
        };
        assert!(validate(&judgement, &known).is_err());
    }
    let mut judgement = ranked(&["a", "b"]);
    judgement.axis = Some(String::new());
    let message = consistent(&judgement).unwrap_err().to_string();
    assert!(message.contains("axis is \"\""), "{message}");
    let skipped = Judgement {
        skipped: true,
        ..Judgement::new(0, "ann", rating(1.0, 1.0, 5.0))
    };
    let message = consistent(&skipped).unwrap_err().to_string();
    assert!(
        message.contains("skipped is true for a rating"),
        "{message}"
    );
}
