//! Settings and where they are from.

use crate::client::Client;
use clap::Parser;
use fewer::config::{self, Effective, Flags, Settings};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

const KEY: &str = "a-key-of-the-tests-0123";

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    flags: Flags,
}

/// A file of settings, an environment and a command line.
struct Given {
    dir: TempDir,
    environment: Vec<(OsString, OsString)>,
    flags: Vec<String>,
}

impl Given {
    fn flags(flags: &[&str]) -> Self {
        let flags = flags.iter().map(ToString::to_string).collect();
        Self { dir: tempfile::tempdir().unwrap(), environment: Vec::new(), flags }
    }

    fn file(text: &str) -> Self {
        let mut given = Self::flags(&[]);
        let path = given.write("fewer.toml", text);
        given.flags = vec!["--config".into(), path.to_str().unwrap().into()];
        given
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn effective(&self) -> Result<Effective, String> {
        let line = [&["fewer".to_owned()][..], &self.flags].concat();
        let line = Line::try_parse_from(line).map_err(|error| error.to_string())?;
        Effective::read(&line.flags, self.environment.clone()).map_err(|error| error.to_string())
    }

    fn settings(&self) -> Result<Settings, String> {
        self.effective()?.settings().map_err(|error| error.to_string())
    }

    /// What is said instead of the settings.
    fn refusal(&self) -> String {
        match self.settings() {
            Ok(settings) => panic!("this was accepted: {settings:?}"),
            Err(said) => said.replace(self.dir.path().to_str().unwrap(), ""),
        }
    }
}

#[test]
fn where_nothing_is_given_the_settings_are_the_defaults() {
    assert_eq!(Given::flags(&[]).settings().unwrap(), Settings::new("./fewer-data"));
    assert_eq!(Given::file("[jobs]\n").settings().unwrap(), Settings::new("./fewer-data"));
}

#[test]
fn flags_win_over_the_environment_that_over_the_file_and_that_over_the_defaults() {
    let mut given = Given::file("[jobs]\nworkers = 3\nthreads = 3\nmax_queued = 3\n")
        .variable("FEWER_JOBS__THREADS", "4")
        .variable("FEWER_JOBS__MAX_QUEUED", "4");
    given.flags.extend(["--max-queued".into(), "5".into()]);
    let settings = given.settings().unwrap();
    assert_eq!((settings.workers, settings.threads, settings.max_queued), (3, 4, 5));

    let printed = given.effective().unwrap().toml();
    let file = given.dir.path().join("fewer.toml");
    for line in [
        &format!("workers = 3 # file {file:?}"),
        "threads = 4 # environment",
        "max_queued = 5 # flag",
        "max_flops = 2e16 # default",
        "dataset_bytes = \"16GiB\" # default",
    ] {
        assert!(printed.lines().any(|printed| printed == line), "{line} is not in\n{printed}");
    }
}

#[test]
fn every_way_to_write_a_value_is_read() {
    let given = Given::file(
        "[limits]\ndataset_bytes = 1000\njson_bytes = \"2 MiB\"\nwait_seconds = 5\n\
         [sources]\nprefixes = [\"file:///a,b/\", \"s3://c/\"]\n[server]\nallow_anonymous = true\n\
         [jobs]\nmemory_bytes = \"auto\"\n[retention]\nresult_seconds = \"none\"\ndataset_bytes = \"3TiB\"\n",
    );
    let defaults = Settings::new("./fewer-data");
    let mut wanted = Settings {
        max_dataset_bytes: 1000,
        max_json_bytes: 2 << 20,
        max_wait_seconds: 5.0,
        source_prefixes: vec!["file:///a,b/".into(), "s3://c/".into()],
        allow_anonymous: true,
        ..defaults.clone()
    };
    wanted.retention.dataset_bytes = Some(3 << 40);
    assert_eq!(given.settings().unwrap(), wanted);

    let given = Given::flags(&[
        "--source-prefix",
        "a,b",
        "--source-prefix=c",
        "--allow-anonymous",
        "--threads",
        "auto",
    ])
    .variable("FEWER_SERVER__ALLOW_ANONYMOUS", "false")
    .variable("FEWER_JOBS__THREADS", "77");
    let wanted = Settings {
        source_prefixes: vec!["a".into(), "b".into(), "c".into()],
        allow_anonymous: true,
        ..defaults
    };
    assert_eq!(given.settings().unwrap(), wanted);
}

#[test]
fn what_is_printed_can_be_read_back() {
    let given = Given::flags(&[
        "--data-dir=/a \"quoted\" path\\with\tall",
        "--source-prefix=file:///a/",
        "--max-dataset-bytes=1001",
        "--max-flops=1e-3",
        "--retain-result-seconds=86400",
        "--retain-dataset-bytes=18446744073709551615",
        "--log-filter=info,fewer::jobs=debug",
        "--log-format=json",
    ]);
    let printed = given.effective().unwrap().toml();
    let again = Given::file(&printed);
    assert_eq!(again.settings().unwrap(), given.settings().unwrap(), "{printed}");

    let keyed = Given::flags(&[]).variable("FEWER_AUTH__API_KEY", KEY);
    let printed = keyed.effective().unwrap().toml();
    assert!(printed.contains("api_key = \"***\" # environment") && !printed.contains(KEY), "{printed}");
    let said = Given::file(&printed).refusal();
    assert!(
        said.starts_with("auth.api_key in /fewer.toml: *** stands for a key that was not printed"),
        "{said}"
    );
}

#[test]
fn what_is_no_setting_is_refused_with_those_there_are() {
    for (text, said) in [
        (
            "[limits]\ndataset_byte = 1",
            "limits.dataset_byte in /fewer.toml is no setting; there are limits.dataset_bytes, ",
        ),
        (
            "[colours]\n",
            "colours in /fewer.toml is no setting; there are the sections server, auth, storage, limits, ",
        ),
        ("listen = \"[::1]:1\"", "listen in /fewer.toml is no setting; there are the sections server"),
        ("jobs = 3", "jobs in /fewer.toml: a section is a table, such as [jobs]"),
    ] {
        let refusal = Given::file(text).refusal();
        assert!(refusal.starts_with(said), "{text}: {refusal}");
    }
    for (variable, said) in [
        ("FEWER_JOBS__WORKER", "FEWER_JOBS__WORKER is no setting; there are FEWER_JOBS__MAX_QUEUED, "),
        ("FEWER_JOBS__workers", "FEWER_JOBS__workers is no setting; there are FEWER_JOBS__MAX_QUEUED, "),
        ("FEWER_JOB__WORKERS", "FEWER_JOB__WORKERS is no setting; there are the sections server"),
    ] {
        let refusal = Given::flags(&[]).variable(variable, "1").refusal();
        assert!(refusal.starts_with(said), "{variable}: {refusal}");
    }
    let kubernetes = Given::flags(&[])
        .variable("FEWER_SERVICE_HOST", "10.0.0.1")
        .variable("FEWER_PORT_8080_TCP_ADDR", "10.0.0.1")
        .variable("OTHER_JOBS__WORKER", "1");
    assert_eq!(kubernetes.settings().unwrap(), Settings::new("./fewer-data"));
}

#[test]
fn a_value_without_meaning_is_refused_by_the_name_its_giver_wrote() {
    for (flag, said) in [
        ("--max-flops=NaN", "--max-flops: NaN is no finite number above 0"),
        ("--checkpoint-seconds=0", "--checkpoint-seconds: 0 is no finite number above 0"),
        ("--retain-result-seconds=-1", "--retain-result-seconds: -1 is no finite number above 0"),
        ("--workers=0", "--workers: \"0\" is no whole number above 0"),
        ("--listen=localhost", "--listen: \"localhost\" is not an address and port, such as 127.0.0.1:8080"),
        ("--max-json-bytes=1XB", "--max-json-bytes: unknown unit \"XB\""),
        ("--data-dir=", "--data-dir: the path is empty"),
        ("--log-format=xml", "--log-format: \"xml\" is not text or json"),
        ("--log-filter=fewer=loud", "--log-filter: \"fewer=loud\" is not a level, or directives"),
        ("--allow-anonymous=maybe", "--allow-anonymous: \"maybe\" is neither true nor false"),
    ] {
        let refusal = Given::flags(&[flag]).refusal();
        assert!(refusal.starts_with(said), "{flag}: {refusal}");
    }
    for (text, said) in [
        ("[limits]\ndataset_bytes = -1", "limits.dataset_bytes in /fewer.toml: -1 is not a number of bytes"),
        (
            "[limits]\ndataset_bytes = 1.5",
            "limits.dataset_bytes in /fewer.toml: expected a number of bytes, or \"16GiB\", not a float",
        ),
        ("[jobs]\nworkers = true", "jobs.workers in /fewer.toml: expected a whole number, not a boolean"),
        ("[jobs]\nmax_flops = []", "jobs.max_flops in /fewer.toml: expected a number, not an array"),
        (
            "[storage]\ndata_dir = 5",
            "storage.data_dir in /fewer.toml: expected text in quotes, not an integer",
        ),
        (
            "[sources]\nprefixes = \"a\"",
            "sources.prefixes in /fewer.toml: expected an array of texts, not a string",
        ),
        (
            "[server]\nallow_anonymous = \"true\"",
            "server.allow_anonymous in /fewer.toml: expected true or false",
        ),
        ("[jobs]\nworkers = 1\nworkers = 2", "/fewer.toml, line 3: "),
    ] {
        let refusal = Given::file(text).refusal();
        assert!(refusal.starts_with(said), "{text}: {refusal}");
    }
    let refusal = Given::flags(&[]).variable("FEWER_JOBS__WORKERS", "two").refusal();
    assert_eq!(refusal, "FEWER_JOBS__WORKERS: \"two\" is no whole number above 0");
    assert!(
        Given::flags(&["--config", "/nowhere/fewer.toml"]).refusal().starts_with("/nowhere/fewer.toml: ")
    );
}

#[test]
fn a_refusal_never_shows_a_key() {
    for given in [
        Given::file(&format!("[auth]\napi_key = \"{KEY}")),
        Given::file(&format!("[auth]\napi_key = {KEY}")),
        Given::file(&format!("[auth]\napi_key = [\"{KEY}\"]")),
        Given::file(&format!("[auth]\napi_key = \"{KEY} {KEY}\"")),
        Given::file(&format!("auth = \"{KEY}\"")),
        Given::flags(&[]).variable("FEWER_AUTH__API_KEY", &format!("{KEY}\n")),
        Given::flags(&[]).variable("FEWER_AUTH__API_KEY", &KEY[..15]),
        Given::flags(&[]).variable("FEWER_AUTH__API_KEY", ""),
        Given::flags(&["--api-key", KEY]).variable("FEWER_AUTH__API_KEY", KEY),
    ] {
        let refusal = given.refusal();
        // clap repeats the flag that it does not know, not its value.
        assert!(!refusal.contains(&KEY[..15]), "{refusal}");
    }
    let settings = Given::flags(&[]).variable("FEWER_AUTH__API_KEY", KEY).settings().unwrap();
    assert!(settings.api_key.as_ref().unwrap().is(KEY.as_bytes()));
    assert!(!format!("{settings:?}").contains(KEY));
}

#[test]
fn a_key_can_stand_in_a_file() {
    for text in [KEY.to_owned(), format!("{KEY}\n"), format!("{KEY}\r\n")] {
        let mut given = Given::flags(&[]);
        let path = given.write("key", &text);
        given.flags = vec![format!("--api-key-file={}", path.display())];
        assert!(given.settings().unwrap().api_key.unwrap().is(KEY.as_bytes()), "{text:?}");
        let printed = given.effective().unwrap().toml();
        assert!(printed.contains("api_key = \"none\" # default") && !printed.contains(KEY), "{printed}");
        assert_eq!(Given::file(&printed).settings(), given.settings());
    }
    let mut given = Given::flags(&[]);
    let path = given.write("key", "too short\n");
    given.flags = vec![format!("--api-key-file={}", path.display())];
    assert_eq!(given.refusal(), "/key: a key has visible ASCII characters only, and no spaces");
    given.write("key", "short\n\n");
    assert_eq!(given.refusal(), "/key: a key has visible ASCII characters only, and no spaces");
    given.write("key", "short\n");
    assert_eq!(given.refusal(), "/key: a key has at least 16 characters, this one has 5");
    let given = given.variable("FEWER_AUTH__API_KEY", KEY);
    assert_eq!(given.refusal(), "FEWER_AUTH__API_KEY and --api-key-file are both set: keep one");
    std::fs::remove_file(path).unwrap();
    let given = Given { environment: Vec::new(), ..given };
    assert!(given.refusal().starts_with("/key: No such file"), "{}", given.refusal());
}

#[test]
fn an_address_others_can_reach_needs_a_key_or_consent() {
    let open = |more: &[&str]| Given::flags(&[&["--listen", "0.0.0.0:80"], more].concat());
    let refusal = open(&[]).refusal();
    assert!(refusal.contains("0.0.0.0:80") && refusal.contains("--allow-anonymous"), "{refusal}");
    assert!(refusal.contains("auth.api_key_file"), "{refusal}");
    assert!(open(&["--allow-anonymous"]).settings().is_ok());
    assert!(open(&[]).variable("FEWER_AUTH__API_KEY", KEY).settings().is_ok());
    assert!(Given::flags(&["--listen", "[::1]:80"]).settings().is_ok());
}

#[test]
fn the_committed_example_has_every_default_as_a_comment() {
    let committed = include_str!("../../docker/config.example.toml");
    assert!(committed == config::example(), "docker/config.example.toml is out of date: make docs");
    assert!(committed.lines().all(|line| line.is_empty() || line.starts_with(['#', '['])));
    let uncommented: Vec<_> = committed.lines().map(|line| line.strip_prefix("# ").unwrap_or(line)).collect();
    let given = Given::file(&uncommented.join("\n"));
    assert_eq!(given.settings().unwrap(), Settings::new("./fewer-data"));
    assert!(!given.effective().unwrap().toml().contains("# default"), "a setting is not in it");
}

#[test]
fn the_committed_table_of_settings_is_the_services_own() {
    let page = include_str!("../../docs/operations.md");
    let (_, table) = page.split_once("<!-- settings: generated -->\n").unwrap();
    let (table, _) = table.split_once("<!-- settings: end -->").unwrap();
    assert!(table == config::markdown(), "the settings in docs/operations.md are out of date: make docs");
}

fn healthy(config: &Path) -> bool {
    let fewer = env!("CARGO_BIN_EXE_fewer");
    Command::new(fewer).arg("healthcheck").env("FEWER_CONFIG", config).output().unwrap().status.success()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_healthcheck_needs_the_services_file_and_no_key() {
    let client =
        Client::with(|settings| settings.api_key = Some(fewer::auth::ApiKey::new(KEY.into()).unwrap()));
    let address = client.listen().await;
    let text = format!("[server]\nlisten = \"{address}\"\n[auth]\napi_key_file = \"/not/for/others\"\n");
    let given = Given::file(&text);
    let config = given.dir.path().join("fewer.toml");
    let wrong = given.write("wrong.toml", "[server]\nlisten = 8080\n");
    let (right, wrong) =
        tokio::task::spawn_blocking(move || (healthy(&config), healthy(&wrong))).await.unwrap();
    assert!(right && !wrong);
}
