//! Colours for light pages and for dark ones.
//!
//! Hues are those that Okabe and Ito chose to be told apart by the colour-blind (Color Universal Design, 2008), darker on
//! the light ground and lighter on the dark one until each stands out from it. Their yellow and sky blue are left out:
//! on a light ground the one is not seen, and the other is not told from blue.

use std::fmt::Write as _;

/// A colour on the light ground, and on the dark one.
type Pair = [&'static str; 2];

const GROUND: Pair = ["#ffffff", "#0d1117"];
const STRONG: Pair = ["#1f2328", "#e6edf3"];
const TEXT: Pair = ["#57606a", "#9198a1"];
const GRID: Pair = ["#e4e8ec", "#252b33"];
const FRAME: Pair = ["#8c959f", "#6e7681"];

/// Blue, vermilion, green, purple, orange, and the colour of text.
const HUES: [Pair; 6] = [
    ["#0072b2", "#56a8e8"],
    ["#c85200", "#f07f3c"],
    ["#00845f", "#2fc796"],
    ["#b3568d", "#e29ac4"],
    ["#9a6f00", "#e8bd3a"],
    ["#3d444d", "#d1d9e0"],
];

/// How many lines have a colour of their own.
pub(super) const COUNT: usize = HUES.len();

/// What the classes of a picture look like. Hue `i` is the class `h{i}`: whatever stands in it takes its colour.
pub(super) fn style() -> String {
    let mut style = String::from(
        ".line,.bar,.guide,.frame,.grid{fill:none}.line{stroke:currentColor;stroke-width:2;stroke-linejoin:round;\
         stroke-linecap:round}.dashed{stroke-dasharray:6 4;stroke-linecap:butt}.bar{stroke:currentColor}\
         .full{fill:currentColor;stroke:currentColor}.hollow{stroke:currentColor;stroke-width:1.6}\
         .band{fill:currentColor;fill-opacity:.16}.guide{stroke-dasharray:2 3}\
         .title{font-size:16px;font-weight:600}.part{font-weight:600}",
    );
    style.push_str(&colours(0));
    // Writing to a String cannot fail.
    let _ = write!(style, "@media (prefers-color-scheme:dark){{{}}}", colours(1));
    style
}

fn colours(scheme: usize) -> String {
    let of = |pair: Pair| pair[scheme];
    let mut style = format!(
        ".ground,.hollow{{fill:{}}}.title,.part,.name{{fill:{strong}}}.text{{fill:{text}}}.grid{{stroke:{}}}\
         .frame,.guide{{stroke:{}}}.plain{{color:{strong}}}",
        of(GROUND),
        of(GRID),
        of(FRAME),
        strong = of(STRONG),
        text = of(TEXT),
    );
    for (hue, pair) in HUES.into_iter().enumerate() {
        // Writing to a String cannot fail.
        let _ = write!(style, ".h{hue}{{color:{}}}", of(pair));
    }
    style
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance, WCAG 2.2.
    fn luminance(colour: &str) -> f64 {
        let channel = |at: usize| {
            let value = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    }

    fn contrast(a: &str, b: &str) -> f64 {
        let (a, b) = (luminance(a) + 0.05, luminance(b) + 0.05);
        a.max(b) / a.min(b)
    }

    #[test]
    fn lines_and_text_stand_out_from_both_grounds() {
        for scheme in [0, 1] {
            let least = |pair: Pair| contrast(pair[scheme], GROUND[scheme]);
            // WCAG 2.2: 3 for graphics (1.4.11), 4.5 for text (1.4.3).
            HUES.into_iter().for_each(|hue| assert!(least(hue) >= 3.0, "{hue:?}: {}", least(hue)));
            [STRONG, TEXT].into_iter().for_each(|text| assert!(least(text) >= 4.5, "{text:?}"));
        }
    }
}
