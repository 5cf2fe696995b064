//! What is answered to which request.

use crate::answering::{FASTEST, Said, keep, question_of};
use crate::assets::{DOOR, PAGE, asset};
use crate::board::axis;
use crate::clip::Pictures;
use crate::marking;
use crate::questions::Asked;
use crate::refusal::Refusal;
use crate::reply::{as_json, aside, now_unix_ms, parsed};
use crate::shared::Shared;
use crate::{live_routes, viewer};
use apprentice_episode::Episode;
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// Largest body of a request, bytes: an answer is far smaller.
const LARGEST: usize = 64 << 10;
/// Longest that the body of a request may take to arrive.
const ARRIVING: Duration = Duration::from_secs(10);
/// Longest that a request may take to be answered.
const LONGEST: Duration = Duration::from_secs(60);
/// Only what this program serves is loaded or run; nobody puts the page into theirs.
const POLICY: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self' blob: data:; \
style-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

type Ours = State<Arc<Shared>>;

/// Every route, with the checks before it.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/enter", post(enter_by_form))
        .route("/enter/{token}", get(enter))
        .route("/web/{name}", get(web))
        .route("/api/about", get(about))
        .route("/api/question", post(question))
        .route("/api/answer", post(answer))
        .route("/api/take-back", post(take_back))
        .route("/api/mark", post(mark))
        .route("/stills/{question}/{column}/{camera}", get(still))
        .route("/clips/{question}/{column}/{camera}", get(clip))
        .route("/frames/{question}/{column}/{camera}/{tick}", get(frame))
        .route("/recordings/{question}", get(recording))
        .route(viewer::SCRIPT_PATH, get(viewer::script))
        .route(viewer::WASM_PATH, get(viewer::wasm))
        .merge(live_routes::router())
        .layer(DefaultBodyLimit::max(LARGEST))
        .layer(from_fn_with_state(Arc::clone(&shared), check))
        .with_state(shared)
}

/// Before anything else: where a request comes from, and whether whoever sends it is in.
async fn check(State(shared): Ours, request: Request, next: Next) -> Response {
    let (path, headers) = (request.uri().path(), request.headers());
    let open =
        path == "/" || path == "/enter" || path.starts_with("/enter/") || path.starts_with("/web/");
    let checked = shared
        .entrance
        .check_origin(request.method(), headers)
        .and_then(|()| {
            if open || shared.entrance.has_cookie(headers) {
                return Ok(());
            }
            let why =
                "this needs the token of the page; open it by the address that the terminal says";
            Err(Refusal::new(StatusCode::UNAUTHORIZED, why))
        });
    let mut response = match checked {
        Ok(()) => match arrived(request).await {
            Ok(request) => answered(request, next).await,
            Err(refusal) => {
                tracing::warn!("refused a request: {}", refusal.why);
                refusal.into_response()
            }
        },
        Err(refusal) => {
            // Not the path: a token may be in it.
            tracing::warn!("refused a request: {}", refusal.why);
            refusal.into_response()
        }
    };
    let headers = response.headers_mut();
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
    ];
    for (name, value) in fixed {
        headers.insert(name, header::HeaderValue::from_static(value));
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(header::HeaderValue::from_static("no-store"));
    response
}

/// A request all of whose body is there.
async fn arrived(request: Request) -> Result<Request, Refusal> {
    let (head, body) = request.into_parts();
    match tokio::time::timeout(ARRIVING, to_bytes(body, LARGEST)).await {
        Ok(Ok(body)) => Ok(Request::from_parts(head, Body::from(body))),
        Ok(Err(_)) => Err(Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("a request has at most {LARGEST} bytes"),
        )),
        Err(_) => Err(too_long()),
    }
}

async fn answered(request: Request, next: Next) -> Response {
    let answer = tokio::time::timeout(LONGEST, next.run(request)).await;
    answer.unwrap_or_else(|_| too_long().into_response())
}

fn too_long() -> Refusal {
    Refusal::new(StatusCode::REQUEST_TIMEOUT, "this took too long")
}

async fn page(State(shared): Ours, request: Request) -> Response {
    if shared.entrance.has_cookie(request.headers()) {
        return Html(PAGE).into_response();
    }
    (StatusCode::UNAUTHORIZED, Html(DOOR)).into_response()
}

async fn enter(State(shared): Ours, Path(token): Path<String>) -> Result<Response, Refusal> {
    let cookie = shared.entrance.enter(&token).inspect_err(|refusal| {
        tracing::warn!("refused a token: {}", refusal.why);
    })?;
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response())
}

async fn enter_by_form(State(shared): Ours, body: String) -> Response {
    let token = body.strip_prefix("token=").unwrap_or_default();
    match shared.entrance.enter(token) {
        Ok(cookie) => ([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response(),
        Err(refusal) => {
            tracing::warn!("refused a token: {}", refusal.why);
            let page = DOOR.replace("data-wrong hidden", "data-wrong");
            (StatusCode::FORBIDDEN, Html(page)).into_response()
        }
    }
}

async fn web(Path(name): Path<String>) -> Result<Response, Refusal> {
    let (kind, content) = asset(&name).ok_or_else(|| Refusal::unknown("there is no such file"))?;
    Ok(([(header::CONTENT_TYPE, kind)], content).into_response())
}

async fn about(State(shared): Ours) -> Response {
    let board = shared.board();
    as_json(&json!({
        "title": board.material.title, "who": board.material.who, "live": shared.live.is_some(),
        "asks": board.asks(),
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    who: String,
    #[serde(default)]
    axis: String,
    /// A question that was asked before; any other leads to the next.
    #[serde(default)]
    question: String,
}

async fn question(State(shared): Ours, body: Bytes) -> Result<Response, Refusal> {
    let next = aside(move || {
        let wanted: Wanted = parsed(&body)?;
        let axis = axis(&wanted.axis)?;
        let (asked, progress, before, title, advice) = {
            let mut board = shared.board();
            let who = board.operator(&wanted.who)?;
            let linked = Some(&wanted.question).filter(|id| !id.is_empty());
            let linked = match linked {
                Some(id) => board.find(id, &who, axis.as_deref())?,
                None => None,
            };
            let asked = match linked {
                Some(asked) => Some(asked),
                None => board.next(&who, axis.as_deref())?,
            };
            let before = asked.as_ref().is_some_and(|a| board.answer_to(a).is_some());
            let progress = board.progress(&who, axis.as_deref());
            let (title, advice) = (board.material.title.clone(), board.advice());
            (asked, progress, before, title, advice)
        };
        let question = asked.map(|asked| described(&shared, &asked)).transpose()?;
        Ok(json!({
            "title": title, "question": question, "progress": progress, "fastest": FASTEST, "answered": before,
                "advice": advice,
        }))
    });
    Ok(as_json(&next.await?))
}

/// A question without anything that says which episodes they are, how good, or of which policy.
fn described(shared: &Shared, asked: &Asked) -> Result<Value, Refusal> {
    let clips = shared.clips_of(asked)?;
    let columns = clips.iter().map(|clip| {
        let cameras = clip.cameras.iter();
        let cameras =
            cameras.map(|c| json!({ "name": c.name, "width": c.size[0], "height": c.size[1], "recorded": c.recorded }));
        json!({ "times_ms": clip.times_ms, "cameras": cameras.collect::<Vec<_>>() })
    });
    Ok(json!({
        "id": asked.id, "clips": columns.collect::<Vec<_>>(), "reason": asked.reason, "worth": asked.worth,
        "seconds": asked.seconds,
    }))
}

async fn answer(State(shared): Ours, body: Bytes) -> Result<Response, Refusal> {
    let kept = aside(move || {
        let said: Said = parsed(&body)?;
        let asked = question_of(&mut shared.board(), &said)?;
        let clips = shared.clips_of(&asked)?;
        let extents: Vec<_> = clips.iter().map(|clip| clip.extent()).collect();
        let kept = keep(&mut shared.board(), &said, &asked, &extents, now_unix_ms())?;
        Ok(json!({ "kept": kept.judgement.id, "before": kept.before }))
    });
    Ok(as_json(&kept.await?))
}

async fn mark(State(shared): Ours, body: Bytes) -> Result<Response, Refusal> {
    let kept = aside(move || {
        let marked: marking::Marked = parsed(&body)?;
        let asked = marking::question_of(&mut shared.board(), &marked)?;
        let clip = shared.clip(&asked, marked.column)?;
        let mut board = shared.board();
        let (kept, before) = marking::keep(&mut board, &marked, &asked, &clip, now_unix_ms())?;
        Ok(json!({ "kept": kept, "before": before }))
    });
    Ok(as_json(&kept.await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TakenBack {
    who: String,
    kept: String,
}

async fn take_back(State(shared): Ours, body: Bytes) -> Result<Response, Refusal> {
    let taken = aside(move || {
        let taken: TakenBack = parsed(&body)?;
        let mut board = shared.board();
        let who = board.operator(&taken.who)?;
        let before = board.take_back(&who, &taken.kept, now_unix_ms())?;
        Ok(json!({ "taken_back": taken.kept, "before": before }))
    });
    Ok(as_json(&taken.await?))
}

type OfCamera = Path<(String, usize, usize)>;

async fn pictures(
    shared: Arc<Shared>,
    (question, column, camera): (String, usize, usize),
    of: impl Fn(&Pictures) -> Bytes + Send + 'static,
) -> Result<Bytes, Refusal> {
    aside(move || {
        let asked = shared.board().shown(&question);
        let asked =
            asked.ok_or_else(|| Refusal::unknown("this question is not out; reload the page"))?;
        let clip = shared.clip(&asked, column)?;
        let pictures = clip.cameras.get(camera);
        pictures
            .map(of)
            .ok_or_else(|| Refusal::unknown("there is no such camera"))
    })
    .await
}

async fn still(State(shared): Ours, Path(of): OfCamera) -> Result<Response, Refusal> {
    let bytes = pictures(shared, of, |p| p.first.clone()).await?;
    Ok(([(header::CONTENT_TYPE, "image/png")], bytes).into_response())
}

async fn clip(State(shared): Ours, Path(of): OfCamera) -> Result<Response, Refusal> {
    let bytes = pictures(shared, of, |p| p.packed.clone()).await?;
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], bytes).into_response())
}

/// One picture as large as it was recorded: clips may be sent smaller.
async fn frame(
    State(shared): Ours,
    Path((question, column, camera, tick)): Path<(String, usize, usize, usize)>,
) -> Result<Response, Refusal> {
    let bytes = aside(move || {
        let asked = shared.board().shown(&question);
        let asked =
            asked.ok_or_else(|| Refusal::unknown("this question is not out; reload the page"))?;
        let file = shared.recorded(&asked, column)?.file;
        let picture = Episode::picture(&file, tick, camera)
            .map_err(|e| Refusal::broken(apprentice_core::in_one_line(&e)))?;
        picture.ok_or_else(|| Refusal::unknown("there is no such picture"))
    });
    Ok(([(header::CONTENT_TYPE, "image/png")], bytes.await?).into_response())
}

async fn recording(State(shared): Ours, Path(question): Path<String>) -> Result<Response, Refusal> {
    let bytes = aside(move || {
        let asked = shared.board().shown(&question);
        let asked =
            asked.ok_or_else(|| Refusal::unknown("this question is not out; reload the page"))?;
        let (files, robot) = {
            let board = shared.board();
            let listed = &board.material.episodes;
            let columns = asked.columns.iter();
            let files = columns.filter_map(|id| listed.iter().find(|e| e.id == *id));
            let files: Vec<_> = files.map(|e| e.file.clone()).collect();
            (files, board.material.robot.clone())
        };
        viewer::recording(&files, robot.as_ref())
    });
    Ok((
        [(header::CONTENT_TYPE, "application/octet-stream")],
        Body::from(bytes.await?),
    )
        .into_response())
}
