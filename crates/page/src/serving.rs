//! Sockets: how many, and how long they may take.

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, oneshot};

/// Sockets at once; a browser opens six. Those beyond are closed at once.
const SOCKETS: usize = 128;
/// Longest that the head of a request may take.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// Largest head of a request, bytes.
const HEAD: usize = 16 << 10;

/// Serves until `ended`.
pub(crate) async fn serve(listener: TcpListener, routes: Router, mut ended: oneshot::Receiver<()>) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!("the page is not served: {error}");
            return;
        }
    };
    let places = Arc::new(Semaphore::new(SOCKETS));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(HEAD);
    loop {
        let accepted = tokio::select! {
            _ = &mut ended => return,
            accepted = listener.accept() => accepted,
        };
        let socket = match accepted {
            Ok((socket, _)) => socket,
            Err(error) => {
                // Out of file descriptors, or gone already: others may come.
                tracing::warn!("a connection was not accepted: {error}");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            tracing::warn!("refused a connection: there are {SOCKETS} already");
            continue;
        };
        let connection = http.serve_connection(
            TokioIo::new(socket),
            TowerToHyperService::new(routes.clone()),
        );
        tokio::spawn(async move {
            // How it ended concerns only who is at its other end.
            let _ = connection.await;
            drop(place);
        });
    }
}
