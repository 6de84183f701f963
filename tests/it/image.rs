//! The container image, as far as it can be checked without building it: its instructions and the compose files.
//! `make image-check` runs the binary in a root like the image's.

use crate::service::Service;
use std::fs;
use std::path::Path;
use std::process::Command;

const DOCKERFILE: &str = include_str!("../../Dockerfile");
const COMPOSE: [&str; 2] =
    [include_str!("../../docker/compose.yaml"), include_str!("../../docker/compose.observability.yaml")];

/// An instruction: its name, and what follows it on its line and those it goes on to.
struct Instruction {
    name: String,
    rest: String,
}

/// The stages, each from its `FROM` on.
fn stages() -> Vec<Vec<Instruction>> {
    let lines: Vec<_> = DOCKERFILE.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
    let mut stages: Vec<Vec<Instruction>> = Vec::new();
    for line in lines.join("\n").replace("\\\n", " ").lines().filter(|line| !line.trim().is_empty()) {
        let (name, rest) = line.split_once(' ').unwrap();
        if name == "FROM" {
            stages.push(Vec::new());
        }
        let stage = stages.last_mut().unwrap();
        stage.push(Instruction { name: name.to_owned(), rest: rest.trim().to_owned() });
    }
    stages
}

fn all<'a>(stage: &'a [Instruction], name: &str) -> Vec<&'a str> {
    stage.iter().filter(|i| i.name == name).map(|i| i.rest.as_str()).collect()
}

fn the<'a>(stage: &'a [Instruction], name: &str) -> &'a str {
    let found = all(stage, name);
    assert_eq!(found.len(), 1, "{name}");
    found[0]
}

/// The arguments of an instruction in exec form.
fn exec(rest: &str) -> Vec<String> {
    serde_json::from_str(rest).unwrap_or_else(|_| panic!("{rest} is not in exec form"))
}

/// What `.dockerignore` lets into the build.
fn let_in() -> Vec<&'static str> {
    let mut patterns = include_str!("../../.dockerignore").lines().filter(|line| !line.starts_with('#'));
    assert_eq!(patterns.next(), Some("*"), "everything is left out");
    patterns.map(|pattern| pattern.strip_prefix('!').unwrap()).collect()
}

/// Sources and target of the `COPY`s from the repository.
fn copies(stage: &[Instruction]) -> Vec<(Vec<&str>, &str)> {
    let from_here = all(stage, "COPY").into_iter().filter(|rest| !rest.starts_with("--from="));
    from_here
        .map(|rest| {
            let mut words: Vec<_> = rest.split_whitespace().collect();
            let target = words.pop().unwrap();
            (words, target)
        })
        .collect()
}

/// Variables of the service that the image and the compose files set, with their values.
fn variables() -> Vec<(String, String)> {
    let stages = stages();
    let of_image = the(&stages[1], "ENV").split_whitespace().map(|pair| pair.split_once('=').unwrap());
    let of_compose =
        COMPOSE.iter().flat_map(|file| file.lines()).filter_map(|line| line.trim().split_once(": "));
    of_image
        .chain(of_compose)
        .filter(|(name, _)| name.starts_with("FEWER_"))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[test]
fn the_image_is_made_of_what_is_here() {
    let stages = stages();
    let [build, image] = stages.as_slice() else { panic!("{} stages", stages.len()) };
    let toolchain: toml::Table = include_str!("../../rust-toolchain.toml").parse().unwrap();
    let channel = toolchain["toolchain"]["channel"].as_str().unwrap();
    let minor = channel.rsplit_once('.').unwrap().0;
    assert_eq!(the(build, "FROM"), format!("rust:{minor}-trixie AS build"));
    // Debian 13. The library that the binary was linked with has to be that of the build.
    assert_eq!(the(image, "FROM"), "debian:trixie-slim");

    let ignored = let_in();
    let copied: Vec<_> = copies(build).into_iter().flat_map(|(sources, _)| sources).collect();
    for source in &copied {
        assert!(Path::new(source).exists(), "{source} is not here");
        let is_let_in = ignored.iter().any(|path| Path::new(source).starts_with(path));
        assert!(is_let_in, "{source} is left out by .dockerignore");
    }
    for path in ignored {
        assert!(copied.iter().any(|source| Path::new(source).starts_with(path)), "{path} is copied nowhere");
    }
    assert!(copies(image).is_empty());
    let binary = the(image, "COPY");
    assert_eq!(binary, "--from=build /build/target/release/fewer /usr/local/bin/fewer");
    assert!(!DOCKERFILE.contains("curl") && !DOCKERFILE.contains("wget"), "nothing is fetched but packages");
}

/// Every file that the sources include has to be in the build.
#[test]
fn the_image_has_what_the_sources_include() {
    let stages = stages();
    let copied: Vec<_> = copies(&stages[0]).into_iter().flat_map(|(sources, _)| sources).collect();
    let mut included = 0;
    let mut directories = vec![Path::new("src").to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                directories.push(entry);
                continue;
            }
            let is_test = entry.file_stem().unwrap() == "tests";
            let code = fs::read_to_string(&entry).unwrap();
            for macro_name in ["include_bytes!(\"", "include_str!(\""] {
                for rest in code.split(macro_name).skip(1).filter(|_| !is_test) {
                    let path = entry.parent().unwrap().join(rest.split('"').next().unwrap());
                    let path = path.canonicalize().unwrap();
                    let path = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap();
                    let is_copied = copied.iter().any(|source| path.starts_with(source));
                    assert!(is_copied, "{} includes {}", entry.display(), path.display());
                    included += 1;
                }
            }
        }
    }
    assert!(included > 0);
}

/// The layer of the dependencies stands on empty targets: cargo has to accept them.
#[test]
fn the_manifests_are_whole_without_the_sources() {
    let stages = stages();
    let dir = tempfile::tempdir().unwrap();
    for (sources, target) in copies(&stages[0]).into_iter().take(2) {
        let target = dir.path().join(target);
        fs::create_dir_all(&target).unwrap();
        for source in sources {
            fs::copy(source, target.join(Path::new(source).file_name().unwrap())).unwrap();
        }
    }
    let skeleton = all(&stages[0], "RUN").into_iter().find(|run| run.starts_with("mkdir")).unwrap();
    let made = Command::new("sh").args(["-ec", skeleton]).current_dir(dir.path()).status().unwrap();
    assert!(made.success());
    let read = Command::new(env!("CARGO"))
        .args(["metadata", "--offline", "--locked", "--no-deps", "--format-version", "1"])
        .current_dir(dir.path())
        .output()
        .unwrap();
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
}

#[test]
fn the_image_runs_as_nobody_and_ends_when_told() {
    let stages = stages();
    let image = &stages[1];
    let ids: Vec<u32> = the(image, "USER").split(':').map(|id| id.parse().unwrap()).collect();
    assert!(ids.len() == 2 && ids.iter().all(|&id| id > 0), "{ids:?}");
    let run = the(image, "RUN");
    assert!(run.contains(&format!("install -d -o {} -g {} /data", ids[0], ids[1])), "{run}");
    assert_eq!(the(image, "VOLUME"), "/data");
    assert_eq!(the(image, "EXPOSE"), "8080");
    assert_eq!(the(image, "STOPSIGNAL"), "SIGTERM");
    assert_eq!(exec(the(image, "ENTRYPOINT")), ["fewer"]);
    assert_eq!(exec(the(image, "CMD")), ["serve"]);
    let (flags, check) = the(image, "HEALTHCHECK").split_once("CMD").unwrap();
    assert_eq!(exec(check), ["fewer", "healthcheck"]);
    assert!(flags.contains("--interval=") && flags.contains("--timeout="), "{flags}");

    let label = the(image, "LABEL");
    for name in ["title", "description", "licenses", "version", "revision"] {
        assert!(label.contains(&format!("org.opencontainers.image.{name}=")), "{name}");
    }
    let version = env!("CARGO_PKG_VERSION");
    assert!(all(image, "ARG").contains(&format!("VERSION={version}").as_str()), "the label says {version}");
    assert!(COMPOSE[0].contains(&format!("image: fewer:{version}\n")), "the compose file says {version}");
}

#[test]
fn the_compose_files_take_away_what_the_service_does_not_need() {
    for file in COMPOSE {
        for line in [
            "    read_only: true",
            "    tmpfs:\n      - /tmp",
            "    cap_drop:\n      - ALL",
            "    security_opt:\n      - no-new-privileges:true",
            "    mem_limit: ",
            "    cpus: ",
            "    pids_limit: ",
            "    stop_grace_period: ",
            "    secrets:\n      - api_key",
        ] {
            assert!(file.contains(line), "{line}\nis not in\n{file}");
        }
        let ports = file.lines().filter(|line| line.contains(":8080\"") || line.contains(":9090\""));
        for port in ports {
            assert!(port.contains("\"127.0.0.1:"), "{port} is open to other machines");
        }
        for image in file.lines().filter_map(|line| line.trim().strip_prefix("image: ")) {
            assert!(
                image.split_once(':').is_some_and(|(_, tag)| tag != "latest"),
                "{image} may be any version"
            );
        }
    }
    assert!(COMPOSE[0].contains("\n    file: ./secrets/api_key\n"));
    let prometheus = include_str!("../../docker/prometheus.yml");
    assert!(prometheus.contains("credentials_file: /run/secrets/api_key"), "/metrics asks for the key");
    assert!(prometheus.contains("\"fewer:8080\""));
}

/// The service refuses variables that it does not know.
#[test]
fn the_service_starts_with_the_variables_of_the_image_and_of_compose() {
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("api_key");
    fs::write(&key, "0123456789abcdef0123456789abcdef\n").unwrap();
    let mut variables = variables();
    assert!(variables.len() >= 5, "{variables:?}");
    for (name, value) in &mut variables {
        if name == "FEWER_AUTH__API_KEY_FILE" {
            *value = key.to_str().unwrap().to_owned();
        }
    }
    let variables: Vec<_> = variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    // The address and the directory are those of this test: flags win.
    let service = Service::start_with(&dir.path().join("data"), &[], &variables).unwrap();
    assert_eq!(service.get("/healthz")["status"], "ok");
}
