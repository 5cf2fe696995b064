//! What goes wrong on the way to a robot, in the words of what that robot speaks.

use apprentice_link::LinkError;

/// How an adapter speaks of what the link found.
pub(crate) struct ErrorContext {
    /// What the robot speaks.
    pub adapter: &'static str,
    /// What to look at where nothing listens.
    pub no_session: &'static str,
    /// What to look at where nothing comes.
    pub silent: &'static str,
    /// What to look at where a message is not what it should be.
    pub message: &'static str,
}

impl ErrorContext {
    /// The error, with what to look at on this adapter's robot; others are as they were.
    pub fn of(&self, error: LinkError) -> LinkError {
        let (what, advice) = match error {
            LinkError::Session { endpoint, reason } => {
                let what = format!("no zenoh session at {endpoint}: {reason}");
                (what, self.no_session)
            }
            LinkError::Silent {
                robot,
                key,
                timeout_ms,
            } => {
                let what =
                    format!("nothing came from robot {robot} on {key} within {timeout_ms} ms");
                (what, self.silent)
            }
            LinkError::Message { key, bytes, reason } => {
                let what = format!("a message of {bytes} bytes on {key} cannot be used: {reason}");
                (what, self.message)
            }
            other => return other,
        };
        LinkError::Adapter {
            adapter: self.adapter,
            what,
            advice,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_adapter_speaks_of_itself_and_says_the_rest_as_it_was() {
        let wording = ErrorContext {
            adapter: "ABC",
            no_session: "look at A",
            silent: "look at B",
            message: "look at C",
        };
        let [robot, key, reason] = ["r", "k", "why"].map(str::to_owned);
        let endpoint = "tcp/h:1".to_owned();
        for (error, words) in [
            (
                LinkError::Session {
                    endpoint,
                    reason: reason.clone(),
                },
                "ABC: no zenoh session at tcp/h:1: why; look at A",
            ),
            (
                LinkError::Silent {
                    robot: robot.clone(),
                    key: key.clone(),
                    timeout_ms: 5,
                },
                "ABC: nothing came from robot r on k within 5 ms; look at B",
            ),
            (
                LinkError::Message {
                    key: key.clone(),
                    bytes: 3,
                    reason: reason.clone(),
                },
                "ABC: a message of 3 bytes on k cannot be used: why; look at C",
            ),
        ] {
            assert_eq!(wording.of(error).to_string(), words);
        }
        let refused = LinkError::Refused { robot, key, reason };
        assert_eq!(wording.of(refused.clone()), refused);
    }
}
