//! What is answered to which request.

use crate::answering::{FASTEST, Said, keep, question_of};
use crate::assets::{DOOR, PAGE, asset};
use crate::board::{Asked, Board, axis};
use crate::clip::{Clip, Clips, Pictures};
use crate::entrance::Entrance;
use crate::marking;
use crate::refusal::Refusal;
use crate::viewer;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Largest body of a request, bytes: an answer is far smaller.
const LARGEST: usize = 64 << 10;
/// Longest that a request may take to arrive and be answered.
const LONGEST: Duration = Duration::from_secs(60);
/// Only what this program serves is loaded or run; nobody puts the page into theirs.
const POLICY: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self' blob: data:; \
style-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// What requests share.
pub(crate) struct Shared {
    pub board: Mutex<Board>,
    pub clips: Clips,
    pub entrance: Entrance,
}

impl Shared {
    pub fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn clip(&self, asked: &Asked, column: usize) -> Result<Arc<Clip>, Refusal> {
        let id = column.checked_sub(1).and_then(|i| asked.columns.get(i));
        let id = id.ok_or_else(|| Refusal::unknown("there is no such column"))?;
        let recorded = {
            let board = self.board();
            let mut episodes = board.material.episodes.iter();
            episodes.find(|e| e.id == *id).cloned()
        };
        let recorded = recorded.ok_or_else(|| Refusal::broken("an episode is not in the list"))?;
        self.clips.get(&recorded)
    }

    fn clips_of(&self, asked: &Asked) -> Result<Vec<Arc<Clip>>, Refusal> {
        // At once: most of it is decoding pictures.
        std::thread::scope(|threads| {
            let columns = 1..=asked.columns.len();
            let reading: Vec<_> = columns
                .map(|column| threads.spawn(move || self.clip(asked, column)))
                .collect();
            reading
                .into_iter()
                .map(|r| {
                    r.join()
                        .unwrap_or_else(|_| Err(Refusal::broken("a clip could not be read")))
                })
                .collect()
        })
    }
}

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
        .route("/recordings/{question}", get(recording))
        .route(viewer::SCRIPT_PATH, get(viewer::script))
        .route(viewer::WASM_PATH, get(viewer::wasm))
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
        Ok(()) => match tokio::time::timeout(LONGEST, next.run(request)).await {
            Ok(response) => response,
            Err(_) => {
                Refusal::new(StatusCode::REQUEST_TIMEOUT, "this took too long").into_response()
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
    as_json(&json!({ "title": board.material.title, "who": board.material.who }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    who: String,
    #[serde(default)]
    axis: String,
}

fn parsed<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|e| Refusal::bad(format!("this cannot be read: {e}")))
}

/// Runs what waits for the disk or computes where it holds nobody up.
async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(Refusal::broken("this could not be done; see the terminal")))
}

fn as_json(value: &Value) -> Response {
    (
        [(header::CONTENT_TYPE, "application/json")],
        value.to_string(),
    )
        .into_response()
}

async fn question(State(shared): Ours, body: Bytes) -> Result<Response, Refusal> {
    let next = aside(move || {
        let wanted: Wanted = parsed(&body)?;
        let axis = axis(&wanted.axis)?;
        let (asked, progress, title) = {
            let mut board = shared.board();
            let who = board.operator(&wanted.who)?;
            let asked = board.next(&who, axis.as_deref());
            let progress = board.progress(&who, axis.as_deref());
            (asked, progress, board.material.title.clone())
        };
        let question = asked.map(|asked| described(&shared, &asked)).transpose()?;
        Ok(
            json!({ "title": title, "question": question, "progress": progress, "fastest": FASTEST }),
        )
    });
    Ok(as_json(&next.await?))
}

/// A question without anything that says which episodes they are, how good, or of which policy.
fn described(shared: &Shared, asked: &Asked) -> Result<Value, Refusal> {
    let clips = shared.clips_of(asked)?;
    let columns = clips.iter().map(|clip| {
        let cameras = clip.cameras.iter();
        let cameras =
            cameras.map(|c| json!({ "name": c.name, "width": c.size[0], "height": c.size[1] }));
        json!({ "times_ms": clip.times_ms, "cameras": cameras.collect::<Vec<_>>() })
    });
    Ok(json!({ "id": asked.id, "clips": columns.collect::<Vec<_>>() }))
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
        let (kept, before) =
            marking::keep(&mut board, &marked, &asked, &clip.stamps_ns, now_unix_ms())?;
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

fn now_unix_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |d| d.as_millis() as u64)
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
