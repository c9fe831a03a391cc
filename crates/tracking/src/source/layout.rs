//! Payloads that tell of parcels, read by a layout: where things stand in them, and what their codes mean.
//!
//! A carrier or an aggregator is a file in `data/sources`; adding one touches no code. Field by field it is described by [`Layout`]; paths
//! are those of [`super::tree`].

use std::{
    collections::{BTreeMap, HashMap},
    sync::LazyLock,
};

use chrono::{Offset, TimeZone};
use chrono_tz::Tz;
use include_dir::{Dir, include_dir};
use serde::Deserialize;
use serde_json::Value;

use super::{
    clock::{self, Slashes, Written},
    tree::Node,
};
use crate::{
    carrier,
    facts::{Address, Checkpoint, Facts, Pickup, Problem, Shipment},
    number,
    shipment::{self, fold},
    status::Status,
};

static FILES: Dir = include_dir!("$CARGO_MANIFEST_DIR/data/sources");

/// All layouts, by the name of the source. A file that can't be read is missing here, and fails a test.
static LAYOUTS: LazyLock<HashMap<&'static str, Layout>> = LazyLock::new(|| {
    let layouts =
        FILES.files().filter_map(|f| Some((f.path().file_stem()?.to_str()?, serde_json::from_slice(f.contents()).ok()?)));
    let mut layouts: HashMap<&str, Layout> = layouts.collect();
    let like: Vec<_> = layouts.iter().filter_map(|(name, l)| Some((*name, l.like.clone()?))).collect();
    for (name, other) in like {
        let Some((codes, phrases)) = layouts.get(other.as_str()).map(|o| (o.codes.clone(), o.phrases.clone())) else { continue };
        if let Some(layout) = layouts.get_mut(name) {
            for (code, meaning) in codes {
                layout.codes.entry(code).or_insert(meaning);
            }
            for (phrase, meaning) in phrases {
                layout.phrases.entry(phrase).or_insert(meaning);
            }
        }
    }
    layouts
});

/// What a carrier pushes may look otherwise than what it answers: that layout's name ends so.
const PUSH: &str = "_push";

/// The layout of what a source pushes, where it has one of its own.
pub fn pushed(source: &str) -> Option<&'static Layout> {
    LAYOUTS.get(format!("{source}{PUSH}").as_str())
}

/// The sources that have a layout.
pub fn names() -> Vec<&'static str> {
    let mut names: Vec<&str> = LAYOUTS.keys().copied().filter(|n| !n.ends_with(PUSH)).collect();
    names.sort_unstable();
    names
}

/// The layout of a source.
pub fn find(source: &str) -> Option<&'static Layout> {
    LAYOUTS.get(source)
}

/// No source's: all that it knows is words.
pub fn words() -> &'static Layout {
    static NONE: LazyLock<Layout> = LazyLock::new(Layout::default);
    &NONE
}

type Paths = Vec<String>;

/// Where things stand in a source's payloads. A list of paths means: the first that leads anywhere.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Layout {
    /// Where the format is documented, for whoever mends this file.
    #[serde(rename = "$docs")]
    docs: String,
    /// Codes and phrases mean what they mean in that layout.
    like: Option<String>,
    /// Where a text stands that is the payload proper, JSON in itself.
    inside: Option<String>,
    /// Our carrier code; an aggregator has `carrier_name` instead.
    carrier: Option<String>,
    carrier_name: Paths,
    /// What the source calls carriers, where carriers.tsv does not know the word.
    carriers: BTreeMap<String, String>,
    /// The shipments; all other paths start at each of them.
    shipments: Paths,
    number: Paths,
    /// Other numbers of the same parcel, such as the one of the carrier that it is handed over to.
    alternates: Paths,
    status: Paths,
    /// Words on the shipment's state, where there is no code.
    status_text: Paths,
    estimated: Paths,
    service: Paths,
    signed_by: Paths,
    url: Paths,
    order: Paths,
    from: Place,
    to: Place,
    pickup: PickupAt,
    /// Kilograms; `weight_unit` may say otherwise.
    weight: Paths,
    weight_unit: Paths,
    events: Paths,
    event: EventAt,
    errors: Vec<ErrorAt>,
    /// Where an error's code is this, there is none.
    fine: Vec<String>,
    /// The zone of times that say none and whose place says none either.
    zone: Option<String>,
    slashes: Slashes,
    /// The payload is a list of pairs, number and text; the text is the carrier's own answer.
    pairs: bool,
    /// One number can have belonged to several parcels: the one with the newest event counts.
    newest: bool,
    /// A code in a shipment's or an event's status: ours, as `status` or `status/sub_status`.
    codes: BTreeMap<String, String>,
    /// The source's own phrases, tried before those that all share.
    phrases: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct EventAt {
    time: Paths,
    /// The same moment in UTC; together they give the offset.
    utc: Paths,
    /// The offset or the zone's abbreviation.
    offset: Paths,
    /// What counts for the status, in this order; the first is reported as the event's code.
    code: Paths,
    message: Paths,
    /// As one line; else it is made of `place`.
    location: Paths,
    place: Place,
    signed_by: Paths,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Place {
    /// A street or a facility, shown before the city.
    site: Paths,
    city: Paths,
    region: Paths,
    postal_code: Paths,
    country: Paths,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct PickupAt {
    name: Paths,
    address: Paths,
    hours: Paths,
    code: Paths,
    until: Paths,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ErrorAt {
    at: String,
    code: Paths,
    message: Paths,
    /// What to say where the source says nothing but a value.
    says: Option<String>,
}

/// Reads a payload by a layout.
pub fn read(layout: &Layout, body: &Value) -> Facts {
    let mut facts = Facts::default();
    let inner: Option<Value> =
        layout.inside.as_ref().and_then(|path| serde_json::from_str(&Node::root(body).text(&[path])?).ok());
    let body = inner.as_ref().unwrap_or(body);
    match pairs(body).filter(|_| layout.pairs) {
        Some(answers) => answers.iter().for_each(|answer| read_into(layout, answer, &mut facts)),
        None => read_into(layout, body, &mut facts),
    }
    finish(layout, facts)
}

/// `[["number", "{…}"], …]`: the answers, or nothing where the payload is no such list.
fn pairs(body: &Value) -> Option<Vec<Value>> {
    let list = match body.as_array()?.as_slice() {
        [Value::String(_), Value::String(_)] => std::slice::from_ref(body),
        all => all,
    };
    list.iter().map(|pair| serde_json::from_str(pair.as_array()?.get(1)?.as_str()?).ok()).collect()
}

fn read_into(layout: &Layout, body: &Value, facts: &mut Facts) {
    let root = Node::root(body);
    for error in &layout.errors {
        for node in root.all(&error.at) {
            let code = node.text(&error.code).filter(|c| !layout.fine.contains(c));
            let said = node.text(&error.message);
            let message = match (&error.says, said) {
                (Some(says), Some(value)) => Some(format!("{says} {value}")),
                (None, said) => said,
                (Some(says), None) => Some(says.clone()),
            };
            let is_fine = node.text(&error.code).is_some() && code.is_none();
            if let Some(message) = message.or_else(|| code.clone()).filter(|_| !is_fine) {
                facts.problems.push(Problem { kind: "carrier_error".into(), field: Some(error.at.clone()), code, message });
            }
        }
    }
    let found: Vec<Node> = layout.shipments.iter().map(|p| root.all(p)).find(|n| !n.is_empty()).unwrap_or_default();
    for (n, node) in found.iter().enumerate() {
        let mut problems = Vec::new();
        let shipment = read_shipment(layout, node, &mut problems);
        // What has no event, and no state but an error's, is not a parcel.
        if shipment.checkpoints.is_empty() && node.text(&layout.status).or_else(|| node.text(&layout.status_text)).is_none() {
            continue;
        }
        if shipment.tracking_number.is_empty() {
            problems.push(Problem {
                kind: "missing_field".into(),
                field: layout.number.first().cloned(),
                code: None,
                message: format!("shipment {} has no tracking number", n + 1),
            });
        }
        facts.problems.extend(problems);
        facts.shipments.push(shipment);
    }
}

fn finish(layout: &Layout, mut facts: Facts) -> Facts {
    if layout.newest {
        let mut kept: Vec<Shipment> = Vec::new();
        for shipment in std::mem::take(&mut facts.shipments) {
            let newest = |s: &Shipment| s.checkpoints.iter().filter_map(|c| c.time.as_deref().and_then(shipment::instant)).max();
            match kept.iter_mut().find(|k| k.tracking_number == shipment.tracking_number) {
                None => kept.push(shipment),
                Some(other) => {
                    facts.problems.push(Problem {
                        kind: "number_used_again".into(),
                        field: None,
                        code: Some(shipment.tracking_number.clone()),
                        message: "the carrier knows several parcels by this number; the one with the newest event counts".into(),
                    });
                    if newest(&shipment) > newest(other) {
                        *other = shipment;
                    }
                }
            }
        }
        facts.shipments = kept;
    }
    facts.problems = counted(std::mem::take(&mut facts.problems));
    if facts.shipments.is_empty() && facts.problems.is_empty() {
        facts.problems.push(Problem {
            kind: "unsupported_topic".into(),
            message: "nothing here is a shipment or an error of this source".into(),
            ..Problem::default()
        });
    }
    facts
}

/// Each code once, with how often it was met: what a merchant has to map.
fn counted(problems: Vec<Problem>) -> Vec<Problem> {
    let mut kept: Vec<(Problem, u32)> = Vec::new();
    for problem in problems {
        let unknown = problem.kind == "unknown_code" || problem.kind == "unknown_status";
        match kept.iter_mut().find(|(k, _)| unknown && k.kind == problem.kind && k.code == problem.code) {
            Some((_, times)) => *times += 1,
            None => kept.push((problem, 1)),
        }
    }
    let say = |(mut problem, times): (Problem, u32)| {
        if times > 1 {
            problem.message = format!("{}; {times} times", problem.message);
        }
        problem
    };
    kept.into_iter().map(say).collect()
}

fn read_shipment(layout: &Layout, node: &Node, problems: &mut Vec<Problem>) -> Shipment {
    let mut times = Times { layout, to: read_place(&layout.from, node), without: 0, assumed: 0 };
    let mut events: Vec<Node> = layout.events.iter().flat_map(|p| node.all(p)).collect();
    let said = |e: &Node| [&layout.event.time, &layout.event.utc, &layout.event.code].iter().any(|paths| e.text(paths).is_some());
    events.retain(|e| said(e) || e.text(&layout.event.message).is_some());
    let mut checkpoints: Vec<Checkpoint> = events.iter().map(|e| read_event(layout, e, &mut times, problems)).collect();
    // Oldest first. Carriers list scans of one minute in the order of the list: newest first is turned round before the stable sort.
    let at = |c: &Checkpoint| c.time.as_deref().and_then(shipment::instant);
    if checkpoints.first().map(at) > checkpoints.last().map(at) {
        checkpoints.reverse();
    }
    checkpoints.sort_by_key(at);
    for (count, kind, message) in [
        (times.without, "time_without_zone", "event times without zone, and nothing that tells it"),
        (
            times.assumed,
            "time_zone_assumed",
            "event times without zone: taken as local to the place, or to the carrier's country",
        ),
    ] {
        if count > 0 {
            problems.push(Problem {
                kind: kind.into(),
                field: layout.event.time.first().cloned(),
                code: None,
                message: format!("{count} {message}"),
            });
        }
    }
    contradictions(&checkpoints, problems);
    let signed_by = node.text(&layout.signed_by).or_else(|| events.iter().find_map(|e| e.text(&layout.event.signed_by)));
    let tracking_number = node.text(&layout.number).unwrap_or_default();
    let named = node.text(&layout.carrier_name).map(|n| layout.carriers.get(&n).cloned().unwrap_or_else(|| carrier::code_of(&n)));
    let alternates = layout.alternates.iter().flat_map(|p| node.all(p)).filter_map(|n| n.value.as_str().map(number::normalize));
    // A short one is a reference, not a number.
    let mut alternates: Vec<String> = alternates.filter(|n| n.len() >= 8 && *n != tracking_number).collect();
    alternates.dedup();
    let mut shipment = Shipment {
        alternates,
        carrier: layout.carrier.clone().or(named).or_else(|| detected(&tracking_number)),
        tracking_number,
        estimated_delivery: estimated(layout, node),
        service: node.text(&layout.service),
        signed_by,
        tracking_url: node.text(&layout.url).filter(|u| u.starts_with("https://") || u.starts_with("http://")),
        weight_grams: weight(layout, node),
        origin: Some(read_place(&layout.from, node)).filter(|p| *p != Address::default()),
        destination: Some(read_place(&layout.to, node)).filter(|p| *p != Address::default()),
        order_id: node.text(&layout.order),
        pickup: pickup(&layout.pickup, node),
        checkpoints,
        ..Shipment::default()
    };
    let newest = fold([&shipment]);
    let codes: Vec<String> = layout.status.iter().filter_map(|p| node.text(&[p])).collect();
    let words = node.text(&layout.status_text);
    let code = codes.first();
    (shipment.status, shipment.sub_status) = match code.map(|c| (c, layout.finest(&codes))) {
        // A state that its own scans have left behind says nothing.
        Some((_, Some((Status::Pending | Status::InfoReceived, _)))) if newest.status > Status::InfoReceived => {
            (newest.status, newest.sub_status)
        }
        Some((_, Some(known))) => known,
        other => {
            if let Some((code, None)) = other {
                problems.push(unknown("unknown_status", layout.status.first(), code, words.as_deref()));
            }
            if newest.checkpoints.is_empty() {
                let said = words.as_deref().or(code.map(String::as_str)).unwrap_or_default();
                layout
                    .spoken(said)
                    .unwrap_or_else(|| if other.is_some() { (Status::InTransit, None) } else { (Status::Pending, None) })
            } else {
                (newest.status, newest.sub_status)
            }
        }
    };
    shipment
}

/// The carrier whose check digit a number carries, or whose own its form is.
fn detected(number: &str) -> Option<String> {
    let found = number::detect(number, &number::Hints::default());
    found.candidates.into_iter().next().filter(|c| c.valid && c.confidence >= 0.7).map(|c| c.carrier)
}

fn unknown(kind: &str, field: Option<&String>, code: &str, words: Option<&str>) -> Problem {
    let said = words.map_or_else(String::new, |w| format!(" ({w})"));
    Problem {
        kind: kind.into(),
        field: field.cloned(),
        code: Some(code.to_owned()),
        message: format!("the code is not in this source's table{said}; its words or its surroundings decide"),
    }
}

/// The day where a time is midnight or has no clock; else the time.
fn estimated(layout: &Layout, node: &Node) -> Option<String> {
    layout.estimated.iter().find_map(|path| {
        let written = clock::read(&node.text(&[path])?, layout.slashes)?;
        let local = written.local();
        Some(if local.time() == chrono::NaiveTime::MIN { local.date().to_string() } else { written.print() })
    })
}

fn weight(layout: &Layout, node: &Node) -> Option<u32> {
    let value: f64 = node.text(&layout.weight)?.parse().ok()?;
    let grams = match node.text(&layout.weight_unit).unwrap_or_default().to_ascii_lowercase().as_str() {
        "" | "k" | "kg" | "kgs" | "kilogram" => 1000.0,
        "l" | "lb" | "lbs" | "pound" => 453.592_37,
        "oz" | "ounce" => 28.349_523,
        "g" | "gram" => 1.0,
        _ => return None,
    };
    let grams = value * grams;
    (grams > 0.0 && grams < 1e8).then_some(grams.round() as u32)
}

fn pickup(at: &PickupAt, node: &Node) -> Option<Pickup> {
    let pickup = Pickup {
        name: node.text(&at.name),
        address: node.text(&at.address),
        hours: at.hours.iter().flat_map(|p| node.all(p)).filter_map(|n| n.value.as_str().map(str::to_owned)).collect(),
        code: node.text(&at.code),
        until: node.text(&at.until).and_then(|t| clock::read(&t, Slashes::default())).map(Written::print),
    };
    (pickup != Pickup::default()).then_some(pickup)
}

fn read_place(at: &Place, node: &Node) -> Address {
    Address {
        city: node.text(&at.city),
        region: node.text(&at.region),
        postal_code: node.text(&at.postal_code),
        country: node.text(&at.country).map(|c| country(&c)),
        po_box: false,
    }
}

/// ISO 3166-1 alpha-2, from that, or from alpha-3 as some carriers print it; else the text as it stands.
fn country(text: &str) -> String {
    static ALPHA3: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| {
        include_str!("../../data/countries.tsv")
            .lines()
            .filter(|l| !l.starts_with('#'))
            .filter_map(|l| l.split_once('\t'))
            .collect()
    });
    let upper = text.trim().to_ascii_uppercase();
    match ALPHA3.get(upper.as_str()) {
        Some(code) => (*code).to_owned(),
        None if upper.len() == 2 => upper,
        None => text.trim().to_owned(),
    }
}

fn read_event(layout: &Layout, node: &Node, times: &mut Times, problems: &mut Vec<Problem>) -> Checkpoint {
    let at = &layout.event;
    let place = read_place(&at.place, node);
    let location = node.text(&at.location).or_else(|| {
        let site = node.text(&at.place.site);
        let parts = [&site, &place.city, &place.region, &place.country];
        let mut line: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
        line.dedup();
        (!line.is_empty()).then(|| line.join(", "))
    });
    let message = node.text(&at.message);
    let codes: Vec<String> = at.code.iter().filter_map(|p| node.text(&[p])).collect();
    let words = message.as_deref().unwrap_or_default();
    let (status, sub_status) = layout.judge(&codes, words).unwrap_or_else(|| {
        if let Some(code) = codes.first().filter(|c| Some(*c) != message.as_ref()) {
            problems.push(unknown("unknown_code", at.code.first(), code, message.as_deref()));
        }
        layout
            .spoken(words)
            .or_else(|| codes.iter().find_map(|c| layout.spoken(&code_words(c))))
            .unwrap_or((Status::InTransit, None))
    });
    let time = times.read(node, &place, problems);
    Checkpoint {
        time: time.map(Written::print),
        status,
        sub_status,
        code: codes.into_iter().next(),
        message: message.map(|m| plain_words(&m)),
        location: location.map(|l| plain_words(&l)),
        place: Some(place).filter(|p| *p != Address::default()),
    }
}

/// Spaces and line breaks as one space each.
fn plain_words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

struct Times<'a> {
    layout: &'a Layout,
    to: Address,
    without: u32,
    assumed: u32,
}

impl Times<'_> {
    fn read(&mut self, node: &Node, place: &Address, problems: &mut Vec<Problem>) -> Option<Written> {
        let at = &self.layout.event;
        let mut problem = |kind: &str, code: &str, message: &str| {
            problems.push(Problem {
                kind: kind.into(),
                field: at.time.first().cloned(),
                code: Some(code.to_owned()),
                message: message.into(),
            });
        };
        let utc = node.text(&at.utc);
        let Some(text) = node.text(&at.time).or_else(|| utc.clone()) else {
            problem("missing_field", "", "an event without time");
            return None;
        };
        let Some(written) = clock::read(&text, self.layout.slashes) else {
            problem("unreadable_time", &text, "not a time, or not one of our days; the event is kept without");
            return None;
        };
        let Written::Local(local) = written else {
            // A day alone stays one: whatever clock we gave it would be a guess.
            return Some(written);
        };
        let said = node.text(&at.offset).and_then(|o| clock::offset(&o));
        let instant = utc.as_deref().and_then(|u| clock::read(u, self.layout.slashes)).map(|w| w.local());
        // Both clocks of one moment: their difference is the offset, to the quarter of an hour that offsets keep to.
        let derived = instant.and_then(|u| {
            let seconds = (local - u).num_seconds();
            let quarter = (seconds as f64 / 900.0).round() as i32 * 900;
            chrono::FixedOffset::east_opt(quarter).filter(|_| quarter.abs() <= 50_400)
        });
        let with = |offset: chrono::FixedOffset| offset.from_local_datetime(&local).single().map(Written::Instant);
        if let (Some(said), Some(derived)) = (said, derived) {
            if said != derived {
                problem(
                    "time_contradiction",
                    &text,
                    "the local time, the time in UTC and the offset don't agree; the offset counts",
                );
            }
        } else if instant.is_some() && derived.is_none() {
            problem(
                "time_contradiction",
                &text,
                "the local time and the time in UTC are more than 14 hours apart; the local time counts",
            );
        }
        if let Some(offset) = said.or(derived) {
            return with(offset);
        }
        let zone = clock::zone_of(place.country.as_deref(), place.region.as_deref())
            .or_else(|| self.layout.zone.as_deref().and_then(|z| z.parse::<Tz>().ok()))
            .or_else(|| {
                clock::zone_of(self.to.country.as_deref(), self.to.region.as_deref()).filter(|_| *place == Address::default())
            });
        match zone.and_then(|z| clock::in_zone(z, local)) {
            Some(offset) => {
                self.assumed += 1;
                with(offset.fix())
            }
            None => {
                self.without += 1;
                Some(written)
            }
        }
    }
}

/// A parcel can't be on its way before its label was, nor be handed over at a midnight that nobody meant.
fn contradictions(checkpoints: &[Checkpoint], problems: &mut Vec<Problem>) {
    let moving = checkpoints.iter().position(|c| c.status == Status::InTransit);
    let label = checkpoints.iter().rposition(|c| c.status == Status::InfoReceived);
    let (Some(moving), Some(label)) = (moving, label) else { return };
    if moving < label {
        problems.push(Problem {
            kind: "time_contradiction".into(),
            field: None,
            code: checkpoints[moving].time.clone(),
            message: "an event on the way is older than the announcement of the parcel".into(),
        });
    }
}

/// A code that is made of words, as words: `NOT_DELIVERED`. Of a short one nothing can be heard.
fn code_words(code: &str) -> String {
    let letters = code.bytes().filter(u8::is_ascii_alphabetic).count();
    if letters < 4 { String::new() } else { code.replace(['_', '-', '.'], " ") }
}

pub type Meaning = (Status, Option<String>);

impl Layout {
    /// What an event with this code alone means: by the table, else by the words that the code is made of.
    pub fn code(&self, code: &str) -> Option<Meaning> {
        self.judge(&[code.to_owned()], code).or_else(|| self.spoken(&code_words(code)))
    }

    /// What an event's codes and words mean together, as far as this source's own table and phrases go.
    fn judge(&self, codes: &[String], words: &str) -> Option<Meaning> {
        let known = self.own_words(words).or_else(|| self.finest(codes))?;
        // A table says "under way"; the words may say where.
        if known == (Status::InTransit, None)
            && let Some((Status::InTransit, sub_status)) = self.spoken(words)
        {
            return Some((Status::InTransit, sub_status));
        }
        Some(known)
    }

    /// What a code means, by this source's table; neither case nor leading zeros count.
    fn meaning(&self, code: &str) -> Option<Meaning> {
        let bare = |c: &str| c.trim_start_matches('0').to_owned();
        let number = |c: &str| c.len() > 2 && c.bytes().all(|b| b.is_ascii_digit());
        let same = |k: &str| k.eq_ignore_ascii_case(code) || number(k) && number(code) && bare(k) == bare(code);
        let found = self.codes.get(code).or_else(|| self.codes.iter().find(|(k, _)| same(k)).map(|(_, v)| v));
        found.and_then(|m| meaning(m))
    }

    /// What the first known code means; where it says no more than "under way" or "trouble", a later one that says more.
    fn finest(&self, codes: &[String]) -> Option<Meaning> {
        let vague = |m: &Meaning| matches!(m, (Status::InTransit | Status::Exception, None));
        let known: Vec<Meaning> = codes.iter().filter_map(|c| self.meaning(c)).collect();
        let first = known.first()?.clone();
        if !vague(&first) {
            return Some(first);
        }
        let finer = |m: &&Meaning| !vague(m) && (m.1.is_some() || matches!(m.0, Status::OutForDelivery | Status::AttemptFailed));
        Some(known.iter().find(finer).cloned().unwrap_or(first))
    }

    /// What words mean by this source's own phrases, the longest that they contain. They are finer than its codes.
    fn own_words(&self, words: &str) -> Option<Meaning> {
        let words = words.to_lowercase();
        let own = self.phrases.iter().filter(|(phrase, _)| words.contains(&phrase.to_lowercase())).max_by_key(|(p, _)| p.len());
        own.and_then(|(_, m)| meaning(m))
    }

    /// What words mean: this source's phrases, then those that all share.
    fn spoken(&self, words: &str) -> Option<Meaning> {
        self.own_words(words).or_else(|| {
            let words = words.to_lowercase();
            PHRASES.iter().find(|(phrase, _)| words.contains(phrase)).and_then(|(_, m)| meaning(m))
        })
    }
}

/// Phrases that many carriers use, in the order in which they are tried.
static PHRASES: LazyLock<Vec<(&str, &str)>> = LazyLock::new(|| {
    include_str!("../../data/phrases.tsv").lines().filter(|l| !l.starts_with('#')).filter_map(|l| l.split_once('\t')).collect()
});

/// `status` or `status/sub_status`.
fn meaning(text: &str) -> Option<Meaning> {
    let (word, sub_status) = text.split_once('/').map_or((text, None), |(w, s)| (w, Some(s.to_owned())));
    Some((Status::from_word(word)?, sub_status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_keeps_to_its_schema() {
        for file in FILES.files() {
            let name = file.path().file_stem().unwrap().to_str().unwrap();
            let layout: Layout = serde_json::from_slice(file.contents()).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert!(!layout.docs.is_empty(), "{name}: says where it is documented");
            assert!(!layout.shipments.is_empty() && !layout.events.is_empty() && !layout.event.time.is_empty(), "{name}");
            assert!(layout.carrier.is_some() == layout.carrier_name.is_empty(), "{name}: a carrier, or where its name stands");
            assert!(
                layout.carrier.as_deref().is_none_or(|c| carrier::by_code(c).is_some()),
                "{name}: the carrier is in carriers.tsv"
            );
            assert!(layout.zone.as_deref().is_none_or(|z| z.parse::<Tz>().is_ok()), "{name}: zone");
            for (code, m) in layout.codes.iter().chain(&layout.phrases) {
                let (_, sub) = meaning(m).unwrap_or_else(|| panic!("{name}: {code}: {m} is no status"));
                assert!(sub.as_deref().is_none_or(|s| crate::status::SUB_STATUSES.contains(&s)), "{name}: {code}: {m}");
            }
        }
        assert!(LAYOUTS.len() == FILES.files().count());
        for (phrase, m) in PHRASES.iter() {
            assert_eq!(*phrase, phrase.to_lowercase());
            let (_, sub) = meaning(m).unwrap_or_else(|| panic!("{phrase}: {m}"));
            assert!(sub.as_deref().is_none_or(|s| crate::status::SUB_STATUSES.contains(&s)), "{phrase}: {m}");
        }
    }

    #[test]
    fn phrases_say_what_a_person_would_understand() {
        let any = Layout::default();
        for (words, expected) in [
            ("Delivered, Front Door/Porch", "delivered"),
            ("Out for Delivery, Expected Delivery by 9:00pm", "out_for_delivery"),
            ("Undeliverable as Addressed", "exception/address"),
            ("Your parcel could not be delivered: nobody home", "attempt_failed/no_one_home"),
            ("Delivery attempted", "attempt_failed"),
            ("Ready for pickup at parcel shop", "available_for_pickup"),
            ("Shipment information received", "info_received"),
            ("Held in customs", "exception/customs"),
            ("Customs Clearance in Progress", "in_transit/customs"),
            ("Returned to sender", "exception/returned"),
            ("Departed FedEx location", "in_transit/departed"),
            ("Available for delivery tomorrow", "in_transit"),
        ] {
            let (status, sub) = any.spoken(words).unwrap_or((Status::InTransit, None));
            let said = sub.map_or(status.as_str().to_owned(), |s| format!("{}/{s}", status.as_str()));
            assert_eq!(said, expected, "{words}");
        }
    }
}
