//! FilmStrip strips: moments of an episode as each camera saw them, inside the page.

use super::escape::escape;
use anyhow::{Result, ensure};
use apprentice_core::Image;
use apprentice_episode::Episode;
use std::fmt::Write as _;

/// Moments of a strip.
pub const MOMENTS: usize = 8;
/// Largest side of a picture in a strip, pixels.
const SIDE: u32 = 128;
/// Clear pixels between two pictures.
const GAP: usize = 4;

/// An episode's strip.
#[derive(Clone, Debug)]
pub struct FilmStrip {
    /// What is shown.
    pub title: String,
    /// Why it is shown, and what to see.
    pub caption: String,
    /// Robot time of each moment, seconds from the first tick.
    pub seconds: Vec<f64>,
    /// Cameras: name, and the moments side by side as a PNG.
    pub cameras: Vec<(String, Vec<u8>)>,
    /// Reward of each moment, evenly spread over the episode; may be empty.
    pub rewards: Vec<f64>,
}

impl FilmStrip {
    /// Takes the moments out of `episode`.
    ///
    /// # Errors
    /// When it has no ticks, or a picture cannot be encoded.
    pub fn of(
        episode: &Episode,
        title: String,
        caption: String,
        rewards: Vec<f64>,
    ) -> Result<Self> {
        let picked = spread(episode.ticks.len(), MOMENTS);
        ensure!(
            !picked.is_empty(),
            "episode {} has no ticks",
            episode.id.short()
        );
        let start = episode.ticks[picked[0]].stamp_ns;
        let seconds = picked
            .iter()
            .map(|&t| (episode.ticks[t].stamp_ns - start) as f64 / 1e9)
            .collect();
        let cameras = episode
            .meta
            .cameras
            .iter()
            .enumerate()
            .map(|(camera, info)| {
                let frames = picked
                    .iter()
                    .filter_map(|&t| episode.ticks[t].observation.frames.get(camera));
                let pictures: Vec<Image> = frames.map(|f| small(&f.image)).collect();
                Ok((info.name.clone(), strip(&pictures)?))
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            title,
            caption,
            seconds,
            cameras,
            rewards,
        })
    }

    /// The strip as HTML. `lowest` is the reward that makes the shortest bar, so that strips beside
    /// each other can share it.
    #[must_use]
    pub fn html(&self, lowest: f64) -> String {
        let mut html = format!(
            "<figure class=\"film\"><figcaption>{}</figcaption>",
            escape(&self.title)
        );
        for (name, png) in &self.cameras {
            let _ = write!(
                html,
                r#"<div class="strip"><span>{name}</span><img alt="{name} camera, {count} moments: {title}" src="data:image/png;base64,{data}"></div>"#,
                name = escape(name),
                count = self.seconds.len(),
                title = escape(&self.title),
                data = base64(png)
            );
        }
        html.push_str("<div class=\"strip times\"><span></span><div>");
        for second in &self.seconds {
            let _ = write!(html, "<i>{second:.1} s</i>");
        }
        html.push_str("</div></div>");
        if !self.rewards.is_empty() {
            html.push_str("<div class=\"strip\"><span>reward</span>");
            html.push_str(&bars(&self.rewards, lowest));
            html.push_str("</div>");
        }
        let _ = write!(html, "<p>{}</p></figure>", escape(&self.caption));
        html
    }
}

/// `count` evenly spread indices below `length`, first and last among them.
fn spread(length: usize, count: usize) -> Vec<usize> {
    match (length, count) {
        (0, _) | (_, 0) => Vec::new(),
        (_, 1) => vec![0],
        _ if length <= count => (0..length).collect(),
        _ => (0..count)
            .map(|i| (i * (length - 1) + (count - 1) / 2) / (count - 1))
            .collect(),
    }
}

fn small(image: &Image) -> Image {
    let longest = image.width().max(image.height()).max(1);
    if longest <= SIDE {
        return image.clone();
    }
    let shrunk = |side: u32| (side * SIDE / longest).max(1);
    image.resized(shrunk(image.width()), shrunk(image.height()))
}

/// Pictures of one size side by side, clear between them, as a PNG.
pub fn strip(pictures: &[Image]) -> Result<Vec<u8>> {
    let (width, height) = pictures
        .first()
        .map_or((0, 0), |p| (p.width() as usize, p.height() as usize));
    ensure!(width > 0 && height > 0, "a film strip needs pictures");
    let same = pictures
        .iter()
        .all(|p| p.width() as usize == width && p.height() as usize == height);
    ensure!(same, "the pictures of a film strip differ in size");
    let whole = pictures.len() * (width + GAP) - GAP;
    let mut rgba = vec![0u8; whole * height * 4];
    for (i, picture) in pictures.iter().enumerate() {
        for (y, row) in picture.rgb().chunks_exact(width * 3).enumerate() {
            for (x, pixel) in row.chunks_exact(3).enumerate() {
                let at = (y * whole + i * (width + GAP) + x) * 4;
                rgba[at..at + 3].copy_from_slice(pixel);
                rgba[at + 3] = 255;
            }
        }
    }
    let mut png = Vec::new();
    let mut encoder = png::Encoder::new(&mut png, u32::try_from(whole)?, u32::try_from(height)?);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::High);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&rgba)?;
    writer.finish()?;
    Ok(png)
}

/// Rewards (0 is best) as bars: the better, the taller.
fn bars(rewards: &[f64], lowest: f64) -> String {
    let step = 1000.0 / rewards.len() as f64;
    let mut svg = String::new();
    for (i, reward) in rewards.iter().enumerate() {
        let share = if lowest < 0.0 {
            (1.0 - reward / lowest).clamp(0.0, 1.0)
        } else {
            1.0
        };
        let height = 2.0 + 38.0 * if share.is_finite() { share } else { 0.0 };
        let _ = write!(
            svg,
            r#"<rect class="bar k-after" x="{:.1}" y="{:.1}" width="{:.1}" height="{height:.1}"/>"#,
            i as f64 * step + 2.0,
            40.0 - height,
            step - 4.0
        );
    }
    format!(
        r#"<svg viewBox="0 0 1000 40" preserveAspectRatio="none" role="img" aria-label="reward of each moment; taller is better">{svg}</svg>"#
    )
}

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let byte = |i: usize| u32::from(three.get(i).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for i in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * i) & 63) as usize];
            text.push(if i > three.len() {
                '='
            } else {
                char::from(letter)
            });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use apprentice_pipeline::sample_episode::sample_episode as episode;

    #[test]
    fn base64_is_that_of_the_rfc() {
        let pairs = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("foobar", "Zm9vYmFy"),
        ];
        for (plain, coded) in pairs {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
        assert_eq!(base64(&[0xfb, 0xff]), "+/8=");
    }

    #[test]
    fn moments_are_spread_from_first_to_last() {
        assert_eq!(spread(56, 8), [0, 8, 16, 24, 31, 39, 47, 55]);
        assert_eq!(spread(3, 8), [0, 1, 2]);
        assert!(spread(0, 8).is_empty());
    }

    #[test]
    fn a_strip_holds_the_pictures_in_order() {
        let plain = |v: u8| Image::new(2, 1, vec![v; 6]).unwrap();
        let png = strip(&[plain(10), plain(20)]).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(png))
            .read_info()
            .unwrap();
        let mut rgba = vec![1; (2 * 2 + GAP) * 4];
        reader.next_frame(&mut rgba).unwrap();
        assert_eq!(
            (&rgba[..4], rgba[2 * 4 + 3], &rgba[6 * 4..7 * 4]),
            (&[10, 10, 10, 255][..], 0, &[20, 20, 20, 255][..])
        );
        assert!(
            strip(&[]).is_err()
                && strip(&[plain(1), Image::new(1, 1, vec![0; 3]).unwrap()]).is_err()
        );
    }

    #[test]
    fn a_film_shows_every_camera_and_escapes_its_words() {
        let film = FilmStrip::of(
            &episode(1.0),
            "<best>".into(),
            "a & b".into(),
            vec![-0.1, -0.2],
        )
        .unwrap();
        let html = film.html(-0.2);
        assert_eq!((film.cameras.len(), film.seconds.len()), (2, MOMENTS));
        assert!(
            html.contains("&lt;best&gt;") && html.contains("a &amp; b") && !html.contains("<best>")
        );
        assert_eq!(html.matches("data:image/png;base64,iVBOR").count(), 2);
    }
}
