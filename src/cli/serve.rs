//! `fewer serve`

use crate::api;
use crate::config::{Effective, Flags, Settings};
use crate::telemetry::{self, process};
use std::error::Error;
use std::io::{self, Write};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Blocking work that was still under way when serving ended is left after this long: what it writes is either
/// committed whole or not at all.
const LAST_PATIENCE: Duration = Duration::from_millis(300);

#[derive(Debug, clap::Args)]
pub(super) struct ServeArgs {
    #[command(flatten)]
    flags: Flags,
    /// Print every setting and where it is from, as TOML, and leave; keys are not printed
    #[arg(long)]
    print_config: bool,
}

pub(super) fn run(args: ServeArgs) -> Result<(), Box<dyn Error>> {
    let effective = Effective::read(&args.flags, std::env::vars_os())?;
    if args.print_config {
        io::stdout().write_all(effective.toml().as_bytes())?;
        // What contradicts another is printed too, and told.
        return Ok(effective.settings().map(drop)?);
    }
    let settings = effective.settings()?;
    telemetry::init(settings.log_format, &settings.log_filter)?;
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
        asks_for_a_key = settings.api_key.is_some(),
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
