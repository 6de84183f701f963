//! Connections: how many are open at once, how long one may take to say what it wants, and how they end.

use axum::Router;
use axum::serve::Listener;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// A patience that is longer is as good as none, and its end may be no instant that a clock can name.
const LONGEST_PATIENCE: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// What connections may take.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// Connections that are open at once.
    pub open: usize,
    /// How long a connection may take until the head of its next request is whole.
    pub head: Duration,
}

/// Answers HTTP/1 on `listener` until `goodbye` is ready; then takes no new connection, and ends when those there are
/// have been answered. Connections beyond the bound wait unaccepted, in the kernel's line, until one that is open ends.
/// What stays silent for too long is closed without an answer.
pub async fn serve(
    mut listener: TcpListener,
    routes: Router,
    bounds: Bounds,
    goodbye: impl Future<Output = ()>,
) {
    let open = Arc::new(Semaphore::new(bounds.open.min(Semaphore::MAX_PERMITS)));
    let graceful = GracefulShutdown::new();
    // The other version of HTTP would be told apart by the first bytes, for which the builder waits without end.
    let mut http = Builder::new(TokioExecutor::new()).http1_only();
    http.http1().timer(TokioTimer::new()).header_read_timeout(bounds.head.min(LONGEST_PATIENCE));
    let mut goodbye = pin!(goodbye);
    loop {
        let accept = async {
            let permit = Arc::clone(&open).acquire_owned().await;
            (permit, Listener::accept(&mut listener).await)
        };
        let (permit, (stream, _)) = tokio::select! {
            accepted = accept => accepted,
            () = &mut goodbye => break,
        };
        let service = TowerToHyperService::new(routes.clone());
        let connection = http.serve_connection(TokioIo::new(stream), service).into_owned();
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection broke off");
            }
            drop(permit);
        });
    }
    drop(listener);
    graceful.shutdown().await;
}
