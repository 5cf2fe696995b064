//! What comes to the command endpoint, one at a time, and what is said of it.

use super::requests::{Asked, LONGEST_REQUEST, refuse};
use crate::command_endpoint::CommandEndpoint;
use crate::keys::{ClientMessage, Keys};
use crate::tokens::TokenSearch;
use crate::wire;
use apprentice_safety::{Denial, Service};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use zenoh::Wait as _;
use zenoh::pubsub::Publisher;
use zenoh::query::Query;

/// What is reached from zenoh's threads and from the robot's own.
pub(super) struct SharedEndpoint {
    pub endpoint: Mutex<CommandEndpoint>,
    /// Whose turn it is to say something.
    pub publish_order: Mutex<()>,
    /// Something to do has come.
    pub arrived: Condvar,
    pub keys: Keys,
    /// Finds the leases of clients that are not known.
    pub leases: TokenSearch,
    pub status: Publisher<'static>,
    pub event: Publisher<'static>,
}

impl SharedEndpoint {
    pub fn endpoint(&self) -> MutexGuard<'_, CommandEndpoint> {
        self.endpoint.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something at the endpoint and publishes what there is to say of it, while nobody else does: what is
    /// said comes in the order in which it became true. The endpoint is not locked while it is said.
    pub fn act_and_publish<R>(&self, at: impl FnOnce(&mut CommandEndpoint) -> R) -> R {
        let _order = self
            .publish_order
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let (answer, (status, event)) = {
            let mut endpoint = self.endpoint();
            let answer = at(&mut endpoint);
            (answer, endpoint.unpublished())
        };
        // Why first: whoever sees the new status knows it then.
        if let Some(event) = event {
            tracing::info!("{}: {}", self.event.key_expr(), event.what);
            if let Err(e) = self.event.put(wire::encode_event(&event)).wait() {
                tracing::warn!("an event could not be published: {e}");
            }
        }
        if let Some(status) = status
            && let Err(e) = self.status.put(wire::encode_status(&status)).wait()
        {
            tracing::warn!("the status could not be published: {e}");
        }
        answer
    }

    /// Answers a request for a service.
    pub fn serve(self: &Arc<Self>, service: Service, query: &Query) {
        let from = self
            .keys
            .sender(ClientMessage::Service(service), query.key_expr());
        let asked = query
            .payload()
            .filter(|p| p.len() <= LONGEST_REQUEST)
            .ok_or("a request for a service names the client that makes it")
            .and_then(|p| wire::decode_request(&p.to_bytes()))
            .and_then(|request| same(from, request.client).map(|_| request));
        let request = match asked {
            Ok(request) => request,
            Err(problem) => {
                self.endpoint().malformed();
                let bytes = query.payload().map_or(0, |p| p.len());
                return refuse(query, &malformed(problem, bytes, wire::REQUEST_BYTES));
            }
        };
        let client = request.client;
        if service == Service::Acquire && !self.endpoint().lease_is_known(client) {
            // It may have been forgotten among many: whoever asks again is known then.
            let to = Arc::clone(self);
            self.leases.look_for(client, move || {
                to.act_and_publish(|endpoint| endpoint.lease(client, true));
            });
        }
        match self.act_and_publish(|endpoint| endpoint.serve(service, request)) {
            Ok(phase) => {
                let key = query.key_expr().clone();
                if let Err(e) = query.reply(key, wire::encode_granted(phase)).wait() {
                    tracing::warn!("an answer could not be sent: {e}");
                }
            }
            Err(reason) => refuse(query, &reason),
        }
    }

    /// A request for a new scene. Whether it may be set up is judged when the robot comes to it.
    pub fn check_reset(&self, key: &str, bytes: &[u8]) -> Result<Asked, String> {
        let from = self.keys.sender(ClientMessage::Reset, key);
        let asked = wire::decode_reset(bytes)
            .and_then(|(client, seed)| same(from, client).map(|client| (client, seed)));
        match asked {
            Ok((client, seed)) => {
                // Who does not own the arm is told so at once.
                if self.endpoint().status().owner != client {
                    self.act_and_publish(|endpoint| endpoint.reset(client))?;
                }
                Ok(Asked::Reset(client, seed))
            }
            Err(problem) => {
                self.endpoint().malformed();
                Err(malformed(problem, bytes.len(), wire::RESET_BYTES))
            }
        }
    }
}

/// A request that cannot be read, as it is refused.
fn malformed(problem: wire::Problem, bytes: usize, expected: usize) -> String {
    let name = Denial::Malformed.name();
    format!("{name}: {problem}; it has {bytes} bytes, such a request {expected}")
}

/// The client that its key and its message name.
fn same(from: Option<u32>, client: u32) -> Result<u32, wire::Problem> {
    if from == Some(client) {
        Ok(client)
    } else {
        Err(
            "its key does not end in the number of the client that makes it, as eight lower-case hexadecimal digits",
        )
    }
}
