//! `apprentice record demonstrations --by DEVICE`: a person shows the task, and says what becomes of each showing.

mod at_the_arm;
mod driver;
mod keys;

use crate::cli::{ByPersonArgs, DemonstrationsArgs, DeviceKind};
use crate::commands::{print_results, robot_live};
use anyhow::{Context as _, Result, bail};
use apprentice_control::TeleopAgent;
use apprentice_control::operator::{
    Gamepad, InputSource, JogConfig, JointMap, LeaderAgent, PersonAgent, SpaceMouse,
};
use apprentice_link::RobotLink;
use apprentice_link::security::{Role, Security};
use apprentice_pipeline::by_person::record_by_person;
use apprentice_pipeline::context::Context;
use apprentice_pipeline::judgements::SIMULATED;
use apprentice_pipeline::robots::{connect, describe};
use apprentice_pipeline::run::{open, run_stage_by};
use apprentice_pipeline::stages::demonstrate::STAGE;
use apprentice_robot::RobotDescription;
use at_the_arm::AtTheArm;
use driver::{Driver, Watched};
use keys::{KeySource, PersonKeys};
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// Runs the command.
///
/// # Errors
/// When robot or device are not there, the disk refuses, or the person leaves; what was kept stays.
pub fn run(args: &DemonstrationsArgs) -> Result<()> {
    let person = &args.person;
    if person.who.trim().is_empty() || person.who == SIMULATED {
        bail!(
            "--who is {:?}, allowed: any name but none and {SIMULATED:?}",
            person.who
        );
    }
    for (key, got, most, unit) in [
        ("--seconds", person.seconds, 3600.0, "s"),
        ("--apart", person.apart, 3.2, "rad"),
        ("--approach", person.approach, 1.0, "rad/s"),
    ] {
        // NaN is in no range.
        if !(got > 0.0 && got <= most) {
            bail!("{key} is {got} {unit}, allowed: above 0 and at most {most} {unit}");
        }
    }
    let mut options = args.run.options();
    let episodes = person.episodes.iter();
    options
        .set
        .extend(episodes.map(|n| format!("demonstrations.episodes={n}")));
    let context = open(&options, Some(&STAGE))?;
    robot_live::check_before_recording(&context)?;
    run_stage_by(&context, &STAGE, &|context| by_person(context, person))?;
    print_results(&context, &args.run, &[&STAGE])
}

fn by_person(context: &Context, args: &ByPersonArgs) -> Result<()> {
    let robot = describe(context)?;
    let by = args.by.context("nobody is named to demonstrate")?;
    // What cannot be had is said before the terminal is taken and the arm moves.
    let device = Device::open(context, args, by, &robot)?;
    let keys = Rc::new(RefCell::new(PersonKeys::open(Arc::clone(&context.stop))?));
    let paced = context.config.robot.endpoint.is_empty() && !keys.borrow().is_script();
    let config = JogConfig {
        speed_m_s: args.speed,
        turn_rad_s: args.turn,
        ..JogConfig::default()
    };
    let by_hand = |source: Box<dyn InputSource>| {
        PersonAgent::new(&robot, config, source, paced).map(|agent| Driver::Hands(Box::new(agent)))
    };
    let own_keys = matches!(device, Device::Keyboard);
    let driver = match device {
        Device::Keyboard => by_hand(Box::new(KeySource(Rc::clone(&keys))))?,
        Device::Source(source) => by_hand(source)?,
        Device::Leader(leader) => Driver::Leader(leader),
        Device::Network(link) => Driver::Network(TeleopAgent::new(vec![*link])),
    };
    let agent = Watched::new(driver, Rc::clone(&keys), own_keys, robot.policy_hz);
    let mut person = AtTheArm::new(&args.who, by, agent, keys);
    let ticks = (args.seconds * robot.policy_hz).ceil().max(1.0) as u64;
    record_by_person(context, &mut person, ticks)
}

/// A device that is there.
enum Device {
    Keyboard,
    Source(Box<dyn InputSource>),
    Leader(Box<LeaderAgent>),
    Network(Box<RobotLink>),
}

impl Device {
    fn open(
        context: &Context,
        args: &ByPersonArgs,
        by: DeviceKind,
        robot: &RobotDescription,
    ) -> Result<Self> {
        let path = |usual: &str| args.input.clone().unwrap_or_else(|| PathBuf::from(usual));
        Ok(match by {
            DeviceKind::Keyboard => Self::Keyboard,
            DeviceKind::Gamepad => Self::Source(Box::new(Gamepad::open(&path("/dev/input/js0"))?)),
            DeviceKind::Spacemouse => {
                let Some(path) = &args.input else {
                    bail!(
                        "which of /dev/hidraw* is the SpaceMouse? name it with --input; `grep -l 256F /sys/class/hidraw/*/device/uevent` finds it"
                    );
                };
                Self::Source(Box::new(SpaceMouse::open(path)?))
            }
            DeviceKind::Leader => Self::Leader(Box::new(leader(args, robot)?)),
            DeviceKind::Network => Self::Network(Box::new(connect(context)?.context(
                "a device on the network answers for a robot on the network: name it with --set robot.endpoint=tcp/HOST:PORT",
            )?)),
        })
    }
}

/// Listens to the leader.
fn leader(args: &ByPersonArgs, robot: &RobotDescription) -> Result<LeaderAgent> {
    let (Some(endpoint), Some(name)) = (&args.input, &args.leader) else {
        bail!("a leader is named by --leader NAME|FOLDER and reached at --input tcp/HOST:PORT");
    };
    let name = if Path::new(name).is_dir() {
        RobotDescription::load(Path::new(name))?.name
    } else {
        name.clone()
    };
    let map = args.map.iter().map(|text| JointMap::parse(text));
    let map = map.collect::<Result<Vec<_>, _>>()?;
    let security = Security::from_settings("", &args.leader_keys)?;
    let link = RobotLink::connect_as(
        Role::Viewer,
        &endpoint.to_string_lossy(),
        &name,
        &security,
        Duration::from_secs(5),
    )
    .context("the leader cannot be listened to")?;
    Ok(LeaderAgent::new(
        robot,
        Box::new(link),
        &map,
        (args.apart, args.approach),
    )?)
}
