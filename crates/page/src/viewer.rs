//! rerun's viewer, and recordings for it.

use crate::refusal::Refusal;
use apprentice_episode::Episode;
use apprentice_robot::RobotDescription;
use apprentice_studio::Studio;
use axum::body::Bytes;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use re_web_viewer_server::WebViewerData;
use std::path::PathBuf;
use std::sync::OnceLock;

/// Named after the version: browsers keep what is there.
pub(crate) const SCRIPT_PATH: &str = "/viewer/0.36.3/re_viewer.js";
/// As [`SCRIPT_PATH`].
pub(crate) const WASM_PATH: &str = "/viewer/0.36.3/re_viewer.wasm";

const FOR_GOOD: &str = "private, max-age=31536000, immutable";

fn data() -> Result<&'static WebViewerData, Refusal> {
    static DATA: OnceLock<Result<WebViewerData, String>> = OnceLock::new();
    let data = DATA.get_or_init(|| WebViewerData::load(None).map_err(|e| e.to_string()));
    data.as_ref().map_err(Refusal::broken)
}

fn kept(kind: &'static str, bytes: &'static [u8]) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, FOR_GOOD),
    ];
    (headers, Bytes::from_static(bytes)).into_response()
}

pub(crate) async fn script() -> Result<Response, Refusal> {
    Ok(kept("text/javascript; charset=utf-8", data()?.viewer_js()))
}

pub(crate) async fn wasm() -> Result<Response, Refusal> {
    Ok(kept("application/wasm", data()?.viewer_wasm()))
}

/// These episodes beside each other as an `.rrd` file, without anything that says which they are.
///
/// # Errors
/// When an episode cannot be read, or the recording not be written.
pub(crate) fn recording(
    files: &[PathBuf],
    robot: Option<&RobotDescription>,
) -> Result<Vec<u8>, Refusal> {
    let broken = |e: &dyn std::error::Error| Refusal::broken(apprentice_core::in_one_line(e));
    let mut clips = Vec::new();
    for (i, file) in files.iter().enumerate() {
        let episode = Episode::open(file).map_err(|e| broken(&e))?;
        clips.push((format!("clip {}", i + 1), episode));
    }
    let folder = tempfile::tempdir().map_err(|e| broken(&e))?;
    let path = folder.path().join("clips.rrd");
    let studio = match robot {
        Some(robot) => Studio::to_file(&path, robot),
        None => Studio::recordings_to_file(&path),
    };
    let studio = studio.map_err(|e| broken(&e))?;
    studio.clips(&clips);
    studio.finish().map_err(|e| broken(&e))?;
    std::fs::read(&path).map_err(|e| broken(&e))
}
