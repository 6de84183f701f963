//! `fewer serve`

use crate::api;
use crate::config::{Settings, SettingsArgs};
use crate::telemetry::{self, LogArgs, process};
use std::error::Error;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Blocking work that was still under way when serving ended is left after this long: what it writes is either
/// committed whole or not at all.
const LAST_PATIENCE: Duration = Duration::from_millis(300);

#[derive(Debug, clap::Args)]
pub(super) struct ServeArgs {
    #[command(flatten)]
    settings: SettingsArgs,
    #[command(flatten)]
    log: LogArgs,
}

pub(super) fn run(args: ServeArgs) -> Result<(), Box<dyn Error>> {
    let settings = Settings::try_from(args.settings)?;
    telemetry::init(args.log)?;
    let runtime = tokio::runtime::Runtime::new()?;
    let served = runtime.block_on(serve(settings));
    runtime.shutdown_timeout(LAST_PATIENCE);
    served
}

async fn serve(settings: Settings) -> Result<(), Box<dyn Error>> {
    let terminate = signal(SignalKind::terminate())?;
    let interrupt = signal(SignalKind::interrupt())?;
    let listener = TcpListener::bind(settings.listen)
        .await
        .map_err(|error| format!("cannot listen on {}: {error}", settings.listen))?;
    tracing::info!(
        address = %listener.local_addr()?,
        data_dir = %settings.data_dir.display(),
        memory_bytes = settings.memory_bytes,
        threads = settings.threads,
        workers = settings.workers,
        blas = process::blas_library(),
        "listening"
    );
    Ok(api::serve(settings, listener, either(terminate, interrupt)).await?)
}

async fn either(mut terminate: Signal, mut interrupt: Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
