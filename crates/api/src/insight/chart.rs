//! Charts as SVG, made on the server: each says in words what it shows, has the same as a table below it, and tells its series apart by
//! pattern as well as by colour.

use maud::{Markup, html};

/// Columns over time or over a scale; several series stand on each other.
pub struct Columns<'a> {
    /// Unique on the page.
    pub id: &'a str,
    pub title: &'a str,
    /// What there is to see, in a sentence: for who does not see it.
    pub says: String,
    /// What the labels are: "Week of".
    pub over: &'a str,
    pub labels: Vec<String>,
    pub series: Vec<(&'a str, Vec<i64>)>,
    /// A label that is marked by a line before it, with words.
    pub mark: Option<(usize, &'a str)>,
}

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 240.0;
const LEFT: f64 = 44.0;
const TOP: f64 = 20.0;
const BOTTOM: f64 = 28.0;
/// Labels that fit side by side.
const LABELS: usize = 8;
const CLASSES: [&str; 3] = ["one", "two", "three"];

/// A round number not below this one, and in how many steps it is reached.
fn scale(most: i64) -> (i64, i64) {
    let most = most.max(1);
    let magnitude = 10_i64.pow(most.ilog10());
    let step = [magnitude / 5, magnitude / 2, magnitude, magnitude * 2, magnitude * 5]
        .into_iter()
        .map(|s| s.max(1))
        .find(|s| most <= s * 5)
        .unwrap_or(magnitude * 10);
    let steps = (most + step - 1) / step;
    (step * steps, steps)
}

/// A coordinate, to a tenth.
fn at(x: f64) -> String {
    format!("{:.1}", x)
}

/// A number with spaces between its thousands.
pub fn number(n: i64) -> String {
    let digits = n.unsigned_abs().to_string();
    let mut text = String::new();
    for (k, digit) in digits.chars().enumerate() {
        if k > 0 && (digits.len() - k).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    if n < 0 { format!("−{text}") } else { text }
}

impl Columns<'_> {
    fn sums(&self) -> Vec<i64> {
        (0..self.labels.len()).map(|n| self.series.iter().map(|s| s.1.get(n).copied().unwrap_or(0)).sum()).collect()
    }

    fn drawing(&self) -> Markup {
        let (top, steps) = scale(self.sums().into_iter().max().unwrap_or(0));
        let count = self.labels.len().max(1);
        let slot = (WIDTH - LEFT) / count as f64;
        let width = (slot * 0.78).min(48.0);
        let height = HEIGHT - TOP - BOTTOM;
        let y = |n: i64| TOP + height - height * n as f64 / top as f64;
        let every = count.div_ceil(LABELS);
        let (title, says) = (format!("{}-title", self.id), format!("{}-says", self.id));
        let hatch = format!("{}-hatch", self.id);
        html! {
            svg.chart viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-labelledby={ (title) " " (says) } {
                title id=(title) { (self.title) }
                desc id=(says) { (self.says) }
                defs {
                    pattern id=(hatch) width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                        rect.under width="6" height="6" {}
                        rect.stripe width="3" height="6" {}
                    }
                }
                @for n in 0..=steps {
                    @let value = top / steps * n;
                    line.grid x1=(at(LEFT)) x2=(at(WIDTH)) y1=(at(y(value))) y2=(at(y(value))) {}
                    text.tick x=(at(LEFT - 8.0)) y=(at(y(value) + 4.0)) text-anchor="end" { (number(value)) }
                }
                @for (n, label) in self.labels.iter().enumerate() {
                    @let x = LEFT + slot * n as f64 + (slot - width) / 2.0;
                    @for (k, (_, values)) in self.series.iter().enumerate() {
                        @let below: i64 = self.series[..k].iter().map(|s| s.1.get(n).copied().unwrap_or(0)).sum();
                        @let value = values.get(n).copied().unwrap_or(0);
                        @if value > 0 {
                            @let fill = if k == 1 { Some(format!("url(#{hatch})")) } else { None };
                            rect class=(CLASSES[k % CLASSES.len()]) fill=[fill] x=(at(x)) width=(at(width)) y=(at(y(below + value)))
                                height=(at(y(below) - y(below + value))) {}
                        }
                    }
                    @if n % every == 0 {
                        text.tick x=(at(x + width / 2.0)) y=(at(HEIGHT - 8.0)) text-anchor="middle" { (label) }
                    }
                }
                @if let Some((n, words)) = self.mark {
                    @let x = LEFT + slot * n as f64;
                    line.mark x1=(at(x)) x2=(at(x)) y1=(at(TOP - 12.0)) y2=(at(TOP + height)) {}
                    text.tick x=(at(x + 4.0)) y=(at(TOP - 4.0)) { (words) }
                }
            }
        }
    }

    pub fn draw(&self) -> Markup {
        html! {
            figure.figure {
                figcaption { (self.title) }
                @if self.series.len() > 1 {
                    p.legend aria-hidden="true" {
                        @for (k, (name, _)) in self.series.iter().enumerate() {
                            span { span class={ "key " (CLASSES[k % CLASSES.len()]) } {} " " (name) }
                        }
                    }
                }
                div.scroll tabindex="0" role="group" aria-label=(self.title) { (self.drawing()) }
                details {
                    summary { "The same as a table" }
                    div.scroll tabindex="0" role="group" aria-label={ (self.title) ", as a table" } {
                        table.figures {
                            thead { tr { th scope="col" { (self.over) } @for (name, _) in &self.series { th scope="col" { (name) } } } }
                            tbody {
                                @for (n, label) in self.labels.iter().enumerate() {
                                    tr {
                                        th scope="row" { (label) }
                                        @for (_, values) in &self.series { td { (number(values.get(n).copied().unwrap_or(0))) } }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_are_round_and_hold_what_is_shown() {
        for most in [0, 1, 2, 3, 4, 7, 10, 11, 49, 51, 99, 100, 101, 1234, 999_999] {
            let (top, steps) = scale(most);
            assert!(top >= most && (1..=5).contains(&steps) && top <= most.max(1) * 2 + 1, "{most}: {top} in {steps}");
            assert_eq!(top % steps, 0);
        }
        assert_eq!([number(0), number(-1), number(1_234_567)], ["0", "−1", "1\u{202f}234\u{202f}567"]);
    }

    #[test]
    fn a_chart_says_what_it_shows_in_words_and_as_a_table() {
        let chart = Columns {
            id: "c",
            title: "Promises",
            says: "Two weeks.".into(),
            over: "Week of",
            labels: vec!["a<b".into(), "b".into()],
            series: vec![("Kept", vec![3, 0]), ("Late", vec![1, 2])],
            mark: Some((1, "now")),
        };
        let text = chart.draw().into_string();
        for part in [
            "role=\"img\"",
            "<title id=\"c-title\">Promises",
            "<desc id=\"c-says\">Two weeks.",
            "a&lt;b",
            "<th scope=\"col\">Late",
            "url(#c-hatch)",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert_eq!(
            text.matches("<rect class=\"one\"").count() + text.matches("<rect class=\"two\"").count(),
            3,
            "a column of nothing is not drawn"
        );
        let none = Columns { labels: vec![], series: vec![], mark: None, ..chart };
        assert!(none.draw().into_string().contains("<svg"));
    }
}
