//! A refusal that its reader can read.
//!
//! Most clients look for an answer only when all is sent. A server that answers early and closes takes the answer away
//! again: what is still under way is answered by a reset. So what the handler has left of the body is read first.

use super::extract::next_chunk;
use axum::body::{Body, BodyDataStream, Bytes};
use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::Response;
use futures_util::{StreamExt, stream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tower_http::timeout::TimeoutBody;

/// What is read of a body that nobody wants.
const MOST_BYTES: usize = 64 << 20;

/// A body that outlives its handler.
struct Unread {
    /// None from its end on.
    body: Option<BodyDataStream>,
    begun: bool,
}

impl Unread {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, axum::Error>>> {
        self.begun = true;
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let polled = body.poll_next_unpin(context);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.body = None;
        }
        polled
    }
}

/// Lets the request be answered, and reads what is left of its body before the answer goes out: at most
/// [`MOST_BYTES`]. Whoever reads, a `pause` that is longer ends the body with an error.
pub(super) async fn read_to_the_end(State(pause): State<Duration>, request: Request, next: Next) -> Response {
    // Such a client looks before it sends: reading would ask it to.
    let looks_first = request.headers().contains_key(header::EXPECT);
    let (parts, body) = request.into_parts();
    let body = Body::new(TimeoutBody::new(pause, body)).into_data_stream();
    let unread = Arc::new(Mutex::new(Unread { body: Some(body), begun: false }));
    let handlers = Arc::clone(&unread);
    let body = Body::from_stream(stream::poll_fn(move |context| lock(&handlers).poll(context)));
    let response = next.run(Request::from_parts(parts, body)).await;
    let left = {
        let mut unread = lock(&unread);
        if looks_first && !unread.begun { None } else { unread.body.take() }
    };
    if let Some(mut body) = left {
        let mut allowed = MOST_BYTES;
        // A body that breaks off, or stops, has nobody who reads the answer: nothing is lost by sending it.
        while let Ok(Some(bytes)) = next_chunk(&mut body).await {
            let Some(rest) = allowed.checked_sub(bytes.len()) else { break };
            allowed = rest;
        }
    }
    response
}

fn lock(unread: &Mutex<Unread>) -> MutexGuard<'_, Unread> {
    // A panic of the handler is caught inside of it; of the body's own, nothing is read after it.
    unread.lock().unwrap_or_else(PoisonError::into_inner)
}
