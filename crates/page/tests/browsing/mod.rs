//! A browser, as far as these tests need one.

#![allow(dead_code)] // Not every test needs all of it.

use apprentice_page::Page;
use serde_json::Value;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

pub const TOKEN: &str = "a-token-of-the-tests";

/// Status and the whole answer.
pub fn send(to: SocketAddr, request: &str) -> (u16, String) {
    let mut socket = TcpStream::connect(to).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    // The server may have answered and gone before all is sent.
    let _ = socket.write_all(request.as_bytes());
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1).and_then(|s| s.parse().ok());
    (status.unwrap_or(0), answer)
}

pub fn cookie(page: &Page) -> String {
    let port = page.address().port();
    format!("Cookie: apprentice_page_{port}={TOKEN}\r\n")
}

pub fn own(page: &Page) -> String {
    let at = page.address();
    format!("Host: {at}\r\nOrigin: http://{at}\r\n")
}

pub fn get(page: &Page, path: &str, headers: &str) -> (u16, String) {
    let request = format!("GET {path} HTTP/1.1\r\nConnection: close\r\n{headers}\r\n");
    send(page.address(), &request)
}

pub fn post(page: &Page, path: &str, headers: &str, body: &str) -> (u16, String) {
    let length = body.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    );
    send(page.address(), &request)
}

/// A request of somebody who is in.
pub fn asked(page: &Page, path: &str, body: &Value) -> (u16, Value) {
    let headers = own(page) + &cookie(page);
    let (status, answer) = post(page, path, &headers, &body.to_string());
    let body = answer.split_once("\r\n\r\n").map_or("", |parts| parts.1);
    (status, serde_json::from_str(body).unwrap_or(Value::Null))
}

/// What somebody who is in sees there.
pub fn look(page: &Page, path: &str) -> (u16, Value) {
    let (status, answer) = get(page, path, &(own(page) + &cookie(page)));
    let body = answer.split_once("\r\n\r\n").map_or("", |parts| parts.1);
    (status, serde_json::from_str(body).unwrap_or(Value::Null))
}
