//! A picture as a test reads it.

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use std::collections::BTreeMap;

/// An element of a picture, with those inside it.
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) text: String,
    pub(crate) inside: Vec<Element>,
}

impl Element {
    fn new(start: &BytesStart) -> Self {
        let attribute = |attribute: quick_xml::events::attributes::Attribute| {
            let value = attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0).unwrap();
            (utf8(attribute.key.as_ref()), value.into_owned())
        };
        Self {
            name: utf8(start.name().as_ref()),
            attributes: start.attributes().map(|found| attribute(found.unwrap())).collect(),
            text: String::new(),
            inside: vec![],
        }
    }

    pub(crate) fn class(&self) -> &str {
        self.attributes.get("class").map_or("", String::as_str)
    }

    /// Everything in it, itself first.
    pub(crate) fn all(&self) -> Vec<&Element> {
        std::iter::once(self).chain(self.inside.iter().flat_map(Element::all)).collect()
    }

    pub(crate) fn of_class(&self, class: &str) -> Vec<&Element> {
        self.all().into_iter().filter(|element| element.class().split(' ').any(|of| of == class)).collect()
    }

    /// The text of what has this name, `title` or `text`.
    pub(crate) fn texts(&self, name: &str) -> Vec<&str> {
        self.all().into_iter().filter(|element| element.name == name).map(|element| &*element.text).collect()
    }

    /// Lines of its panels.
    pub(crate) fn lines(&self) -> Vec<&Element> {
        self.of_class("panel")
            .into_iter()
            .flat_map(|panel| &panel.inside)
            .filter(|g| !g.texts("title").is_empty())
            .collect()
    }

    /// The line of this name.
    pub(crate) fn line(&self, name: &str) -> &Element {
        self.lines().into_iter().find(|line| line.texts("title") == [name]).unwrap()
    }

    /// Corners of its one path of this class, a list for each part that hangs together.
    pub(crate) fn corners(&self, class: &str) -> Vec<Vec<[f64; 2]>> {
        let paths = self.of_class(class);
        assert_eq!(paths.len(), 1, "{class}");
        let corner = |text: &str| {
            let (x, y) = text.trim_end_matches(['z', 'h', '0']).split_once(',').unwrap();
            [x.parse().unwrap(), y.parse().unwrap()]
        };
        let part = |text: &str| text.split('L').map(corner).collect();
        paths[0].attributes["d"].split('M').skip(1).map(part).collect()
    }

    pub(crate) fn marks(&self, class: &str) -> usize {
        self.of_class(class).iter().map(|path| path.attributes["d"].matches('M').count()).sum()
    }
}

fn utf8(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A document that is well-formed.
pub(crate) fn read(svg: &str) -> Element {
    let mut reader = Reader::from_str(svg);
    let mut open: Vec<Element> = vec![];
    let mut root = None;
    loop {
        let done = match reader.read_event().unwrap() {
            Event::Start(start) => {
                open.push(Element::new(&start));
                continue;
            }
            Event::Empty(start) => Element::new(&start),
            Event::End(_) => open.pop().unwrap(),
            Event::Text(text) => {
                if let Some(element) = open.last_mut() {
                    element.text.push_str(&text.decode().unwrap());
                }
                continue;
            }
            Event::GeneralRef(name) => {
                let text = resolve_predefined_entity(&name.decode().unwrap()).unwrap().to_owned();
                open.last_mut().unwrap().text.push_str(&text);
                continue;
            }
            Event::Eof => break,
            other @ (Event::CData(_)
            | Event::Comment(_)
            | Event::Decl(_)
            | Event::PI(_)
            | Event::DocType(_)) => {
                panic!("{other:?} has no place in a picture");
            }
        };
        match open.last_mut() {
            Some(element) => element.inside.push(done),
            None => assert!(root.replace(done).is_none(), "two roots"),
        }
    }
    assert!(open.is_empty());
    root.unwrap()
}
