//! `apprentice camera`: publishes frames for an arm whose driver has no cameras.

use crate::cli::CameraArgs;
use anyhow::{Context as _, Result, bail};
use apprentice_camera::Source;
use apprentice_camera::clip::Clip;
use apprentice_camera::controls::Controls;
use apprentice_camera::device::{Device, DeviceOptions};
use apprentice_camera::publishing::{FramePublisher, described, publish_all};
use apprentice_camera::robot_clock::RobotClock;
use apprentice_link::keys::Keys;
use apprentice_link::security::{Role, Security};
use apprentice_link::session::{Connection, Participant};
use apprentice_pipeline::context::{start_for, stop_on_ctrl_c};
use std::time::Duration;

/// How long the robot may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Frames a second where nobody says.
const RATE: f64 = 30.0;

/// Where frames go, and what they are like.
struct Target {
    key: String,
    size: (u32, u32),
    rate: f64,
    clock: Option<RobotClock>,
}

/// Runs the command.
///
/// # Errors
/// When the camera or the robot is not there, or either does not allow what is asked for.
pub fn run(args: &CameraArgs) -> Result<()> {
    let security = Security::from_settings(&args.reach.security, &args.reach.keys)?;
    start_for(&security)?;
    let stop = stop_on_ctrl_c()?;
    let participant = Participant {
        // A camera speaks in the robot's name; on keys that are not ours it is a guest.
        role: if args.key.is_some() {
            Role::Guest
        } else {
            Role::Robot
        },
        connection: Connection::Join,
        robot: &args.reach.robot,
        endpoint: &args.reach.endpoint,
    };
    let session = participant.open(&security, PATIENCE)?;
    let target = target(args, &session)?;
    let (width, height) = target.size;
    let mut open = source(args, target.rate)?;
    eprintln!(
        "publishing {width}x{height} at up to {} Hz on {}, stamped by {}; Ctrl-C ends it",
        target.rate,
        target.key,
        if target.clock.is_some() {
            "the robot's clock"
        } else {
            "this machine's monotonic clock"
        }
    );
    let mut to = FramePublisher::new(&session, &target.key, target.size, target.clock)?;
    let counts = publish_all(&mut open, &mut to, target.rate, &stop, &mut |text| {
        eprintln!("note: {text}");
    })?;
    if args.json {
        let shown = serde_json::json!({
            "key": target.key, "width": width, "height": height, "published": counts.published,
            "dropped": counts.dropped, "left_out": counts.left_out, "undecodable": counts.undecodable,
            "before_a_state": counts.before_a_state, "reconnected": counts.reconnected,
        });
        println!("{shown}");
    } else {
        println!(
            "published {}, dropped {}, left out for the rate {}, undecodable {}, before the robot's first state {}, \
             reconnected {}",
            counts.published,
            counts.dropped,
            counts.left_out,
            counts.undecodable,
            counts.before_a_state,
            counts.reconnected
        );
    }
    Ok(())
}

fn target(args: &CameraArgs, session: &zenoh::Session) -> Result<Target> {
    let given = args.width.zip(args.height);
    let rate = args.rate.unwrap_or(RATE);
    if !(rate.is_finite() && rate > 0.0 && rate <= 1000.0) {
        bail!("--rate is {rate} Hz, allowed: above 0 and at most 1000");
    }
    if let Some(key) = &args.key {
        let size = given
            .context("with --key nobody says how large frames are; give --width and --height")?;
        return Ok(Target {
            key: key.clone(),
            size: checked(size)?,
            rate,
            clock: None,
        });
    }
    let (robot, camera) = (&args.reach.robot, &args.camera);
    let key = Keys::new(robot).camera(camera);
    let Some((description, lockstep)) = described(session, robot, PATIENCE)? else {
        let size = given.with_context(|| {
            format!("robot {robot} does not say how large frames of {camera} are; start its driver first, or give --width and --height")
        })?;
        return Ok(Target {
            key,
            size: checked(size)?,
            rate,
            clock: None,
        });
    };
    if lockstep {
        bail!(
            "robot {robot} is in lockstep: frames come when time is asked for, from its driver alone; start it in real time"
        );
    }
    let Some(found) = description.cameras.iter().find(|c| c.name == *camera) else {
        let names: Vec<&str> = description
            .cameras
            .iter()
            .map(|c| c.name.as_str())
            .collect();
        bail!(
            "robot {robot} has no camera {camera:?}, allowed: {}",
            names.join(", ")
        );
    };
    let size = (found.width, found.height);
    if given.is_some_and(|given| given != size) {
        bail!(
            "frames of {camera} have {}x{} pixels, as robot {robot} describes it; leave --width and --height away, or \
             change the description: others are refused",
            size.0,
            size.1
        );
    }
    Ok(Target {
        key,
        size,
        rate: args.rate.unwrap_or(description.policy_hz),
        clock: Some(RobotClock::of(session, robot)?),
    })
}

fn checked(size: (u32, u32)) -> Result<(u32, u32)> {
    let allowed = |side: u32| (1..=4096).contains(&side);
    if !(allowed(size.0) && allowed(size.1)) {
        bail!(
            "frames are {}x{} pixels, allowed: 1 to 4096 each",
            size.0,
            size.1
        );
    }
    Ok(size)
}

/// Opens the camera, as often as it has to be.
type Opening = Box<dyn FnMut() -> Result<Box<dyn Source>, apprentice_camera::CameraError>>;

fn source(args: &CameraArgs, rate: f64) -> Result<Opening> {
    if let Some(file) = args.file.clone() {
        let (camera, once) = (args.camera.clone(), args.once);
        return Ok(Box::new(move || {
            let clip = Clip::open(&file, &camera, rate, once)?;
            Ok(Box::new(clip) as Box<dyn Source>)
        }));
    }
    let size = args
        .capture
        .split_once('x')
        .and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)))
        .with_context(|| format!("--capture is {:?}, allowed: such as 640x480", args.capture))?;
    if !(1..=1000).contains(&args.capture_rate) {
        bail!(
            "--capture-rate is {} Hz, allowed: 1 to 1000",
            args.capture_rate
        );
    }
    let options = DeviceOptions {
        path: args.device.clone().unwrap_or_default(),
        size: checked(size)?,
        rate: args.capture_rate,
        controls: Controls {
            exposure: args.exposure,
            gain: args.gain,
            white_balance: args.white_balance,
        },
    };
    Ok(Box::new(move || {
        let (device, told) = Device::open(&options)?;
        eprintln!("{}: {}", options.path, told.join(", "));
        Ok(Box::new(device) as Box<dyn Source>)
    }))
}
