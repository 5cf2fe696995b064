use super::*;
use proptest::prelude::*;

const KNOWN: [KnownFact<'_>; 4] = [
    KnownFact {
        name: "success",
        names: &[],
    },
    KnownFact {
        name: "speed",
        names: &[],
    },
    KnownFact {
        name: "place",
        names: &["left", "right"],
    },
    KnownFact {
        name: "goal",
        names: &["left", "right"],
    },
];

/// With success, a speed of 0.5, at the left; the goal was not measured.
fn left(fact: &str) -> Option<Value<'static>> {
    match fact {
        "success" => Some(Value::Number(1.0)),
        "speed" => Some(Value::Number(0.5)),
        "place" => Some(Value::Name("left")),
        _ => None,
    }
}

fn value(text: &str) -> Result<f64, ExpressionError> {
    Expression::new(text, &KNOWN)?.evaluate(&|fact: &str| left(fact))
}

#[test]
fn what_binds_closer_and_what_it_comes_to() {
    for (text, expected) in [
        ("success * (1 + (place == left))", 2.0),
        ("success * (1 + (right == place))", 1.0),
        ("1 + 2 * 3 - 4 / 2", 5.0),
        ("8 - 3 - 2", 3.0),
        ("8 / 4 / 2", 1.0),
        ("-2 * -3 - -1", 7.0),
        ("1 < 2 and not 2 < 1", 1.0),
        ("1 or 0 and 0", 1.0),
        ("(1 or 0) and 0", 0.0),
        ("not not 3", 1.0),
        ("min(3, speed, 2) + max(1, 1 + 1)", 2.5),
        ("speed <= .5 and speed >= 5e-1 and speed != 0.4", 1.0),
        ("success == true", 1.0),
        ("place != right", 1.0),
        // What does not matter need not be known.
        ("success or goal == left", 1.0),
    ] {
        assert_eq!(value(text), Ok(expected), "{text}");
    }
}

#[test]
fn what_makes_no_sense_is_refused_with_what_would() {
    for (text, parts) in [
        ("", vec!["character 1", "the end", "a fact"]),
        ("success *", vec!["character 10", "the end"]),
        ("success success", vec!["character 9", "an operator"]),
        ("(success", vec!["the end", ")"]),
        ("min(1, 2", vec!["comma"]),
        ("1 < 2 < 3", vec!["character 7", "and between"]),
        (
            "succes",
            vec!["\"succes\"", "success, speed, place (left, right), goal"],
        ),
        (
            "place == lid",
            vec!["place is never \"lid\"", "left, right"],
        ),
        ("place + 1", vec!["\"place\" is a name"]),
        ("place == 1", vec!["\"place\" is a name"]),
        ("left", vec!["\"left\"", "facts are"]),
        ("success $ 1", vec!["character 9", "\"$\""]),
        ("1e999", vec!["character 1", "1e999"]),
        ("1 / 0", vec!["inf"]),
        ("goal == left", vec!["\"goal\" was not measured"]),
    ] {
        let error = value(text).unwrap_err().to_string();
        for part in parts {
            assert!(error.contains(part), "{text}: {part}: {error}");
        }
        assert_eq!(error.lines().count(), 1, "{error}");
    }
    let deep = format!("{}1{}", "(".repeat(200), ")".repeat(200));
    assert!(matches!(value(&deep), Err(ExpressionError::TooLarge(..))));
    let long = "1+".repeat(2000);
    assert!(matches!(value(&long), Err(ExpressionError::TooLarge(..))));
}

/// A tree of numbers and comparisons, as a text with every parenthesis, and its value.
fn written() -> impl Strategy<Value = (String, f64)> {
    let leaf = prop_oneof![
        (0u32..1000).prop_map(|n| (n.to_string(), f64::from(n))),
        Just(("speed".to_owned(), 0.5)),
        Just(("(place == left)".to_owned(), 1.0)),
        Just(("(place != left)".to_owned(), 0.0)),
    ];
    leaf.prop_recursive(5, 40, 3, |inner| {
        let pair = (inner.clone(), inner.clone(), 0usize..8);
        prop_oneof![
            pair.prop_map(|((a, x), (b, y), which)| {
                let truth = |yes: bool| f64::from(u8::from(yes));
                let (sign, value) = [
                    ("+", x + y),
                    ("-", x - y),
                    ("*", x * y),
                    ("<", truth(x < y)),
                    (">=", truth(x >= y)),
                    ("==", truth(x == y)),
                    ("and", truth(x != 0.0 && y != 0.0)),
                    ("or", truth(x != 0.0 || y != 0.0)),
                ][which];
                (format!("({a} {sign} {b})"), value)
            }),
            inner
                .clone()
                .prop_map(|(a, x)| (format!("(not {a})"), f64::from(u8::from(x == 0.0)))),
            inner.clone().prop_map(|(a, x)| (format!("-{a}"), -x)),
            (inner.clone(), inner)
                .prop_map(|((a, x), (b, y))| (format!("max({a}, {b})"), x.max(y))),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_is_what_comes_out((text, expected) in written()) {
        // Deep ones are refused, and so are values beyond what a number can be.
        match value(&text) {
            Ok(got) => prop_assert_eq!(got, expected, "{}", text),
            Err(error) => prop_assert!(
                matches!(error, ExpressionError::NotFinite(_) | ExpressionError::TooLarge(..)),
                "{}: {}", text, error
            ),
        }
    }

    #[test]
    fn nothing_typed_breaks_it(text in "[a-z0-9.()<>=!+*/, é-]{0,60}") {
        let _ = value(&text);
    }

    #[test]
    fn nothing_typed_of_its_own_words_breaks_it(words in prop::collection::vec(
        prop::sample::select(vec![
            "success", "place", "left", "min", "max", "(", ")", ",", "and", "or", "not", "-", "==", "<", "1", ".5", "e",
        ]), 0..30)) {
        let _ = value(&words.join(" "));
    }
}
