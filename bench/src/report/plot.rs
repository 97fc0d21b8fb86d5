//! A plot as inline SVG: axes, lines, and a legend.

use std::fmt::Write;

use super::page::escaped;
use crate::words::{count, micros};

/// How values are laid out along an axis, and told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    /// Percent below 100, each step ten times as near to it.
    Percentile,
    /// Microseconds, each step ten times as long.
    LogMicros,
    /// From zero.
    Linear,
    /// The same, of seconds.
    Seconds,
}

/// A line of a plot.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) name: String,
    /// Which of the page's colors.
    pub(super) color: usize,
    /// In the background.
    pub(super) faint: bool,
    pub(super) points: Vec<(f64, f64)>,
}

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Plot {
    title: String,
    x: Scale,
    y: Scale,
    lines: Vec<Line>,
}

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 320.0;
const LEFT: f64 = 80.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 34.0;
/// How many colors the page has.
pub(super) const COLORS: usize = 8;

/// An axis: where values lie between its ends, and what is written beside it.
struct Axis {
    scale: Scale,
    low: f64,
    high: f64,
    marks: Vec<f64>,
}

impl Plot {
    pub(super) fn new(title: &str, x: Scale, y: Scale) -> Self {
        Self { title: title.to_owned(), x, y, lines: Vec::new() }
    }

    /// Adds a line, if it has two points at least.
    pub(super) fn line(&mut self, mut line: Line) {
        line.points.retain(|(x, y)| self.x.can_show(*x) && self.y.can_show(*y));
        if line.points.len() > 1 {
            self.lines.push(line);
        }
    }

    /// Nothing without lines.
    pub(super) fn svg(&self) -> Option<String> {
        let points = || self.lines.iter().flat_map(|line| line.points.iter().copied());
        let x = Axis::of(self.x, points().map(|(x, _)| x))?;
        let y = Axis::of(self.y, points().map(|(_, y)| y))?;
        let mut svg = format!("<figure><figcaption>{}</figcaption>", escaped(&self.title));
        let title = escaped(&self.title);
        let _ = write!(svg, "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{title}\">");
        let (bottom, right) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
        for mark in &y.marks {
            let at = y_at(&y, *mark);
            let _ =
                write!(svg, "<line class=\"g\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>");
            let (text_x, text_y) = (LEFT - 8.0, at + 4.0);
            let label = y.scale.label(*mark);
            let _ = write!(svg, "<text x=\"{text_x}\" y=\"{text_y:.1}\" text-anchor=\"end\">{label}</text>");
        }
        for mark in &x.marks {
            let at = x_at(&x, *mark);
            let _ =
                write!(svg, "<line class=\"g\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{TOP}\" y2=\"{bottom}\"/>");
            let text_y = bottom + 20.0;
            let label = x.scale.label(*mark);
            let _ = write!(svg, "<text x=\"{at:.1}\" y=\"{text_y}\" text-anchor=\"middle\">{label}</text>");
        }
        for line in &self.lines {
            let class = if line.faint { " f" } else { "" };
            let _ = write!(svg, "<polyline class=\"c{}{class}\" points=\"", line.color % COLORS);
            for (place, (px, py)) in line.points.iter().enumerate() {
                let blank = if place > 0 { " " } else { "" };
                let _ = write!(svg, "{blank}{:.1},{:.1}", x_at(&x, *px), y_at(&y, *py));
            }
            let _ = write!(svg, "\"><title>{}</title></polyline>", escaped(&line.name));
        }
        svg += "</svg><p class=\"legend\">";
        for line in self.lines.iter().filter(|line| !line.faint) {
            let _ = write!(svg, "<span class=\"k{}\">{}</span> ", line.color % COLORS, escaped(&line.name));
        }
        svg += "</p></figure>";
        Some(svg)
    }
}

fn x_at(axis: &Axis, value: f64) -> f64 {
    LEFT + axis.share(value) * (WIDTH - LEFT - RIGHT)
}

fn y_at(axis: &Axis, value: f64) -> f64 {
    HEIGHT - BOTTOM - axis.share(value) * (HEIGHT - TOP - BOTTOM)
}

impl Scale {
    fn can_show(self, value: f64) -> bool {
        value.is_finite()
            && match self {
                Self::Percentile => (0.0..100.0).contains(&value),
                Self::LogMicros => value > 0.0,
                Self::Linear | Self::Seconds => value >= 0.0,
            }
    }

    /// The value on an even scale.
    fn even(self, value: f64) -> f64 {
        match self {
            Self::Percentile => -(1.0 - value / 100.0).log10(),
            Self::LogMicros => value.log10(),
            Self::Linear | Self::Seconds => value,
        }
    }

    fn label(self, value: f64) -> String {
        match self {
            Self::Percentile => format!("{} %", (value * 1e6).round() / 1e6),
            Self::LogMicros => micros(value),
            Self::Linear => count(value),
            Self::Seconds => format!("{} s", (value * 10.0).round() / 10.0),
        }
    }
}

impl Axis {
    fn of(scale: Scale, values: impl Iterator<Item = f64>) -> Option<Self> {
        let (low, high) = values
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        if low > high {
            return None;
        }
        Some(match scale {
            Scale::Percentile => {
                let ladder = [0.0, 50.0, 90.0, 99.0, 99.9, 99.99, 99.999, 99.9999];
                Self {
                    scale,
                    low: 0.0,
                    high,
                    marks: ladder.into_iter().filter(|mark| *mark <= high).collect(),
                }
            }
            Scale::LogMicros => {
                let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
                let last = last.max(first + 1);
                let marks = (first..=last).map(|power| 10f64.powi(power)).collect();
                Self { scale, low: 10f64.powi(first), high: 10f64.powi(last), marks }
            }
            Scale::Linear | Scale::Seconds => {
                let step = round_step(high.max(1e-9) / 6.0);
                let steps = (high / step).ceil().max(1.0);
                let top = if scale == Scale::Seconds { high } else { steps * step };
                let marks = (0..=steps as u32).map(|mark| f64::from(mark) * step).filter(|mark| *mark <= top);
                Self { scale, low: 0.0, high: top, marks: marks.collect() }
            }
        })
    }

    /// Where a value lies between the ends of the axis, from 0 to 1.
    fn share(&self, value: f64) -> f64 {
        let [value, low, high] = [value, self.low, self.high].map(|value| self.scale.even(value));
        if high > low { ((value - low) / (high - low)).clamp(0.0, 1.0) } else { 0.5 }
    }
}

/// The next of 1, 2, 5, 10, 20... that is not smaller.
fn round_step(step: f64) -> f64 {
    let power = 10f64.powf(step.log10().floor());
    let round = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * power >= step).unwrap_or(10.0);
    round * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_round_numbers() {
        assert_eq!([0.3, 1.0, 1.1, 4.0, 7.0, 34_000.0].map(round_step), [0.5, 1.0, 2.0, 5.0, 10.0, 50_000.0]);
        let axis = Axis::of(Scale::Linear, [0.0, 110_000.0].into_iter()).unwrap();
        assert_eq!(axis.marks.last(), Some(&120_000.0));
        let axis = Axis::of(Scale::LogMicros, [30.0, 4_000.0].into_iter()).unwrap();
        assert_eq!(axis.marks, [10.0, 100.0, 1_000.0, 10_000.0]);
        // Also where all values are the same, there is room around them.
        let axis = Axis::of(Scale::LogMicros, [100.0].into_iter()).unwrap();
        assert_eq!(axis.marks, [100.0, 1_000.0]);
        let axis = Axis::of(Scale::Seconds, [0.5, 9.7].into_iter()).unwrap();
        assert_eq!((axis.marks.last(), axis.high), (Some(&8.0), 9.7));
        let labels = [Scale::Percentile, Scale::LogMicros, Scale::Linear, Scale::Seconds];
        let labels = labels.map(|scale| scale.label(99.99));
        assert_eq!(labels, ["99.99 %", "100 µs", "100", "100 s"]);
    }

    #[test]
    fn every_nine_takes_as_much_room_as_the_one_before() {
        let axis = Axis::of(Scale::Percentile, [0.0, 99.99].into_iter()).unwrap();
        let shares: Vec<f64> = [0.0, 90.0, 99.0, 99.9, 99.99].map(|percent| axis.share(percent)).into();
        for (place, share) in shares.iter().enumerate() {
            assert!((share - place as f64 / 4.0).abs() < 1e-9, "{shares:?}");
        }
    }

    #[test]
    fn a_plot_without_lines_is_none_and_points_stay_inside() {
        let mut plot = Plot::new("t", Scale::Seconds, Scale::LogMicros);
        plot.line(Line {
            name: "n".into(),
            color: 0,
            faint: false,
            points: vec![(1.0, 0.0), (2.0, f64::NAN)],
        });
        assert_eq!(plot.svg(), None);
        plot.line(Line { name: "n".into(), color: 9, faint: false, points: vec![(0.0, 5.0), (9.0, 5e6)] });
        plot.line(Line {
            name: "rising".into(),
            color: 0,
            faint: false,
            points: vec![(0.0, 1.0), (9.0, 1e7)],
        });
        let svg = plot.svg().unwrap();
        // Times to the right, more of it upwards: from corner to corner.
        assert!(svg.contains("points=\"80.0,286.0 844.0,12.0\""), "{svg}");
        assert!(svg.contains("class=\"c1\"") && svg.contains(&format!("{LEFT:.1},")), "{svg}");
    }
}
