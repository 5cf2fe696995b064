//! Messages and hashes, against rosbags.

use super::{python, scripts};
use apprentice_adapter::cdr::{self, *};
use apprentice_adapter::ros2::type_hashes;
use serde::Serialize;
use serde_json::{Value, json};
use std::process::{Command, Stdio};

/// Random messages, and how theirs are read and written again.
struct Kind {
    name: &'static str,
    ours: Vec<Vec<u8>>,
    again: fn(&[u8]) -> Vec<u8>,
}

macro_rules! kind {
    ($of:ty, $make:expr) => {
        Kind {
            name: stringify!($of),
            ours: (0..200).map(|_| encode(&$make)).collect(),
            again: |bytes| encode(&cdr::decode::<$of>(bytes).unwrap()),
        }
    };
}

fn encode<T: Serialize>(message: &T) -> Vec<u8> {
    cdr::encode(message).unwrap()
}

fn kinds() -> Vec<Kind> {
    // SplitMix64 (Steele, Lea and Flood 2014).
    let seed = std::cell::Cell::new(3u64);
    let word = || {
        seed.set(seed.get().wrapping_add(0x9e37_79b9_7f4a_7c15));
        let mixed = (seed.get() ^ (seed.get() >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) as u32
    };
    let below = |n: u32| word() % n;
    let number = || f64::from(word() as i32) * 1e-9;
    let numbers = |n: u32| Numbers((0..n).map(|_| number()).collect());
    let time = || Time {
        sec: word() as i32,
        nanosec: word(),
    };
    let text =
        || ["", "a", "base_link", "über", "shoulder_pan_joint"][below(5) as usize].to_owned();
    let header = || Header {
        stamp: time(),
        frame_id: text(),
    };
    let names = |n: u32| (0..n).map(|i| format!("{}{i}", text())).collect::<Names>();
    let id = || [0; 16].map(|_: u8| word() as u8);
    let flag = || below(2) == 1;
    let bytes: Vec<u8> = (0..=255).collect();
    let points = || {
        let mut points = Points::default();
        for _ in 0..below(5) {
            let lists = [0; 4].map(|_: u8| numbers(below(8)));
            let point = TrajectoryPoint {
                positions: &lists[0].0,
                velocities: &lists[1].0,
                accelerations: &lists[2].0,
                effort: &lists[3].0,
                time_from_start: time(),
            };
            points.push(&point).unwrap();
        }
        points
    };
    let mut states = kind!(JointState, {
        let n = below(9);
        JointState {
            header: header(),
            name: names(n),
            position: numbers(n),
            velocity: numbers(n),
            effort: numbers(below(2) * n),
        }
    });
    let known = JointState {
        header: Header {
            stamp: Time {
                sec: 17,
                nanosec: 5,
            },
            frame_id: "base".into(),
        },
        name: ["elbow", "wrist"].into_iter().collect(),
        position: Numbers(vec![0.5, -1.25]),
        velocity: Numbers(vec![2.0, 3.0]),
        effort: Numbers::default(),
    };
    states.ours.insert(0, encode(&known));
    vec![
        states,
        kind!(Float64, Float64 { data: number() }),
        kind!(Float64MultiArray, {
            let label = text();
            let dimensions = [(label.as_str(), [word(), word()]); 3];
            Float64MultiArray {
                layout: Layout::new(&dimensions[..below(4) as usize], word()),
                data: numbers(below(20)),
            }
        }),
        kind!(
            JointTrajectory,
            JointTrajectory {
                header: header(),
                joint_names: names(below(8)),
                points: points()
            }
        ),
        kind!(TwistStamped, {
            let vector = || Vector3 {
                x: number(),
                y: number(),
                z: number(),
            };
            TwistStamped {
                header: header(),
                twist: Twist {
                    linear: vector(),
                    angular: vector(),
                },
            }
        }),
        kind!(
            JointJog,
            JointJog {
                header: header(),
                joint_names: names(below(8)),
                displacements: numbers(below(8)),
                velocities: numbers(below(8)),
                duration: number()
            }
        ),
        Kind {
            name: "Image",
            ours: (0..200)
                .map(|_| {
                    let data = &bytes[..below(256) as usize];
                    encode(&RawImage {
                        header: header(),
                        height: word(),
                        width: word(),
                        encoding: text(),
                        is_bigendian: word() as u8,
                        step: word(),
                        data,
                    })
                })
                .collect(),
            again: |bytes| encode(&cdr::decode::<RawImage>(bytes).unwrap()),
        },
        Kind {
            name: "CompressedImage",
            ours: (0..200)
                .map(|_| {
                    encode(&CompressedImage {
                        header: header(),
                        format: text(),
                        data: &bytes[..below(256) as usize],
                    })
                })
                .collect(),
            again: |bytes| encode(&cdr::decode::<CompressedImage>(bytes).unwrap()),
        },
        kind!(
            SendGoalRequest,
            SendGoalRequest {
                goal_id: id(),
                position: number(),
                max_effort: number()
            }
        ),
        kind!(
            SendGoalResponse,
            SendGoalResponse {
                accepted: flag(),
                stamp: time()
            }
        ),
        kind!(GetResultRequest, GetResultRequest { goal_id: id() }),
        kind!(
            GetResultResponse,
            GetResultResponse {
                status: word() as i8,
                position: number(),
                effort: number(),
                stalled: flag(),
                reached_goal: flag()
            }
        ),
        kind!(
            Feedback,
            Feedback {
                goal_id: id(),
                position: number(),
                effort: number(),
                stalled: flag(),
                reached_goal: flag()
            }
        ),
        kind!(
            CancelRequest,
            CancelRequest {
                goal_info: GoalInfo {
                    goal_id: id(),
                    stamp: time()
                }
            }
        ),
        kind!(
            CancelResponse,
            CancelResponse {
                return_code: word() as i8,
                goals_canceling: (0..below(4))
                    .map(|_| GoalInfo {
                        goal_id: id(),
                        stamp: time()
                    })
                    .collect()
            }
        ),
        kind!(
            TriggerResponse,
            TriggerResponse {
                success: flag(),
                message: text()
            }
        ),
    ]
}

fn records(mut data: &[u8]) -> Vec<&[u8]> {
    let mut all = Vec::new();
    while let Some((length, rest)) = data.split_first_chunk::<4>() {
        let (record, rest) = rest.split_at(u32::from_le_bytes(*length) as usize);
        all.push(record);
        data = rest;
    }
    all
}

#[test]
#[ignore = "beside Python programs, which it installs below target: `-- --ignored needs_python`"]
fn needs_python_messages_and_hashes_are_those_of_rosbags() {
    let python = python();
    let folder = tempfile::tempdir().unwrap();
    let ours = folder.path().join("ours");
    std::fs::create_dir(&ours).unwrap();
    let kinds = kinds();
    for kind in &kinds {
        let each = kind.ours.iter();
        let all: Vec<u8> = each
            .flat_map(|m| {
                (m.len() as u32)
                    .to_le_bytes()
                    .into_iter()
                    .chain(m.iter().copied())
            })
            .collect();
        std::fs::write(ours.join(format!("{}.bin", kind.name)), all).unwrap();
    }
    let output = Command::new(&python)
        .arg(scripts().join("messages.py"))
        .arg(folder.path())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success());
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        said["first"],
        json!([
            17,
            5,
            "base",
            ["elbow", "wrist"],
            [0.5, -1.25],
            [2.0, 3.0],
            []
        ])
    );
    let (mut to, mut from, mut messages) = (0, 0, 0);
    for kind in &kinds {
        let report = &said["report"][kind.name];
        assert_eq!(report["count"], kind.ours.len(), "{}", kind.name);
        assert_eq!(report["differ"], 0, "{}", kind.name);
        to += report["bytes"].as_u64().unwrap();
        let theirs =
            std::fs::read(folder.path().join(format!("theirs/{}.bin", kind.name))).unwrap();
        let theirs = records(&theirs);
        assert_eq!(theirs.len(), 200, "{}", kind.name);
        for record in &theirs {
            assert_eq!((kind.again)(record), *record, "{}", kind.name);
        }
        from += theirs.iter().map(|r| r.len() as u64).sum::<u64>();
        messages += theirs.len() + kind.ours.len();
    }
    let hashes = said["hashes"].as_object().unwrap();
    for of in type_hashes::ALL {
        assert_eq!(hashes[of.name], of.hash, "{}", of.name);
    }
    // From the design document of rmw_zenoh: shows that rosbags hashes services as ROS does.
    assert_eq!(
        hashes["example_interfaces/srv/AddTwoInts"],
        "RIHS01_e118de6bf5eeb66a2491b5bda11202e7b68f198d6f67922cf30364858239c81a"
    );
    println!(
        "{} kinds, {messages} messages: {to} bytes of ours and {from} of rosbags the same; {} hashes the same",
        kinds.len(),
        type_hashes::ALL.len()
    );
}
