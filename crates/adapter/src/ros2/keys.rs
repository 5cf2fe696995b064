//! Where ROS 2 topics and services lie on zenoh: two conventions, one interface.

use super::type_hashes::RosType;
use serde::Deserialize;

/// Whose keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Convention {
    /// `<domain>/<topic>/<type>/<hash>`, as ROS nodes on rmw_zenoh speak (its design document).
    #[default]
    RmwZenoh,
    /// `<topic>`, as zenoh-bridge-ros2dds passes DDS topics on.
    Ros2dds,
}

/// What stands for a type's hash in our keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hashes {
    /// The hash: ROS 2 Iron and later.
    #[default]
    Rihs01,
    /// The word `TypeHashNotSupported`: ROS 2 Humble.
    NotSupported,
}

/// How topics become keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    /// Whose.
    pub convention: Convention,
    /// `ROS_DOMAIN_ID`.
    pub domain: u32,
    /// What we write for hashes.
    pub hashes: Hashes,
}

/// A topic's name without the slashes around it.
fn bare(topic: &str) -> &str {
    topic.trim_matches('/')
}

impl Keys {
    /// What we write for the type's hash.
    #[must_use]
    pub fn hash(&self, of: &RosType) -> &'static str {
        match self.hashes {
            Hashes::Rihs01 => of.hash,
            Hashes::NotSupported => "TypeHashNotSupported",
        }
    }

    /// Where we publish, or ask a service.
    #[must_use]
    pub fn put(&self, topic: &str, of: &RosType) -> String {
        self.key(topic, of, self.hash(of))
    }

    /// Where we listen: to any hash, since Humble has none.
    #[must_use]
    pub fn listen(&self, topic: &str, of: &RosType) -> String {
        self.key(topic, of, "*")
    }

    fn key(&self, topic: &str, of: &RosType, hash: &str) -> String {
        let topic = bare(topic);
        match self.convention {
            Convention::RmwZenoh => format!("{}/{topic}/{}/{hash}", self.domain, of.dds_name()),
            Convention::Ros2dds => topic.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::type_hashes::{FLOAT64_MULTI_ARRAY, GRIPPER_SEND_GOAL, JOINT_STATE, RosType};
    use super::*;

    #[test]
    fn keys_are_those_of_the_design_document() {
        let string = RosType {
            name: "std_msgs/msg/String",
            hash: "RIHS01_df668c740482bbd48fb39d76a70dfd4bd59db1288021743503259e948f6b1a18",
        };
        let sum = RosType {
            name: "example_interfaces/srv/AddTwoInts",
            hash: "RIHS01_e118de6bf5eeb66a2491b5bda11202e7b68f198d6f67922cf30364858239c81a",
        };
        let keys = Keys::default();
        assert_eq!(
            keys.put("/robot1/chatter", &string),
            "0/robot1/chatter/std_msgs::msg::dds_::String_/RIHS01_df668c740482bbd48fb39d76a70dfd4bd59db1288021743503259e948f6b1a18"
        );
        let second = Keys { domain: 2, ..keys };
        assert_eq!(
            second.put("add_two_ints", &sum),
            "2/add_two_ints/example_interfaces::srv::dds_::AddTwoInts_/RIHS01_e118de6bf5eeb66a2491b5bda11202e7b68f198d6f67922cf30364858239c81a"
        );
    }

    #[test]
    fn humble_and_the_bridge_have_their_own() {
        let humble = Keys {
            hashes: Hashes::NotSupported,
            ..Keys::default()
        };
        let topic = "/forward_position_controller/commands";
        assert_eq!(
            humble.put(topic, &FLOAT64_MULTI_ARRAY),
            "0/forward_position_controller/commands/std_msgs::msg::dds_::Float64MultiArray_/TypeHashNotSupported"
        );
        for keys in [humble, Keys::default()] {
            assert_eq!(
                keys.listen("/joint_states", &JOINT_STATE),
                "0/joint_states/sensor_msgs::msg::dds_::JointState_/*"
            );
        }
        let bridge = Keys {
            convention: Convention::Ros2dds,
            ..Keys::default()
        };
        assert_eq!(bridge.put(topic, &FLOAT64_MULTI_ARRAY), topic[1..]);
        assert_eq!(
            bridge.put("/gripper/gripper_cmd/_action/send_goal", &GRIPPER_SEND_GOAL),
            "gripper/gripper_cmd/_action/send_goal"
        );
    }
}
