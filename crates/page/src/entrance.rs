//! Who may come in: whoever has the token, from this page alone.
//!
//! The token comes once in a path that is answered with a redirect, or by a form, and then is in a cookie that scripts
//! and other sites do not get. Requests that name another host are refused, so that a name which somebody else's server
//! resolves to this machine leads nowhere (DNS rebinding), and what changes something must come from this page itself.

use crate::access::Access;
use crate::error::PageError;
use crate::refusal::Refusal;
use apprentice_core::sha256_bytes;
use axum::http::{HeaderMap, Method, StatusCode, header};

const COOKIE: &str = "apprentice_page";

/// The token, and the names of this machine.
#[derive(Clone)]
pub(crate) struct Entrance {
    token: String,
    access: Access,
    port: u16,
}

impl std::fmt::Debug for Entrance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entrance").finish_non_exhaustive()
    }
}

impl Entrance {
    /// With this token, or one of its own.
    ///
    /// # Errors
    /// When the token is too short or has other characters than cookies and paths take, or the system has no random
    /// numbers.
    pub fn new(access: &Access, port: u16) -> Result<Self, PageError> {
        let token = match access.token.as_deref() {
            Some(token) => {
                let good = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
                if !(16..=128).contains(&token.len()) || !token.chars().all(good) {
                    return Err(PageError::Token {
                        got: token.chars().count(),
                    });
                }
                token.to_owned()
            }
            None => {
                let mut bytes = [0; 32];
                getrandom::fill(&mut bytes).map_err(|e| PageError::System(e.to_string()))?;
                sha256_bytes(&bytes)
            }
        };
        Ok(Self {
            token,
            access: access.clone(),
            port,
        })
    }

    /// The path that lets a browser in.
    pub fn path(&self) -> String {
        format!("/enter/{}", self.token)
    }

    /// The cookie of whoever brought the token.
    ///
    /// # Errors
    /// When it is another.
    pub fn enter(&self, token: &str) -> Result<String, Refusal> {
        if !self.is_token(token) {
            return Err(Refusal::new(
                StatusCode::FORBIDDEN,
                "this is not the token of this page; the terminal that serves it says which is",
            ));
        }
        // Of this port alone: cookies know no ports, and two runs may be served at once.
        let secure = if self.access.tls.is_some() {
            "; Secure"
        } else {
            ""
        };
        Ok(format!(
            "{}={}; Path=/; HttpOnly; SameSite=Strict; Max-Age=2592000{secure}",
            self.cookie_name(),
            self.token
        ))
    }

    fn cookie_name(&self) -> String {
        format!("{COOKIE}_{}", self.port)
    }

    /// Compared by their hashes: how long it takes says nothing of how much was right.
    fn is_token(&self, token: &str) -> bool {
        sha256_bytes(token.as_bytes()) == sha256_bytes(self.token.as_bytes())
    }

    /// Whether a request comes from this page, or from nowhere.
    ///
    /// # Errors
    /// When it names another host, or another site sent it.
    pub fn check_origin(&self, method: &Method, headers: &HeaderMap) -> Result<(), Refusal> {
        let refused = |what: &str| {
            Err(Refusal::new(
                StatusCode::FORBIDDEN,
                format!("{what}; open the page by the address that the terminal says"),
            ))
        };
        let mut hosts = headers.get_all(header::HOST).iter();
        let host = hosts.next().and_then(|h| h.to_str().ok());
        let host = host.filter(|host| self.is_own(host));
        let Some(host) = host.filter(|_| hosts.next().is_none()) else {
            return refused("this request is for another host");
        };
        let text = |name: &str| headers.get(name).map(|v| v.to_str().unwrap_or("?"));
        let own = format!("{}://{host}", self.access.scheme());
        match text("origin") {
            Some(origin) if origin != own => {
                return refused("this request comes from another site");
            }
            None if *method != Method::GET => {
                return refused("this request does not say where it comes from");
            }
            _ => {}
        }
        match text("sec-fetch-site") {
            Some("cross-site" | "same-site") if text("sec-fetch-mode") != Some("navigate") => {
                refused("this request comes from another site")
            }
            _ => Ok(()),
        }
    }

    /// Whether a name with its port is one of this page's.
    fn is_own(&self, host: &str) -> bool {
        let (name, port) = match host.rsplit_once(':') {
            // The colon of a number in brackets is none of a port.
            Some((name, port)) if !port.contains(']') => (name, port),
            _ => (
                host,
                if self.access.tls.is_some() {
                    "443"
                } else {
                    "80"
                },
            ),
        };
        port == self.port.to_string() && self.access.is_own_name(name)
    }

    /// Whether a request has the cookie.
    pub fn has_cookie(&self, headers: &HeaderMap) -> bool {
        let name = self.cookie_name();
        let lines = headers.get_all(header::COOKIE).iter();
        let mut pairs = lines
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='));
        pairs.any(|(key, value)| key == name && self.is_token(value))
    }
}
