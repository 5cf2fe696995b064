//! The page as whoever serves it sees it.

use crate::board::{Board, Progress};
use crate::clip::Clips;
use crate::entrance::Entrance;
use crate::error::PageError;
use crate::material::Material;
use crate::routes::{Shared, router};
use crate::serving::serve;
use apprentice_preference::JudgementLog;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use tokio::sync::oneshot;

/// A page that is being served on this machine, until it goes away.
pub struct Page {
    address: SocketAddr,
    shared: Arc<Shared>,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Page {
    /// Serves `material` on this machine alone, at `port` (0: any that is free), to whoever has `token` (`None`: one of
    /// its own). What operators answer goes to `log`.
    ///
    /// # Errors
    /// When there is nothing to ask, the token will not do, or nothing can be served there.
    pub fn serve(
        material: Material,
        log: JudgementLog,
        port: u16,
        token: Option<&str>,
    ) -> Result<Self, PageError> {
        let board = Board::new(material, log);
        if board.material.groups.is_empty() {
            return Err(PageError::NothingToAsk);
        }
        let wanted = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let listening = TcpListener::bind(wanted).and_then(|listener| {
            listener.set_nonblocking(true)?;
            Ok((listener.local_addr()?, listener))
        });
        let (address, listener) = listening.map_err(|source| PageError::Listen {
            address: wanted,
            source,
        })?;
        let shared = Arc::new(Shared {
            board: board.into(),
            clips: Clips::default(),
            entrance: Entrance::new(token, address)?,
        });
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .max_blocking_threads(8)
            .thread_name("page")
            .enable_all()
            .build()
            .map_err(|e| PageError::System(e.to_string()))?;
        let (end, ended) = oneshot::channel();
        let routes = router(Arc::clone(&shared));
        let thread = std::thread::Builder::new()
            .name("page".into())
            .spawn(move || runtime.block_on(serve(listener, routes, ended)))
            .map_err(|e| PageError::System(e.to_string()))?;
        Ok(Self {
            address,
            shared,
            end: Some(end),
            thread: Some(thread),
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What to open in a browser; it has the token in it, and leads to an address without.
    #[must_use]
    pub fn entrance(&self) -> String {
        format!("http://{}{}", self.address, self.shared.entrance.path())
    }

    /// How far the ranking is, for whoever serves.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.shared.board().progress("", None)
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        if let Some(end) = self.end.take() {
            // An error means that it has ended.
            let _ = end.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
