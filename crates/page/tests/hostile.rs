//! Whoever takes too long, sends too much, or comes from elsewhere.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that fails may say so by panicking.

mod browsing;

use apprentice_core::Seed;
use apprentice_episode::EpisodeId;
use apprentice_page::{Access, Material, Page, PageError, Parts, Recorded, Tls};
use apprentice_preference::JudgementLog;
use browsing::{TOKEN, cookie, get, own, post};
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

fn served(folder: &Path, access: &Access) -> Result<Page, PageError> {
    let ids: Vec<EpisodeId> = ["a", "b"].map(Into::into).into();
    let recorded = ids.iter().map(|id| Recorded {
        id: id.clone(),
        file: folder.join("none.mcap"),
    });
    let material = Material {
        title: "test".into(),
        episodes: recorded.collect(),
        groups: vec![ids],
        reason: "test".into(),
        asked: None,
        who: String::new(),
        reserved: Vec::new(),
        seed: Seed(1),
        robot: None,
    };
    let log = JudgementLog::open(folder.join("judgements.jsonl")).unwrap();
    Page::serve(material, log, access, Parts::default())
}

fn page(folder: &Path) -> Page {
    served(folder, &Access::here(0, Some(TOKEN))).unwrap()
}

fn is_well(page: &Page) -> bool {
    get(page, "/api/about", &(own(page) + &cookie(page))).0 == 200
}

/// What comes back within so long, and how long that took.
fn rest(mut socket: TcpStream, within: Duration) -> (Vec<u8>, Duration) {
    let start = Instant::now();
    socket.set_read_timeout(Some(within)).unwrap();
    let mut all = Vec::new();
    let _ = socket.read_to_end(&mut all);
    (all, start.elapsed())
}

#[test]
fn a_body_that_does_not_come_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let page = page(folder.path());
    let mut socket = TcpStream::connect(page.address()).unwrap();
    let headers = own(&page) + &cookie(&page);
    let head = format!("POST /api/answer HTTP/1.1\r\nContent-Length: 900\r\n{headers}\r\n{{");
    socket.write_all(head.as_bytes()).unwrap();
    let (answer, took) = rest(socket, Duration::from_secs(40));
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(took < Duration::from_secs(30), "{took:?}");
    assert!(is_well(&page));
}

#[test]
fn whoever_takes_nothing_of_an_answer_loses_the_socket() {
    let folder = tempfile::tempdir().unwrap();
    let page = page(folder.path());
    let mut socket = TcpStream::connect(page.address()).unwrap();
    let headers = own(&page) + &cookie(&page);
    // More than the system keeps for those who do not read.
    let head = format!("GET /viewer/0.36.3/re_viewer.wasm HTTP/1.1\r\n{headers}\r\n");
    socket.write_all(head.as_bytes()).unwrap();
    std::thread::sleep(Duration::from_secs(14));
    let (answer, _) = rest(socket, Duration::from_secs(20));
    let text = String::from_utf8_lossy(&answer[..answer.len().min(2000)]).to_lowercase();
    let length: usize = text
        .lines()
        .find_map(|l| l.strip_prefix("content-length: "))
        .and_then(|l| l.trim().parse().ok())
        .unwrap_or_default();
    assert!(length > 1 << 24, "{text}");
    assert!(answer.len() < length, "all {length} bytes were sent");
    assert!(is_well(&page));
}

#[test]
fn a_body_that_is_too_large_is_refused_however_it_comes() {
    let folder = tempfile::tempdir().unwrap();
    let page = page(folder.path());
    let headers = own(&page) + &cookie(&page);
    let large = "x".repeat(65 << 10);
    assert_eq!(post(&page, "/api/answer", &headers, &large).0, 413);
    // In pieces whose number nobody says beforehand.
    let chunked = format!(
        "POST /api/answer HTTP/1.1\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n{headers}\r\n{:x}\r\n{large}\r\n0\r\n\r\n",
        large.len()
    );
    assert_eq!(browsing::send(page.address(), &chunked).0, 413);
    // Whoever is not in does not get that far.
    let (status, _) = post(&page, "/api/answer", &own(&page), &large);
    assert_eq!(status, 401);
    assert!(is_well(&page));
}

/// A certificate for this machine, and where it lies.
fn certificate(folder: &Path) -> (Tls, CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed(vec!["robot.lab".into(), "127.0.0.1".into()]);
    let made = made.unwrap();
    let tls = Tls {
        certificate: folder.join("certificate.pem"),
        key: folder.join("key.pem"),
    };
    std::fs::write(&tls.certificate, made.cert.pem()).unwrap();
    std::fs::write(&tls.key, made.signing_key.serialize_pem()).unwrap();
    (tls, made.cert.der().clone())
}

#[test]
fn others_are_served_only_with_a_token_and_a_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let (tls, _) = certificate(folder.path());
    let everywhere = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    let access = |token: Option<&str>, tls: Option<Tls>| Access {
        address: SocketAddr::new(everywhere, 0),
        token: token.map(Into::into),
        names: Vec::new(),
        tls,
    };
    for (token, tls) in [(None, None), (Some(TOKEN), None), (None, Some(tls.clone()))] {
        let refused = served(folder.path(), &access(token, tls));
        assert!(matches!(refused, Err(PageError::Exposed { .. })));
    }
    assert!(served(folder.path(), &access(Some(TOKEN), Some(tls.clone()))).is_ok());
    let broken = Tls {
        key: tls.certificate.clone(),
        ..tls
    };
    let refused = served(folder.path(), &access(Some(TOKEN), Some(broken)));
    let Err(PageError::Certificate { path, .. }) = refused else {
        panic!("a certificate is no key");
    };
    assert!(path.ends_with("certificate.pem"));
}

#[test]
fn browsers_elsewhere_come_in_over_tls_and_by_its_names_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (tls, certificate) = certificate(folder.path());
    let access = Access {
        address: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        token: Some(TOKEN.into()),
        names: vec!["robot.lab".into()],
        tls: Some(tls),
    };
    let page = served(folder.path(), &access).unwrap();
    let port = page.address().port();
    let at = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let provider = tokio_rustls::rustls::crypto::ring::default_provider();
    let config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let config = Arc::new(config);
    let send = |head: &str| {
        let name = ServerName::try_from("robot.lab").unwrap();
        let connection = ClientConnection::new(Arc::clone(&config), name).unwrap();
        let mut socket = StreamOwned::new(connection, TcpStream::connect(at).unwrap());
        socket
            .write_all(format!("{head}Connection: close\r\n\r\n").as_bytes())
            .unwrap();
        let mut answer = Vec::new();
        let _ = socket.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    };
    let entered = send(&format!(
        "GET /enter/{TOKEN} HTTP/1.1\r\nHost: robot.lab:{port}\r\n"
    ));
    assert!(entered.starts_with("HTTP/1.1 303"), "{entered}");
    assert!(entered.contains("; Secure"), "{entered}");
    let cookie = format!("Cookie: apprentice_page_{port}={TOKEN}\r\n");
    let about = |host: &str| {
        send(&format!(
            "GET /api/about HTTP/1.1\r\nHost: {host}\r\n{cookie}"
        ))
    };
    for host in ["robot.lab", "192.168.7.7", "127.0.0.1"] {
        let answer = about(&format!("{host}:{port}"));
        assert!(answer.starts_with("HTTP/1.1 200"), "{host}: {answer}");
    }
    // A name that leads here in somebody else's books is not ours.
    for host in ["evil.example", "robot.lab.evil.example", "robot.lab:1"] {
        let answer = about(&format!("{host}:{port}"));
        assert!(answer.starts_with("HTTP/1.1 403"), "{host}: {answer}");
    }
    // Nobody speaks without, and a handshake that does not go on is not waited for.
    let plain = browsing::send(
        at,
        &format!("GET / HTTP/1.1\r\nHost: robot.lab:{port}\r\n\r\n"),
    );
    assert_ne!(plain.0, 200, "{}", plain.1);
    let (_, took) = rest(TcpStream::connect(at).unwrap(), Duration::from_secs(40));
    assert!(took < Duration::from_secs(20), "{took:?}");
    assert!(about(&format!("robot.lab:{port}")).starts_with("HTTP/1.1 200"));
}

#[test]
fn a_page_of_this_machine_has_no_other_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let page = page(folder.path());
    let port = page.address().port();
    for host in ["192.168.7.7", "evil.example", "127.0.0.1.evil.example"] {
        let headers = format!("Host: {host}:{port}\r\n{}", cookie(&page));
        assert_eq!(get(&page, "/api/about", &headers).0, 403, "{host}");
    }
    assert!(is_well(&page));
}
