//! Files of this machine.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use rustix::fs::{Mode, OFlags, ResolveFlags, open as open_directory, openat2};
use rustix::io::Errno;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::{Pieces, Refusal, Uri};

/// Bytes that are read at a time.
const PIECE_BYTES: usize = 1 << 20;

/// Opens a regular file under `prefix`, and reads it in a thread of its own: where the file system hangs, only that
/// thread does.
pub(super) async fn open(
    prefix: &Uri,
    uri: &Uri,
    permit: &Arc<OwnedSemaphorePermit>,
) -> Result<(u64, Pieces), Refusal> {
    let root = Path::new("/").join(prefix.path_from(0));
    let below = uri.path_from(prefix.segments().len());
    let held = Arc::clone(permit);
    let opened = tokio::task::spawn_blocking(move || {
        let _held = held;
        open_below(&root, below)
    });
    let opened = opened.await;
    let (file, bytes) = opened.map_err(|error| Refusal::Failed(error.to_string()))??;
    let (pieces, inbox) = mpsc::channel(1);
    let held = Arc::clone(permit);
    tokio::task::spawn_blocking(move || {
        let _held = held;
        send(file, &pieces);
    });
    let pieces = stream::unfold(inbox, |mut inbox| async { Some((inbox.recv().await?, inbox)) });
    Ok((bytes, Box::pin(pieces)))
}

/// The kernel follows the path and refuses what leads out of `root`, links that somebody changes meanwhile included.
fn open_below(root: &Path, below: PathBuf) -> Result<(File, u64), Refusal> {
    let failed = |error: Errno| Refusal::Failed(std::io::Error::from(error).to_string());
    let path_only = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = open_directory(root, path_only, Mode::empty()).map_err(failed)?;
    let below = if below.as_os_str().is_empty() { PathBuf::from(".") } else { below };
    // Without NONBLOCK a pipe would wait for its writer.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    let file = openat2(root, &below, flags, Mode::empty(), resolve).map_err(|error| match error {
        Errno::XDEV | Errno::LOOP => Refusal::NotAllowed("a link leads out of the prefix".into()),
        other => failed(other),
    })?;
    let file = File::from(file);
    let metadata = file.metadata().map_err(|error| Refusal::Failed(error.to_string()))?;
    if !metadata.is_file() {
        return Err(Refusal::Failed("not a regular file".into()));
    }
    Ok((file, metadata.len()))
}

fn send(mut file: File, pieces: &mpsc::Sender<Result<Bytes, String>>) {
    loop {
        let mut piece = vec![0; PIECE_BYTES];
        let read = match file.read(&mut piece) {
            Ok(0) => return,
            Ok(bytes) => {
                piece.truncate(bytes);
                Ok(piece.into())
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => Err(error.to_string()),
        };
        let ends = read.is_err();
        // Nobody listens where the copy was refused.
        if pieces.blocking_send(read).is_err() || ends {
            return;
        }
    }
}
