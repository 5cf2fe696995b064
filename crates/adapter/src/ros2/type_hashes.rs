//! ROS 2 types by name and hash.

/// A type. The hash (REP-2016, RIHS01) tells its layout; those of services and actions cover requests,
/// responses and events together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RosType {
    /// As in `sensor_msgs/msg/JointState`.
    pub name: &'static str,
    /// As in `RIHS01_a13e...`.
    pub hash: &'static str,
}

impl RosType {
    /// As DDS calls it: `sensor_msgs::msg::dds_::JointState_`.
    #[must_use]
    pub fn dds_name(&self) -> String {
        match self.name.rsplit_once('/') {
            Some((package, name)) => {
                format!("{}::dds_::{name}_", package.replace('/', "::"))
            }
            None => format!("dds_::{}_", self.name),
        }
    }
}

macro_rules! types {
    ($($(#[$doc:meta])* $id:ident = $name:literal, $hash:literal;)*) => {
        $($(#[$doc])* pub const $id: RosType = RosType { name: $name, hash: concat!("RIHS01_", $hash) };)*
        /// All of them.
        pub const ALL: &[RosType] = &[$($id),*];
    };
}

types! {
    /// Joints as they are.
    JOINT_STATE = "sensor_msgs/msg/JointState", "a13ee3a330e346c9d87b5aa18d24e11690752bd33a0350f11c5882bc9179260e";
    /// A picture.
    IMAGE = "sensor_msgs/msg/Image", "d31d41a9a4c4bc8eae9be757b0beed306564f7526c88ea6a4588fb9582527d47";
    /// A JPEG or PNG picture.
    COMPRESSED_IMAGE = "sensor_msgs/msg/CompressedImage", "15640771531571185e2efc8a100baf923961a4d15d5569652e6cb6691e8e371a";
    /// A number.
    FLOAT64 = "std_msgs/msg/Float64", "705ba9c3d1a09df43737eb67095534de36fd426c0587779bda2bc51fe790182a";
    /// Numbers.
    FLOAT64_MULTI_ARRAY = "std_msgs/msg/Float64MultiArray", "1025ddc6b9552d191f89ef1a8d2f60f3d373e28b283d8891ddcc974e8c55397f";
    /// Where joints should be, and when.
    JOINT_TRAJECTORY = "trajectory_msgs/msg/JointTrajectory", "179b33eba59d676f6d967ac71fe35e7ca2f64b2f3928f4a018cec115e213796e";
    /// How fast a tool should move.
    TWIST_STAMPED = "geometry_msgs/msg/TwistStamped", "5f0fcd4f81d5d06ad9b4c4c63e3ea51b82d6ae4d0558f1d475229b1121db6f64";
    /// How fast joints should move.
    JOINT_JOG = "control_msgs/msg/JointJog", "ba249455a20f70168a1acb7bf43b776b72ff1f7eb5fc4cfea443f749e963c6e7";
    /// Asks for something without saying more.
    TRIGGER = "std_srvs/srv/Trigger", "eeff2cd6fa5ad9d27cdf4dec64818317839b62f212a91e6b5304b634b2062c5f";
    /// Gives an action a goal.
    GRIPPER_SEND_GOAL = "control_msgs/action/GripperCommand_SendGoal", "6bf8cc4ce80cd499e7dd3258c03c50c3fa6672b469ff8355339ef1df77fcd212";
    /// Asks how a goal ended.
    GRIPPER_GET_RESULT = "control_msgs/action/GripperCommand_GetResult", "7e60a7606063d4a2728d21badac099e68b734a196ac3ab42d1d4c668eb0bb3cd";
    /// How a goal goes on.
    GRIPPER_FEEDBACK = "control_msgs/action/GripperCommand_FeedbackMessage", "392ff03fcd872f9dc2405cbeb2897fcf011ad9998458b6aa85c603b8a49e431d";
    /// Takes a goal back.
    CANCEL_GOAL = "action_msgs/srv/CancelGoal", "573d8b0a534451d7bc2ac8c5ffde8ac14b8593b7001175d0cd6516dcbeb8689a";
}
