//! Where the viewer's data goes: a file, a server on this machine, or both.

use crate::{StudioError, rrd_file::RrdFile};
use rerun::{
    RecordingStream, RecordingStreamBuilder, ServerOptions, grpc_server::GrpcServerSink,
    sink::LogSink, web_viewer::WebViewerConfig,
};
use std::{any::Any, net::TcpListener, path::Path, time::Duration};

const LOOPBACK: &str = "127.0.0.1";
/// What the server keeps for a browser that connects late, bytes.
const HISTORY: u64 = 256 << 20;

/// An open recording and what must live as long as it.
pub(crate) struct Sinks {
    pub recording: RecordingStream,
    /// The file, where there is one; ended by whoever ends the recording.
    pub file: Option<RrdFile>,
    /// Where to look, when live.
    pub url: Option<String>,
    /// The web server; it stops when dropped.
    pub server: Option<Box<dyn Any + Send>>,
}

/// Waits at most `patience` until all is with the viewer, and ends the file.
pub(crate) fn finish(
    recording: &RecordingStream,
    file: Option<&RrdFile>,
    patience: Duration,
) -> Result<(), String> {
    let flushed = recording
        .flush_with_timeout(patience)
        .map_err(|e| e.to_string());
    // The file's own failure says more.
    file.map_or(Ok(()), RrdFile::finish).and(flushed)
}

pub(crate) fn open(
    application: &'static str,
    file: Option<&Path>,
    live: bool,
) -> Result<Sinks, StudioError> {
    let mut sinks: Vec<Box<dyn LogSink>> = Vec::new();
    let file = file
        .map(|path| {
            RrdFile::create(path).map_err(|e| StudioError::File {
                path: path.to_owned(),
                problem: e.to_string(),
            })
        })
        .transpose()?;
    if let Some(file) = &file {
        sinks.push(Box::new(file.clone()));
    }
    let (mut url, mut server) = (None, None);
    if live {
        let failed = |problem: String| StudioError::Serve {
            address: LOOPBACK,
            problem,
        };
        // The server takes a number and does not tell which one it got, so ask for a free one.
        let port = TcpListener::bind((LOOPBACK, 0))
            .and_then(|l| l.local_addr())
            .map_err(|e| failed(e.to_string()))?
            .port();
        let options = ServerOptions {
            memory_limit: rerun::MemoryLimit::from_bytes(HISTORY),
            ..ServerOptions::default()
        };
        let sink =
            GrpcServerSink::new(LOOPBACK, port, options).map_err(|e| failed(e.to_string()))?;
        sinks.push(Box::new(sink));
        let page = WebViewerConfig {
            bind_ip: LOOPBACK.into(),
            open_browser: false,
            ..WebViewerConfig::default()
        }
        .host_web_viewer()
        .map_err(|e| failed(e.to_string()))?;
        let page_url = page.server_url();
        url = Some(format!(
            "{page_url}?url=rerun%2Bhttp://{LOOPBACK}:{port}/proxy"
        ));
        server = Some(Box::new(page) as Box<dyn Any + Send>);
    }
    if sinks.is_empty() {
        return Err(StudioError::NothingToDo);
    }
    let recording = RecordingStreamBuilder::new(application)
        .buffered()
        .map_err(|e| StudioError::Rerun(e.to_string()))?;
    recording.set_sinks(sinks);
    // Robot time and tick numbers are logged; the wall clock of the logging says nothing.
    recording.set_log_time_enabled(false);
    recording.set_log_tick_enabled(false);
    Ok(Sinks {
        recording,
        file,
        url,
        server,
    })
}
