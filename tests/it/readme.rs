//! The README's commands run, and answer what it shows.

use crate::service::{FEWER, Service};
use serde_json::Value;
use std::process::Command;

const README: &str = include_str!("../../README.md");

/// How the commands begin that this test leaves out: they build something, start something that stays, or need a
/// container engine.
const LEFT_OUT: [&str; 6] =
    ["make ", "cargo run --release -- serve ", "docker ", "install -d ", "openssl rand ", "chmod "];

/// A fenced block.
struct Block {
    language: &'static str,
    text: &'static str,
}

fn blocks() -> Vec<Block> {
    let fenced = README.split("```").skip(1).step_by(2);
    fenced
        .map(|block| {
            let (language, text) = block.split_once('\n').unwrap();
            Block { language, text }
        })
        .collect()
}

/// The commands of a block: each begins with a word at the start of a line.
fn commands(block: &str) -> Vec<String> {
    let mut commands: Vec<String> = Vec::new();
    for line in block.lines() {
        if line.starts_with(|c: char| c.is_ascii_lowercase()) {
            commands.push(String::new());
        }
        let command = commands.last_mut().unwrap_or_else(|| panic!("{line:?} begins no command"));
        *command += line;
        command.push('\n');
    }
    commands
}

/// A service, and the ids of its last answers for `ds_…` and `job_…`.
struct Reader {
    service: Service,
    dataset: String,
    job: String,
}

impl Reader {
    /// What the command prints; none where it is left out.
    fn run(&mut self, command: &str) -> Option<String> {
        if LEFT_OUT.iter().any(|begin| command.starts_with(begin)) {
            return None;
        }
        let known = ["curl ", "cargo run --release -- select "];
        assert!(known.iter().any(|begin| command.starts_with(begin)), "this test cannot run {command}");
        if command.contains("/result") {
            let job = format!("/v1/jobs/{}", self.job);
            self.service.until(|service| Some(()).filter(|()| !service.get(&job)["finished_at"].is_null()));
        }
        let command = command
            .replace("http://127.0.0.1:8080", &self.service.base)
            .replace("ds_…", &self.dataset)
            .replace("job_…", &self.job)
            .replace("curl ", "curl --fail-with-body ")
            .replace("cargo run --release --", FEWER);
        let out = Command::new("bash").args(["-c", &command]).output().unwrap();
        let said = String::from_utf8(out.stdout).unwrap();
        assert!(out.status.success(), "{command}{said}{}", String::from_utf8_lossy(&out.stderr));
        if let Ok(answer) = serde_json::from_str::<Value>(&said) {
            match answer["id"].as_str() {
                Some(id) if id.starts_with("ds_") => self.dataset = id.to_owned(),
                Some(id) if id.starts_with("job_") => self.job = id.to_owned(),
                _ => {}
            }
        }
        Some(said)
    }
}

/// The README's JSON as a value: a number becomes the text `#` and its digits, `…` a member or an item `…`.
fn shown(text: &str) -> Value {
    let mut json = String::new();
    let mut open = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' => {
                json.push(c);
                let mut escaped = false;
                for c in chars.by_ref() {
                    json.push(c);
                    if c == '"' && !escaped {
                        break;
                    }
                    escaped = c == '\\' && !escaped;
                }
            }
            '…' => json += if open.last() == Some(&'{') { r#""…":"…""# } else { r#""…""# },
            c if c.is_ascii_digit() || c == '-' => {
                json += "\"#";
                json.push(c);
                while let Some(c) =
                    chars.next_if(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | '-' | '+'))
                {
                    json.push(c);
                }
                json.push('"');
            }
            c => {
                match c {
                    '{' | '[' => open.push(c),
                    '}' | ']' => drop(open.pop()),
                    _ => {}
                }
                json.push(c);
            }
        }
    }
    serde_json::from_str(&json).unwrap_or_else(|error| panic!("{error} in {json}"))
}

/// Whether `text` is `pattern`, in which `…` is anything.
fn fits(pattern: &str, text: &str) -> bool {
    match pattern.split_once('…') {
        None => pattern == text,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|text| {
            text.char_indices().map(|(i, _)| i).chain([text.len()]).any(|i| fits(rest, &text[i..]))
        }),
    }
}

/// What is shown differs from what came, and where.
fn difference(at: &str, shown: &Value, came: &Value) -> Option<String> {
    let differs = || Some(format!("{at}: shown {shown}, came {came}"));
    match (shown, came) {
        (Value::Object(shown), Value::Object(came)) => {
            let more = shown.contains_key("…");
            if !more && shown.len() != came.len() {
                return differs();
            }
            let shown = shown.iter().filter(|(key, _)| *key != "…");
            shown.into_iter().find_map(|(key, value)| {
                difference(&format!("{at}/{key}"), value, came.get(key).unwrap_or(&Value::Null))
            })
        }
        (Value::Array(shown), Value::Array(came)) => {
            let more = shown.last().is_some_and(|last| last == "…");
            let shown = &shown[..shown.len() - usize::from(more)];
            if shown.len() > came.len() || !more && shown.len() != came.len() {
                return differs();
            }
            let pairs = shown.iter().zip(came).enumerate();
            pairs.into_iter().find_map(|(i, (shown, came))| difference(&format!("{at}/{i}"), shown, came))
        }
        (Value::String(digits), Value::Number(number)) => {
            let digits = digits.strip_prefix('#').unwrap_or_default();
            let decimals = digits.split_once('.').map_or(0, |(_, decimals)| decimals.len());
            let came = format!("{:.decimals$}", number.as_f64().unwrap());
            if came == digits { None } else { differs() }
        }
        (Value::String(shown), Value::String(came)) if fits(shown, came) => None,
        (shown, came) if shown == came => None,
        _ => differs(),
    }
}

/// The table's lines, but for what is of the machine.
fn lines(table: &str) -> Vec<String> {
    let of_the_machine = ["memory", "seconds"];
    let lines = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines.filter(|line| !of_the_machine.iter().any(|word| line.starts_with(word))).collect()
}

#[test]
fn the_commands_of_the_readme_answer_what_it_shows() {
    let dir = tempfile::tempdir().unwrap();
    let mut reader =
        Reader { service: Service::start(dir.path()), dataset: String::new(), job: String::new() };
    let mut last = None;
    let (mut documents, mut tables) = (0, 0);
    for Block { language, text } in blocks() {
        match language {
            "sh" => {
                for command in commands(text) {
                    last = reader.run(&command).map(|said| (command, said));
                }
            }
            "json" => {
                let (command, said) = last.take().unwrap();
                let came = serde_json::from_str(&said).unwrap_or_else(|_| panic!("{command}{said}"));
                assert_eq!(difference("", &shown(text), &came), None, "{command}{said}");
                documents += 1;
            }
            "" => {
                let Some((command, said)) = last.take() else { continue };
                let came = lines(&said);
                for line in lines(text).iter().filter(|line| *line != "…") {
                    // The kernel is the machine's, its numbers are not.
                    let line = line.replace(", avx2", ", …");
                    assert!(came.iter().any(|came| fits(&line, came)), "{command}{said}does not show {line}");
                }
                tables += 1;
            }
            // What follows is shown by something else.
            _ => last = None,
        }
    }
    assert!(
        documents >= 2 && tables >= 1,
        "{documents} answers and {tables} tables are little for this README"
    );
}

#[test]
fn a_difference_is_found() {
    let came = serde_json::json!({"a": 1.25, "b": ["x", "yz"], "c": null, "n": -3});
    for same in
        [r#"{"a":1.25, …}"#, r#"{"b":["x", …], "a":1.2, …}"#, r#"{"b":["x","y…"],"n":-3, "c":null, …}"#]
    {
        assert_eq!(difference("", &shown(same), &came), None, "{same}");
    }
    for other in [
        r#"{"a":1.25}"#,
        r#"{"a":1.3, …}"#,
        r#"{"a":"1.25", …}"#,
        r#"{"b":["x"], …}"#,
        r#"{"b":["x","z…"], …}"#,
        r#"{"c":0, …}"#,
        r#"{"d":1, …}"#,
    ] {
        assert!(difference("", &shown(other), &came).is_some(), "{other}");
    }
}

#[test]
fn the_python_of_the_readme_is_that_of_the_example() {
    let example = include_str!("../../examples/select_numpy.py");
    let python: Vec<_> = blocks().into_iter().filter(|block| block.language == "python").collect();
    assert_eq!(python.len(), 1);
    assert!(example.contains(python[0].text), "{}", python[0].text);
}
