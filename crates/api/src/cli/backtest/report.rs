//! The back-test as one HTML page: nothing from elsewhere, charts as inline SVG with their figures in tables beside them.

use std::fmt::Write;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use promise::backtest::{Cell, QUANTILES, Score};

use super::{Seen, limits, percent, remarks};

const STYLE: &str = "
:root{color-scheme:light dark;--ground:#fff;--ink:#1c2024;--quiet:#5d6670;--line:#d9dde2;--c0:#8a5a00;--c1:#0a7a52;--c2:#0b62c4;--c3:#7a3cc0;--c4:#b3261e;--other:#7b8794}
@media(prefers-color-scheme:dark){:root{--ground:#15181c;--ink:#e8eaed;--quiet:#a2abb5;--line:#343a41;--c0:#e0a63c;--c1:#4cc38a;--c2:#6aaefc;--c3:#b794f6;--c4:#ff8a80;--other:#8d98a5}}
*{box-sizing:border-box}
body{margin:0 auto;padding:24px 16px 48px;max-width:960px;background:var(--ground);color:var(--ink);font:16px/1.55 system-ui,sans-serif}
h1{font-size:1.5rem;line-height:1.25;margin:0 0 4px}h2{font-size:1.125rem;margin:40px 0 8px}
p{max-width:65ch;margin:8px 0}.quiet{color:var(--quiet)}
.answer{font-size:1.125rem}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:6px 8px;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}
th:first-child,td:first-child{text-align:left}thead th{font-weight:600;color:var(--quiet)}caption{text-align:left;color:var(--quiet);padding:4px 0}
svg{display:block;width:100%;height:auto;max-width:720px}.wide{min-width:560px}
svg text{font:13px system-ui,sans-serif;fill:var(--quiet)}
.axis{stroke:var(--line);stroke-width:1}.ideal{stroke:var(--quiet);stroke-width:1;stroke-dasharray:4 4}
.series{fill:none;stroke-width:2}.k0{stroke:var(--c0)}.k1{stroke:var(--c1)}.k2{stroke:var(--c2)}.k3{stroke:var(--c3)}.k4{stroke:var(--c4)}.other{stroke:var(--other);stroke-dasharray:6 3}
.f0{fill:var(--c0)}.f1{fill:var(--c1)}.f2{fill:var(--c2)}.f3{fill:var(--c3)}.f4{fill:var(--c4)}.fo{fill:var(--other)}
.legend{display:flex;flex-wrap:wrap;gap:4px 16px;list-style:none;margin:8px 0;padding:0;color:var(--quiet)}.legend svg{display:inline-block;width:28px;height:12px;vertical-align:middle;margin-right:6px}
.b{fill:var(--c2);opacity:.25}
";

const WIDTH: f64 = 720.0;

pub fn page(seen: &Seen) -> String {
    let report = seen.report;
    let score = &report.score;
    let ninety = score.quantiles.iter().find(|q| q.0 == 0.9);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width,initial-scale=1";
                title { "Delivery promises since " (seen.split) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    h1 { "How good the promises would have been" }
                    p.quiet { (score.orders) " orders bought from " (seen.split) " on. At each purchase, only what was known then was used." }
                    @if let Some((_, coverage, days)) = ninety {
                        p.answer { "A promise of 90 % would have been kept in " strong { (percent(*coverage)) } ", with " (format!("{days:.1}")) " days on average." }
                    }
                    @if let (Some(store), Some(at)) = (&report.store, &report.at_store_share) {
                        p.answer { "The store’s own promise was kept in " (percent(store.coverage)) " with " (format!("{:.1}", store.mean_days))
                            " days. Kept as often, ours would have been " strong { (format!("{:.1} days", at.matched.mean_days)) } "." }
                    }
                    section aria-labelledby="reliability" {
                        h2 id="reliability" { "Is 90 % kept in 90 %?" }
                        p { "Asked for against kept: on the dashed line, promises are exactly as good as they say. Above it they are longer than they need to be, below it they are broken too often." }
                        (reliability(score, report.baselines.get("lane_quantiles")))
                        (quantile_table(seen))
                    }
                    section aria-labelledby="months" {
                        h2 id="months" { "Over time" }
                        p { "Share of the orders bought in each month that came by the promise. The dashed lines are what was asked for." }
                        (coverage_over_time(score))
                        (legend())
                        (cells("month", &score.months.iter().collect::<Vec<_>>()))
                        @for line in limits(score) { p { (line) } }
                    }
                    section aria-labelledby="width" {
                        h2 id="width" { "How wide the windows are" }
                        p { "Mean promised days by month: the band is from P10 to P90, within it the median." }
                        (widths(score))
                    }
                    @if !score.lanes.is_empty() {
                        section aria-labelledby="lanes" {
                            h2 id="lanes" { "By lane" }
                            @let mut lanes = score.lanes.iter().collect::<Vec<_>>();
                            @let () = lanes.sort_by_key(|(name, c)| (std::cmp::Reverse(c.orders), (*name).clone()));
                            @if lanes.len() > 100 { p.quiet { "The hundred largest of " (lanes.len()) "." } }
                            (cells("lane", &lanes.into_iter().take(100).collect::<Vec<_>>()))
                        }
                    }
                    @let remarks = remarks(seen);
                    @if !remarks.is_empty() {
                        section aria-labelledby="remarks" {
                            h2 id="remarks" { "Left out, mended, odd" }
                            ul { @for remark in remarks { li { (remark) } } }
                        }
                    }
                }
            }
        }
    }
    .into_string()
}

fn quantile_table(seen: &Seen) -> Markup {
    let all = std::iter::once(("Whereabouts", &seen.report.score)).chain(seen.report.baselines.iter().map(|(name, score)| {
        let name = match *name {
            "fixed_ranges" => "one fixed range",
            "lane_quantiles" => "plain quantiles by lane",
            "global_quantiles" => "plain quantiles of all",
            other => other,
        };
        (name, score)
    }));
    html! {
        div.scroll tabindex="0" role="region" aria-label="Figures by method" {
            table {
                caption { "Kept, and mean promised days. Pinball: mean loss in days, lower is better." }
                thead { tr { th scope="col" { "method" } th scope="col" { "pinball" } @for q in QUANTILES { th scope="col" { "P" (q * 100.0) } } } }
                tbody {
                    @for (name, score) in all {
                        tr {
                            th scope="row" { (name) }
                            td { (format!("{:.3}", score.pinball)) }
                            @for (_, coverage, days) in &score.quantiles { td { (percent(*coverage)) " · " (format!("{days:.1} d")) } }
                        }
                    }
                    @if let Some(own) = &seen.report.store {
                        tr { th scope="row" { "the store’s own" } td {} td colspan="5" { "kept in " (percent(own.coverage)) " · " (format!("{:.1} d", own.mean_days)) } }
                    }
                }
            }
        }
    }
}

fn cells(what: &str, cells: &[(&String, &Cell)]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label={ "Figures by " (what) } {
            table {
                caption { "Kept, and mean promised days, by " (what) }
                thead { tr { th scope="col" { (what) } th scope="col" { "orders" } @for q in QUANTILES { th scope="col" { "P" (q * 100.0) } } } }
                tbody {
                    @for (name, cell) in cells {
                        tr {
                            th scope="row" { (name) }
                            td { (cell.orders) }
                            @for (coverage, days) in cell.coverage.iter().zip(&cell.mean_days) { td { (percent(*coverage)) " · " (format!("{days:.1} d")) } }
                        }
                    }
                }
            }
        }
    }
}

fn legend() -> Markup {
    html! {
        ul.legend {
            @for (k, q) in QUANTILES.iter().enumerate().rev() {
                li { svg viewBox="0 0 28 12" aria-hidden="true" { line x1="0" y1="6" x2="28" y2="6" class={ "series k" (k) } {} (mark(k, 14.0, 6.0)) } "P" (q * 100.0) }
            }
        }
    }
}

/// A point's mark: a shape for each quantile, so that colour is not all that tells them apart.
fn mark(k: usize, x: f64, y: f64) -> Markup {
    let class = format!("f{k}");
    html! {
        @match k {
            0 => { circle cx=(n(x)) cy=(n(y)) r="4" class=(class) {} }
            1 => { rect x=(n(x - 4.0)) y=(n(y - 4.0)) width="8" height="8" class=(class) {} }
            2 => { path d={ "M" (n(x)) " " (n(y - 5.0)) "l5 9h-10z" } class=(class) {} }
            3 => { path d={ "M" (n(x)) " " (n(y - 5.0)) "l5 5l-5 5l-5-5z" } class=(class) {} }
            _ => { path d={ "M" (n(x)) " " (n(y + 5.0)) "l5-9h-10z" } class=(class) {} }
        }
    }
}

fn n(x: f64) -> String {
    format!("{x:.1}")
}

fn polyline(points: impl Iterator<Item = (f64, f64)>) -> String {
    points.fold(String::new(), |mut path, (x, y)| {
        let _ = write!(path, "{}{x:.1} {y:.1}", if path.is_empty() { "M" } else { "L" });
        path
    })
}

/// Asked against kept.
fn reliability(score: &Score, lanes: Option<&Score>) -> Markup {
    let (left, top, side) = (56.0, 12.0, 360.0);
    let at = |p: f64, c: f64| (left + p * side, top + (1.0 - c) * side);
    let said: Vec<String> = score.quantiles.iter().map(|(p, c, _)| format!("P{} kept in {}", p * 100.0, percent(*c))).collect();
    html! {
        svg viewBox={ "0 0 440 " (top + side + 44.0) } style="max-width:440px" role="img" aria-label={ "Reliability diagram: " (said.join(", ")) } {
            @for p in [0.0, 0.25, 0.5, 0.75, 1.0] {
                @let (x, y) = at(p, p);
                line x1=(n(left)) x2=(n(left + side)) y1=(n(y)) y2=(n(y)) class="axis" {}
                line x1=(n(x)) x2=(n(x)) y1=(n(top)) y2=(n(top + side)) class="axis" {}
                text x=(n(left - 8.0)) y=(n(y + 4.0)) text-anchor="end" { (p * 100.0) " %" }
                text x=(n(x)) y=(n(top + side + 18.0)) text-anchor="middle" { (p * 100.0) " %" }
            }
            text x=(n(left + side / 2.0)) y=(n(top + side + 38.0)) text-anchor="middle" { "asked for; upwards: kept" }
            @let ((x1, y1), (x2, y2)) = (at(0.0, 0.0), at(1.0, 1.0));
            line x1=(n(x1)) y1=(n(y1)) x2=(n(x2)) y2=(n(y2)) class="ideal" {}
            @if let Some(lanes) = lanes {
                path d=(polyline(lanes.quantiles.iter().map(|q| at(q.0, q.1)))) class="series other" {}
            }
            path d=(polyline(score.quantiles.iter().map(|q| at(q.0, q.1)))) class="series k2" {}
            @for (k, q) in score.quantiles.iter().enumerate() { @let (x, y) = at(q.0, q.1); (mark(k, x, y)) }
        }
        ul.legend {
            li { svg viewBox="0 0 28 12" aria-hidden="true" { line x1="0" y1="6" x2="28" y2="6" class="series k2" {} } "Whereabouts" }
            @if lanes.is_some() { li { svg viewBox="0 0 28 12" aria-hidden="true" { line x1="0" y1="6" x2="28" y2="6" class="series other" {} } "plain quantiles by lane" } }
        }
    }
}

/// Where the months stand, and which of them are named.
fn months(score: &Score, left: f64) -> Vec<(f64, Option<&str>)> {
    let count = score.months.len();
    let step = (WIDTH - left - 44.0) / (count.max(2) - 1) as f64;
    let every = count.div_ceil(9).max(1);
    score.months.keys().enumerate().map(|(k, m)| (left + k as f64 * step, (k % every == 0).then_some(m.as_str()))).collect()
}

fn coverage_over_time(score: &Score) -> Markup {
    let (left, top, height) = (56.0, 12.0, 280.0);
    let xs = months(score, left);
    let y = |c: f64| top + (1.0 - c) * height;
    let cells: Vec<&Cell> = score.months.values().collect();
    html! {
        div.scroll tabindex="0" role="region" aria-label="Coverage over time" { svg.wide viewBox={ "0 0 " (WIDTH) " " (top + height + 32.0) } role="img" aria-label="Coverage by month for each quantile; the table below has the figures" {
            @for c in [0.0, 0.25, 0.5, 0.75, 1.0] {
                line x1=(n(left)) x2=(n(WIDTH - 12.0)) y1=(n(y(c))) y2=(n(y(c))) class="axis" {}
                text x=(n(left - 8.0)) y=(n(y(c) + 4.0)) text-anchor="end" { (c * 100.0) " %" }
            }
            @for (x, name) in &xs { @if let Some(name) = name { text x=(n(*x)) y=(n(top + height + 20.0)) text-anchor="middle" { (name) } } }
            @for (k, q) in QUANTILES.iter().enumerate() {
                line x1=(n(left)) x2=(n(WIDTH - 12.0)) y1=(n(y(*q))) y2=(n(y(*q))) class="ideal" {}
                path d=(polyline(xs.iter().zip(&cells).map(|((x, _), c)| (*x, y(c.coverage[k]))))) class={ "series k" (k) } {}
                @for ((x, _), c) in xs.iter().zip(&cells) { (mark(k, *x, y(c.coverage[k]))) }
            }
        } }
    }
}

fn widths(score: &Score) -> Markup {
    let (left, top, height) = (56.0, 12.0, 220.0);
    let xs = months(score, left);
    let cells: Vec<&Cell> = score.months.values().collect();
    let most = cells.iter().map(|c| c.mean_days[3]).fold(1.0, f64::max);
    let unit = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0].into_iter().find(|u| most / u <= 6.0).unwrap_or(500.0);
    let ceiling = (most / unit).ceil() * unit;
    let y = |d: f64| top + (1.0 - d / ceiling) * height;
    let upper = xs.iter().zip(&cells).map(|((x, _), c)| (*x, y(c.mean_days[3])));
    let lower = xs.iter().zip(&cells).rev().map(|((x, _), c)| (*x, y(c.mean_days[0])));
    html! {
        div.scroll tabindex="0" role="region" aria-label="Window width" { svg.wide viewBox={ "0 0 " (WIDTH) " " (top + height + 32.0) } role="img" aria-label="Mean promised days by month, from P10 to P90 with the median; the table above has the figures" {
            @for k in 0..=(ceiling / unit) as u32 {
                @let d = f64::from(k) * unit;
                line x1=(n(left)) x2=(n(WIDTH - 12.0)) y1=(n(y(d))) y2=(n(y(d))) class="axis" {}
                text x=(n(left - 8.0)) y=(n(y(d) + 4.0)) text-anchor="end" { (d) " d" }
            }
            @for (x, name) in &xs { @if let Some(name) = name { text x=(n(*x)) y=(n(top + height + 20.0)) text-anchor="middle" { (name) } } }
            path d={ (polyline(upper.chain(lower))) "Z" } class="b" {}
            path d=(polyline(xs.iter().zip(&cells).map(|((x, _), c)| (*x, y(c.mean_days[1]))))) class="series k1" {}
            @for ((x, _), c) in xs.iter().zip(&cells) { (mark(1, *x, y(c.mean_days[1]))) }
        } }
    }
}
