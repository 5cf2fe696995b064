//! Mug, hand and table in the contact world.
#![allow(clippy::unwrap_used)]

use apprentice_sim::{
    body::Body,
    hand,
    physics::ContactWorld,
    tasks::pick_up_mug::{grasp::Grasp, mug},
};
use nalgebra::{Isometry3, Translation3, UnitQuaternion, Vector3};

const DT: f64 = 0.0025;

fn tool_at(x: f64, y: f64, z: f64, yaw: f64) -> Isometry3<f64> {
    let down = UnitQuaternion::from_axis_angle(&Vector3::x_axis(), std::f64::consts::PI);
    let turn = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), yaw);
    Isometry3::from_parts(Translation3::new(x, y, z), turn * down)
}

fn mug_at(x: f64, y: f64) -> [Body; 1] {
    [mug::body(Translation3::new(x, y, 0.0).into())]
}

/// Closes the fingers around `tool` until something is held or they meet.
fn close(world: &mut ContactWorld, tool: &Isometry3<f64>) -> Option<Grasp> {
    let mut width = hand::MAX_WIDTH;
    while width > 0.0 && !world.try_hold(tool) {
        width -= 0.1 * DT;
        world.step(tool, width);
    }
    world.held().map(|h| Grasp::from_touches(h.touches))
}

#[test]
fn a_standing_mug_stays_and_falls_asleep() {
    let far = tool_at(0.5, 0.0, 0.25, 0.0);
    let mut world = ContactWorld::new(&mug_at(0.5, 0.0), &far, 0.08, DT);
    (0..1200).for_each(|_| world.step(&far, 0.08));
    let at = world.pose(0).translation.vector;
    assert!((at - Vector3::new(0.5, 0.0, 0.0)).norm() < 1e-3, "{at}");
    assert!(world.sleeps(0));
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
    assert!((world.pose(0).translation.z - 0.1).abs() < 2e-3);
    world.release();
    tool.translation.vector.z += 0.1;
    (0..600).for_each(|_| world.step(&tool, 0.08));
    assert!(world.pose(0).translation.z.abs() < 0.05);
}

#[test]
fn a_high_push_knocks_it_over() {
    let mut tool = tool_at(0.5, 0.10, 0.085, 0.0);
    let mut world = ContactWorld::new(&mug_at(0.5, 0.0), &tool, 0.0, DT);
    for _ in 0..400 {
        tool.translation.vector.y -= 0.0005;
        world.step(&tool, 0.0);
    }
    let up = world.pose(0).rotation * Vector3::z();
    assert!(world.pose(0).translation.y < -0.02 || up.z < 0.7);
}

#[test]
fn a_push_is_felt_as_a_force_and_a_hold_is_not() {
    let mut tool = tool_at(0.5, 0.10, 0.05, 0.0);
    let mut world = ContactWorld::new(&mug_at(0.5, 0.0), &tool, 0.0, DT);
    let mut strongest = 0.0f64;
    for _ in 0..200 {
        tool.translation.vector.y -= 0.0003;
        world.step(&tool, 0.0);
        strongest = strongest.max(world.force(0));
    }
    // The mug weighs about 5 N: what resists is friction, and for a moment its inertia.
    assert!((0.5..1000.0).contains(&strongest), "{strongest} N");
    let tool = tool_at(0.5, mug::rim_radius(), 0.068, 0.0);
    let mut world = ContactWorld::new(&mug_at(0.5, 0.0), &tool, 0.08, DT);
    assert!(close(&mut world, &tool).is_some());
    world.step(&tool, 0.005);
    assert!(world.force(0).abs() < 1e-12);
}

/// Blocks at these places on the table, and one that is only seen.
fn blocks(places: &[f64]) -> Vec<Body> {
    let at = |y: f64| Translation3::new(0.5, y, 0.025).into();
    let mut bodies: Vec<Body> = places
        .iter()
        .map(|&y| Body::block("block", at(y), [0.02, 0.02, 0.025], [200, 0, 0]))
        .collect();
    bodies.push(Body::drawn("mat", at(0.0), [0.1, 0.1, 0.001], [0, 200, 0]));
    bodies
}

#[test]
fn of_several_bodies_the_one_between_the_fingers_is_held() {
    let mut tool = tool_at(0.5, 0.0, 0.03, 0.0);
    let mut world = ContactWorld::new(&blocks(&[0.0, 0.25]), &tool, 0.08, DT);
    let mut width = hand::MAX_WIDTH;
    while !world.try_hold(&tool) {
        assert!(width > 0.0);
        width -= 0.1 * DT;
        world.step(&tool, width);
    }
    let hold = world.held().unwrap();
    assert_eq!((hold.body, hold.touches.map(|t| t.body)), (0, [0, 0]));
    for _ in 0..400 {
        tool.translation.vector.z += 0.0004;
        world.step(&tool, width);
    }
    assert!((world.pose(0).translation.z - 0.185).abs() < 5e-3);
    let other = world.pose(1).translation.vector;
    assert!(
        (other - Vector3::new(0.5, 0.25, 0.025)).norm() < 1e-3,
        "{other}"
    );
    // What is only seen is not there for the fingers.
    assert_eq!(world.pose(2).translation.z, f64::from(0.025f32));
}

#[test]
fn what_is_carried_pushes_what_stands_in_its_way() {
    let mut tool = tool_at(0.5, 0.0, 0.03, 0.0);
    let mut world = ContactWorld::new(&blocks(&[0.0, 0.12]), &tool, 0.08, DT);
    let mut width = hand::MAX_WIDTH;
    while !world.try_hold(&tool) {
        assert!(width > 0.0);
        width -= 0.1 * DT;
        world.step(&tool, width);
    }
    for _ in 0..400 {
        tool.translation.vector.y += 0.0004;
        world.step(&tool, width);
    }
    assert!(
        world.pose(1).translation.y > 0.18,
        "{}",
        world.pose(1).translation.y
    );
}
