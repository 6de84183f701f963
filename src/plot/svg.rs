//! SVG as text: elements that close in order, and text that stays text.

use std::fmt::{Display, Write as _};

/// Attributes by name.
pub(super) type Attributes<'a> = &'a [(&'a str, &'a dyn Display)];

/// A document under way.
pub(super) struct Svg {
    text: String,
    open: Vec<&'static str>,
}

/// Where text stands relative to its place.
#[derive(Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A length to a tenth of a unit.
pub(super) struct Px(pub(super) f64);

impl Display for Px {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Never "-0.0": it is the same place.
        write!(f, "{:.1}", (self.0 * 10.0).round() / 10.0 + 0.0)
    }
}

impl Svg {
    /// Begins a picture, which shrinks with what it stands in.
    pub(super) fn new(width: f64, height: f64, title: &str, description: &str, style: &str) -> Self {
        let mut svg = Self { text: String::new(), open: vec![] };
        let (width, height) = (Px(width), Px(height));
        svg.open(
            "svg",
            &[
                ("xmlns", &"http://www.w3.org/2000/svg"),
                ("width", &width),
                ("height", &height),
                ("viewBox", &format!("0 0 {width} {height}")),
                // Not "height:auto" beside it: some renderers take that for a height, and draw nothing.
                ("style", &"max-width:100%"),
                ("role", &"img"),
                ("font-family", &"system-ui, sans-serif"),
                ("font-size", &"12"),
            ],
        );
        svg.content("title", &[], title);
        svg.content("desc", &[], description);
        svg.content("style", &[], style);
        svg
    }

    /// Begins an element that others stand in.
    pub(super) fn open(&mut self, name: &'static str, attributes: Attributes) {
        self.begin(name, attributes);
        self.text.push_str(">\n");
        self.open.push(name);
    }

    /// Ends the element that was begun last.
    pub(super) fn close(&mut self) {
        if let Some(name) = self.open.pop() {
            self.write(&format_args!("</{name}>\n"));
        }
    }

    /// An element without content.
    pub(super) fn empty(&mut self, name: &str, attributes: Attributes) {
        self.begin(name, attributes);
        self.text.push_str("/>\n");
    }

    /// An element that holds text.
    pub(super) fn content(&mut self, name: &str, attributes: Attributes, content: &str) {
        self.begin(name, attributes);
        self.write(&format_args!(">{}</{name}>\n", escaped(content)));
    }

    /// A path, unless it is empty.
    pub(super) fn path(&mut self, class: &str, d: &str) {
        if !d.is_empty() {
            self.empty("path", &[("class", &class), ("d", &d)]);
        }
    }

    /// A line of text.
    pub(super) fn line(&mut self, class: &str, (x, y): (f64, f64), anchor: Anchor, content: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let attributes: Attributes =
            &[("class", &class), ("x", &Px(x)), ("y", &Px(y)), ("text-anchor", &anchor)];
        self.content("text", attributes, content);
    }

    /// The whole document.
    pub(super) fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.close();
        }
        self.text
    }

    fn begin(&mut self, name: &str, attributes: Attributes) {
        self.write(&format_args!("<{name}"));
        for (name, value) in attributes {
            self.write(&format_args!(" {name}=\"{}\"", escaped(&value.to_string())));
        }
    }

    fn write(&mut self, text: &dyn Display) {
        // Writing to a String cannot fail.
        let _ = write!(self.text, "{text}");
    }
}

/// Text without markup. Characters that XML 1.0 has not become U+FFFD.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {
                safe.push('\u{fffd}');
            }
            c => safe.push(c),
        }
    }
    safe
}
