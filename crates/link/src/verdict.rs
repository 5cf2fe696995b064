//! What a robot itself says of the episode that has just ended, where it can tell: an optional key of the protocol.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The longest verdict that is read, bytes.
pub const LONGEST_VERDICT: usize = 4096;
/// Most facts of a verdict.
pub const MOST_FACTS: usize = 32;
/// The longest name or word in a verdict, bytes.
pub const LONGEST_WORD: usize = 64;

/// How an episode ended, as the robot measured it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpisodeVerdict {
    /// Whether the task is done; `null` where the robot cannot tell.
    pub success: Option<bool>,
    /// Whether it was done the preferred way, where the robot can tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preferred: Option<bool>,
    /// Things dropped since the scene was set up, where the robot can tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drops: Option<u64>,
    /// The seed of the scene it is about, of a robot that sets up scenes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// What else was measured.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<String, VerdictFact>,
}

/// One thing that was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum VerdictFact {
    /// A number.
    Number(f64),
    /// A word.
    Word(String),
}

impl EpisodeVerdict {
    /// Reads one from its JSON.
    ///
    /// # Errors
    /// What is wrong with it, and what is allowed.
    pub fn decode(bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() > LONGEST_VERDICT {
            return Err(format!("a verdict has at most {LONGEST_VERDICT} bytes"));
        }
        let verdict: Self = serde_json::from_slice(bytes).map_err(|e| {
            format!(
                "it is no verdict ({e}); allowed: a JSON object with success (true, false or null) and, where known, \
                 preferred, drops, seed and facts"
            )
        })?;
        // `null` has to be said: an answer without it says nothing.
        let said: serde_json::Value =
            serde_json::from_slice(bytes).map_err(|e| format!("it is no JSON: {e}"))?;
        if said.get("success").is_none() {
            return Err("it does not say success; allowed: true, false or null".into());
        }
        verdict.check()?;
        Ok(verdict)
    }

    /// Its JSON.
    ///
    /// # Errors
    /// When it is not one that [`Self::decode`] reads.
    pub fn encode(&self) -> Result<Vec<u8>, String> {
        self.check()?;
        let bytes = serde_json::to_vec(self).map_err(|e| e.to_string())?;
        if bytes.len() > LONGEST_VERDICT {
            return Err(format!(
                "it has {} bytes, a verdict has at most {LONGEST_VERDICT}",
                bytes.len()
            ));
        }
        Ok(bytes)
    }

    fn check(&self) -> Result<(), String> {
        if self.preferred == Some(true) && self.success == Some(false) {
            return Err("preferred is true where success is false".into());
        }
        if self.facts.len() > MOST_FACTS {
            return Err(format!(
                "it has {} facts, allowed: at most {MOST_FACTS}",
                self.facts.len()
            ));
        }
        for (name, fact) in &self.facts {
            let fits = |word: &str| !word.is_empty() && word.len() <= LONGEST_WORD;
            let good = match fact {
                VerdictFact::Number(number) => number.is_finite(),
                VerdictFact::Word(word) => fits(word),
            };
            if !good || !fits(name) {
                return Err(format!(
                    "fact {name:?} is {fact:?}, allowed: names and words of 1 to {LONGEST_WORD} bytes, finite numbers"
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_is_read_back() {
        let verdict = EpisodeVerdict {
            success: Some(true),
            preferred: Some(false),
            drops: Some(1),
            seed: Some(u64::MAX),
            facts: [
                ("mat".to_owned(), VerdictFact::Word("left".into())),
                ("height_m".to_owned(), VerdictFact::Number(0.25)),
            ]
            .into(),
        };
        let bytes = verdict.encode().unwrap();
        assert_eq!(EpisodeVerdict::decode(&bytes), Ok(verdict));
        let least = EpisodeVerdict::decode(br#"{"success":null}"#).unwrap();
        assert_eq!(least, EpisodeVerdict::default());
    }

    #[test]
    fn what_is_no_verdict_is_refused() {
        let long = format!(r#"{{"success":true{}}}"#, " ".repeat(LONGEST_VERDICT));
        let many: Vec<String> = (0..=MOST_FACTS).map(|i| format!("\"f{i}\":1")).collect();
        let many = format!(r#"{{"success":true,"facts":{{{}}}}}"#, many.join(","));
        for (text, word) in [
            ("", "no verdict"),
            ("{}", "success"),
            (r#"{"success":"yes"}"#, "no verdict"),
            (r#"{"success":true,"colour":1}"#, "colour"),
            (r#"{"success":false,"preferred":true}"#, "preferred"),
            (r#"{"success":true,"drops":-1}"#, "no verdict"),
            (r#"{"success":true,"facts":{"":1}}"#, "1 to 64"),
            (r#"{"success":true,"facts":{"a":[1]}}"#, "no verdict"),
            (&many, "33 facts"),
            (&long, "4096"),
        ] {
            let error = EpisodeVerdict::decode(text.as_bytes()).unwrap_err();
            assert!(error.contains(word), "{text}: {error}");
        }
        let endless = EpisodeVerdict {
            facts: [("x".to_owned(), VerdictFact::Number(f64::NAN))].into(),
            ..EpisodeVerdict::default()
        };
        assert!(endless.encode().is_err());
    }
}
