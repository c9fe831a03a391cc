//! Every figure of the analytics pages against a plain count of what came in and what was done, which shares no code with them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, Days, NaiveDate};
use serde_json::json;

use super::*;
use crate::insight::{bodies, import};

fn date(text: &str) -> NaiveDate {
    text[..10].parse().unwrap()
}

/// The day that a moment has in Chicago, where the store is.
fn local(at: i64) -> NaiveDate {
    chrono::DateTime::from_timestamp(at, 0).unwrap().with_timezone(&chrono_tz::America::Chicago).date_naive()
}

fn monday(day: NaiveDate) -> NaiveDate {
    day - Days::new(u64::from(day.weekday().num_days_from_monday()))
}

fn unix(text: &str) -> i64 {
    chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp()
}

/// A parcel, as the raw events tell of it.
struct Parcel {
    carrier: String,
    origin: String,
    shipped: NaiveDate,
    delivered: Option<NaiveDate>,
    /// What went wrong, and when first.
    wrong: BTreeMap<String, NaiveDate>,
}

struct Order {
    placed: NaiveDate,
    cancelled: bool,
    place: String,
    area: String,
    window: Option<(NaiveDate, NaiveDate)>,
    parcels: Vec<Parcel>,
}

impl Order {
    fn complete(&self) -> Option<NaiveDate> {
        self.parcels.iter().map(|p| p.delivered).collect::<Option<Vec<_>>>()?.into_iter().max()
    }

    /// When its promise was kept or broken. All of them ended long ago.
    fn decided(&self, arrived: Option<NaiveDate>) -> Option<(NaiveDate, bool)> {
        let (_, to) = self.window.filter(|_| !self.cancelled)?;
        Some(arrived.filter(|d| *d <= to).map_or((to + Days::new(1), false), |d| (d, true)))
    }
}

/// What came in, read anew from the raw events, and the promises that were made.
async fn orders(api: &Api) -> Vec<Order> {
    let read = api.state.db().read(|db| {
        let mut rows = db.prepare("select cast(body as text) from events order by id")?;
        let events: Vec<String> = rows.query_map([], |r| r.get(0))?.collect::<Result<_, _>>()?;
        let mut rows = db.prepare(
            "select order_id, window_from, window_to, offer ->> 'origin' from promises where window_to is not null order by seq",
        )?;
        let promises: BTreeMap<String, (String, String, String)> =
            rows.query_map([], |r| Ok((r.get(0)?, (r.get(1)?, r.get(2)?, r.get(3)?))))?.collect::<Result<_, _>>()?;
        Ok((events, promises))
    });
    let (events, promises) = read.await.unwrap();
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    events
        .iter()
        .map(|body| {
            let body: Value = serde_json::from_str(body).unwrap();
            let order = &body["orders"][0];
            let promise = promises.get(order["id"].as_str().unwrap());
            let to = &order["destination"];
            let country = text(&to["country"]);
            let parcels = body["shipments"].as_array().unwrap().iter().enumerate().map(|(n, parcel)| {
                let scans = parcel["checkpoints"].as_array().unwrap();
                let mut wrong = BTreeMap::new();
                for scan in scans.iter().rev() {
                    let kind = match scan["status"].as_str().unwrap() {
                        "exception" => text(&scan["sub_status"]),
                        "attempt_failed" => "attempt_failed".into(),
                        _ => continue,
                    };
                    wrong.insert(kind, date(scan["time"].as_str().unwrap()));
                }
                let elsewhere = order["fulfillments"][n]["location"] == "Rotterdam";
                Parcel {
                    carrier: text(&parcel["carrier"]),
                    origin: if elsewhere { "rotterdam".into() } else { promise.map(|p| p.2.clone()).unwrap_or_default() },
                    shipped: date(scans[0]["time"].as_str().unwrap()),
                    delivered: scans.iter().find(|s| s["status"] == "delivered").map(|s| date(s["time"].as_str().unwrap())),
                    wrong,
                }
            });
            Order {
                placed: local(unix(order["placed_at"].as_str().unwrap())),
                cancelled: !order["cancelled_at"].is_null(),
                place: to["region"].as_str().map_or(country.clone(), |region| format!("{country}-{region}")),
                area: format!("{country}-{}", &to["postal_code"].as_str().unwrap()[..3]),
                window: promise.map(|p| (date(&p.0), date(&p.1))),
                parcels: parcels.collect(),
            }
        })
        .collect()
}

/// Something that counts: where, on which day, as what; histograms with their days.
#[derive(Default)]
struct Heap {
    counts: BTreeMap<&'static str, i64>,
    handling: Vec<i64>,
    transit: Vec<i64>,
}

fn nth(values: &[i64], percent: usize) -> Value {
    let mut values = values.to_vec();
    values.sort_unstable();
    values.get((values.len() * percent).div_ceil(100).max(1) - 1).map_or(Value::Null, |v| json!(v))
}

/// A table by the key that `keys` gives to an order, or to one of its parcels, on a day: absent where it does not count there.
fn table(orders: &[Order], keys: impl Fn(&Order, Option<&Parcel>, NaiveDate) -> Option<String>) -> BTreeMap<String, Heap> {
    let mut heaps: BTreeMap<String, Heap> = BTreeMap::new();
    for o in orders {
        let mut of = |parcel: Option<&Parcel>, day: NaiveDate, fill: &dyn Fn(&mut Heap)| {
            if let Some(key) = keys(o, parcel, day) {
                fill(heaps.entry(key).or_default());
            }
        };
        let one = |name: &'static str| move |h: &mut Heap| *h.counts.entry(name).or_default() += 1;
        of(None, o.placed, &one(if o.cancelled { "cancelled" } else { "orders" }));
        if let (Some((day, kept)), Some((from, _))) = (o.decided(o.complete()), o.window) {
            of(None, day, &one("due"));
            of(None, day, &one(if kept { "kept" } else { "late" }));
            if kept {
                of(None, day, &one(if day < from { "early" } else { "inside" }));
            }
        }
        for p in &o.parcels {
            of(Some(p), p.shipped, &one("shipped"));
            of(Some(p), p.shipped, &|h: &mut Heap| h.handling.push((p.shipped - o.placed).num_days()));
            if let Some(delivered) = p.delivered {
                of(Some(p), delivered, &one("delivered"));
                of(Some(p), delivered, &|h: &mut Heap| h.transit.push((delivered - p.shipped).num_days()));
            }
            if let Some((day, kept)) = o.decided(p.delivered) {
                of(Some(p), day, &one("parcels_due"));
                if !kept {
                    of(Some(p), day, &one("parcels_late"));
                }
            }
            if let Some(first) = p.wrong.values().min() {
                of(Some(p), *first, &one("troubled"));
            }
            for (kind, day) in &p.wrong {
                let name = if kind == "lost" { "lost" } else { "attempts_failed" };
                of(Some(p), *day, &one(name));
            }
        }
    }
    heaps
}

const COUNTS: [&str; 14] = [
    "orders",
    "cancelled",
    "due",
    "kept",
    "late",
    "early",
    "inside",
    "shipped",
    "delivered",
    "parcels_due",
    "parcels_late",
    "troubled",
    "lost",
    "attempts_failed",
];

/// A list of keys with their counts.
fn counted(list: &Value) -> BTreeMap<&str, usize> {
    let rows = list.as_array().unwrap().iter();
    rows.map(|r| (r["key"].as_str().unwrap(), r["count"].as_u64().unwrap() as usize)).collect()
}

/// The same figures, all of them: none too many, none too few.
fn same(what: &str, row: &Value, heap: &Heap) {
    for name in COUNTS {
        assert_eq!(row[name], heap.counts.get(name).copied().unwrap_or(0), "{what}: {name} in {row}");
    }
    for (name, values) in [("handling", &heap.handling), ("transit", &heap.transit)] {
        for (part, percent) in [("median", 50), ("p90", 90)] {
            assert_eq!(row[format!("{name}_{part}")], nth(values, percent), "{what}: {name} {part} of {values:?}");
        }
    }
    let share = |part: &str, of: &str| {
        let [part, of] = [part, of].map(|n| heap.counts.get(n).copied().unwrap_or(0) as f64);
        if of > 0.0 { json!((part / of * 1000.0).round() / 10.0) } else { Value::Null }
    };
    assert_eq!(
        (&row["kept_percent"], &row["late_percent"]),
        (&share("kept", "due"), &share("parcels_late", "parcels_due")),
        "{what}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_medians_and_calibration_are_what_the_raw_events_say() {
    let api = api_with(|c| c.limits.body_bytes = 10_000_000).await;
    import(&api, &bodies()).await;
    let orders = orders(&api).await;
    for (from, to) in [("2026-09-01", "2026-11-20"), ("2026-09-16", "2026-10-03"), ("2026-09-24", "2026-09-24")] {
        let path = |table: &str| format!("analytics{table}?from={from}&to={to}");
        let within = |day: NaiveDate| date(from) <= day && day <= date(to);
        let said = api.admin("GET", &path(""), "", b"").await.1;
        let all = table(&orders, |_, _, day| within(day).then(String::new));
        same(&format!("total {from}"), &said["total"], &all[""]);
        type Key = fn(&Order, Option<&Parcel>, NaiveDate) -> Option<String>;
        let tables: [(&str, Key); 6] = [
            ("carriers", |_, p, _| Some(p?.carrier.clone())),
            ("origins", |_, p, _| Some(p?.origin.clone())),
            ("methods", |_, _, _| Some("standard".into())),
            ("places", |o, _, _| Some(o.place.clone())),
            ("days", |_, _, day| Some(day.to_string())),
            ("weeks", |_, _, day| Some(monday(day).to_string())),
        ];
        for (name, key) in tables {
            let counted = table(&orders, |o, p, day| key(o, p, day).filter(|_| within(day)));
            let rows = api.admin("GET", &path(&format!("/{name}")), "", b"").await.1;
            let mut seen = BTreeSet::new();
            for row in rows.as_array().unwrap() {
                let key = row["key"].as_str().unwrap();
                same(&format!("{name} {key} {from}"), row, counted.get(key).unwrap_or(&Heap::default()));
                seen.insert(key.to_owned());
            }
            assert!(counted.keys().all(|k| seen.contains(k)), "{name} has no row for one of {:?}", counted.keys());
        }
        // Lanes: whole weeks. A lane's service is the policy's word, so lanes are put together without it.
        let touched = |day: NaiveDate| monday(date(from)) <= monday(day) && monday(day) <= date(to);
        let lane = |o: &Order, p: Option<&Parcel>| Some(format!("{}|{}|{}", p?.carrier, p?.origin, o.place));
        let counted = table(&orders, |o, p, day| lane(o, p).filter(|_| touched(day)));
        let mut sums: BTreeMap<String, BTreeMap<&str, i64>> = BTreeMap::new();
        for row in api.admin("GET", &path("/lanes"), "", b"").await.1.as_array().unwrap() {
            let words: Vec<&str> = row["key"].as_str().unwrap().split('|').collect();
            let sum = sums.entry([words[0], words[2], words[3]].join("|")).or_default();
            COUNTS.iter().for_each(|name| *sum.entry(name).or_default() += row[name].as_i64().unwrap());
        }
        for (key, heap) in &counted {
            for (name, n) in &heap.counts {
                assert_eq!(sums[key][name], *n, "lane {key} {from}: {name}");
            }
        }
        assert_eq!(sums.len(), counted.len());
        // Is what is shown true? One confidence, ninety.
        let due = all[""].counts.get("due").copied().unwrap_or(0);
        if due > 0 {
            let row = &said["confidences"][0];
            let share = |name: &str| json!((*all[""].counts.get(name).unwrap_or(&0) as f64 * 1000.0 / due as f64).round() / 10.0);
            assert_eq!((&row["confidence"], &row["due"]), (&json!(90), &json!(due)));
            assert_eq!((&row["kept_percent"], &row["inside_percent"]), (&share("kept"), &share("inside")), "{from}");
        }
        // How far off, in days.
        let mut margins: BTreeMap<i64, i64> = BTreeMap::new();
        for o in &orders {
            if let (Some((day, _)), Some(arrived), Some((_, last))) = (o.decided(o.complete()), o.complete(), o.window)
                && within(day)
            {
                *margins.entry((arrived - last).num_days()).or_default() += 1;
            }
        }
        let margins: Vec<Value> = margins.iter().map(|(days, n)| json!([days, n])).collect();
        assert_eq!(said["margins"], json!(margins), "{from}");
        // Where parcels arrive, by whole months; areas with fewer than twenty are one.
        let month = |day: NaiveDate| day.with_day(1).unwrap();
        let mut areas: BTreeMap<String, i64> = BTreeMap::new();
        for (o, day) in orders.iter().flat_map(|o| o.parcels.iter().filter_map(move |p| Some((o, p.delivered?)))) {
            if month(date(from)) <= month(day) && month(day) <= date(to) {
                *areas.entry(o.area.clone()).or_default() += 1;
            }
        }
        let few: i64 = areas.values().filter(|n| **n < 20).sum();
        areas.retain(|_, n| *n >= 20);
        if few > 0 {
            areas.insert("elsewhere".into(), few);
        }
        let rows = api.admin("GET", &path("/areas"), "", b"").await.1;
        let shown: BTreeMap<String, i64> = rows
            .as_array()
            .unwrap()
            .iter()
            .map(|r| (r["key"].as_str().unwrap().into(), r["delivered"].as_i64().unwrap()))
            .collect();
        assert_eq!(shown, areas, "{from}");
        // A spreadsheet has the same rows as the page.
        let request = Request::get(format!("/v1/admin/stores/demo/{}", path("/carriers.csv")));
        let text = api.raw(request.header(header::AUTHORIZATION, format!("Bearer {ADMIN}")).body(Body::empty()).unwrap()).await.2;
        let rows = api.admin("GET", &path("/carriers"), "", b"").await.1;
        let mut lines = text.lines().map(|l| l.split(',').map(str::to_owned).collect::<Vec<_>>());
        let names = lines.next().unwrap();
        for (line, row) in lines.zip(rows.as_array().unwrap()) {
            for (name, cell) in names.iter().zip(line) {
                let shown = row[name].as_str().map_or_else(|| row[name].to_string(), str::to_owned);
                assert_eq!(cell, if shown == "null" { String::new() } else { shown }, "{name}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trend_says_the_numbers_that_the_raw_events_say() {
    let api = api_with(|c| c.limits.body_bytes = 10_000_000).await;
    let day = |n: u64| date("2026-09-14") + Days::new(n);
    let mut all = Vec::new();
    for week in 0..10u64 {
        for (lane, (carrier, region, postal)) in
            [("ups", "TX", "78201"), ("usps", "TX", "78201"), ("ups", "CA", "94103")].into_iter().enumerate()
        {
            for n in 0..25u64 {
                let (id, placed) = (format!("{week}-{lane}-{n}"), week * 7 + n % 3);
                // One in twelve is late; of one lane, half of those that were placed in the last whole week.
                let late = n % 12 == 5 || lane == 0 && week == 9 && n % 2 == 0;
                let mut scans = vec![json!({"time": format!("{}T17:00:00-06:00", day(placed + 1)), "status": "in_transit"})];
                let arrives = day(placed + if late { 13 } else { 2 });
                if arrives < date("2026-11-25") {
                    scans.push(json!({"time": format!("{arrives}T15:00:00-06:00"), "status": "delivered"}));
                }
                all.push(json!({"orders": [{"id": id, "number": format!("#{id}"), "placed_at": format!("{}T09:00:00-06:00", day(placed)), "currency": "USD",
                    "shipping_method": "Standard", "shipping_methods": ["Standard"], "destination": {"country": "US", "region": region, "postal_code": postal},
                    "lines": [{"id": "1", "sku": "MUG-1", "title": "Mug", "quantity": 1, "requires_shipping": true}],
                    "fulfillments": [{"id": format!("{id}/1"), "order_id": id, "status": "success", "lines": [{"id": "1", "sku": "MUG-1", "quantity": 1}],
                        "tracking": [{"carrier": carrier, "number": format!("P{id}")}]}]}],
                    "shipments": [{"carrier": carrier, "tracking_number": format!("P{id}"), "order_id": id, "status": "in_transit", "checkpoints": scans}]}));
            }
        }
    }
    import(&api, &all).await;
    let orders = orders(&api).await;
    let (_, said) = api.admin("GET", "analytics?days=28", "", b"").await;
    let trends = said["trends"].as_array().unwrap();
    assert!(trends.iter().any(|t| t["sentence"].as_str().unwrap().contains("Texas") && t["direction"] == "up"), "{trends:?}");
    for t in trends {
        assert_eq!((&t["week"], &t["measure"]), (&json!("2026-11-16"), &json!("late")), "the last whole week: {t}");
        let is = |name: &str, of: &str| t[name].as_str().is_none_or(|wanted| wanted == of);
        let (mut now, mut before) = ((0, 0), (0, 0));
        for (o, p) in orders.iter().flat_map(|o| o.parcels.iter().map(move |p| (o, p))) {
            let Some((day, kept)) =
                o.decided(p.delivered).filter(|_| is("carrier", &p.carrier) && is("origin", &p.origin) && is("place", &o.place))
            else {
                continue;
            };
            let weeks = (date("2026-11-16") - monday(day)).num_days() / 7;
            let sum = match weeks {
                0 => &mut now,
                1..=8 => &mut before,
                _ => continue,
            };
            *sum = (sum.0 + i64::from(!kept), sum.1 + 1);
        }
        let percent = |(part, whole): (i64, i64)| json!((part as f64 / whole as f64 * 1000.0).round() / 10.0);
        assert_eq!((&t["count"], &t["of"]), (&json!(now.0), &json!(now.1)), "{t}");
        assert_eq!((&t["percent"], &t["percent_before"]), (&percent(now), &percent(before)), "{t}");
    }
}

/// A contact as it was told last.
struct Told {
    day: NaiveDate,
    order: Option<u64>,
    reason: &'static str,
    channel: &'static str,
    /// How much had been looked at by then.
    looks: usize,
}

#[tokio::test(flavor = "multi_thread")]
async fn contacts_and_looks_are_what_was_told_and_done() {
    let api = api_with(|c| c.limits.body_bytes = 10_000_000).await;
    let mut seed = 11u64;
    let mut dice = move |n: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % n
    };
    // Five weeks in which nobody could look, then three in which they could.
    let start = unix("2026-09-14T05:00:00Z");
    let placed = |n: u64| start + (n * 13_000) as i64;
    let time = |at: i64| promise::Instant(at).to_string();
    let bodies: Vec<Value> = (0..300)
        .map(|n| json!({"orders": [{"id": n.to_string(), "number": format!("#{n}"), "placed_at": time(placed(n)), "currency": "USD", "shipping_method": "Standard",
            "destination": {"country": "US", "region": "CA", "postal_code": "94103"}, "email": "ada@example.com",
            "lines": [{"id": "1", "sku": "MUG-1", "title": "Mug", "quantity": 1, "requires_shipping": true}]}], "shipments": []}))
        .collect();
    import(&api, &bodies).await;
    let words: [(&str, bool); 5] =
        [("where_is_it", true), ("late", true), ("not_received", true), ("return", false), ("damaged", false)];
    let mut told: BTreeMap<usize, Told> = BTreeMap::new();
    // What was looked at: order, day, and how.
    let mut looks: Vec<(u64, NaiveDate, &str)> = Vec::new();
    let mut at = start + 7 * 86_400;
    for step in 0..420 {
        at += 10_007;
        let may_look = at > unix("2026-10-26T05:00:00Z");
        api.state.set_clock_ahead(at - api.state.now().0);
        if may_look && dice(2) == 0 {
            let order = 200 + dice(40) as u64;
            let how = ["document", "page", "look_up"][dice(3)];
            let token = token::mint("demo", &order.to_string(), i64::MAX, SECRET);
            let request = match how {
                "document" => Request::get(format!("/v1/orders/{token}")).body(Body::empty()),
                "page" => Request::get(format!("/track/{token}")).body(Body::empty()),
                _ => Request::post("/v1/stores/demo/lookup")
                    .header(header::CONTENT_TYPE, "application/json")
                    .body(Body::from(json!({"number": format!("#{order}"), "email": "ada@example.com"}).to_string())),
            };
            assert_eq!(api.raw(request.unwrap()).await.0, StatusCode::OK, "{how}");
            looks.push((order, local(at), how));
        } else if dice(2) == 0 {
            // A new one; or what an older one turned out to be.
            let id = if dice(4) == 0 && !told.is_empty() { *told.keys().nth(dice(told.len())).unwrap() } else { step };
            let order = (dice(3) > 0).then(|| 200 + dice(40) as u64);
            let (reason, channel) = (words[dice(5)].0, ["email", "chat", "phone"][dice(3)]);
            let contact = json!({"id": id.to_string(), "at": time(at), "reason": reason, "channel": channel, "order_id": order.map(|o| o.to_string())});
            assert_eq!(api.admin("POST", "contacts", "application/json", contact.to_string().as_bytes()).await.0, StatusCode::OK);
            told.insert(id, Told { day: local(at), order, reason, channel, looks: looks.len() });
        }
    }
    ::api::insight::looks::flush(&api.state).await.unwrap();
    assert!(told.len() > 80 && looks.len() > 60, "{} contacts, {} looks", told.len(), looks.len());
    let asks = |reason: &str| words.iter().any(|w| w.0 == reason && w.1);
    for (from, to) in [("2026-10-26", "2026-11-22"), ("2026-11-01", "2026-11-07"), ("2026-09-14", "2026-11-22")] {
        let (_, said) = api.admin("GET", &format!("analytics?from={from}&to={to}"), "", b"").await;
        let c = &said["contacts"];
        let within = |day: NaiveDate| date(from) <= day && day <= date(to);
        let had: Vec<&Told> = told.values().filter(|t| within(t.day)).collect();
        let asked: Vec<&&Told> = had.iter().filter(|t| asks(t.reason)).collect();
        assert_eq!((&c["had"], &c["all"]), (&json!(asked.len()), &json!(had.len())), "{from}");
        let orders = (0..300).filter(|n| within(local(placed(*n)))).count();
        assert_eq!(c["orders"], orders, "{from}");
        assert_eq!(c["had_per_100_orders"], json!((asked.len() as f64 * 10_000.0 / orders as f64).round() / 100.0));
        type By<'a> = Box<dyn Fn(&Told) -> &'a str>;
        let by: [(&str, By); 2] = [("reasons", Box::new(|t| t.reason)), ("channels", Box::new(|t| t.channel))];
        for (name, key) in by {
            let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
            had.iter().for_each(|t| *counts.entry(key(t)).or_default() += 1);
            let shown = counted(&c[name]);
            assert_eq!(shown, counts, "{name} {from}");
        }
        // An order's page counts once a day, and once a week; each way once a day.
        let seen: Vec<_> = looks.iter().filter(|l| within(l.1)).collect();
        let days: BTreeSet<_> = seen.iter().map(|l| (l.0, l.1)).collect();
        let weeks: BTreeSet<_> = looks
            .iter()
            .map(|l| (l.0, monday(l.1), l.1))
            .fold(BTreeMap::new(), |mut first, (order, week, day)| {
                let known = first.entry((order, week)).or_insert(day);
                *known = day.min(*known);
                first
            })
            .into_iter()
            .filter(|f| within(f.1))
            .collect();
        assert_eq!((&c["looks"], &c["orders_looked_at"]), (&json!(days.len()), &json!(weeks.len())), "{from}");
        let ways: BTreeSet<_> = seen.iter().collect();
        for way in c["ways"].as_array().unwrap() {
            assert_eq!(way["count"], ways.iter().filter(|w| way["key"] == w.2).count(), "{way} {from}");
        }
        let sum = |list: &Value, name: &str| list.as_array().unwrap().iter().map(|r| r[name].as_i64().unwrap()).sum::<i64>();
        assert_eq!(sum(&c["states"], "count"), days.len() as i64, "sums agree");
        assert_eq!(
            (sum(&c["weeks"], "had"), sum(&c["weeks"], "looks"), sum(&c["weeks"], "orders")),
            (asked.len() as i64, days.len() as i64, orders as i64)
        );
        for week in c["weeks"].as_array().unwrap() {
            let of = |t: &&&Told| monday(t.day).to_string() == week["week"].as_str().unwrap();
            assert_eq!(week["had"], asked.iter().filter(|t| of(t)).count(), "{week}");
        }
        // Contacts about an order that had been looked at in the seven days before, when they were told.
        let spared = |t: &&&&Told| {
            let far = |l: &(u64, NaiveDate, &str)| (t.day - l.1).num_days();
            t.order.is_some_and(|order| looks[..t.looks].iter().any(|l| l.0 == order && (0..=7).contains(&far(l))))
        };
        let after = asked.iter().filter(spared).count();
        assert_eq!((&c["after_a_look"], &c["avoided_at_most"]), (&json!(after), &json!(weeks.len() - after)), "{from}");
        // Before anybody looked: whole weeks from the first contact to the first look.
        let first = |days: &mut dyn Iterator<Item = NaiveDate>| monday(days.min().unwrap());
        let (begin, end) = (first(&mut told.values().map(|t| t.day)), first(&mut looks.iter().map(|l| l.1)));
        let before = |day: NaiveDate| begin <= day && day < end;
        let (n, of) = (
            told.values().filter(|t| before(t.day) && asks(t.reason)).count(),
            (0..300).filter(|n| before(local(placed(*n)))).count(),
        );
        assert!(n >= 10 && of >= 200 && (end - begin).num_days() >= 28, "{n} of {of}, {begin} to {end}");
        let rate = (n as f64 * 10_000.0 / of as f64).round() / 100.0;
        assert_eq!(c["before"], json!({"source": "measured", "orders": of, "contacts": n, "per_100_orders": rate}));
        let expected = rate * orders as f64 / 100.0;
        assert_eq!(
            (&c["avoided"]["expected"], &c["avoided"]["avoided"]),
            (&json!(expected.round()), &json!((expected - asked.len() as f64).round()))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn scores_reports_and_opt_outs_are_what_the_records_say() {
    let api = api().await;
    let write = api.state.db().write(|db| {
        let mut seed = 3u64;
        let mut dice = move |n: i64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as i64 % n
        };
        let start = unix("2026-10-20T00:00:00Z");
        for n in 0..300 {
            let (at, store) = (start + dice(21 * 24) * 3600 + dice(2) * 1800, ["demo", "demo", "demo", "other"][dice(4) as usize]);
            let score = Some(dice(12)).filter(|s| *s < 11);
            db.execute("insert into feedback (store, order_id, at, score, comment, language) values (?1, ?2, ?3, ?4, ?5, 'en')",
                rusqlite::params![store, format!("f{n}"), at, score, if dice(3) == 0 { "Lovely" } else { "" }])?;
            let (kind, state) = (["stolen", "damaged", "lost"][dice(3) as usize], ["open", "checking", "offered", "agreed", "settled", "withdrawn", "declined"][dice(7) as usize]);
            let (area, solved) = (["US-782", "US-941", "US-100"][dice(3).min(dice(3)) as usize], ["null", "true", "false"][dice(3) as usize]);
            db.execute("insert into reports (id, store, order_id, kind, state, opened_at, updated_at, area, key, body) values (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7, ?1, ?8)",
                rusqlite::params![format!("r{n}"), store, format!("o{}", n / 2), kind, state, at, area, format!("{{\"solved\":{solved}}}")])?;
            let reason = ["unsubscribed", "stop", "complained", "bounced", "merchant"][dice(5) as usize];
            db.execute("insert into suppressions (store, channel, address, reason, at) values (?1, 'mail', ?2, ?3, ?4)", rusqlite::params![store, format!("h{n}"), reason, at])?;
            db.execute("insert into opt_ins (store, order_id, channel, given, at, language, words) values (?1, ?2, ?3, ?4, ?5, 'en', 'x')",
                rusqlite::params![store, format!("o{}", dice(60)), ["email", "sms"][dice(2) as usize], dice(2), at])?;
        }
        Ok(())
    });
    write.await.unwrap();
    // The records, row by row; what they come to is counted here.
    let read = api.state.db().read(|db| {
        let rows = |sql: &str| -> rusqlite::Result<Vec<Value>> {
            let mut rows = db.prepare(sql)?;
            rows.query_map([], |r| r.get::<_, String>(0))?.map(|r| Ok(serde_json::from_str(&r?).unwrap())).collect()
        };
        Ok([
            rows("select json_object('at', at, 'score', score, 'comment', comment) from feedback where store = 'demo'")?,
            rows("select json_object('at', opened_at, 'kind', kind, 'state', state, 'area', area, 'order', order_id, 'solved', json(body) -> 'solved') from reports where store = 'demo'")?,
            rows("select json_object('at', at, 'reason', reason) from suppressions where store = 'demo'")?,
            rows("select json_object('at', at, 'given', given, 'who', order_id || ' ' || channel) from opt_ins where store = 'demo'")?,
        ])
    });
    let [scores, reports, ended, opt_ins] = read.await.unwrap();
    for (from, to) in [("2026-10-20", "2026-11-12"), ("2026-10-31", "2026-11-01"), ("2026-11-01", "2026-11-01")] {
        let of = |rows: &[Value]| -> Vec<Value> {
            let within = |r: &&Value| (date(from)..=date(to)).contains(&local(r["at"].as_i64().unwrap()));
            rows.iter().filter(within).cloned().collect()
        };
        let ask = async |part: &str| api.admin("GET", &format!("analytics/{part}?from={from}&to={to}"), "", b"").await.1;
        let h = ask("feedback").await;
        let scores = of(&scores);
        let given: Vec<i64> = scores.iter().filter_map(|s| s["score"].as_i64()).collect();
        let (up, down) = (given.iter().filter(|s| **s >= 9).count() as i64, given.iter().filter(|s| **s <= 6).count() as i64);
        let nps = (up - down) as f64 * 100.0 / given.len() as f64;
        assert_eq!(
            ["answers", "dismissed", "promoters", "detractors", "passives"].map(|n| h[n].as_i64().unwrap()),
            [given.len() as i64, (scores.len() - given.len()) as i64, up, down, given.len() as i64 - up - down],
            "{from}"
        );
        assert_eq!(h["nps"].as_i64().unwrap(), nps.round() as i64, "{nps} {from}");
        let by: Vec<usize> = (0..=10).map(|n| given.iter().filter(|s| **s == n).count()).collect();
        assert_eq!(h["scores"], json!(by));
        let said = scores.iter().filter(|s| !s["score"].is_null() && s["comment"] != "").count();
        assert_eq!(h["comments"].as_array().unwrap().len(), said.min(100));

        let r = ask("reports").await;
        // What is only begun was not sent.
        let sent: Vec<Value> = of(&reports).into_iter().filter(|r| r["state"] != "open").collect();
        let mut kinds: BTreeSet<&str> = sent.iter().map(|r| r["kind"].as_str().unwrap()).collect();
        kinds.insert("");
        for kind in kinds {
            let row = if kind.is_empty() {
                &r["total"]
            } else {
                r["kinds"].as_array().unwrap().iter().find(|k| k["key"] == kind).unwrap()
            };
            let n = |is: &dyn Fn(&Value) -> bool| sent.iter().filter(|r| (kind.is_empty() || r["kind"] == kind) && is(r)).count();
            let state = |s: &'static str| n(&|r| r["state"] == s);
            let counted = [
                n(&|_| true),
                n(&|r| ["checking", "offered", "agreed"].contains(&r["state"].as_str().unwrap())),
                state("settled"),
                state("withdrawn"),
                state("declined"),
                n(&|r| r["solved"] == true),
                n(&|r| r["solved"] == false),
            ];
            assert_eq!(
                ["opened", "open", "settled", "withdrawn", "declined", "helped", "not_helped"]
                    .map(|n| row[n].as_u64().unwrap() as usize),
                counted,
                "{kind} {from}"
            );
        }
        let mut places: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for t in sent.iter().filter(|r| r["kind"] == "stolen" && r["state"] != "withdrawn" && r["state"] != "declined") {
            places.entry(t["area"].as_str().unwrap()).or_default().insert(t["order"].as_str().unwrap());
        }
        let few: usize = places.values().filter(|p| p.len() < 5).map(BTreeSet::len).sum();
        places.retain(|_, p| p.len() >= 5);
        let shown = counted(&r["thefts"]);
        assert_eq!(
            (shown, r["thefts_elsewhere"].as_u64().unwrap() as usize),
            (places.iter().map(|p| (*p.0, p.1.len())).collect(), few),
            "{from}"
        );

        let m = ask("messages").await;
        let mut out: BTreeMap<&str, usize> = BTreeMap::new();
        let ended = of(&ended);
        for e in &ended {
            *out.entry(e["reason"].as_str().unwrap()).or_default() += 1;
        }
        assert_eq!(m["bounced"].as_u64().unwrap() as usize, out.remove("bounced").unwrap_or(0), "{from}");
        out.remove("merchant");
        let opt_ins = of(&opt_ins);
        let pages: BTreeSet<&str> = opt_ins.iter().filter(|o| o["given"] == 0).map(|o| o["who"].as_str().unwrap()).collect();
        if !pages.is_empty() {
            out.insert("order_page", pages.len());
        }
        let shown = counted(&m["opted_out"]);
        assert_eq!(shown, out, "{from}");
    }
}
