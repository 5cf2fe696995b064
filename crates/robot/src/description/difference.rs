//! In what two descriptions of a robot differ.

use crate::description::RobotDescription;
use toml::Value;

impl RobotDescription {
    /// The first thing in which `self` differs from `wanted`, in the order of the names, such as
    /// `joints[2].velocity is 2.1, expected 2.0`; `None` where both say the same.
    #[must_use]
    pub fn difference(&self, wanted: &Self) -> Option<String> {
        if self == wanted {
            return None;
        }
        let tables = (Value::try_from(self), Value::try_from(wanted));
        let found = match &tables {
            (Ok(ours), Ok(theirs)) => first(ours, theirs, ""),
            _ => None,
        };
        Some(found.unwrap_or_else(|| "they differ".into()))
    }
}

/// Where the two differ first, and how.
fn first(got: &Value, wanted: &Value, path: &str) -> Option<String> {
    match (got, wanted) {
        (Value::Table(got), Value::Table(wanted)) => {
            let below = |name: &str| match path {
                "" => name.to_owned(),
                path => format!("{path}.{name}"),
            };
            let missing = wanted.keys().find(|name| !got.contains_key(*name));
            if let Some(name) = missing {
                return Some(format!("{} is missing", below(name)));
            }
            got.iter().find_map(|(name, value)| {
                let path = below(name);
                match wanted.get(name) {
                    Some(other) => first(value, other, &path),
                    None => Some(format!("{path} is given, expected nothing")),
                }
            })
        }
        (Value::Array(got), Value::Array(wanted)) if got.len() == wanted.len() => {
            let mut pairs = got.iter().zip(wanted).enumerate();
            pairs.find_map(|(i, (a, b))| first(a, b, &format!("{path}[{i}]")))
        }
        (Value::Array(got), Value::Array(wanted)) => Some(format!(
            "{path} has {} entries, expected {}",
            got.len(),
            wanted.len()
        )),
        (got, wanted) if got == wanted => None,
        (got, wanted) => Some(format!("{path} is {got}, expected {wanted}")),
    }
}

#[cfg(test)]
mod tests {
    use crate::{EMBEDDED, RobotDescription};

    #[test]
    fn what_goes_over_the_link_is_the_same_afterwards_and_differences_have_a_name() {
        for name in EMBEDDED {
            let robot = RobotDescription::embedded(name).unwrap();
            let again = RobotDescription::parse(&robot.to_toml().unwrap(), name).unwrap();
            assert_eq!(again.difference(&robot), None, "{name}");
        }
        let robot = RobotDescription::embedded("ur5e").unwrap();
        let mut other = robot.clone();
        other.joints[2].velocity = 0.5;
        let said = other.difference(&robot).unwrap();
        assert!(
            said.starts_with("joints[2].velocity is 0.5, expected "),
            "{said}"
        );
        let mut other = robot.clone();
        other.gripper = None;
        let said = other.difference(&robot).unwrap();
        assert_eq!(said, "gripper is missing");
        let said = robot.difference(&other).unwrap();
        assert_eq!(said, "gripper is given, expected nothing");
        let mut other = robot.clone();
        other.cameras.pop();
        let said = other.difference(&robot).unwrap();
        assert!(said.starts_with("cameras has "), "{said}");
    }
}
