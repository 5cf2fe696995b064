//! What a node does with what it must not obey: the table our own arm endpoint has to match.

use crate::raw::RawClient;
use crate::row::Rows;
use crate::watch::Watch;
use apprentice_adapter::franka_node::FrankaNode;
use apprentice_adapter::franka_node::wire::{Phase, State, TargetKind};
use apprentice_link::Arm as _;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::json;
use std::error::Error;
use std::time::{Duration, Instant};

/// Targets of each kind.
const OF_EACH: u64 = 10;
/// Between two, so that each is judged and none overtaken.
const APART: Duration = Duration::from_millis(25);
/// What an arm that does not move may seem to, rad.
const STILL: f64 = 0.001;
/// The node's defaults.
const HOLD_MS: f64 = 200.0;
const STOP_MS: f64 = 2000.0;
const RATE_HZ: f64 = 250.0;
/// How late the node's watchdogs may be seen to act, ms.
const LATE_MS: f64 = 50.0;

/// Runs the table against the arm, which must be free.
pub fn run(endpoint: &str, arm: &str, watch: &Watch, other: &mut FrankaNode) -> Rows {
    let mut rows = Rows::new("R18");
    if let Err(error) = table(endpoint, arm, watch, other, &mut rows) {
        rows.failed("the behaviour table", &error);
    }
    rows
}

fn table(
    endpoint: &str,
    arm: &str,
    watch: &Watch,
    other: &mut FrankaNode,
    rows: &mut Rows,
) -> Result<(), Box<dyn Error>> {
    let mut client = RawClient::new(endpoint, arm, 4711)?;
    client.acquire()?;
    let here = client.enable(watch)?.target;
    let mut beyond = here;
    beyond[0] += 1.0;
    let mut nan = here;
    nan[3] = f64::NAN;
    let mut inf = here;
    inf[3] = f64::INFINITY;

    judged(rows, watch, &mut client, here, "valid", true, |c| {
        c.put(here)
    })?;
    judged(rows, watch, &mut client, here, "not a number", false, |c| {
        c.put(nan)
    })?;
    judged(rows, watch, &mut client, here, "infinite", false, |c| {
        c.put(inf)
    })?;
    judged(rows, watch, &mut client, here, "1 rad away", false, |c| {
        c.put(beyond)
    })?;
    judged(rows, watch, &mut client, here, "replayed", false, |c| {
        c.put_as(here, |t| t.sequence = 1)
    })?;
    judged(rows, watch, &mut client, here, "foreign", false, |c| {
        c.put_as(here, |t| t.client_id += 1)
    })?;
    judged(
        rows,
        watch,
        &mut client,
        here,
        "of another kind",
        false,
        |c| c.put_as(here, |t| t.kind = TargetKind::Cartesian),
    )?;
    random_bytes(rows, watch, &mut client, here)?;
    flood(rows, watch, &mut client, here)?;
    let refused = other
        .engage()
        .err()
        .map_or(String::new(), |e| e.to_string());
    let told = refused.contains("held by 4711");
    rows.add(
        format!("a second client by our adapter: {refused:?}"),
        f64::from(u8::from(told)),
        "= 1, refused with who holds the arm",
        told,
    );
    silence(rows, watch, &mut client, here)?;
    lost_lease(rows, watch, &mut client)?;
    rows.since_now();
    other.engage()?;
    other.disengage()?;
    rows.add(
        "engaged by our adapter after all that",
        1.0,
        "= 1, engaged and released",
        true,
    );
    Ok(())
}

fn counts(state: &State) -> [u64; 3] {
    [state.accepted, state.refused, state.dropped]
}

/// The largest change of a joint.
fn moved(before: &State, after: &State) -> f64 {
    let both = before.q.iter().zip(&after.q);
    both.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// Sends some targets of one kind, and sees what became of them.
fn judged(
    rows: &mut Rows,
    watch: &Watch,
    client: &mut RawClient,
    here: [f64; 7],
    what: &str,
    good: bool,
    mut put: impl FnMut(&mut RawClient) -> Result<(), Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    // What is refused may be no sign of life to the node: this is one.
    client.put(here)?;
    std::thread::sleep(Duration::from_millis(100));
    let _ = watch.take();
    let before = watch.now()?;
    for _ in 0..OF_EACH {
        put(client)?;
        std::thread::sleep(APART);
    }
    std::thread::sleep(Duration::from_millis(100));
    let after = watch.now()?;
    let [b, a] = [counts(&before), counts(&after)];
    let [accepted, refused, dropped] = [0, 1, 2].map(|i: usize| a[i].saturating_sub(b[i]));
    let moved = moved(&before, &after);
    let pass = after.phase == Phase::Active
        && moved <= STILL
        && [accepted, refused, dropped]
            == if good {
                [OF_EACH, 0, 0]
            } else {
                [0, OF_EACH, 0]
            };
    let (figure, limit) = if good {
        (accepted, "= 10 accepted, none refused, still active")
    } else {
        (
            refused,
            "= 10 refused, none accepted, arm within 0.001 rad, still active",
        )
    };
    rows.add(
        format!("{OF_EACH} targets {what}: {accepted} accepted, {refused} refused, {dropped} dropped, arm moved {moved:.5} rad"),
        figure as f64,
        limit,
        pass,
    );
    Ok(())
}

fn random_bytes(
    rows: &mut Rows,
    watch: &Watch,
    client: &mut RawClient,
    here: [f64; 7],
) -> Result<(), Box<dyn Error>> {
    const MANY: u64 = 200;
    let settle = |client: &mut RawClient| -> Result<u64, Box<dyn Error>> {
        // The status comes once a second; the session must not end for that.
        for _ in 0..15 {
            client.put(here)?;
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(client.decode_failures().ok_or("the node says no status")?)
    };
    let failures = settle(client)?;
    let before = watch.now()?;
    let mut rng = ChaCha8Rng::seed_from_u64(6);
    for _ in 0..MANY {
        let mut bytes = vec![0u8; rng.random_range(0..120)];
        rng.fill(&mut bytes[..]);
        if let Some(first) = bytes.first_mut()
            && *first == 1
        {
            *first = 2;
        }
        client.put_bytes(bytes)?;
        std::thread::sleep(Duration::from_millis(2));
    }
    std::thread::sleep(Duration::from_millis(50));
    let after = watch.now()?;
    let failures = settle(client)?.saturating_sub(failures);
    let moved = moved(&before, &after);
    let judged = after.accepted + after.refused - before.accepted - before.refused;
    rows.add(
        format!(
            "{MANY} messages of random bytes: {judged} taken for targets, arm moved {moved:.5} rad"
        ),
        failures as f64,
        "= 200 unreadable, none taken for a target, arm within 0.001 rad",
        failures == MANY && judged == 0 && moved <= STILL,
    );
    Ok(())
}

fn flood(
    rows: &mut Rows,
    watch: &Watch,
    client: &mut RawClient,
    here: [f64; 7],
) -> Result<(), Box<dyn Error>> {
    const MANY: u64 = 2000;
    // The node's bucket for bursts holds two seconds' worth, and is full again after as long.
    let before = watch.now()?;
    let start = Instant::now();
    for i in 1..=MANY {
        client.put(here)?;
        let due = start + Duration::from_micros(500 * i);
        if let Some(left) = due.checked_duration_since(Instant::now()) {
            std::thread::sleep(left);
        }
    }
    std::thread::sleep(Duration::from_millis(50));
    let took = start.elapsed().as_secs_f64();
    let after = watch.now()?;
    let [b, a] = [counts(&before), counts(&after)];
    let [accepted, refused, dropped] = [0, 1, 2].map(|i: usize| a[i].saturating_sub(b[i]));
    let most = 2.0 * RATE_HZ + took * RATE_HZ;
    let moved = moved(&before, &after);
    rows.add(
        format!("flood of {MANY} valid targets in {took:.2} s: {refused} refused, {dropped} dropped, arm moved {moved:.5} rad"),
        accepted as f64,
        &format!("<= {most:.0} accepted, {MANY} accounted for, arm within 0.001 rad, still active"),
        accepted as f64 <= most
            && accepted + refused + dropped == MANY
            && moved <= STILL
            && after.phase == Phase::Active,
    );
    Ok(())
}

fn silence(
    rows: &mut Rows,
    watch: &Watch,
    client: &mut RawClient,
    here: [f64; 7],
) -> Result<(), Box<dyn Error>> {
    // After a flood targets are refused for a while; what is held is what was accepted.
    std::thread::sleep(Duration::from_millis(200));
    for _ in 0..10 {
        client.put(here)?;
        std::thread::sleep(APART);
    }
    client.put(here)?;
    let last = Instant::now();
    rows.since_now();
    let patience = Duration::from_secs(4);
    let (held, _) = watch.until("holding", last + Duration::from_millis(30), patience, |s| {
        s.holding
    })?;
    let (stopped, _) = watch.until("a stop", last, patience, |s| s.phase != Phase::Active)?;
    for (what, when, after) in [
        ("holding is flagged", held, HOLD_MS),
        ("the session ends", stopped, STOP_MS),
    ] {
        let ms = (when - last).as_secs_f64() * 1e3;
        rows.add(
            format!("silence: {what} after the last target, ms"),
            ms,
            &format!("{} to {}", after - 10.0, after + LATE_MS),
            (after - 10.0..=after + LATE_MS).contains(&ms),
        );
    }
    let idle = |s: &State| s.phase == Phase::Idle;
    watch.until("idle", stopped, Duration::from_secs(8), idle)?;
    Ok(())
}

fn lost_lease(
    rows: &mut Rows,
    watch: &Watch,
    client: &mut RawClient,
) -> Result<(), Box<dyn Error>> {
    let here = client.enable(watch)?.target;
    for _ in 0..10 {
        client.put(here)?;
        std::thread::sleep(APART);
    }
    rows.since_now();
    let _ = watch.take();
    let lost = client.lose_lease()?;
    let (stopping, state) = watch.until("stopping", lost, Duration::from_secs(4), |s| {
        s.phase != Phase::Active
    })?;
    let ms = (stopping - lost).as_secs_f64() * 1e3;
    rows.add(
        format!("lease lost: the arm is {} after, ms", state.phase.name()),
        ms,
        "<= 10, stopping",
        ms <= 10.0 && state.phase == Phase::Stopping,
    );
    let free = |s: &State| s.phase == Phase::Idle && s.client_id == 0;
    watch.until("free", stopping, Duration::from_secs(8), free)?;
    if let Some(no) = client.ask("enable", &json!({"client_id": client.id, "mode": "joints"}))? {
        rows.add(
            format!("enabling without a lease: {no:?}"),
            1.0,
            "= 1, refused",
            true,
        );
    } else {
        rows.add("enabling without a lease", 0.0, "= 1, refused", false);
    }
    Ok(())
}
