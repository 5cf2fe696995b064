//! What was found, one thing at a time.

/// How one thing stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As the protocol says.
    Pass,
    /// Otherwise.
    Fail,
    /// It was not looked at; the finding says why.
    NotTried,
}

impl Verdict {
    /// In one word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::NotTried => "not tried",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub what: String,
    /// How it stands.
    pub verdict: Verdict,
    /// What the driver said or did.
    pub got: String,
    /// What the protocol allows.
    pub allowed: String,
    /// What to do about it; empty where it passes.
    pub advice: String,
}

/// All of them so far.
#[derive(Default)]
pub(super) struct Findings {
    pub list: Vec<Finding>,
}

impl Findings {
    /// Notes whether something holds, and answers that.
    pub fn judge(
        &mut self,
        what: impl Into<String>,
        holds: bool,
        got: impl Into<String>,
        allowed: impl Into<String>,
        advice: &str,
    ) -> bool {
        let (verdict, advice) = if holds {
            (Verdict::Pass, "")
        } else {
            (Verdict::Fail, advice)
        };
        self.list.push(Finding {
            what: what.into(),
            verdict,
            got: got.into(),
            allowed: allowed.into(),
            advice: advice.into(),
        });
        holds
    }

    /// Notes that something was not looked at, and why.
    pub fn not_tried(&mut self, what: impl Into<String>, why: impl Into<String>, advice: &str) {
        self.list.push(Finding {
            what: what.into(),
            verdict: Verdict::NotTried,
            got: why.into(),
            allowed: String::new(),
            advice: advice.into(),
        });
    }

    /// Notes whether a request was refused for this reason.
    pub fn refused(
        &mut self,
        what: impl Into<String>,
        answer: &Result<String, String>,
        reason: &str,
        advice: &str,
    ) -> bool {
        let (holds, got) = match answer {
            Ok(granted) => (false, format!("granted ({granted})")),
            Err(said) => (said.starts_with(reason), format!("refused: {said}")),
        };
        let allowed = format!("an error reply that begins with `{reason}`");
        self.judge(what, holds, got, allowed, advice)
    }
}
