//! Which body of the scene is which, and how large.

/// The block that starts nearer to the robot, among the bodies of the scene.
pub const NEAR: usize = 0;
/// The block that starts farther away.
pub const FAR: usize = 1;
/// The region, a body that is only seen; its middle is [`REGION_HALF`] beyond its edge.
pub const REGION: usize = 2;
/// Half the extents of a block, metres: the near one is a little higher.
pub const HALF: [[f64; 3]; 2] = [[0.025, 0.025, 0.030], [0.025, 0.025, 0.025]];
/// Half the depth of the region, metres.
pub const REGION_HALF: f64 = 0.07;
