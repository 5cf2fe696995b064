//! How ROS tools come to see us: liveliness tokens whose keys describe a node and its ends of topics.

use super::keys::{Convention, Keys};
use super::type_hashes::RosType;

/// What an end of a topic or service does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Publishes.
    Publisher,
    /// Subscribes.
    Subscriber,
    /// Asks a service.
    Client,
    /// Asks an action, which the bridge sees as one; for rmw_zenoh its services and topics stand for it.
    ActionClient,
}

/// Quality of service, as far as we vary it; the rest are ROS's defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quality {
    /// Whether what is lost is sent again.
    pub reliable: bool,
    /// Messages kept.
    pub depth: u32,
}

/// A node of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Where keys lie.
    pub keys: Keys,
    /// The session's zenoh identity.
    pub zid: String,
    /// As in `/lab/left`; `/` for none.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl Node {
    /// The token of the node itself.
    #[must_use]
    pub fn token(&self) -> String {
        match self.keys.convention {
            Convention::RmwZenoh => format!("{}/NN/{}", self.session(0), self.who()),
            Convention::Ros2dds => format!("@/{}/@ros2_lv", self.zid),
        }
    }

    /// The token of its end number `id` (from 1 on) of a topic or service.
    #[must_use]
    pub fn end_token(
        &self,
        id: usize,
        kind: Kind,
        topic: &str,
        of: &RosType,
        quality: Quality,
    ) -> String {
        let letters = match kind {
            Kind::Publisher => "MP",
            Kind::Subscriber => "MS",
            Kind::Client => "SC",
            Kind::ActionClient => "AC",
        };
        let topic = topic.trim_matches('/');
        match self.keys.convention {
            Convention::RmwZenoh => {
                let topic = topic.replace('/', "%");
                let hash = self.keys.hash(of);
                // Kinds are numbered as in rmw; what is ROS's default is left out.
                let reliability = if quality.reliable { "" } else { "2" };
                format!(
                    "{}/{letters}/{}/%{topic}/{}/{hash}/{reliability}::,{}:,:,:,,",
                    self.session(id),
                    self.who(),
                    of.dds_name(),
                    quality.depth
                )
            }
            Convention::Ros2dds => {
                let name = topic.replace('/', "§");
                let of = of.name.replace('/', "§");
                let start = format!("@/{}/@ros2_lv/{letters}/{name}/{of}", self.zid);
                if matches!(kind, Kind::Client | Kind::ActionClient) {
                    return start;
                }
                // Without a key, by DDS's numbers: reliability, volatile, keep last.
                let reliability = u8::from(quality.reliable);
                format!("{start}/:{reliability}:0:0,{}", quality.depth)
            }
        }
    }

    fn session(&self, id: usize) -> String {
        format!("@ros2_lv/{}/{}/0/{id}", self.keys.domain, self.zid)
    }

    /// Enclave, namespace and name.
    fn who(&self) -> String {
        let namespace = self.namespace.trim_matches('/').replace('/', "%");
        format!("%/%{namespace}/{}", self.name)
    }
}

/// The identity that rmw_zenoh gives an end: XXH3 (128 bits, little-endian) of its token's key.
#[must_use]
pub fn gid(token: &str) -> [u8; 16] {
    xxhash_rust::xxh3::xxh3_128(token.as_bytes()).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::super::type_hashes::{JOINT_STATE, TRIGGER};
    use super::*;

    fn node(convention: Convention) -> Node {
        Node {
            keys: Keys {
                convention,
                domain: 2,
                ..Keys::default()
            },
            zid: "aac3178e146ba6f1fc6e6a4085e77f21".into(),
            namespace: "/".into(),
            name: "listener".into(),
        }
    }

    const TEN: Quality = Quality {
        reliable: true,
        depth: 10,
    };

    #[test]
    fn tokens_are_those_of_the_design_document() {
        let mut node = node(Convention::RmwZenoh);
        let start = "@ros2_lv/2/aac3178e146ba6f1fc6e6a4085e77f21/0";
        assert_eq!(node.token(), format!("{start}/0/NN/%/%/listener"));
        let string = RosType {
            name: "std_msgs/msg/String",
            hash: "RIHS01_df668c740482bbd48fb39d76a70dfd4bd59db1288021743503259e948f6b1a18",
        };
        let token = node.end_token(10, Kind::Subscriber, "/chatter", &string, TEN);
        assert_eq!(
            token,
            format!(
                "{start}/10/MS/%/%/listener/%chatter/std_msgs::msg::dds_::String_/{}/::,10:,:,:,,",
                string.hash
            )
        );
        node.namespace = "/lab/left".into();
        let best_effort = Quality {
            reliable: false,
            depth: 5,
        };
        let token = node.end_token(1, Kind::Subscriber, "/a/b", &JOINT_STATE, best_effort);
        assert!(token.contains("/MS/%/%lab%left/listener/%a%b/"), "{token}");
        assert!(token.ends_with("/2::,5:,:,:,,"), "{token}");
    }

    #[test]
    fn the_bridge_has_its_own() {
        let node = node(Convention::Ros2dds);
        let start = "@/aac3178e146ba6f1fc6e6a4085e77f21/@ros2_lv";
        assert_eq!(node.token(), start);
        assert_eq!(
            node.end_token(1, Kind::Publisher, "/a/b", &JOINT_STATE, TEN),
            format!("{start}/MP/a§b/sensor_msgs§msg§JointState/:1:0:0,10")
        );
        assert_eq!(
            node.end_token(2, Kind::Client, "/reset", &TRIGGER, TEN),
            format!("{start}/SC/reset/std_srvs§srv§Trigger")
        );
    }

    #[test]
    fn identities_are_xxh3_as_published() {
        // The XXH3 specification's own value for nothing.
        let nothing = 0x99aa_06d3_0147_98d8_6001_c324_468d_497f_u128;
        assert_eq!(gid(""), nothing.to_le_bytes());
        assert_ne!(gid("a"), gid("b"));
    }
}
