//! Contact between mug, table and hand, in rapier.
//!
//! The mug is a free body made of boxes; table, palm and fingers are moved or fixed bodies that push
//! it and are never pushed back. **Grasping is modelled, not simulated:** once both closing fingers
//! press on the mug from opposite sides it is carried rigidly by the tool until the fingers open
//! again. There is no slip, and while carried the mug does not collide. Links other than the hand
//! never touch anything.

use crate::{
    grasp::{Grasp, Touch},
    hand,
    mug::{self, Part},
};
use nalgebra::{Isometry3, Translation3, UnitQuaternion, Vector3};
use rapier3d::{
    math::{Pose, Rotation, Vector},
    prelude::{
        ColliderBuilder, ColliderHandle, PhysicsWorld, RigidBodyBuilder, RigidBodyHandle,
        RigidBodyType,
    },
};

/// Earthenware, kg/m^3.
const MUG_DENSITY: f32 = 2000.0;
/// A contact counts as a press when the surfaces are nearer than this, metres.
const PRESS_DISTANCE: f32 = 0.001;
/// Cosine of the widest angle between a finger's motion and its press on the mug.
const PRESS_COSINE: f64 = 0.7;
/// With the tool farther than this from a mug at rest, nothing can touch, metres.
const REACH: f64 = 0.30;

/// The bodies that can touch.
pub struct ContactWorld {
    world: PhysicsWorld,
    mug: RigidBodyHandle,
    palm: RigidBodyHandle,
    fingers: [RigidBodyHandle; 2],
    pads: [ColliderHandle; 2],
    held: Option<(Grasp, Isometry3<f64>)>,
}

impl std::fmt::Debug for ContactWorld {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ContactWorld")
            .field("mug", &self.mug_pose())
            .field("held", &self.held)
            .finish_non_exhaustive()
    }
}

impl ContactWorld {
    /// A mug standing at `mug_pose` (base frame; the table top is z = 0) and a hand at `tool` with
    /// its fingers `width` metres apart. `dt` is the step, seconds.
    #[must_use]
    pub fn new(mug_pose: &Isometry3<f64>, tool: &Isometry3<f64>, width: f64, dt: f64) -> Self {
        let mut world = PhysicsWorld {
            gravity: Vector::new(0.0, 0.0, -9.81),
            ..PhysicsWorld::default()
        };
        world.integration_parameters.dt = dt as f32;
        world.integration_parameters.normalized_prediction_distance = 0.005;
        // Recycled contacts keep old distances, and a press is judged by distance.
        world.integration_parameters.contact_recycling = false;
        world.insert(
            RigidBodyBuilder::fixed().pose(pose(&Translation3::new(0.5, 0.0, -0.05).into())),
            ColliderBuilder::cuboid(0.8, 0.8, 0.05).friction(0.5),
        );
        world.insert(
            RigidBodyBuilder::fixed().pose(pose(&Translation3::new(0.5, 0.0, -0.85).into())),
            ColliderBuilder::cuboid(4.0, 4.0, 0.1).friction(0.5),
        );
        let mug = world.insert_body(
            RigidBodyBuilder::dynamic()
                .pose(pose(mug_pose))
                .angular_damping(0.5),
        );
        for piece in mug::wall_pieces().iter().chain(&mug::handle_pieces()) {
            let half = piece.half.cast::<f32>();
            world.insert_collider(
                ColliderBuilder::cuboid(half.x, half.y, half.z)
                    .position(pose(&piece.pose))
                    .density(MUG_DENSITY)
                    .friction(0.5)
                    .user_data(tag(piece.part)),
                Some(mug),
            );
        }
        // rapier's cylinders stand along y.
        let upright =
            UnitQuaternion::from_axis_angle(&Vector3::x_axis(), std::f64::consts::FRAC_PI_2);
        let floor = Isometry3::from_parts(Translation3::new(0.0, 0.0, 0.5 * mug::FLOOR), upright);
        world.insert_collider(
            ColliderBuilder::cylinder(0.5 * mug::FLOOR as f32, mug::rim_radius() as f32)
                .position(pose(&floor))
                .density(MUG_DENSITY)
                .friction(0.5)
                .user_data(tag(Part::Floor)),
            Some(mug),
        );
        let mut moved = |at: Isometry3<f64>, half: [f64; 3]| {
            let [x, y, z] = half.map(|v| v as f32);
            world.insert(
                RigidBodyBuilder::kinematic_position_based().pose(pose(&at)),
                ColliderBuilder::cuboid(x, y, z).friction(0.7),
            )
        };
        let (palm, _) = moved(tool * hand::palm(), hand::PALM_HALF);
        let left = moved(tool * hand::finger(0, width), hand::FINGER_HALF);
        let right = moved(tool * hand::finger(1, width), hand::FINGER_HALF);
        Self {
            world,
            mug,
            palm,
            fingers: [left.0, right.0],
            pads: [left.1, right.1],
            held: None,
        }
    }

    /// Moves the hand to `tool` with its fingers `width` apart and goes one step on.
    pub fn step(&mut self, tool: &Isometry3<f64>, width: f64) {
        let quiet = self.held.is_some() || self.at_rest_out_of_reach(tool);
        let targets = [
            (self.palm, tool * hand::palm()),
            (self.fingers[0], tool * hand::finger(0, width)),
            (self.fingers[1], tool * hand::finger(1, width)),
        ];
        for (handle, at) in targets {
            let body = &mut self.world.bodies[handle];
            if quiet {
                body.set_position(pose(&at), false);
            } else {
                body.set_next_kinematic_position(pose(&at));
            }
        }
        if let Some((_, tool_to_mug)) = self.held {
            let at = pose(&(tool * tool_to_mug));
            self.world.bodies[self.mug].set_position(at, false);
        }
        // Nothing can touch, or the mug is carried: there is nothing to solve.
        if !quiet {
            self.world.step();
        }
    }

    fn at_rest_out_of_reach(&self, tool: &Isometry3<f64>) -> bool {
        let mug = &self.world.bodies[self.mug];
        let at = mug.translation();
        let mug_at = Vector3::new(f64::from(at.x), f64::from(at.y), f64::from(at.z));
        mug.is_sleeping() && (tool.translation.vector - mug_at).norm() > REACH
    }

    /// What each finger presses on, by finger index; `tool` gives the closing directions.
    fn touches(&self, tool: &Isometry3<f64>) -> [Option<Touch>; 2] {
        let mug_pose = self.mug_pose();
        std::array::from_fn(|finger| {
            let pad = self.pads[finger];
            let closing = tool.rotation * hand::closing(finger);
            let mut nearest = PRESS_DISTANCE;
            let mut touch = None;
            for pair in self.world.narrow_phase.contact_pairs_with(pad) {
                let (other, sign) = if pair.collider1 == pad {
                    (pair.collider2, 1.0)
                } else {
                    (pair.collider1, -1.0)
                };
                let Some(collider) = self.world.colliders.get(other) else {
                    continue;
                };
                let (Some(part), Some(at)) =
                    (part(collider.user_data), collider.position_wrt_parent())
                else {
                    continue;
                };
                for manifold in pair.manifolds() {
                    let n = manifold.data.normal;
                    let push = sign * Vector3::new(f64::from(n.x), f64::from(n.y), f64::from(n.z));
                    let distance = manifold
                        .points
                        .iter()
                        .map(|p| p.dist)
                        .fold(f32::MAX, f32::min);
                    if distance < nearest && push.dot(&closing) > PRESS_COSINE {
                        nearest = distance;
                        let outward = Vector3::new(
                            f64::from(at.translation.x),
                            f64::from(at.translation.y),
                            0.0,
                        );
                        touch = Some(Touch {
                            part,
                            from_inside: (mug_pose.rotation * outward).dot(&push) > 0.0,
                        });
                    }
                }
            }
            touch
        })
    }

    /// Takes hold of the mug if both fingers press on it; says whether it is held now.
    pub fn try_hold(&mut self, tool: &Isometry3<f64>) -> bool {
        if self.held.is_none()
            && let [Some(a), Some(b)] = self.touches(tool)
        {
            let grasp = Grasp::from_touches([a, b]);
            self.held = Some((grasp, tool.inverse() * self.mug_pose()));
            self.world.bodies[self.mug].set_body_type(RigidBodyType::KinematicPositionBased, true);
        }
        self.held.is_some()
    }

    /// Lets go of the mug; it falls from rest.
    pub fn release(&mut self) {
        if self.held.take().is_some() {
            let mug = &mut self.world.bodies[self.mug];
            mug.set_body_type(RigidBodyType::Dynamic, true);
            mug.set_linvel(Vector::ZERO, true);
            mug.set_angvel(Vector::ZERO, true);
        }
    }

    /// What is held, if anything.
    #[must_use]
    pub fn held(&self) -> Option<Grasp> {
        self.held.map(|(grasp, _)| grasp)
    }

    /// The mug frame in the base frame.
    #[must_use]
    pub fn mug_pose(&self) -> Isometry3<f64> {
        let at = self.world.bodies[self.mug].position();
        let (t, r) = (at.translation, at.rotation);
        let turn = nalgebra::Quaternion::new(
            f64::from(r.w),
            f64::from(r.x),
            f64::from(r.y),
            f64::from(r.z),
        );
        Isometry3::from_parts(
            Translation3::new(f64::from(t.x), f64::from(t.y), f64::from(t.z)),
            UnitQuaternion::from_quaternion(turn),
        )
    }
}

fn pose(at: &Isometry3<f64>) -> Pose {
    let t = at.translation.vector.cast::<f32>();
    let r = at.rotation.cast::<f32>();
    Pose::from_parts(
        Vector::new(t.x, t.y, t.z),
        Rotation::from_xyzw(r.i, r.j, r.k, r.w),
    )
}

fn tag(part: Part) -> u128 {
    match part {
        Part::Wall => 1,
        Part::Floor => 2,
        Part::Handle => 3,
    }
}

fn part(tag: u128) -> Option<Part> {
    match tag {
        1 => Some(Part::Wall),
        2 => Some(Part::Floor),
        3 => Some(Part::Handle),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DT: f64 = 0.0025;

    fn tool_at(x: f64, y: f64, z: f64, yaw: f64) -> Isometry3<f64> {
        let down = UnitQuaternion::from_axis_angle(&Vector3::x_axis(), std::f64::consts::PI);
        let turn = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), yaw);
        Isometry3::from_parts(Translation3::new(x, y, z), turn * down)
    }

    fn mug_at(x: f64, y: f64) -> Isometry3<f64> {
        Translation3::new(x, y, 0.0).into()
    }

    /// Closes the fingers around `tool` until something is held or they meet.
    fn close(world: &mut ContactWorld, tool: &Isometry3<f64>) -> Option<Grasp> {
        let mut width = hand::MAX_WIDTH;
        while width > 0.0 && !world.try_hold(tool) {
            width -= 0.1 * DT;
            world.step(tool, width);
        }
        world.held()
    }

    #[test]
    fn a_standing_mug_stays_and_falls_asleep() {
        let far = tool_at(0.5, 0.0, 0.25, 0.0);
        let mut world = ContactWorld::new(&mug_at(0.5, 0.0), &far, 0.08, DT);
        (0..1200).for_each(|_| world.step(&far, 0.08));
        let at = world.mug_pose().translation.vector;
        assert!((at - Vector3::new(0.5, 0.0, 0.0)).norm() < 1e-3, "{at}");
        assert!(world.world.bodies[world.mug].is_sleeping());
    }

    #[test]
    fn handle_and_rim_are_told_apart_with_generous_errors() {
        for (lateral, yaw) in [(0.0, 0.0), (0.012, 0.26), (-0.012, -0.26)] {
            let handle = tool_at(0.5 + mug::handle_radius() - 0.004, lateral, 0.055, yaw);
            let mut world = ContactWorld::new(&mug_at(0.5, 0.0), &handle, 0.08, DT);
            assert_eq!(
                close(&mut world, &handle),
                Some(Grasp::Handle),
                "{lateral} {yaw}"
            );
            let rim = tool_at(0.5 + lateral, mug::rim_radius() + lateral, 0.068, yaw);
            let mut world = ContactWorld::new(&mug_at(0.5, 0.0), &rim, 0.08, DT);
            assert_eq!(close(&mut world, &rim), Some(Grasp::Rim), "{lateral} {yaw}");
        }
    }

    #[test]
    fn closing_on_nothing_holds_nothing() {
        let tool = tool_at(0.5, 0.2, 0.06, 0.0);
        let mut world = ContactWorld::new(&mug_at(0.5, 0.0), &tool, 0.08, DT);
        assert_eq!(close(&mut world, &tool), None);
    }

    #[test]
    fn a_held_mug_is_carried_and_falls_when_let_go() {
        let mut tool = tool_at(0.5, mug::rim_radius(), 0.068, 0.0);
        let mut world = ContactWorld::new(&mug_at(0.5, 0.0), &tool, 0.08, DT);
        assert!(close(&mut world, &tool).is_some());
        for _ in 0..200 {
            tool.translation.vector.z += 0.0005;
            world.step(&tool, 0.005);
        }
        assert!((world.mug_pose().translation.z - 0.1).abs() < 2e-3);
        world.release();
        tool.translation.vector.z += 0.1;
        (0..600).for_each(|_| world.step(&tool, 0.08));
        assert!(world.mug_pose().translation.z.abs() < 0.05);
    }

    #[test]
    fn a_high_push_knocks_it_over() {
        let mut tool = tool_at(0.5, 0.10, 0.085, 0.0);
        let mut world = ContactWorld::new(&mug_at(0.5, 0.0), &tool, 0.0, DT);
        for _ in 0..400 {
            tool.translation.vector.y -= 0.0005;
            world.step(&tool, 0.0);
        }
        let up = world.mug_pose().rotation * Vector3::z();
        assert!(world.mug_pose().translation.y < -0.02 || up.z < 0.7);
    }
}
