//! How the viewer arranges what is logged.

use rerun::blueprint::{
    Blueprint, BlueprintActivation, BlueprintPanel, ContainerLike, Grid, Horizontal,
    SelectionPanel, Spatial2DView, Spatial3DView, TextDocumentView, TextLogView, TimePanel,
    TimeSeriesView, Vertical,
};
use rerun::{RecordingStream, RecordingStreamResult, blueprint::components::PanelState};

/// Tick number over all episodes of the recording.
pub(crate) const STEP: &str = "step";
/// Seconds since clips began: what is shown along it plays as fast as it happened.
pub(crate) const SECONDS: &str = "seconds";

/// The arm, its cameras and its plots below `root` (empty, or with a slash at the end).
fn live(root: &str, cameras: &[String], arm: bool) -> ContainerLike {
    let mut scene: Vec<ContainerLike> = Vec::new();
    if arm {
        let view = Spatial3DView::new("arm").with_origin(format!("{root}world"));
        scene.push(view.into());
    }
    let pictures = cameras.iter().map(|name| picture(root, name));
    scene.push(Horizontal::new(pictures).into());
    let shares = vec![if arm { 3.0 } else { 1.0 }, 1.0];
    let scene_column = Vertical::new(scene).with_row_shares(shares);
    let plot = |name: &str, path: &str| -> ContainerLike {
        let view = TimeSeriesView::new(name).with_origin(format!("{root}{path}"));
        view.into()
    };
    let words = |name: &str| -> ContainerLike {
        let view = TextDocumentView::new(name).with_origin(format!("{root}{name}"));
        view.into()
    };
    let log = TextLogView::new("log").with_origin(format!("{root}log"));
    let plots = Vertical::new([
        Horizontal::new([words("episode"), words("holder")]).into(),
        log.into(),
        plot("joints", "joints"),
        plot("gripper", "gripper"),
        plot("action", "action"),
        plot("reward", "reward"),
        plot("guard", "guard"),
    ])
    .with_row_shares(vec![0.5, 0.7, 1.0, 0.7, 1.0, 1.0, 0.7]);
    Horizontal::new([scene_column.into(), plots.into()])
        .with_column_shares(vec![3.0, 2.0])
        .into()
}

fn picture(root: &str, camera: &str) -> ContainerLike {
    named_picture(camera.to_owned(), root, camera)
}

fn named_picture(name: String, root: &str, camera: &str) -> ContainerLike {
    Spatial2DView::new(name)
        .with_origin(format!("{root}cameras/{camera}"))
        .into()
}

/// Arranges one arm at a time.
pub(crate) fn send_live(
    to: &RecordingStream,
    cameras: &[String],
    arm: bool,
) -> RecordingStreamResult<()> {
    send(to, live("", cameras, arm))
}

/// Arranges a robot by itself: the arm, what was found, and the sweep of each joint.
pub(crate) fn send_robot(to: &RecordingStream, joints: &[&str]) -> RecordingStreamResult<()> {
    let arm = Spatial3DView::new("robot").with_origin("world");
    let sweeps = joints.iter().map(|name| -> ContainerLike {
        let view = TimeSeriesView::new(*name).with_origin(format!("joints/{name}"));
        view.into()
    });
    let beside = Vertical::new([
        TextDocumentView::new("findings")
            .with_origin("findings")
            .into(),
        Grid::new(sweeps).with_grid_columns(2).into(),
    ])
    .with_row_shares(vec![1.0, 1.5]);
    let all = Horizontal::new([arm.into(), beside.into()]).with_column_shares(vec![3.0, 2.0]);
    send(to, all.into())
}

/// Arranges clips side by side, a column each under its label: its pictures, the arm where it is drawn, its actions.
pub(crate) fn send_clips(
    to: &RecordingStream,
    clips: &[(String, Vec<String>)],
    arm: bool,
) -> RecordingStreamResult<()> {
    let columns = clips.iter().map(|(label, cameras)| -> ContainerLike {
        let root = clip_root(label);
        // A viewer shows the names of pictures, not those of what they are in.
        let pictures = cameras
            .iter()
            .map(|name| named_picture(format!("{label}: {name}"), &root, name));
        let mut rows: Vec<ContainerLike> = vec![Grid::new(pictures).into()];
        let mut shares = vec![2.0];
        if arm {
            let view = Spatial3DView::new("arm").with_origin(format!("{root}world"));
            rows.push(view.into());
            shares.push(2.0);
        }
        let actions = TimeSeriesView::new("action").with_origin(format!("{root}action"));
        rows.push(actions.into());
        shares.push(1.0);
        let column = Vertical::new(rows).with_row_shares(shares);
        column.with_name(label.as_str()).into()
    });
    send_along(to, Horizontal::new(columns).into(), SECONDS)
}

/// Where a clip's things are logged, slash at the end.
pub(crate) fn clip_root(label: &str) -> String {
    let plain: String = label
        .chars()
        .map(|c| if c.is_alphanumeric() { c } else { '_' })
        .collect();
    format!("clips/{plain}/")
}

fn send(to: &RecordingStream, root: ContainerLike) -> RecordingStreamResult<()> {
    send_along(to, root, STEP)
}

fn send_along(
    to: &RecordingStream,
    root: ContainerLike,
    timeline: &'static str,
) -> RecordingStreamResult<()> {
    Blueprint::new(root)
        .with_auto_views(false)
        .with_blueprint_panel(BlueprintPanel::from_state(PanelState::Collapsed))
        .with_selection_panel(SelectionPanel::from_state(PanelState::Collapsed))
        .with_time_panel(TimePanel::new().with_timeline(timeline))
        .send(to, BlueprintActivation::default())
}
