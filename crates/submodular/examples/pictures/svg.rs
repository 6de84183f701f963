//! A picture as SVG. A few circles and lines need no charting library, and text written here has the same bytes on every
//! run.

use crate::scene::{Place, SIDE, apart, cells};
use std::fmt::Write as _;
use submodular::Item;

/// Chosen points beyond which numbers would hide the picture.
const NUMBERED: usize = 30;
/// Room for a line of text below the plane.
const FOOT: f64 = 16.0;
/// For light pages and dark ones; both have a ground of their own, so that the page around it does not matter.
const STYLE: &str = "\
.g{fill:#fff}.p{stroke:#a3abb5}.l{stroke:#d3d8de}.c{fill:#c2410c}.n{fill:#fff}.t{fill:#57606a}.q{stroke:#1d4ed8}\
.v{stroke:#7e22ce}.x{stroke:#6b7280}.o{stroke:#1d4ed8}.r{stroke:#c2410c}.s{fill:#f59e0b}\
.k0{stroke:#4e79a7}.k1{stroke:#3f9142}.k2{stroke:#b07aa1}.k3{stroke:#b8860b}.k4{stroke:#2a9d9d}\
@media(prefers-color-scheme:dark){.g{fill:#0d1117}.p{stroke:#6e7681}.l{stroke:#30363d}.c{fill:#fb923c}.n{fill:#111}\
.t{fill:#9198a1}.q{stroke:#60a5fa}.v{stroke:#d8a4ff}.x{stroke:#9198a1}.o{stroke:#60a5fa}.r{stroke:#fb923c}.s{fill:#b45309}\
.k0{stroke:#79a6d2}.k1{stroke:#6fc272}.k2{stroke:#d3a4c5}.k3{stroke:#dcb54a}.k4{stroke:#63c5c5}}\
path,.r{fill:none;stroke-linecap:round}.q,.v{stroke-width:2}.p,.k0,.k1,.k2,.k3,.k4{stroke-width:4.4}\
text{font:9px sans-serif}.n{font:bold 7.5px sans-serif;text-anchor:middle}";

/// What is shown beside the points and those chosen.
pub(crate) enum Layer {
    /// A line from each of these places to the chosen point nearest to it.
    Links(Vec<Place>),
    /// A circle of this radius around each chosen point.
    Rings(f64),
    /// How far each concept is covered, 0 to 1.
    Cells(Vec<f64>),
    /// Points of each kind in a colour of their own.
    Kinds(Vec<Option<u32>>),
    /// The area of each point, in multiples of the usual one.
    Areas(Vec<f64>),
    /// Points that are crossed out.
    Crossed(Vec<Item>),
    /// Points with a ring of their own.
    Marked(Vec<Item>),
    /// Triangles.
    Query(Vec<Place>),
    /// Squares.
    Private(Vec<Place>),
}

/// From the ground up; those chosen are between signs and top.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    Ground,
    /// In place of the plain points.
    Points,
    Signs,
    Top,
}

pub(crate) struct Picture {
    pub(crate) name: String,
    /// In order.
    pub(crate) chosen: Vec<Item>,
    /// The line below.
    pub(crate) foot: String,
    pub(crate) layers: Vec<Layer>,
}

impl Picture {
    pub(crate) fn svg(&self, points: &[Place]) -> String {
        let mut svg = String::new();
        let (title, foot) = (self.name.replace('-', ": "), &self.foot);
        let height = SIDE + FOOT;
        // Writing to a String cannot fail.
        let _ = write!(
            svg,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{SIDE}\" height=\"{height}\" \
             viewBox=\"0 0 {SIDE} {height}\" role=\"img\">\n<title>{title}</title>\n<style>{STYLE}</style>\n\
             <rect class=\"g\" width=\"{SIDE}\" height=\"{height}\"/>\n"
        );
        let chosen: Vec<Place> = self.chosen.iter().map(|&e| points[e as usize]).collect();
        let layers = |wanted: Depth, svg: &mut String| {
            let here = self.layers.iter().filter(|layer| layer.depth() == wanted);
            here.for_each(|layer| layer.draw(points, &chosen, svg));
        };
        layers(Depth::Ground, &mut svg);
        if !self.layers.iter().any(|layer| layer.depth() == Depth::Points) {
            dots("p", points.iter(), &mut svg);
        }
        layers(Depth::Points, &mut svg);
        layers(Depth::Signs, &mut svg);
        // The first on top.
        for (at, [x, y]) in chosen.iter().enumerate().rev() {
            let _ = if chosen.len() > NUMBERED {
                writeln!(svg, "<circle class=\"c\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.2\"/>")
            } else {
                writeln!(
                    svg,
                    "<circle class=\"c\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"5.6\"/>\
                     <text class=\"n\" x=\"{x:.1}\" y=\"{:.1}\">{}</text>",
                    y + 2.7,
                    at + 1
                )
            };
        }
        layers(Depth::Top, &mut svg);
        // Over whatever reaches down here.
        let _ = writeln!(svg, "<rect class=\"g\" y=\"{SIDE}\" width=\"{SIDE}\" height=\"{FOOT}\"/>");
        let _ = writeln!(svg, "<text class=\"t\" x=\"6\" y=\"{}\">{foot}</text>\n</svg>", SIDE + 9.0);
        svg
    }
}

impl Layer {
    fn depth(&self) -> Depth {
        match self {
            Layer::Links(_) | Layer::Cells(_) => Depth::Ground,
            Layer::Kinds(_) | Layer::Areas(_) => Depth::Points,
            Layer::Rings(_) | Layer::Crossed(_) | Layer::Marked(_) => Depth::Signs,
            Layer::Query(_) | Layer::Private(_) => Depth::Top,
        }
    }

    fn draw(&self, points: &[Place], chosen: &[Place], svg: &mut String) {
        let of = |items: &[Item]| items.iter().map(|&e| points[e as usize]).collect::<Vec<_>>();
        match self {
            Layer::Links(from) => {
                let nearest =
                    |a: &Place| chosen.iter().copied().min_by(|&b, &c| apart(*a, b).total_cmp(&apart(*a, c)));
                let line = |a: &Place| {
                    nearest(a).map(|b| format!("M{:.1},{:.1}L{:.1},{:.1}", a[0], a[1], b[0], b[1]))
                };
                path("l", "", &from.iter().filter_map(line).collect::<String>(), svg);
            }
            Layer::Rings(radius) => {
                for [x, y] in chosen {
                    let _ =
                        writeln!(svg, "<circle class=\"r\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius:.1}\"/>");
                }
            }
            Layer::Cells(covered) => {
                for ([x, y], covered) in
                    cells().into_iter().zip(covered).filter(|(_, covered)| **covered >= 0.05)
                {
                    let opacity = 0.6 * covered;
                    let _ = writeln!(
                        svg,
                        "<rect class=\"s\" x=\"{:.1}\" y=\"{:.1}\" width=\"18\" height=\"18\" opacity=\"{opacity:.2}\"/>",
                        x - 9.0,
                        y - 9.0
                    );
                }
            }
            Layer::Kinds(of) => {
                let kind = |wanted: Option<u32>| {
                    points.iter().zip(of).filter(move |(_, of)| **of == wanted).map(|p| p.0)
                };
                dots("p", kind(None), svg);
                (0..5).for_each(|kinds| dots(&format!("k{kinds}"), kind(Some(kinds)), svg));
            }
            Layer::Areas(areas) => {
                for ([x, y], area) in points.iter().zip(areas) {
                    let width = 4.4 * area.sqrt();
                    path(
                        "p",
                        &format!(" style=\"stroke-width:{width:.1}\""),
                        &format!("M{x:.1},{y:.1}h0"),
                        svg,
                    );
                }
            }
            Layer::Crossed(items) => {
                let cross = |[x, y]: Place| format!("M{:.1},{:.1}l5,5m-5,0l5,-5", x - 2.5, y - 2.5);
                path("x", "", &of(items).into_iter().map(cross).collect::<String>(), svg);
            }
            Layer::Marked(items) => {
                let ring = |[x, y]: Place| format!("M{:.1},{y:.1}a4,4 0 1,0 8,0a4,4 0 1,0 -8,0", x - 4.0);
                path("o", "", &of(items).into_iter().map(ring).collect::<String>(), svg);
            }
            Layer::Query(places) => {
                let triangle = |[x, y]: &Place| format!("M{x:.1},{:.1}l9,16h-18z", y - 10.0);
                path("q", "", &places.iter().map(triangle).collect::<String>(), svg);
            }
            Layer::Private(places) => {
                let square = |[x, y]: &Place| format!("M{:.1},{:.1}h16v16h-16z", x - 8.0, y - 8.0);
                path("v", "", &places.iter().map(square).collect::<String>(), svg);
            }
        }
    }
}

fn path(class: &str, more: &str, d: &str, svg: &mut String) {
    if !d.is_empty() {
        let _ = writeln!(svg, "<path class=\"{class}\"{more} d=\"{d}\"/>");
    }
}

/// A line of no length with round ends is a dot, in a tenth of the text of a circle.
fn dots<'a>(class: &str, places: impl Iterator<Item = &'a Place>, svg: &mut String) {
    path(class, "", &places.map(|[x, y]| format!("M{x:.1},{y:.1}h0")).collect::<String>(), svg);
}
