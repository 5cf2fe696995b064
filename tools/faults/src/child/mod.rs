//! What this program does when it is started to be killed, frozen, starved or flooded by.

mod cpu_load;
mod fine_tuner;
mod flooder;
mod link_ends;
mod recorder;
mod router;
mod runtime;

pub use recorder::FullDisk;

use anyhow::{Result, bail};
use std::io::Read as _;

/// Runs as the child that is named first in `arguments`; ends when its parent does.
///
/// # Errors
/// What stops it from doing what it should.
pub fn run(arguments: &[String]) -> Result<()> {
    std::thread::Builder::new()
        .name("watches-parent".into())
        .spawn(|| {
            // The parent never writes: the pipe ends with it.
            let _ = std::io::stdin().read(&mut [0]);
            std::process::exit(0);
        })?;
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["runtime", endpoint, robot] => runtime::run(endpoint, robot),
        ["router", endpoint, robot] => router::run(endpoint, robot),
        ["cpu-load"] => cpu_load::run(),
        ["fine-tuner"] => fine_tuner::run(),
        ["flooder", endpoint, key, bytes, hertz] => {
            flooder::run(endpoint, key, bytes.parse()?, hertz.parse()?)
        }
        ["recorder", folder, name, hertz] => recorder::run(folder.as_ref(), name, hertz.parse()?),
        ["full-disk", folder] => recorder::fill(folder.as_ref()),
        ["link-ends", ours, raw] => link_ends::run(ours, raw),
        other => bail!("there is no child called {other:?}"),
    }
}
