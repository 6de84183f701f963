use std::fs;
use std::os::unix::fs::symlink;

use tempfile::TempDir;
use tokio::sync::Semaphore;

use super::*;

async fn read(sources: &Sources, source: &str) -> Result<Vec<u8>, SourceError> {
    let permits = Arc::new(Semaphore::new(1));
    let permit = Arc::new(Arc::clone(&permits).try_acquire_owned().unwrap());
    let mut open = sources.open(source, &permit).await?;
    drop(permit);
    // A small file has been read already.
    if open.bytes() > 2 << 20 {
        assert_eq!(permits.available_permits(), 0, "the thread that reads holds it");
    }
    let mut bytes = Vec::new();
    while let Some(piece) = open.next().await? {
        bytes.extend_from_slice(&piece);
    }
    assert_eq!(open.bytes(), bytes.len() as u64);
    Ok(bytes)
}

fn sources(prefix: &str) -> Sources {
    Sources::new(&[prefix.into()], Duration::from_millis(500)).unwrap()
}

#[tokio::test]
async fn only_what_is_under_a_prefix_is_read() {
    let dir = TempDir::new().unwrap();
    let root = dir.path();
    for inner in ["data/in ner", "database"] {
        fs::create_dir_all(root.join(inner)).unwrap();
    }
    let large: Vec<u8> = (0..3_000_001_u32).map(|i| i as u8).collect();
    fs::write(root.join("data/in ner/a%b.npy"), &large).unwrap();
    fs::write(root.join("data/here"), b"here").unwrap();
    fs::write(root.join("secret"), b"secret").unwrap();
    fs::write(root.join("database/secret"), b"secret").unwrap();
    symlink("../secret", root.join("data/out")).unwrap();
    symlink(root.join("secret"), root.join("data/absolute")).unwrap();
    symlink("../database", root.join("data/aside")).unwrap();
    symlink("here", root.join("data/within")).unwrap();
    symlink("loop", root.join("data/loop")).unwrap();
    let base = format!("file://{}", root.display());
    let allowed = sources(&format!("{base}/data"));

    assert_eq!(read(&allowed, &format!("{base}/data/in%20ner/a%25b.npy")).await.unwrap(), large);
    assert_eq!(read(&allowed, &format!("{base}/data/within")).await.unwrap(), b"here");
    let local = format!("FILE://localhost{}/data/here", root.display());
    assert_eq!(read(&allowed, &local).await.unwrap(), b"here");
    for (path, code) in [
        ("/secret", "source_not_allowed"),
        ("/missing", "source_not_allowed"),
        ("/database/secret", "source_not_allowed"),
        ("/data/../secret", "source_not_allowed"),
        ("/data/%2e%2e/secret", "source_not_allowed"),
        ("/data/%2E./secret", "source_not_allowed"),
        ("/data/..%2fsecret", "source_not_allowed"),
        // Decoded once: a name that nobody has.
        ("/data/%252e%252e/secret", "source_failed"),
        ("/data//here", "source_not_allowed"),
        ("/data/here%00", "source_not_allowed"),
        ("/data/here?x=1", "source_not_allowed"),
        ("/data/out", "source_not_allowed"),
        ("/data/absolute", "source_not_allowed"),
        ("/data/aside/secret", "source_not_allowed"),
        ("/data/loop", "source_not_allowed"),
        ("/data/missing", "source_failed"),
        ("/data", "source_failed"),
        ("/data/in%20ner", "source_failed"),
    ] {
        let error = read(&allowed, &format!("{base}{path}")).await.unwrap_err();
        assert_eq!(error.code(), code, "{path}: {error}");
        assert!(!error.to_string().contains("secret\n"));
    }
    for other in
        ["/etc/passwd", "file://host/etc/passwd", "http://host/a", "file:/etc/passwd", "s3://", "s3://a b/c"]
    {
        assert_eq!(read(&allowed, other).await.unwrap_err().code(), "source_not_allowed", "{other}");
    }
    let nothing = Sources::new(&[], Duration::from_secs(1)).unwrap();
    let error = read(&nothing, &format!("{base}/data/here")).await.unwrap_err();
    assert!(error.to_string().contains("FEWER_SOURCES__PREFIXES"), "{error}");
}

#[tokio::test]
async fn a_pipe_is_no_source_and_waits_for_nobody() {
    let dir = TempDir::new().unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, dir.path().join("pipe"), rustix::fs::Mode::RUSR).unwrap();
    let base = format!("file://{}", dir.path().display());
    let error = read(&sources(&base), &format!("{base}/pipe")).await.unwrap_err();
    assert!(matches!(&error, SourceError::Failed { reason, .. } if reason.contains("regular")), "{error}");
}

#[tokio::test]
async fn a_source_that_sends_nothing_is_given_up() {
    let mut open = OpenSource {
        uri: Uri::parse("file:///a").unwrap(),
        bytes: 1,
        pieces: Box::pin(futures_util::stream::pending()),
        patience: Duration::from_millis(20),
    };
    assert_eq!(open.next().await.unwrap_err().code(), "source_timeout");
}

#[test]
fn a_bucket_and_a_part_of_a_name_are_no_prefix_of_another() {
    let under = |uri: &str, prefix: &str| Uri::parse(uri).unwrap().is_under(&Uri::parse(prefix).unwrap());
    assert!(under("s3://bucket/a/b", "s3://bucket") && under("s3://bucket/a/b", "s3://bucket/a/"));
    assert!(!under("s3://bucket2/a", "s3://bucket") && !under("s3://bucket/ab", "s3://bucket/a"));
    assert!(!under("gs://bucket/a", "s3://bucket") && !under("file:///bucket/a", "s3://bucket"));
    assert!(!under("s3://bucket/a", "s3://bucket/a/b"));
}

#[cfg(not(feature = "object-store"))]
#[tokio::test]
async fn a_build_without_object_stores_says_so() {
    let error = read(&sources("s3://bucket"), "s3://bucket/a.npy").await.unwrap_err();
    assert_eq!(error.code(), "source_not_allowed");
    assert!(error.to_string().contains("cargo feature object-store"), "{error}");
}
