//! Frames of videos, by an `ffmpeg` that is installed: no decoder of video is built in.

use crate::LabelsError;
use apprentice_core::Image;
use std::io::{ErrorKind, Read};
use std::path::Path;
use std::process::{Command, Stdio};

/// Height and width of the frames, pixels.
const SIDE: u32 = 224;
/// Most frames of a video; later ones are left out.
const MOST_FRAMES: usize = 1024;

/// All frames of the video, at most 1024, as 224 x 224 pixels.
pub fn read_video(path: &Path) -> Result<Vec<Image>, LabelsError> {
    let refuse = |what: String| LabelsError::file(path, what);
    // The path as a file's, so that no name is taken for an option or an address.
    let path_of_file = path.canonicalize().map_err(LabelsError::io(path))?;
    let started = Command::new("ffmpeg")
        .args([
            "-nostdin",
            "-v",
            "error",
            "-protocol_whitelist",
            "file",
            "-i",
        ])
        .arg(&path_of_file)
        .args(["-an", "-frames:v", &MOST_FRAMES.to_string()])
        .args(["-vf", &format!("scale={SIDE}:{SIDE}")])
        .args(["-f", "rawvideo", "-pix_fmt", "rgb24", "-"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut child = started.map_err(|error| {
        if error.kind() == ErrorKind::NotFound {
            let folder = path.with_extension("");
            refuse(format!(
                "videos are read by ffmpeg, which is not installed here; install it, or make a folder of pictures \
                 where it is: mkdir {0} && ffmpeg -i {1} {0}/%05d.png, and remove the video",
                folder.display(),
                path.display()
            ))
        } else {
            refuse(format!("ffmpeg cannot be started: {error}"))
        }
    })?;
    let size = (SIDE * SIDE * 3) as usize;
    let mut frames = Vec::new();
    let mut failed = None;
    if let Some(mut out) = child.stdout.take() {
        while frames.len() < MOST_FRAMES {
            let mut rgb = Vec::with_capacity(size);
            match out.by_ref().take(size as u64).read_to_end(&mut rgb) {
                Ok(read) if read == size => {
                    let image = Image::new(SIDE, SIDE, rgb).map_err(|e| refuse(e.to_string()))?;
                    frames.push(image);
                }
                Ok(0) => break,
                Ok(_) => {
                    failed = Some("ffmpeg ended within a frame".to_owned());
                    break;
                }
                Err(error) => {
                    failed = Some(format!("ffmpeg's frames cannot be read: {error}"));
                    break;
                }
            }
        }
    }
    let ended = child.wait().map_err(LabelsError::io(path))?;
    if let Some(what) = failed {
        return Err(refuse(what));
    }
    if !ended.success() || frames.is_empty() {
        return Err(refuse(
            "ffmpeg finds no video in it, or it is damaged; allowed: what ffmpeg reads (mp4, gif)"
                .into(),
        ));
    }
    Ok(frames)
}
