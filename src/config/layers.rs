//! Where settings are from, and which of several wins.

use super::settings::{ALL, AUTO, Setting, Settings};
use super::value::{Given, Shape};
use crate::auth::{ApiKey, KeyError};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// What the command line says: a file of settings, and settings.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    file: Option<PathBuf>,
    /// Flags without their dashes, with their values.
    given: Vec<(&'static str, String)>,
}

impl Flags {
    /// Only the two that say where a service listens.
    pub fn of_address(file: Option<PathBuf>, listen: Option<String>) -> Self {
        Self { file, given: listen.map(|address| ("listen", address)).into_iter().collect() }
    }
}

impl clap::Args for Flags {
    fn augment_args(command: Command) -> Command {
        let file = Arg::new("config")
            .long("config")
            .env("FEWER_CONFIG")
            .value_name("FILE")
            .value_parser(value_parser!(PathBuf))
            .help("File of settings, in TOML; environment and flags win over it");
        let defaults = Settings::default();
        let flags = ALL.iter().filter_map(|setting| Some((setting, setting.flag?)));
        flags.fold(command.arg(file), |command, (setting, flag)| {
            let arg = Arg::new(flag).long(flag).help_heading(setting.section).help(format!(
                "{} [env: {}] [default: {}]",
                setting.help(),
                setting.variable(),
                setting.default_for_people(&defaults)
            ));
            command.arg(match setting.shape {
                Shape::One(name) => arg.value_name(name),
                Shape::Many(name) => arg.value_name(name).action(ArgAction::Append),
                Shape::Switch => {
                    arg.value_name("BOOL").num_args(0..=1).require_equals(true).default_missing_value("true")
                }
            })
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = ALL.iter().filter_map(|setting| {
            let flag = setting.flag?;
            let values: Vec<_> = matches.get_many::<String>(flag)?.map(String::as_str).collect();
            Some((flag, values.join(",")))
        });
        Ok(Self { file: matches.get_one("config").cloned(), given: given.collect() })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Which layer a setting's value is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody gave one.
    Default,
    /// This file.
    File(PathBuf),
    /// The environment variable of the setting.
    Environment,
    /// The flag of the setting.
    Flag,
}

impl Origin {
    /// The setting as its giver wrote it.
    fn spelled(&self, setting: &Setting) -> String {
        match self {
            Self::Default => setting.name(),
            Self::File(path) => format!("{} in {}", setting.name(), path.display()),
            Self::Environment => setting.variable(),
            Self::Flag => format!("--{}", setting.flag.unwrap_or(setting.key)),
        }
    }
}

/// Settings that cannot be had. No error shows the value of a key.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("{path}: {error}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A file is no TOML. What the line says is left out: it may be a key.
    #[error("{path}, line {line}: {reason}", path = path.display())]
    Toml {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// Why.
        reason: String,
    },
    /// There is no such setting.
    #[error("{given} is no setting; there are {known}")]
    Unknown {
        /// As it was written.
        given: String,
        /// Those there are.
        known: String,
    },
    /// The setting cannot have this value.
    #[error("{given}: {reason}")]
    Value {
        /// The setting as it was written.
        given: String,
        /// Why.
        reason: String,
    },
    /// A key, and a file that holds one.
    #[error("{0} and {1} are both set: keep one")]
    TwoKeys(String, String),
    /// What the file holds is no key.
    #[error("{path}: {error}", path = path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// Why.
        error: KeyError,
    },
    /// Anyone who reaches the address could use the service.
    #[error(
        "{0} is reachable from other machines and no key is asked for: set auth.api_key or auth.api_key_file, listen on a loopback address, or say --allow-anonymous"
    )]
    Anonymous(SocketAddr),
}

/// Every setting with its value, and where that is from.
#[derive(Debug, Clone)]
pub struct Effective {
    pub(super) settings: Settings,
    /// In the order of [`ALL`].
    pub(super) origins: Vec<Origin>,
}

impl Effective {
    /// Reads every layer: defaults, the file that the flags name, the variables of the environment, the flags.
    ///
    /// # Errors
    /// What cannot be read, is no setting, or has no meaning.
    pub fn read(
        flags: &Flags,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, ConfigError> {
        Layers::read(flags, environment)?.settle(ALL.iter())
    }

    /// The address alone: the other settings may be another process's business, and their files not ours to read.
    ///
    /// # Errors
    /// As for [`Effective::read`].
    pub fn address(
        flags: &Flags,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<SocketAddr, ConfigError> {
        let address = ALL.iter().filter(|setting| setting.name() == "server.listen");
        Ok(Layers::read(flags, environment)?.settle(address)?.settings.listen)
    }

    /// What the service runs with; reads the file of the key.
    ///
    /// # Errors
    /// Where the key cannot be had, or the address is open to others without one.
    pub fn settings(self) -> Result<Settings, ConfigError> {
        let spelled = |name: &str| {
            let found = ALL.iter().zip(&self.origins).find(|(setting, _)| setting.name() == name);
            found.map_or_else(|| name.to_owned(), |(setting, origin)| origin.spelled(setting))
        };
        let mut settings = self.settings.clone();
        if let Some(path) = &settings.api_key_file {
            if settings.api_key.is_some() {
                return Err(ConfigError::TwoKeys(spelled("auth.api_key"), spelled("auth.api_key_file")));
            }
            settings.api_key = Some(key_of(path)?);
        }
        if !settings.listen.ip().is_loopback() && settings.api_key.is_none() && !settings.allow_anonymous {
            return Err(ConfigError::Anonymous(settings.listen));
        }
        Ok(settings)
    }
}

fn key_of(path: &Path) -> Result<ApiKey, ConfigError> {
    let text = text_of(path)?;
    let key = text.strip_suffix('\n').unwrap_or(&text);
    let key = key.strip_suffix('\r').unwrap_or(key);
    ApiKey::new(key.into()).map_err(|error| ConfigError::Key { path: path.to_owned(), error })
}

fn text_of(path: &Path) -> Result<String, ConfigError> {
    fs::read_to_string(path).map_err(|error| ConfigError::File { path: path.to_owned(), error })
}

/// What each layer gives: the last one wins.
struct Layers(Vec<(&'static Setting, Given, Origin)>);

impl Layers {
    fn read(
        flags: &Flags,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, ConfigError> {
        let mut layers = Self(Vec::new());
        if let Some(path) = &flags.file {
            layers.add_file(path)?;
        }
        for (variable, value) in environment {
            layers.add_variable(&variable, value)?;
        }
        for (flag, value) in &flags.given {
            let setting = ALL.iter().find(|setting| setting.flag == Some(flag));
            layers.0.extend(setting.map(|setting| (setting, Given::Text(value.clone()), Origin::Flag)));
        }
        Ok(layers)
    }

    fn add_file(&mut self, path: &Path) -> Result<(), ConfigError> {
        let text = text_of(path)?;
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| ConfigError::Toml {
            path: path.to_owned(),
            line: 1 + text
                .bytes()
                .take(error.span().unwrap_or_default().start)
                .filter(|&b| b == b'\n')
                .count(),
            reason: error.message().to_owned(),
        })?;
        let given = |key: &str| format!("{key} in {}", path.display());
        for (section, values) in table {
            let names = names_of(&section, Setting::name);
            if names.is_empty() {
                return Err(ConfigError::Unknown { given: given(&section), known: sections() });
            }
            let toml::Value::Table(values) = values else {
                let reason = format!("a section is a table, such as [{section}]");
                return Err(ConfigError::Value { given: given(&section), reason });
            };
            for (key, value) in values {
                let found = ALL.iter().find(|setting| setting.section == section && setting.key == key);
                let setting = found.ok_or_else(|| ConfigError::Unknown {
                    given: given(&format!("{section}.{key}")),
                    known: names.join(", "),
                })?;
                self.0.push((setting, Given::Toml(value), Origin::File(path.to_owned())));
            }
        }
        Ok(())
    }

    /// A variable with one underscore only is not meant for us: Kubernetes sets such as `FEWER_SERVICE_HOST` wherever a
    /// service is called fewer.
    fn add_variable(&mut self, variable: &OsString, value: OsString) -> Result<(), ConfigError> {
        let name = variable.to_string_lossy();
        let Some((section, _)) = name.strip_prefix("FEWER_").and_then(|rest| rest.split_once("__")) else {
            return Ok(());
        };
        let setting = ALL.iter().find(|setting| setting.variable() == name).ok_or_else(|| {
            let names = names_of(&section.to_ascii_lowercase(), Setting::variable);
            let known = if names.is_empty() { sections() } else { names.join(", ") };
            ConfigError::Unknown { given: name.clone().into_owned(), known }
        })?;
        let text = value.into_string().map_err(|_| ConfigError::Value {
            given: setting.variable(),
            reason: "it is not UTF-8".into(),
        })?;
        self.0.push((setting, Given::Text(text), Origin::Environment));
        Ok(())
    }

    /// Reads, of each setting that is wanted, the value that wins.
    fn settle(self, wanted: impl Iterator<Item = &'static Setting>) -> Result<Effective, ConfigError> {
        let mut settings = Settings::default();
        let mut origins = Vec::new();
        for setting in wanted {
            let given = self.0.iter().rfind(|(other, ..)| std::ptr::eq(*other, setting));
            let Some((_, value, origin)) = given else {
                origins.push(Origin::Default);
                continue;
            };
            if !(setting.computed.is_some() && value.is(AUTO)) {
                (setting.read)(&mut settings, value)
                    .map_err(|reason| ConfigError::Value { given: origin.spelled(setting), reason })?;
            }
            origins.push(origin.clone());
        }
        Ok(Effective { settings, origins })
    }
}

/// The settings of a section, none where there is no such section.
fn names_of(section: &str, name: fn(&Setting) -> String) -> Vec<String> {
    ALL.iter().filter(|setting| setting.section == section).map(name).collect()
}

fn sections() -> String {
    let mut sections: Vec<_> = ALL.iter().map(|setting| setting.section).collect();
    sections.dedup();
    format!("the sections {}", sections.join(", "))
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            // Quoted as a string is, so that no name of a file can end the comment it stands in.
            Self::File(path) => write!(f, "file {path:?}"),
            Self::Environment => f.write_str("environment"),
            Self::Flag => f.write_str("flag"),
        }
    }
}
