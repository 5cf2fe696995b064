//! Which endpoints may be used with and without keys.

use super::SecurityError;
use std::net::IpAddr;

/// Protocol and address of an endpoint such as `tcp/127.0.0.1:7447`.
fn parts(endpoint: &str) -> Result<(&str, &str), SecurityError> {
    let refuse = |reason: &str| SecurityError::Endpoint {
        endpoint: endpoint.into(),
        reason: reason.into(),
    };
    // Settings in an endpoint go before ours: `#enable_mtls=false` would undo everything.
    if endpoint.contains(['#', ';']) {
        return Err(refuse("it carries settings of its own"));
    }
    let (protocol, address) = endpoint
        .split_once('/')
        .ok_or_else(|| refuse("it names no protocol"))?;
    let address = address.split('?').next().unwrap_or_default();
    if address.is_empty() {
        return Err(refuse("it names no address"));
    }
    Ok((protocol, address))
}

/// With security off: anything zenoh understands, except what would need keys.
pub(super) fn open_to_all(endpoint: &str) -> Result<(), SecurityError> {
    if endpoint.starts_with("tls/") {
        return Err(SecurityError::TlsWithoutKeys {
            endpoint: endpoint.into(),
        });
    }
    Ok(())
}

/// Without keys: an address that no other machine can reach. Names are not looked up, as what they stand for
/// can change between the look and the use.
pub(super) fn stays_here(endpoint: &str) -> Result<(), SecurityError> {
    let (protocol, address) = parts(endpoint)?;
    let loopback = || {
        let (host, port) = address.rsplit_once(':')?;
        let host = host
            .strip_prefix('[')
            .map_or(Some(host), |h| h.strip_suffix(']'))?;
        port.parse::<u16>().ok()?;
        Some(host.parse::<IpAddr>().ok()?.is_loopback())
    };
    match protocol {
        "tls" => Err(SecurityError::TlsWithoutKeys {
            endpoint: endpoint.into(),
        }),
        "tcp" if loopback() == Some(true) => Ok(()),
        "unixsock-stream" | "unixpipe" => Ok(()),
        _ => Err(SecurityError::NotLoopback {
            endpoint: endpoint.into(),
        }),
    }
}

/// With keys: TLS and nothing else.
pub(super) fn is_tls(endpoint: &str) -> Result<(), SecurityError> {
    match parts(endpoint)? {
        ("tls", _) => Ok(()),
        _ => Err(SecurityError::NotTls {
            endpoint: endpoint.into(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_keys_nothing_leaves_the_machine() {
        for here in [
            "tcp/127.0.0.1:7447",
            "tcp/127.0.0.1:0",
            "tcp/[::1]:7447",
            "tcp/127.0.0.1:7447?prio=1-3",
            "unixsock-stream//tmp/arm.sock",
        ] {
            assert_eq!(stays_here(here), Ok(()), "{here}");
        }
        for away in [
            "tcp/192.168.1.20:7447",
            "tcp/0.0.0.0:7447",
            "tcp/[::]:7447",
            "tcp/[::ffff:192.168.1.20]:7447",
            "tcp/localhost:7447",
            "tcp/127.0.0.1.example.org:7447",
            "tcp/127.0.0.1",
            "tcp/[::1:7447",
            "udp/127.0.0.1:7447",
            "quic/127.0.0.1:7447",
            "tcp/127.0.0.1:7447@10.0.0.1:7447",
        ] {
            assert!(
                matches!(stays_here(away), Err(SecurityError::NotLoopback { .. })),
                "{away}: {:?}",
                stays_here(away)
            );
        }
        for bad in ["", "tcp", "tcp/", "tcp/127.0.0.1:7447#bind=0.0.0.0:1", "/x"] {
            assert!(stays_here(bad).is_err(), "{bad}");
        }
        let words = stays_here("tcp/10.0.0.1:1").unwrap_err().to_string();
        assert!(words.contains("apprentice keys") && words.contains("security = \"off\""));
    }

    #[test]
    fn with_keys_only_tls_without_settings_of_its_own() {
        assert_eq!(is_tls("tls/arm.lab:7447"), Ok(()));
        for bad in [
            "tcp/127.0.0.1:7447",
            "quic/arm.lab:7447",
            "tls/arm.lab:7447#enable_mtls=false",
            "tls/arm.lab:7447#verify_name_on_connect=false",
            "tls/",
        ] {
            assert!(is_tls(bad).is_err(), "{bad}");
        }
        assert!(open_to_all("tls/arm.lab:7447").is_err());
        assert_eq!(open_to_all("tcp/arm.lab:7447"), Ok(()));
    }
}
