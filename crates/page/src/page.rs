//! The page as whoever serves it sees it.

use crate::access::Access;
use crate::board::{Board, Progress};
use crate::choosing::Chooser;
use crate::clip::Clips;
use crate::entrance::Entrance;
use crate::error::PageError;
use crate::live::{LiveRobot, Watch};
use crate::material::Material;
use crate::routes::router;
use crate::serving::serve;
use crate::shared::Shared;
use apprentice_preference::JudgementLog;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use tokio::sync::oneshot;

/// A page that is being served until it goes away.
pub struct Page {
    address: SocketAddr,
    scheme: &'static str,
    shared: Arc<Shared>,
    /// Ends with the page.
    _watch: Option<Watch>,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What a page may have beside its ranking.
#[derive(Debug, Default)]
pub struct Parts {
    /// The robot at work.
    pub robot: Option<LiveRobot>,
    /// Who chooses what is asked next, instead of the groups in their order.
    pub chooser: Option<Box<dyn Chooser>>,
}

impl Page {
    /// Serves `material` with what `parts` add, as `access` says. What operators answer goes to `log`.
    ///
    /// # Errors
    /// When there is nothing to ask and no robot, `access` lets strangers in or listen, its token or certificate will not
    /// do, or nothing can be served there.
    pub fn serve(
        material: Material,
        log: JudgementLog,
        access: &Access,
        parts: Parts,
    ) -> Result<Self, PageError> {
        access.check()?;
        let acceptor = access.acceptor()?;
        let Parts { robot, chooser } = parts;
        let board = Board::new(material, log, chooser)?;
        if !board.asks() && robot.is_none() {
            return Err(PageError::NothingToAsk);
        }
        let wanted = access.address;
        let listening = TcpListener::bind(wanted).and_then(|listener| {
            listener.set_nonblocking(true)?;
            Ok((listener.local_addr()?, listener))
        });
        let (address, listener) = listening.map_err(|source| PageError::Listen {
            address: wanted,
            source,
        })?;
        let entrance = Entrance::new(access, address.port())?;
        let board = Arc::new(Mutex::new(board));
        let watch = robot.map(|robot| Watch::start(robot, &board)).transpose()?;
        let shared = Arc::new(Shared {
            board,
            clips: Clips::default(),
            entrance,
            live: watch.as_ref().map(Watch::live),
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
            .spawn(move || runtime.block_on(serve(listener, acceptor, routes, ended)))
            .map_err(|e| PageError::System(e.to_string()))?;
        Ok(Self {
            address,
            scheme: access.scheme(),
            shared,
            _watch: watch,
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
        let path = self.shared.entrance.path();
        format!("{}://{}{path}", self.scheme, self.address)
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
