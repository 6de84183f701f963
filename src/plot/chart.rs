//! A chart of lines: panels that share their axes, and a legend below.

use super::axis::Axis;
use super::palette;
use super::svg::{Anchor, Px, Svg};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// All in CSS pixels.
const WIDTH: f64 = 760.0;
const LEFT: f64 = 66.0;
const RIGHT: f64 = 16.0;
const BETWEEN: f64 = 22.0;
/// A line of small text with its room.
const ROW: f64 = 19.0;
/// Most of what a character of small text takes: fonts differ, and nothing here measures them.
const CHARACTER: f64 = 7.3;
/// The sample of a line in the legend.
const SAMPLE: f64 = 30.0;
/// Half of a mark.
const MARK: f64 = 3.6;
/// Marks of a line of many points.
const SIGNS: usize = 6;
/// Between lines that would lie on each other, where there is a single place for all.
const BESIDE: f64 = 14.0;

pub(super) struct Chart {
    pub(super) title: String,
    /// Lines of text below the title.
    pub(super) notes: Vec<String>,
    /// For who cannot see it.
    pub(super) description: String,
    pub(super) x: Axis,
    pub(super) y: Axis,
    pub(super) panels: Vec<Panel>,
    pub(super) spread: Spread,
    /// Thin straight lines in each panel, from point to point.
    pub(super) guides: Vec<[(f64, f64); 2]>,
    pub(super) keys: Vec<Key>,
}

pub(super) struct Panel {
    pub(super) title: Option<String>,
    pub(super) lines: Vec<Line>,
}

/// One line of points, which rise in x.
pub(super) struct Line {
    pub(super) name: String,
    pub(super) hue: usize,
    pub(super) dashed: bool,
    pub(super) points: Vec<Point>,
}

#[derive(Clone, Copy)]
pub(super) struct Point {
    pub(super) x: f64,
    /// Where there is none the line has a gap.
    pub(super) y: Option<f64>,
    /// Standard error of y.
    pub(super) se: Option<f64>,
}

/// How points and standard errors are shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Spread {
    /// A mark with a bar for each point.
    Bars,
    /// A band, and marks here and there.
    Band,
}

/// A line of the legend.
pub(super) struct Key {
    pub(super) sample: Sample,
    pub(super) text: String,
}

#[derive(Clone, Copy)]
pub(super) enum Sample {
    /// Of the lines of this hue.
    Hue { hue: usize, dashed: bool },
    /// Of what a solid line is, or a dashed one, whatever its hue.
    Plain { dashed: bool },
    /// Of a guide.
    Guide,
}

/// A point on the page; how far its standard error reaches up and down.
#[derive(Clone, Copy)]
struct Spot {
    x: f64,
    y: f64,
    reach: Option<(f64, f64)>,
}

/// The part of the page that a panel's axes span.
#[derive(Clone, Copy)]
struct Plane {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
}

impl Chart {
    /// The document. O(points).
    pub(super) fn svg(&self) -> String {
        let columns = match self.panels.len() {
            0 | 1 => 1,
            2 | 4 => 2,
            _ => 3,
        };
        let rows = self.panels.len().div_ceil(columns);
        let plane_height = [340.0, 260.0, 200.0][columns - 1];
        let plane_width = (WIDTH - LEFT - RIGHT - BETWEEN * (columns - 1) as f64) / columns as f64;
        let head = 34.0 + ROW * self.notes.len() as f64;
        let above = if self.panels.iter().any(|panel| panel.title.is_some()) { 26.0 } else { 10.0 };
        let row_height = above + plane_height + 44.0;
        let legend = Legend::of(&self.keys, head + row_height * rows as f64 + 14.0);

        let mut svg = Svg::new(WIDTH, legend.end(), &self.title, &self.description, &palette::style());
        let (width, height) = (Px(WIDTH), Px(legend.end()));
        svg.empty("rect", &[("class", &"ground"), ("width", &width), ("height", &height)]);
        svg.line("title", (16.0, 26.0), Anchor::Start, &self.title);
        for (note, at) in self.notes.iter().zip(1..) {
            svg.line("text", (16.0, 28.0 + ROW * f64::from(at)), Anchor::Start, note);
        }
        for (at, panel) in self.panels.iter().enumerate() {
            let (row, column) = (at / columns, at % columns);
            let plane = Plane {
                left: LEFT + (plane_width + BETWEEN) * column as f64,
                top: head + above + row_height * row as f64,
                width: plane_width,
                height: plane_height,
            };
            svg.open("g", &[("class", &"panel")]);
            self.ground(&mut svg, plane, column == 0);
            if let Some(title) = &panel.title {
                svg.line("part", (plane.left, plane.top - 8.0), Anchor::Start, title);
            }
            let count = panel.lines.len();
            let runs =
                |(place, line): (usize, &Line)| self.runs(plane, line, self.beside(plane, place, count));
            let runs: Vec<_> = panel.lines.iter().enumerate().map(runs).collect();
            for (line, runs) in panel.lines.iter().zip(&runs) {
                self.draw(&mut svg, line, runs);
            }
            if self.spread == Spread::Band {
                // Above all lines: where two are one, only the upper is seen.
                for (place, (line, runs)) in panel.lines.iter().zip(&runs).enumerate() {
                    svg.open("g", &[("class", &hue(line.hue))]);
                    svg.path("full", &signs(line, runs, place, count));
                    svg.close();
                }
            }
            svg.close();
        }
        legend.draw(&mut svg);
        svg.finish()
    }

    /// How far a line is moved to the side, so that it does not lie on the others.
    fn beside(&self, plane: Plane, place: usize, lines: usize) -> f64 {
        if self.x.ticks.len() > 1 || self.spread == Spread::Band {
            return 0.0;
        }
        let apart = BESIDE.min(plane.width / (lines + 1) as f64);
        (place as f64 - (lines - 1) as f64 / 2.0) * apart
    }

    /// Grid, axes, their names and the guides.
    fn ground(&self, svg: &mut Svg, plane: Plane, names_y: bool) {
        let Plane { left, top, width, height } = plane;
        let (right, bottom) = (left + width, top + height);
        let mut grid = String::new();
        for tick in &self.y.ticks {
            let y = plane.y(&self.y, tick.at);
            // Writing to a String cannot fail.
            let _ = write!(grid, "M{},{}H{}", Px(left), Px(y), Px(right));
            if names_y {
                svg.line("text", (left - 8.0, y + 4.0), Anchor::End, &tick.label);
            }
        }
        for tick in &self.x.ticks {
            let _ = write!(grid, "M{},{}V{}", Px(plane.x(&self.x, tick.at)), Px(top), Px(bottom));
        }
        svg.path("grid", &grid);
        // From the right, and only those that do not run into the one before.
        let mut free = f64::INFINITY;
        for tick in self.x.ticks.iter().rev() {
            let (x, half) = (plane.x(&self.x, tick.at), CHARACTER * tick.label.len() as f64 / 2.0);
            if x + half + 4.0 < free {
                svg.line("text", (x, bottom + 17.0), Anchor::Middle, &tick.label);
                free = x - half;
            }
        }
        let frame = format!("M{},{}V{}H{}", Px(left), Px(top), Px(bottom), Px(right));
        svg.path("frame", &frame);
        let place = |(x, y)| format!("{},{}", Px(plane.x(&self.x, x)), Px(plane.y(&self.y, y)));
        for &[from, to] in &self.guides {
            svg.path("guide", &format!("M{}L{}", place(from), place(to)));
        }
        svg.line("text", (left + width / 2.0, bottom + 35.0), Anchor::Middle, &self.x.label);
        if names_y {
            let (x, y) = (Px(20.0), Px(top + height / 2.0));
            let turned = format!("translate({x} {y}) rotate(-90)");
            let attributes: [(&str, &dyn std::fmt::Display); 3] =
                [("class", &"text"), ("text-anchor", &"middle"), ("transform", &turned)];
            svg.content("text", &attributes, &self.y.label);
        }
    }

    fn draw(&self, svg: &mut Svg, line: &Line, runs: &[Vec<Spot>]) {
        svg.open("g", &[("class", &hue(line.hue))]);
        svg.content("title", &[], &line.name);
        if self.spread == Spread::Band {
            runs.iter().for_each(|run| svg.path("band", &band(run)));
        }
        let class = if line.dashed { "line dashed" } else { "line" };
        svg.path(class, &runs.iter().map(|run| stroke(run)).collect::<String>());
        if self.spread == Spread::Bars {
            svg.path("bar", &runs.iter().flatten().filter_map(bar).collect::<String>());
            let marks = runs.iter().flatten().map(|spot| mark(line.hue, spot.x, spot.y));
            svg.path(mark_class(line.dashed), &marks.collect::<String>());
        }
        svg.close();
    }

    /// The parts of a line between its gaps.
    fn runs(&self, plane: Plane, line: &Line, beside: f64) -> Vec<Vec<Spot>> {
        let spot = |point: &Point| {
            let y = point.y?;
            let reach = point.se.map(|se| (plane.y(&self.y, y + se), plane.y(&self.y, y - se)));
            Some(Spot { x: plane.x(&self.x, point.x) + beside, y: plane.y(&self.y, y), reach })
        };
        let spots: Vec<Option<Spot>> = line.points.iter().map(spot).collect();
        let runs = spots.split(Option::is_none).filter(|run| !run.is_empty());
        runs.map(|run| run.iter().flatten().copied().collect()).collect()
    }
}

/// A few marks of a line among its many points, at others than those of a line that is the same, so that both are seen;
/// and each point that stands alone.
fn signs(line: &Line, runs: &[Vec<Spot>], place: usize, lines: usize) -> String {
    let spots: usize = runs.iter().map(Vec::len).sum();
    let due: BTreeSet<usize> =
        (0..SIGNS).map(|sign| (sign * lines + place) * spots / (SIGNS * lines)).collect();
    let spots = runs.iter().flat_map(|run| run.iter().map(|spot| (spot, run.len() == 1)));
    let shown = spots.enumerate().filter(|(at, (_, alone))| *alone || due.contains(at));
    shown.map(|(_, (spot, _))| mark(line.hue, spot.x, spot.y)).collect()
}

impl Plane {
    fn x(&self, axis: &Axis, value: f64) -> f64 {
        self.left + self.width * axis.place(value)
    }

    fn y(&self, axis: &Axis, value: f64) -> f64 {
        self.top + self.height * (1.0 - axis.place(value))
    }
}

/// The legend in as many columns as its widest entry leaves.
struct Legend<'a> {
    keys: &'a [Key],
    top: f64,
    columns: usize,
}

impl<'a> Legend<'a> {
    fn of(keys: &'a [Key], top: f64) -> Self {
        let longest = keys.iter().map(|key| key.text.chars().count()).max().unwrap_or(0);
        let widest = SAMPLE + 8.0 + CHARACTER * longest as f64 + 20.0;
        let columns = ((WIDTH - 2.0 * 16.0) / widest) as usize;
        Self { keys, top, columns: columns.clamp(1, keys.len().max(1)) }
    }

    fn rows(&self) -> usize {
        self.keys.len().div_ceil(self.columns)
    }

    fn end(&self) -> f64 {
        self.top + ROW * self.rows() as f64 + 8.0
    }

    fn draw(&self, svg: &mut Svg) {
        let width = (WIDTH - 2.0 * 16.0) / self.columns as f64;
        for (at, key) in self.keys.iter().enumerate() {
            // Down each column, so that keys that belong together stand together.
            let (column, row) = (at / self.rows(), at % self.rows());
            let (x, y) = (16.0 + width * column as f64, self.top + ROW * row as f64 + 4.0);
            let class = match key.sample {
                Sample::Hue { hue: of, .. } => hue(of),
                Sample::Plain { .. } | Sample::Guide => "plain".into(),
            };
            svg.open("g", &[("class", &class)]);
            let (line, marked) = match key.sample {
                Sample::Hue { hue, dashed } => {
                    (if dashed { "line dashed" } else { "line" }, Some((hue, false)))
                }
                Sample::Plain { dashed } => (if dashed { "line dashed" } else { "line" }, Some((0, dashed))),
                Sample::Guide => ("guide", None),
            };
            svg.path(line, &format!("M{},{}h{}", Px(x), Px(y), Px(SAMPLE)));
            if let Some((hue, hollow)) = marked {
                svg.path(mark_class(hollow), &mark(hue, x + SAMPLE / 2.0, y));
            }
            svg.line("name", (x + SAMPLE + 8.0, y + 4.0), Anchor::Start, &key.text);
            svg.close();
        }
    }
}

/// The class of a hue; beyond the last they come again, and the marks tell them apart.
fn hue(hue: usize) -> String {
    format!("h{}", hue % palette::COUNT)
}

fn mark_class(hollow: bool) -> &'static str {
    if hollow { "hollow" } else { "full" }
}

/// A circle, square, triangle or diamond around a place.
fn mark(hue: usize, x: f64, y: f64) -> String {
    let (r, wide) = (Px(MARK), Px(2.0 * MARK));
    match hue % 4 {
        0 => format!("M{},{}a{r},{r} 0 1,0 {wide},0a{r},{r} 0 1,0 -{wide},0z", Px(x - MARK), Px(y)),
        1 => format!("M{},{}h{wide}v{wide}h-{wide}z", Px(x - MARK), Px(y - MARK)),
        2 => format!("M{},{}l4.2,7.4h-8.4z", Px(x), Px(y - 4.6)),
        _ => format!("M{},{}l4.6,4.6l-4.6,4.6l-4.6,-4.6z", Px(x), Px(y - 4.6)),
    }
}

/// A line through a run of points; a dot where there is only one.
fn stroke(run: &[Spot]) -> String {
    let mut d = String::new();
    for (at, spot) in run.iter().enumerate() {
        // Writing to a String cannot fail.
        let _ = write!(d, "{}{},{}", if at == 0 { 'M' } else { 'L' }, Px(spot.x), Px(spot.y));
    }
    if run.len() == 1 {
        d.push_str("h0");
    }
    d
}

/// What lies within one standard error of a run of points; those without are its pinches.
fn band(run: &[Spot]) -> String {
    let upper = run.iter().map(|spot| (spot.x, spot.reach.map_or(spot.y, |reach| reach.0)));
    let lower = run.iter().rev().map(|spot| (spot.x, spot.reach.map_or(spot.y, |reach| reach.1)));
    if run.len() < 2 || run.iter().all(|spot| spot.reach.is_none()) {
        return String::new();
    }
    let corners = upper.chain(lower).map(|(x, y)| format!("{},{}", Px(x), Px(y)));
    format!("M{}z", corners.collect::<Vec<_>>().join("L"))
}

/// A bar of one standard error up and down.
fn bar(spot: &Spot) -> Option<String> {
    let (upper, lower) = spot.reach?;
    let (x, left) = (Px(spot.x), Px(spot.x - 3.0));
    let (upper, lower) = (Px(upper), Px(lower));
    Some(format!("M{left},{upper}h6M{left},{lower}h6M{x},{upper}V{lower}"))
}
