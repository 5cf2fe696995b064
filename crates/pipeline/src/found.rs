//! What a stage found, in one line: its figures for scripts, for people.

use serde_json::Value;

/// The figures of a summary in one line, such as `samples 1200, last loss 0.081`; paths and what is empty are left out.
#[must_use]
pub fn in_one_line(summary: &Value) -> String {
    let Some(figures) = summary.as_object() else {
        return String::new();
    };
    let told = figures.iter().filter_map(|(name, value)| {
        // Where things lie is said where it is needed.
        if matches!(name.as_str(), "folder" | "log") {
            return None;
        }
        let name = name.replace('_', " ");
        match value {
            Value::Object(parts) => match (parts.get("k"), parts.get("n")) {
                (Some(k), Some(n)) => Some(format!("{name} {} of {n}", number(k)?)),
                _ => {
                    let inner = in_one_line(value);
                    (!inner.is_empty()).then(|| format!("{name} ({inner})"))
                }
            },
            Value::Array(items) if items.is_empty() => None,
            Value::Array(items) => {
                let words: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
                Some(match words {
                    Some(words) => format!("{name} {}", words.join(", ")),
                    None => format!("{name} {}", items.len()),
                })
            }
            _ => Some(format!("{name} {}", number(value)?)),
        }
    });
    told.collect::<Vec<_>>().join(", ")
}

fn number(value: &Value) -> Option<String> {
    match value {
        Value::Bool(yes) => Some(if *yes { "yes" } else { "no" }.to_owned()),
        Value::String(text) => Some(text.clone()),
        Value::Number(number) if number.is_f64() => {
            let rounded = (number.as_f64()? * 1e4).round() / 1e4;
            Some(rounded.to_string())
        }
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn figures_come_in_one_line_without_paths() {
        let summary = json!({
            "folder": "/tmp/x", "samples": 12, "last_loss": 0.123_456, "operators": ["Ada"],
            "success": {"k": 2, "n": 4, "low": 0.1}, "unused": [], "evidence": {"pairs": 3, "sure": true},
        });
        let line = in_one_line(&summary);
        for part in [
            "samples 12",
            "last loss 0.1235",
            "operators Ada",
            "evidence (pairs 3, sure yes)",
        ] {
            assert!(line.contains(part), "{part}: {line}");
        }
        assert!(!line.contains("/tmp") && !line.contains("unused"), "{line}");
        assert!(line.contains("success 2 of 4"), "{line}");
    }
}
