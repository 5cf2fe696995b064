//! Sockets: how many, and how long they may take.

use crate::patient::Patient;
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::collections::BTreeMap;
use std::net::{IpAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, oneshot};
use tokio_rustls::TlsAcceptor;

/// Sockets at once; a browser opens six. Those beyond are closed at once.
const SOCKETS: usize = 128;
/// Of those, most that one other machine may have.
const SOCKETS_OF_ONE: usize = 32;
/// Longest that the head of a request may take.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// Largest head of a request, bytes.
const HEAD: usize = 16 << 10;
/// Longest that a certificate may take to be shown and agreed on.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// Longest that whoever asked may take nothing of the answer.
const TAKING: Duration = Duration::from_secs(10);

/// How many sockets other machines have.
type Others = Arc<Mutex<BTreeMap<IpAddr, usize>>>;

/// One socket of another machine, counted while it lives.
struct Counted(Others, IpAddr);

impl Counted {
    /// Counts one more; `None` where it has as many as it may. This machine itself may have all.
    fn new(others: &Others, ip: IpAddr) -> Option<Self> {
        let mut counts = others.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(ip).or_default();
        if *count >= SOCKETS_OF_ONE && !ip.is_loopback() {
            return None;
        }
        *count += 1;
        Some(Self(Arc::clone(others), ip))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.1) {
            *count = count.saturating_sub(1);
        }
        counts.retain(|_, count| *count > 0);
    }
}

/// Serves until `ended`.
pub(crate) async fn serve(
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
    routes: Router,
    mut ended: oneshot::Receiver<()>,
) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!("the page is not served: {error}");
            return;
        }
    };
    let places = Arc::new(Semaphore::new(SOCKETS));
    let others = Others::default();
    loop {
        let accepted = tokio::select! {
            _ = &mut ended => return,
            accepted = listener.accept() => accepted,
        };
        let (socket, from) = match accepted {
            Ok((socket, from)) => (socket, from.ip()),
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
        let Some(counted) = Counted::new(&others, from) else {
            tracing::warn!("refused a connection: {from} has {SOCKETS_OF_ONE} already");
            continue;
        };
        let (acceptor, routes) = (acceptor.clone(), routes.clone());
        tokio::spawn(async move {
            converse(socket, acceptor, routes).await;
            drop((place, counted));
        });
    }
}

/// Answers on one socket until it ends.
async fn converse(socket: TcpStream, acceptor: Option<TlsAcceptor>, routes: Router) {
    // An answer to a stop does not wait for more to send.
    let _ = socket.set_nodelay(true);
    let socket = Patient::new(socket, TAKING);
    let Some(acceptor) = acceptor else {
        return answer(socket, routes).await;
    };
    match tokio::time::timeout(HANDSHAKE, acceptor.accept(socket)).await {
        Ok(Ok(socket)) => answer(socket, routes).await,
        Ok(Err(error)) => tracing::warn!("refused a connection: {error}"),
        Err(_) => tracing::warn!("refused a connection: its handshake took too long"),
    }
}

async fn answer<S: AsyncRead + AsyncWrite + Unpin + 'static>(socket: S, routes: Router) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(HEAD);
    let service = TowerToHyperService::new(routes);
    // How it ended concerns only who is at its other end.
    let _ = http.serve_connection(TokioIo::new(socket), service).await;
}
