//! A folder of clips: videos, or folders of pictures.

use crate::LabelsError;
use crate::picture::read_picture;
use crate::video::read_video;
use apprentice_encoder::{Clip, ClipFrame};
use std::path::{Path, PathBuf};

/// Frames of a clip that are looked at, evenly over its length.
const FRAMES: usize = 8;
/// Most clips of a folder, and pictures of a clip.
const MOST: usize = 20_000;
const PICTURES: [&str; 3] = ["png", "jpg", "jpeg"];
const VIDEOS: [&str; 2] = ["mp4", "gif"];

/// Reads the clips `names` from `folder`, 8 frames of each, evenly over its length. `a` is the folder `a` of pictures (.png,
/// .jpg, in the order of their names) or the video `a.mp4` or `a.gif`; a name may be given with its extension.
///
/// # Errors
/// Names the clip that is not there, is empty, or cannot be read.
pub fn read_clips<'a>(
    folder: &Path,
    names: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<Clip>, LabelsError> {
    if !folder.is_dir() {
        let what = "it is not a folder; allowed: a folder of clips, or an .npz file";
        return Err(LabelsError::file(folder, what));
    }
    let names: Vec<&str> = names.into_iter().collect();
    if names.len() > MOST {
        let what = format!("{} clips are named, allowed: up to {MOST}", names.len());
        return Err(LabelsError::file(folder, what));
    }
    names
        .into_iter()
        .map(|name| read_clip(folder, name))
        .collect()
}

fn read_clip(folder: &Path, name: &str) -> Result<Clip, LabelsError> {
    let plain = Path::new(name)
        .components()
        .all(|c| matches!(c, std::path::Component::Normal(_)));
    if !plain {
        let what = format!("the labels name '{name}', allowed: names within this folder");
        return Err(LabelsError::file(folder, what));
    }
    let named = folder.join(name);
    let images = if named.is_dir() {
        let pictures = pictures(&named)?;
        let chosen = chosen(pictures.len()).map(|index| read_picture(&pictures[index]));
        chosen.collect::<Result<Vec<_>, _>>()?
    } else {
        let with = |extension: &&str| folder.join(format!("{name}.{extension}"));
        let video = VIDEOS
            .iter()
            .map(with)
            .chain([named])
            .find(|path| path.is_file());
        let Some(video) = video else {
            let what = format!(
                "there is no clip '{name}'; looked for the folder {name} of pictures, {name}.mp4 and {name}.gif"
            );
            return Err(LabelsError::file(folder, what));
        };
        let frames = read_video(&video)?;
        chosen(frames.len())
            .map(|index| frames[index].clone())
            .collect()
    };
    let frames = images
        .into_iter()
        .map(|image| ClipFrame::of_images(vec![image]));
    Ok(Clip {
        frames: frames.collect(),
    })
}

/// Which of so many frames are looked at.
fn chosen(there: usize) -> impl Iterator<Item = usize> {
    let count = there.min(FRAMES);
    (0..count).map(move |i| {
        if count < 2 {
            0
        } else {
            i * (there - 1) / (count - 1)
        }
    })
}

fn pictures(folder: &Path) -> Result<Vec<PathBuf>, LabelsError> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(LabelsError::io(folder))? {
        let path = entry.map_err(LabelsError::io(folder))?.path();
        let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase());
        if extension.is_some_and(|e| PICTURES.contains(&e.as_str())) {
            found.push(path);
        }
        if found.len() > MOST {
            return Err(LabelsError::file(
                folder,
                format!("more than {MOST} pictures"),
            ));
        }
    }
    if found.is_empty() {
        return Err(LabelsError::file(
            folder,
            "there is no .png or .jpg picture in it",
        ));
    }
    found.sort();
    Ok(found)
}
