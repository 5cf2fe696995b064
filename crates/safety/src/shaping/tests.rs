use super::*;
use apprentice_robot::RobotDescription;
use proptest::prelude::*;
use rsruckig::prelude::*;

/// The limits of one joint: velocity, acceleration, jerk, commands a second.
fn limits([velocity, acceleration, jerk, rate]: [f64; 4]) -> Limits {
    let text = format!(
        "name = \"one\"\ncontrol = \"joint\"\npolicy_hz = 1.0\ncontrol_hz = {rate:?}\nhome = [0.0]\n\
         [[joints]]\nname = \"one\"\nposition = [-100.0, 100.0]\nvelocity = {velocity:?}\n\
         acceleration = {acceleration:?}\njerk = {jerk:?}\n"
    );
    let robot = RobotDescription::parse(&text, "one").unwrap();
    Limits::new(&robot.joints[0], &robot).unwrap()
}

/// Limits for which jerk binds: with the rate, the acceleration is reached in half a tick to 60 ticks.
fn binding() -> impl Strategy<Value = [f64; 4]> {
    (0.2..6.0f64, 0.5..40.0f64, 0.51..60.0f64, 10.0..1000.0f64).prop_map(
        |(velocity, acceleration, ticks, rate)| {
            [velocity, acceleration, acceleration * rate / ticks, rate]
        },
    )
}

/// Brakes until at rest; answers ticks and distance in speed times ticks.
fn braked(mut speed: f64, mut change: f64, l: &Limits) -> (usize, f64) {
    let mut far = 0.0;
    for tick in 0..100_000 {
        if is_at_rest(speed, change, l) {
            return (tick, far);
        }
        let next = brake(speed, change, l);
        let jolt = next - speed - change;
        assert!(
            jolt.abs() <= l.jolt * (1.0 + 1e-9),
            "jolt {jolt} of {}",
            l.jolt
        );
        assert!((next - speed).abs() <= l.step * (1.0 + 1e-9));
        (speed, change) = (next, next - speed);
        far += speed;
    }
    panic!("no stop from {speed}, {change} with {l:?}");
}

/// Seconds and distance to a stop in continuous time.
fn ruckig(speed: f64, acceleration: f64, most: f64, jerk: f64) -> (f64, f64) {
    let mut otg = Ruckig::<1, ThrowErrorHandler>::new(None, 0.001);
    let mut input = InputParameter::<1>::new(None);
    input.control_interface = ControlInterface::Velocity;
    input.current_velocity[0] = speed;
    input.current_acceleration[0] = acceleration;
    input.max_acceleration[0] = most;
    input.max_jerk[0] = jerk;
    let mut trajectory = Trajectory::new(None);
    otg.calculate(&input, &mut trajectory).unwrap();
    let duration = trajectory.get_duration();
    let mut end = rsruckig::util::DataArrayOrVec::new(None, 0.0);
    trajectory.at_time(
        duration,
        &mut Some(&mut end),
        &mut None,
        &mut None,
        &mut None,
        &mut None,
    );
    (duration, end[0])
}

proptest! {
    #[test]
    fn braking_is_as_quick_as_in_continuous_time(
        numbers in binding(), speed in -1.0..1.0f64, change in -1.0..1.0f64,
    ) {
        let l = limits(numbers);
        let rate = numbers[3];
        let (speed, change) = (speed * l.velocity, change * l.step);
        let (ticks, far) = braked(speed, change, &l);
        // A change over the last period is the acceleration in its middle: now it may be half a jolt off.
        let stops = [-0.5, 0.0, 0.5].map(|half| {
            let now = clamped(change + half * l.jolt, -l.step, l.step);
            ruckig(speed, now * rate, l.step * rate, l.jolt * rate * rate)
        });
        let range = |of: &dyn Fn(&(f64, f64)) -> f64| {
            let all = stops.iter().map(|stop| of(stop) * rate);
            (all.clone().fold(f64::INFINITY, f64::min), all.fold(f64::NEG_INFINITY, f64::max))
        };
        // Both are the shortest there is; positions once a period leave less choice, by three periods at most.
        let (least, most) = range(&|stop| stop.0);
        let ticks = ticks as f64;
        prop_assert!(ticks >= least - 3.0 && ticks <= most + 3.0, "{ticks} ticks, {least} to {most}");
        // The highest speed on the way, for three periods.
        let coarse = 3.0 * (speed.abs() + change * change / (2.0 * l.jolt) + l.step + l.jolt);
        let (least, most) = range(&|stop| stop.1);
        prop_assert!(far >= least - coarse && far <= most + coarse, "{far} in {least} to {most}");
    }

    #[test]
    fn a_stop_takes_no_longer_than_is_looked_ahead(
        numbers in binding(), speed in -1.0..1.0f64, change in -1.0..1.0f64,
    ) {
        let l = limits(numbers);
        let reached = (2.0 * l.velocity / l.jolt).sqrt().ceil() + 1.0;
        let allowed = (l.velocity / l.step).ceil() + 5.0 + 4.0 * (l.step / l.jolt).ceil().min(reached);
        let speed = speed * l.velocity;
        // What the shaping allows: acceleration that is gone before the joint is too fast.
        let change = clamped(
            change * l.step,
            -turn(l.velocity + speed, &l),
            turn(l.velocity - speed, &l),
        );
        prop_assert!(braked(speed, change, &l).0 as f64 <= allowed);
    }

    #[test]
    fn turning_covers_exactly_the_amount(numbers in binding(), part in 0.0..1.0f64) {
        let l = limits(numbers);
        let amount = part * l.ramp;
        let (mut change, mut sum) = (turn(amount, &l), 0.0);
        prop_assert!(change <= l.step);
        while change > 0.0 {
            sum += change;
            change -= l.jolt;
        }
        prop_assert!((sum - amount).abs() <= 1e-9 * l.ramp, "{sum} of {amount}");
    }

    #[test]
    fn the_estimate_of_a_stop_is_not_too_short(
        numbers in binding(), speed in 0.0..1.0f64, change in -1.0..1.0f64,
    ) {
        let l = limits(numbers);
        let speed = speed * l.velocity;
        // Braking harder it goes back a little, which is no distance.
        let change = clamped(change * l.step, -turn(speed, &l), l.step);
        let far = braked(speed, change, &l).1;
        let estimate = stopping(speed, change, &l);
        prop_assert!(far <= estimate * (1.0 + 1e-9) + 1e-12, "{far} and {estimate}");
        let fastest = speed + change * change / (2.0 * l.jolt);
        prop_assert!(estimate - far <= 3.0 * (fastest + l.step + l.jolt), "{far} and {estimate}");
    }

    #[test]
    fn any_target_is_reached_and_limits_kept_on_the_way(
        numbers in binding(),
        targets in proptest::collection::vec((-3.0..3.0f64, 1..400usize), 1..4),
    ) {
        let (l, period) = (limits(numbers), 1.0 / numbers[3]);
        let mut at = Motion { position: 0.0, speed: 0.0, change: 0.0 };
        let (mut stream, mut follows) = (Stream::default(), true);
        let last = targets.len() - 1;
        for (i, (target, ticks)) in targets.into_iter().enumerate() {
            let most = if i == last { 200_000 } else { ticks };
            let mut there = false;
            for _ in 0..most {
                let shaped = jerk_limited_step(target, at, &mut stream, follows, &l, period);
                let change = shaped.speed - at.speed;
                prop_assert!(shaped.speed.abs() <= l.velocity * (1.0 + 1e-9));
                prop_assert!(change.abs() <= l.step * (1.0 + 1e-9) + 1e-12);
                prop_assert!((change - at.change).abs() <= l.jolt * (1.0 + 1e-9) + 1e-12);
                let position = shaped.exact.unwrap_or(at.position + shaped.speed * period);
                follows = shaped.exact.is_some();
                at = Motion { position, speed: shaped.speed, change };
                there = position == target && shaped.speed == 0.0 && change == 0.0;
                if there {
                    break;
                }
            }
            prop_assert!(i < last || there, "{at:?} of {target}");
        }
    }

    #[test]
    fn nothing_panics(numbers in proptest::array::uniform6(proptest::num::f64::ANY), joint in binding()) {
        let l = limits(joint);
        let at = Motion { position: numbers[0], speed: numbers[1], change: numbers[2] };
        let mut stream = Stream { last: numbers[3], speed: numbers[4], change: numbers[1] };
        let _ = jerk_limited_step(numbers[5], at, &mut stream, true, &l, 0.01);
        let _ = step(numbers[5], at, &l, 0.01);
        let _ = brake(numbers[1], numbers[2], &l);
    }
}

#[test]
fn a_stream_that_a_joint_can_follow_is_caught_up_with() {
    for (rate, jerk) in [
        (1000.0, 2500.0),
        (1000.0, 100.0),
        (100.0, 100.0),
        (50.0, 300.0),
    ] {
        let (l, period) = (limits([2.0, 5.0, jerk, rate]), 1.0 / rate);
        let mut at = Motion {
            position: 0.0,
            speed: 0.0,
            change: 0.0,
        };
        let (mut stream, mut follows, mut joined) = (Stream::default(), true, None);
        for tick in 0..(6.0 * rate) as usize {
            let seconds = tick as f64 * period;
            let wanted = 0.5 + 0.3 * (1.7 * seconds).sin();
            let shaped = jerk_limited_step(wanted, at, &mut stream, follows, &l, period);
            let position = shaped.exact.unwrap_or(at.position + shaped.speed * period);
            follows = shaped.exact.is_some();
            match joined {
                None if follows => joined = Some(seconds),
                Some(since) => assert!(follows, "lost after {since} s"),
                None => {}
            }
            at = Motion {
                position,
                speed: shaped.speed,
                change: shaped.speed - at.speed,
            };
        }
        println!("{rate} Hz, jerk {jerk}: joined after {joined:?} s");
        assert!(joined.is_some_and(|s| s < 2.0), "{joined:?}");
    }
}
