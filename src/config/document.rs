//! Settings as TOML and as a table for people.

use super::layers::{Effective, Origin};
use super::settings::{ALL, AUTO, Setting, Settings};
use std::fmt::Write as _;

impl Effective {
    /// Every setting with its value and where that is from, as a file that can be read back. Keys are not in it.
    pub fn toml(&self) -> String {
        let mut page = String::new();
        sections(&mut page, |page, setting, index| {
            let origin = self.origins.get(index).unwrap_or(&Origin::Default);
            let value = literal(&(setting.show)(&self.settings));
            // Writing to a string cannot fail.
            let _ = writeln!(page, "{} = {value} # {origin}", setting.key);
        });
        page
    }
}

/// A file of settings with all defaults, each as a comment.
pub fn example() -> String {
    let mut page = String::from(
        "## Settings of `fewer serve --config FILE`. A setting that is a comment has its default.\n\
         ## The environment (FEWER_SECTION__KEY) wins over this file, and flags win over both.\n",
    );
    let defaults = Settings::default();
    page.push('\n');
    sections(&mut page, |page, setting, _| {
        let value = match setting.computed {
            Some(_) => format!("{AUTO:?}"),
            None => literal(&(setting.show)(&defaults)),
        };
        let more = setting.computed.map(|text| format!(": {text}")).unwrap_or_default();
        let _ = writeln!(page, "## {}{more}\n# {} = {value}", setting.help(), setting.key);
    });
    page
}

/// Every setting as a table in Markdown.
pub fn markdown() -> String {
    let mut page =
        String::from("| setting | environment | flag | default | what it does |\n|---|---|---|---|---|\n");
    let defaults = Settings::default();
    for setting in ALL {
        let flag = setting.flag.map(|flag| format!("`--{flag}`")).unwrap_or_default();
        let default = match setting.computed {
            Some(text) => text.to_owned(),
            None => format!("`{}`", setting.default_for_people(&defaults)),
        };
        let (name, variable, help) = (setting.name(), setting.variable(), setting.help());
        let _ = writeln!(page, "| `{name}` | `{variable}` | {flag} | {default} | {help} |");
    }
    page
}

impl Setting {
    /// The default as a person would write it, or in words.
    pub(super) fn default_for_people(&self, defaults: &Settings) -> String {
        match (self.computed, (self.show)(defaults)) {
            (Some(text), _) => text.to_owned(),
            (None, toml::Value::String(text)) => text,
            (None, value) => literal(&value),
        }
    }
}

fn sections(page: &mut String, mut line: impl FnMut(&mut String, &Setting, usize)) {
    let mut section = "";
    for (index, setting) in ALL.iter().enumerate() {
        if setting.section != section {
            let gap = if section.is_empty() { "" } else { "\n" };
            section = setting.section;
            let _ = writeln!(page, "{gap}[{section}]");
        }
        line(page, setting, index);
    }
}

fn literal(value: &toml::Value) -> String {
    // 2e16 and not seventeen digits.
    value.as_float().map_or_else(|| value.to_string(), |number| format!("{number:?}"))
}
