//! Requests about the robot at work.

use crate::live::{Asking, Live, Said};
use crate::refusal::Refusal;
use crate::reply::{as_json, aside, now_unix_ms, parsed};
use crate::shared::Shared;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

type Ours = State<Arc<Shared>>;

/// What a page asks of the robot.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    what: Asking,
}

pub(crate) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/api/live", get(shown))
        .route("/api/live/ask", post(ask))
        .route("/api/live/say", post(say))
        .route("/live/{camera}", get(picture))
}

fn live(shared: &Shared) -> Result<Arc<Live>, Refusal> {
    let live = shared.live.clone();
    live.ok_or_else(|| Refusal::unknown("this page shows no robot at work"))
}

fn told(live: &Live) -> Response {
    let mut told = live.shown().told(&live.settings);
    told["waiting"] = json!(live.waiting());
    as_json(&told)
}

async fn shown(State(shared): Ours) -> Result<Response, Refusal> {
    let live = live(&shared)?;
    Ok(told(&live))
}

/// Nothing is waited for: whether it is done is asked for again.
async fn ask(State(shared): Ours, body: Bytes) -> Result<Response, Refusal> {
    let live = live(&shared)?;
    let wish: Wish = parsed(&body)?;
    live.ask(wish.what)?;
    Ok(told(&live))
}

async fn say(State(shared): Ours, body: Bytes) -> Result<Response, Refusal> {
    let now = now_unix_ms();
    let kept = aside(move || {
        let live = live(&shared)?;
        let said: Said = parsed(&body)?;
        let who = shared.board().operator(&said.who)?;
        let before = live.say(said, who, now)?;
        Ok(json!({ "when_unix_ms": now, "before": before }))
    });
    Ok(as_json(&kept.await?))
}

async fn picture(State(shared): Ours, Path(camera): Path<usize>) -> Result<Response, Refusal> {
    let (number, bytes) = aside(move || live(&shared)?.picture(camera)).await?;
    let headers = [
        (header::CONTENT_TYPE, "image/png".to_owned()),
        (header::ETAG, format!("\"{number}\"")),
    ];
    Ok((headers, bytes).into_response())
}
