//! Contact between a task's bodies, table and hand, in rapier.
//!
//! Free bodies are made of simple solids; table, palm and fingers are moved or fixed bodies that push
//! them and are never pushed back. **Grasping is modelled, not simulated:** once both closing fingers
//! press on the same free body from opposite sides it is carried rigidly by the tool until the fingers open
//! again. There is no slip, and while nothing else moves, what is carried does not collide. Links other than the
//! hand never touch anything. With [`ContactWorld::squeezes`] nothing is attached: there the fingers close a little
//! further than where they touched, and friction carries what is between them.

use crate::{
    body::{Body, Shape},
    hand,
    scene::{Hold, Touch},
};
use nalgebra::{Isometry3, Translation3, UnitQuaternion, Vector3};
use rapier3d::{
    math::{Pose, Rotation, Vector},
    prelude::{
        ColliderBuilder, ColliderHandle, PhysicsWorld, RigidBodyBuilder, RigidBodyHandle,
        RigidBodyType,
    },
};

/// A contact counts as a press when the surfaces are nearer than this, metres.
const PRESS_DISTANCE: f32 = 0.001;
/// Cosine of the widest angle between a finger's motion and its press on a body.
const PRESS_COSINE: f64 = 0.7;
/// With the tool farther than this from a body at rest, nothing can touch, metres.
const REACH: f64 = 0.30;

/// How much farther than where both touched fingers close to hold by friction, metres.
const SQUEEZE: f64 = 0.005;

/// A task's body in the world.
struct Placed {
    handle: RigidBodyHandle,
    free: bool,
    touchable: bool,
}

/// The bodies that can touch.
pub struct ContactWorld {
    world: PhysicsWorld,
    placed: Vec<Placed>,
    palm: RigidBodyHandle,
    fingers: [RigidBodyHandle; 2],
    /// Colliders of palm and fingers.
    hand: [ColliderHandle; 3],
    held: Option<(Hold, Isometry3<f64>)>,
    /// Normal force of the hand on each body in the last step, N.
    forces: Vec<f64>,
    dt: f64,
}

impl std::fmt::Debug for ContactWorld {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ContactWorld")
            .field("bodies", &self.placed.len())
            .field("held", &self.held)
            .finish_non_exhaustive()
    }
}

impl ContactWorld {
    /// These bodies on the table (base frame; the table top is z = 0) and a hand at `tool` with
    /// its fingers `width` metres apart. `dt` is the step, seconds.
    #[must_use]
    pub fn new(bodies: &[Body], tool: &Isometry3<f64>, width: f64, dt: f64) -> Self {
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
        let placed = bodies
            .iter()
            .enumerate()
            .map(|(index, body)| place(&mut world, index, body))
            .collect();
        let mut moved = |at: Isometry3<f64>, half: [f64; 3]| {
            let [x, y, z] = half.map(|v| v as f32);
            world.insert(
                RigidBodyBuilder::kinematic_position_based().pose(pose(&at)),
                ColliderBuilder::cuboid(x, y, z).friction(0.7),
            )
        };
        let palm = moved(tool * hand::palm(), hand::PALM_HALF);
        let left = moved(tool * hand::finger(0, width), hand::FINGER_HALF);
        let right = moved(tool * hand::finger(1, width), hand::FINGER_HALF);
        Self {
            world,
            placed,
            palm: palm.0,
            fingers: [left.0, right.0],
            hand: [palm.1, left.1, right.1],
            held: None,
            forces: vec![0.0; bodies.len()],
            dt,
        }
    }

    /// Moves the hand to `tool` with its fingers `width` apart and goes one step on.
    pub fn step(&mut self, tool: &Isometry3<f64>, width: f64) {
        let quiet = self.quiet(tool);
        let targets = [
            (self.palm, tool * hand::palm()),
            (self.fingers[0], tool * hand::finger(0, width)),
            (self.fingers[1], tool * hand::finger(1, width)),
        ];
        let held = self.held.as_ref().and_then(|(hold, tool_to_body)| {
            let placed = self.placed.get(hold.body)?;
            Some((placed.handle, tool * tool_to_body))
        });
        for (handle, at) in targets.into_iter().chain(held) {
            let body = &mut self.world.bodies[handle];
            if quiet {
                body.set_position(pose(&at), false);
            } else {
                body.set_next_kinematic_position(pose(&at));
            }
        }
        self.forces.fill(0.0);
        // Nothing can touch, or all that could is carried: there is nothing to solve.
        if !quiet {
            self.world.step();
            self.measure_forces();
        }
    }

    /// Whether each body that can be touched is carried, or rests out of the hand's reach.
    fn quiet(&self, tool: &Isometry3<f64>) -> bool {
        let carried = self.held.as_ref().map(|(hold, _)| hold.body);
        self.placed.iter().enumerate().all(|(index, placed)| {
            let body = &self.world.bodies[placed.handle];
            !placed.touchable || carried == Some(index) || {
                let at = body.translation();
                let at = Vector3::new(f64::from(at.x), f64::from(at.y), f64::from(at.z));
                (!placed.free || body.is_sleeping())
                    && (tool.translation.vector - at).norm() > REACH
            }
        })
    }

    fn measure_forces(&mut self) {
        let carried = self.held.as_ref().map(|(hold, _)| hold.body);
        for collider in self.hand {
            for pair in self.world.narrow_phase.contact_pairs_with(collider) {
                let other = if pair.collider1 == collider {
                    pair.collider2
                } else {
                    pair.collider1
                };
                let tagged = self.world.colliders.get(other).map(|c| c.user_data);
                let touched = tagged.and_then(untag).map(|(body, _)| body);
                if let Some(body) = touched.filter(|b| Some(*b) != carried)
                    && let Some(force) = self.forces.get_mut(body)
                {
                    *force += f64::from(pair.total_impulse_magnitude()) / self.dt;
                }
            }
        }
    }

    /// What both fingers press on from opposite sides now, and whether they have closed as far as they can: `width` is
    /// their opening, `touched` the one at which they first touched it, kept here from call to call.
    #[must_use]
    pub fn squeezes(
        &self,
        tool: &Isometry3<f64>,
        width: f64,
        touched: &mut Option<f64>,
    ) -> (Option<Hold>, bool) {
        let hold = match self.touches(tool) {
            [Some(a), Some(b)] if a.body == b.body => Some(Hold {
                body: a.body,
                touches: [a, b],
            })
            .filter(|hold| self.placed.get(hold.body).is_some_and(|p| p.free)),
            _ => None,
        };
        *touched = hold.and(touched.or(Some(width)));
        let closed = touched.is_some_and(|first| width <= first - SQUEEZE);
        (hold, closed)
    }

    /// What each finger presses on, by finger index; `tool` gives the closing directions.
    fn touches(&self, tool: &Isometry3<f64>) -> [Option<Touch>; 2] {
        std::array::from_fn(|finger| {
            let pad = self.hand[finger + 1];
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
                let (Some((body, part)), Some(at)) =
                    (untag(collider.user_data), collider.position_wrt_parent())
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
                            body,
                            part,
                            from_inside: (self.pose(body).rotation * outward).dot(&push) > 0.0,
                        });
                    }
                }
            }
            touch
        })
    }

    /// Takes hold of a free body if both fingers press on it; says whether one is held now.
    pub fn try_hold(&mut self, tool: &Isometry3<f64>) -> bool {
        if self.held.is_none()
            && let [Some(a), Some(b)] = self.touches(tool)
            && a.body == b.body
            && let Some(placed) = self.placed.get(a.body).filter(|p| p.free)
        {
            let hold = Hold {
                body: a.body,
                touches: [a, b],
            };
            self.held = Some((hold, tool.inverse() * self.pose(a.body)));
            self.world.bodies[placed.handle]
                .set_body_type(RigidBodyType::KinematicPositionBased, true);
        }
        self.held.is_some()
    }

    /// Lets go of what is held; it falls from rest.
    pub fn release(&mut self) {
        if let Some((hold, _)) = self.held.take()
            && let Some(placed) = self.placed.get(hold.body)
        {
            let body = &mut self.world.bodies[placed.handle];
            body.set_body_type(RigidBodyType::Dynamic, true);
            body.set_linvel(Vector::ZERO, true);
            body.set_angvel(Vector::ZERO, true);
        }
    }

    /// What is held, if anything.
    #[must_use]
    pub fn held(&self) -> Option<Hold> {
        self.held.map(|(hold, _)| hold)
    }

    /// A body's frame in the base frame; the base itself where there is no such body.
    #[must_use]
    pub fn pose(&self, body: usize) -> Isometry3<f64> {
        let Some(placed) = self.placed.get(body) else {
            return Isometry3::identity();
        };
        let at = self.world.bodies[placed.handle].position();
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

    /// Normal force with which the hand pressed on a body in the last step, N; 0 while it is carried.
    #[must_use]
    pub fn force(&self, body: usize) -> f64 {
        self.forces.get(body).copied().unwrap_or(0.0)
    }

    /// Whether a body has come to rest.
    #[must_use]
    pub fn sleeps(&self, body: usize) -> bool {
        self.placed
            .get(body)
            .is_some_and(|p| self.world.bodies[p.handle].is_sleeping())
    }
}

fn place(world: &mut PhysicsWorld, index: usize, body: &Body) -> Placed {
    let free = body.free && !body.pieces.is_empty();
    let builder = if free {
        RigidBodyBuilder::dynamic()
    } else {
        RigidBodyBuilder::fixed()
    };
    let handle = world.insert_body(
        builder
            .pose(pose(&body.pose))
            .angular_damping(body.angular_damping),
    );
    for piece in &body.pieces {
        let (collider, at) = match piece.shape {
            Shape::Cuboid(half) => {
                let half = half.cast::<f32>();
                (
                    ColliderBuilder::cuboid(half.x, half.y, half.z),
                    pose(&piece.pose),
                )
            }
            Shape::Cylinder {
                radius,
                half_height,
            } => {
                // rapier's cylinders stand along y.
                let upright = UnitQuaternion::from_axis_angle(
                    &Vector3::x_axis(),
                    std::f64::consts::FRAC_PI_2,
                );
                (
                    ColliderBuilder::cylinder(half_height as f32, radius as f32),
                    pose(&(piece.pose * upright)),
                )
            }
            Shape::Ball(radius) => (ColliderBuilder::ball(radius as f32), pose(&piece.pose)),
        };
        world.insert_collider(
            collider
                .position(at)
                .density(piece.density)
                .friction(piece.friction)
                .user_data(tag(index, piece.part)),
            Some(handle),
        );
    }
    Placed {
        handle,
        free,
        touchable: !body.pieces.is_empty(),
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

/// Says on a collider which body and part it belongs to; 0 is none.
fn tag(body: usize, part: u32) -> u128 {
    (body as u128 + 1) << 32 | u128::from(part)
}

fn untag(tag: u128) -> Option<(usize, u32)> {
    let body = (tag >> 32).checked_sub(1)?;
    Some((usize::try_from(body).ok()?, tag as u32))
}
