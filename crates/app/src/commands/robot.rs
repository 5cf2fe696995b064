//! `apprentice robot`: looks at robots.

use crate::cli::RobotCommand;
use crate::commands::robot_live;
use anyhow::{Result, bail};
use apprentice_core::Seed;
use apprentice_robot::{
    EMBEDDED, Kinematics, PoseSolver, RobotDescription, RobotFolder, SelfDistance, Survey,
};
use apprentice_studio::draw_robot;
use nalgebra::{Isometry3, Quaternion, Translation3, UnitQuaternion};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Runs the command.
///
/// # Errors
/// When the robot is not valid, a number is not one, or a pose is out of reach.
pub fn run(command: &RobotCommand) -> Result<()> {
    match command {
        RobotCommand::List { json } => list(*json),
        RobotCommand::Describe(args) => robot_live::describe(args),
        RobotCommand::Check {
            robot,
            rrd,
            live,
            json,
        } => {
            if let Some(endpoint) = &live.live {
                return robot_live::check(robot, endpoint, live, *json);
            }
            let folder = RobotFolder::open(robot)?;
            let survey = Survey::of(&folder)?;
            let text = described(&survey);
            if let Some(file) = rrd {
                draw_robot(file, &folder.description, &format!("```\n{text}```"))?;
            }
            if *json {
                let mut value = serde_json::to_value(&survey)?;
                value["rrd"] = json!(rrd);
                show(&value)
            } else {
                print!("{text}");
                if let Some(file) = rrd {
                    println!("drawn in             {}", file.display());
                }
                Ok(())
            }
        }
        RobotCommand::Fk {
            robot,
            joints,
            json,
        } => fk(robot, joints, *json),
        RobotCommand::Ik {
            robot,
            pose,
            start,
            seed,
            json,
        } => ik(robot, pose, start, Seed(*seed), *json),
    }
}

fn show(value: &Value) -> Result<()> {
    println!("{}", serde_json::to_string_pretty(value)?);
    Ok(())
}

fn list(as_json: bool) -> Result<()> {
    let mut rows = Vec::new();
    for name in EMBEDDED {
        let robot = RobotDescription::embedded(name)?;
        let adapter = robot.adapter.as_ref().and_then(|a| a.get("kind"));
        let adapter = adapter.and_then(|k| k.as_str()).unwrap_or("native link");
        let control = if robot.is_cartesian() {
            "cartesian"
        } else {
            "joint"
        };
        if !as_json {
            println!(
                "{name:<14} {} joints, {control} control, {adapter}",
                robot.joints.len()
            );
        }
        rows.push(json!({
            "name": name, "joints": robot.joints.len(), "control": control, "adapter": adapter,
        }));
    }
    if as_json { show(&json!(rows)) } else { Ok(()) }
}

fn described(survey: &Survey) -> String {
    let mut text = format!("robot                {}\n", survey.robot);
    // Writing into a String cannot fail.
    let mut line = |what: &str, said: String| {
        let _ = writeln!(text, "{what:<20} {said}");
    };
    for joint in &survey.joints {
        let [low, high] = joint.position;
        let jerk = joint.jerk.map_or("without a limit".into(), |j| {
            format!("{j} {}/s^3", joint.unit)
        });
        let (unit, effort) = (&joint.unit, joint.effort_unit);
        let torque = joint
            .torque
            .map_or(String::new(), |t| format!(", {t} {effort}"));
        let barrier = if joint.barrier {
            ", slower near its limits"
        } else {
            ""
        };
        line(
            "joint",
            format!(
                "{}: {low} to {high} {unit}, home {}; {} {unit}/s, {} {unit}/s^2, jerk {jerk}{torque}{barrier}",
                joint.name, joint.home, joint.velocity, joint.acceleration
            ),
        );
    }
    line("kinematics", survey.kinematics.into());
    if let Some(urdf) = survey.urdf {
        line(
            "agrees with its URDF",
            format!(
                "to {:.1e} m and {:.1e} rad",
                urdf.position_m, urdf.orientation_rad
            ),
        );
    }
    if let Some(reach) = survey.reach_m {
        line("reach", format!("{reach:.3} m from the base frame"));
    }
    if let Some(pose) = survey.home_pose {
        let inside = match survey.home_in_workspace {
            Some(true) => "in the workspace",
            Some(false) => "outside the workspace",
            None => "no workspace",
        };
        line("tool at home", format!("{}; {inside}", place(&pose)));
    }
    for (index, capsule) in survey.capsules.iter().enumerate() {
        let link = capsule.link.as_deref().unwrap_or("robot.toml");
        line(
            &format!("capsule {index}"),
            format!(
                "on frame {} ({link}), length {:.3} m, radius {:.3} m",
                capsule.frame, capsule.length_m, capsule.radius_m
            ),
        );
    }
    line(
        "capsules",
        format!(
            "{}, {} pairs of them checked",
            survey.capsules.len(),
            survey.pairs
        ),
    );
    if let (Some(distance), Some([a, b])) = (survey.home_clearance_m, survey.home_nearest) {
        line(
            "nearest at home",
            format!("{:.1} mm between capsules {a} and {b}", distance * 1e3),
        );
    }
    line(
        "self-collision",
        format!(
            "in {:.1} % of random postures",
            survey.postures_in_collision * 100.0
        ),
    );
    if let Some([tried, found]) = survey.poses {
        line(
            "inverse kinematics",
            format!("joints found for {found} of {tried} random reachable poses"),
        );
    }
    if let Some([tried, found]) = survey.places {
        line(
            "workspace",
            format!("{found} of {tried} places reached, tool turned as at home"),
        );
    }
    line("cameras", survey.cameras.join(", "));
    line(
        "driven through",
        survey
            .adapter
            .clone()
            .unwrap_or_else(|| "the native link".into()),
    );
    for warning in &survey.warnings {
        line("warning", warning.clone());
    }
    let good = if survey.warnings.is_empty() {
        "no warnings"
    } else {
        "valid; read the warnings"
    };
    line("result", good.into());
    text
}

/// A pose in words.
fn place([x, y, z, qx, qy, qz, qw]: &[f64; 7]) -> String {
    format!(
        "x {x:.6} m, y {y:.6} m, z {z:.6} m, quaternion x {qx:.6} y {qy:.6} z {qz:.6} w {qw:.6}"
    )
}

fn numbers(pose: &Isometry3<f64>) -> [f64; 7] {
    let (at, turn) = (pose.translation.vector, pose.rotation.coords);
    [at.x, at.y, at.z, turn.x, turn.y, turn.z, turn.w]
}

/// Joints for this robot, or why they are not.
fn checked<'a>(robot: &RobotDescription, joints: &'a [f64], what: &str) -> Result<&'a [f64]> {
    let count = robot.joints.len();
    if joints.len() != count || joints.iter().any(|q| !q.is_finite()) {
        bail!(
            "{what} is {joints:?}, allowed: {count} finite numbers ({}) for {}",
            units(robot),
            robot.name
        );
    }
    Ok(joints)
}

/// The unit of joint positions: one word where all have the same, otherwise one for each joint.
fn units(robot: &RobotDescription) -> String {
    let mut units: Vec<&str> = robot.joints.iter().map(|j| j.unit.as_str()).collect();
    if units.iter().all(|unit| Some(unit) == units.first()) {
        units.truncate(1);
    }
    units.join(", ")
}

/// The joints that are outside their limits, in words.
fn outside(robot: &RobotDescription, joints: &[f64]) -> Vec<String> {
    let beyond = robot.joints.iter().zip(joints).filter(|(j, q)| {
        let [low, high] = j.position;
        !(low..=high).contains(*q)
    });
    beyond
        .map(|(j, q)| {
            format!(
                "{} at {q} {unit} is outside {} to {} {unit}",
                j.name,
                j.position[0],
                j.position[1],
                unit = j.unit
            )
        })
        .collect()
}

fn fk(name: &str, joints: &[f64], as_json: bool) -> Result<()> {
    let robot = RobotFolder::open(name)?.description;
    let joints = checked(&robot, joints, "--joints")?;
    let pose = numbers(&Kinematics::new(&robot)?.tool_pose(joints));
    let clearance = clearance(&robot, joints)?;
    let outside = outside(&robot, joints);
    if as_json {
        return show(&json!({
            "robot": robot.name, "frame": "tool in base", "units": "m, quaternion x y z w",
            "joints": joints, "pose": pose, "clearance_m": clearance, "outside_limits": outside,
        }));
    }
    println!("tool of {} in its base frame: {}", robot.name, place(&pose));
    say_nearness(clearance);
    for line in outside {
        println!("warning: {line}");
    }
    Ok(())
}

fn ik(name: &str, pose: &[f64], start: &[f64], seed: Seed, as_json: bool) -> Result<()> {
    let robot = RobotFolder::open(name)?.description;
    let &[x, y, z, qx, qy, qz, qw] = pose else {
        bail!(
            "--pose has {} numbers, allowed: 7, metres x,y,z and a quaternion qx,qy,qz,qw",
            pose.len()
        );
    };
    let quaternion = Quaternion::new(qw, qx, qy, qz);
    let norm = quaternion.norm();
    // NaN is in no range.
    if !(0.9..=1.1).contains(&norm) {
        bail!(
            "the quaternion of --pose has the length {norm}, allowed: about 1 (it is made exactly 1)"
        );
    }
    let target = Isometry3::from_parts(
        Translation3::new(x, y, z),
        UnitQuaternion::new_normalize(quaternion),
    );
    let start = if start.is_empty() {
        &robot.home
    } else {
        checked(&robot, start, "--start")?
    };
    let solution = PoseSolver::new(&robot)?.solve_pose(&target, start, seed)?;
    let clearance = clearance(&robot, &solution.joints)?;
    let names: Vec<&str> = robot.joints.iter().map(|j| j.name.as_str()).collect();
    if as_json {
        return show(&json!({
            "robot": robot.name, "frame": "tool in base", "units": units(&robot), "names": names,
            "joints": solution.joints, "position_error_m": solution.position_error_m,
            "orientation_error_rad": solution.orientation_error_rad, "starts": solution.starts,
            "clearance_m": clearance, "pose": numbers(&target),
        }));
    }
    let joints: Vec<String> = solution.joints.iter().map(|q| format!("{q:.9}")).collect();
    println!(
        "joints of {} ({}) for the tool at {}:",
        robot.name,
        units(&robot),
        place(&numbers(&target))
    );
    println!("{}", joints.join(","));
    println!(
        "off by {:.1e} m and {:.1e} rad, after {} starts",
        solution.position_error_m, solution.orientation_error_rad, solution.starts
    );
    say_nearness(clearance);
    Ok(())
}

/// Metres; `None` where nothing is checked.
fn clearance(robot: &RobotDescription, joints: &[f64]) -> Result<Option<f64>> {
    let mut distance = SelfDistance::new(robot)?;
    Ok(distance.nearest(joints).map(|n| n.distance))
}

fn say_nearness(clearance: Option<f64>) {
    match clearance {
        Some(distance) if distance < 0.0 => {
            println!(
                "warning: the arm runs into itself there ({:.1} mm)",
                distance * 1e3
            );
        }
        Some(distance) => println!("{:.1} mm from itself", distance * 1e3),
        None => println!("no capsules: how near it is to itself is not known"),
    }
}
