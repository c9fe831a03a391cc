//! Figures: equal to a count of the raw events that shares no code with them, whatever happened in between.

use std::collections::BTreeMap;

use serde_json::json;

use super::*;

const PERIOD: &str = "from=2026-09-01&to=2026-11-20";

/// Orders as a table of a merchant would have them: some early, some late, some lost, one cancelled, one of two parcels.
pub fn bodies() -> Vec<Value> {
    let mut seed = 9u64;
    let mut dice = move |n: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % n
    };
    let day = |n: u64| promise::Day(promise::Day::parse("2026-09-01").unwrap().0 + n as i32);
    (0..80u64)
        .map(|n| {
            let placed = dice(40);
            let (country, region, postal) =
                [("US", Some("TX"), "78201"), ("US", Some("CA"), "94103"), ("DE", None, "10115")][dice(3) as usize];
            let parcels = 1 + u64::from(n == 7);
            let mut shipments = Vec::new();
            let mut fulfillments = Vec::new();
            for p in 0..parcels {
                let number = format!("P{n}-{p}");
                let carrier = if country == "DE" { "dhl_parcel" } else { ["ups", "usps"][dice(2) as usize] };
                let shipped = placed + dice(3);
                let mut scans = vec![json!({"time": format!("{}T12:00:00-05:00", day(shipped)), "status": "in_transit"})];
                if n % 9 == 0 {
                    scans.push(json!({"time": format!("{}T12:00:00-05:00", day(shipped + 1)), "status": "attempt_failed"}));
                }
                if n % 13 == 0 {
                    scans.push(json!({"time": format!("{}T12:00:00-05:00", day(shipped + 2)), "status": "exception", "sub_status": "lost"}));
                } else if n % 17 != 0 {
                    // Late in the evening: the day counts where the parcel is, not in UTC.
                    let delivered = shipped + 1 + dice(9);
                    scans.push(json!({"time": format!("{}T22:30:00-05:00", day(delivered)), "status": "delivered"}));
                }
                fulfillments.push(json!({"id": format!("{n}/{p}"), "order_id": n.to_string(), "status": "success", "location": if dice(4) == 0 { json!("Rotterdam") } else { Value::Null },
                    "lines": [{"id": "1", "sku": "MUG-1", "quantity": 1}], "tracking": [{"carrier": carrier, "number": number}]}));
                shipments.push(json!({"carrier": carrier, "tracking_number": number, "order_id": n.to_string(), "status": "info_received", "checkpoints": scans}));
            }
            let cancelled = (n == 11).then(|| format!("{}T10:00:00-05:00", day(placed)));
            json!({"orders": [{"id": n.to_string(), "number": format!("#{n}"), "placed_at": format!("{}T09:00:00-05:00", day(placed)), "cancelled_at": cancelled, "currency": "USD",
                "shipping_method": "Standard", "shipping_methods": ["Standard"], "email": format!("shopper{n}@example.com"),
                "destination": {"country": country, "region": region, "city": "Somewhere", "postal_code": postal},
                "lines": [{"id": "1", "sku": "MUG-1", "title": "Mug", "quantity": parcels, "requires_shipping": true}], "fulfillments": fulfillments}], "shipments": shipments})
        })
        .collect()
}

type Counts = BTreeMap<String, i64>;

/// Counts the raw events and the promise ledger, plainly: overall, and by carrier, origin and place.
async fn recount(api: &Api) -> (Counts, BTreeMap<(&'static str, String), Counts>) {
    let (events, promises) = api
        .state
        .db()
        .read(|db| {
            let mut rows = db.prepare("select cast(body as text) from events where state <> 3 order by id")?;
            let events: Vec<String> = rows.query_map([], |r| r.get(0))?.collect::<Result<_, _>>()?;
            let mut rows = db.prepare("select order_id, window_from, window_to, offer ->> 'origin' from promises where window_to is not null order by seq")?;
            let promises: BTreeMap<String, (String, String, Option<String>)> = rows
                .query_map([], |r| Ok((r.get(0)?, (r.get(1)?, r.get(2)?, r.get(3)?))))?
                .collect::<Result<_, _>>()?;
            Ok((events, promises))
        })
        .await
        .unwrap();
    let (mut all, mut by) = (Counts::new(), BTreeMap::<_, Counts>::new());
    for event in events {
        let event: Value = serde_json::from_str(&event).unwrap();
        let order = &event["orders"][0];
        let id = order["id"].as_str().unwrap();
        let cancelled = !order["cancelled_at"].is_null();
        let place = match order["destination"]["region"].as_str() {
            Some(region) => format!("{}-{region}", order["destination"]["country"].as_str().unwrap()),
            None => order["destination"]["country"].as_str().unwrap().to_owned(),
        };
        let mut add = |keys: &[(&'static str, String)], name: &str| {
            *all.entry(name.into()).or_default() += 1;
            for key in keys {
                *by.entry(key.clone()).or_default().entry(name.into()).or_default() += 1;
            }
        };
        let here = [("places", place.clone())];
        add(&here, if cancelled { "cancelled" } else { "orders" });
        let date = |scan: &Value| scan["time"].as_str().unwrap()[..10].to_owned();
        let promise = promises.get(id).filter(|_| !cancelled);
        let mut arrived = Vec::new();
        for (n, parcel) in event["shipments"].as_array().unwrap().iter().enumerate() {
            let scans = parcel["checkpoints"].as_array().unwrap();
            let delivered = scans.iter().find(|s| s["status"] == "delivered").map(date);
            let at_rotterdam = order["fulfillments"][n]["location"] == "Rotterdam";
            let expected = promises.get(id).and_then(|p| p.2.clone()).unwrap_or_default();
            let keys = [
                ("places", place.clone()),
                ("carriers", parcel["carrier"].as_str().unwrap().to_owned()),
                ("origins", if at_rotterdam { "rotterdam".into() } else { expected }),
            ];
            add(&keys, "shipped");
            if delivered.is_some() {
                add(&keys, "delivered");
            }
            if scans.iter().any(|s| s["sub_status"] == "lost") {
                add(&keys, "lost");
            }
            if scans.iter().any(|s| s["status"] == "attempt_failed") {
                add(&keys, "attempts_failed");
            }
            if let Some((_, to, _)) = promise {
                // All promises of these orders ended long ago: what has not arrived is late.
                add(&keys, "parcels_due");
                if delivered.as_ref().is_none_or(|d| d > to) {
                    add(&keys, "parcels_late");
                }
            }
            arrived.push(delivered);
        }
        if let Some((from, to, _)) = promise {
            add(&here, "due");
            let last = arrived.iter().all(Option::is_some).then(|| arrived.iter().flatten().max().unwrap().clone());
            match last {
                Some(day) if day <= *to => {
                    add(&here, "kept");
                    add(&here, if day < *from { "early" } else { "inside" });
                }
                _ => add(&here, "late"),
            }
        }
    }
    (all, by)
}

async fn agree(api: &Api) {
    let (all, by) = recount(api).await;
    let (status, said) = api.admin("GET", &format!("analytics?{PERIOD}"), "", b"").await;
    assert_eq!(status, StatusCode::OK, "{said}");
    for name in [
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
        "lost",
        "attempts_failed",
    ] {
        assert_eq!(said["total"][name].as_i64().unwrap(), all.get(name).copied().unwrap_or(0), "{name}");
    }
    for table in ["places", "carriers", "origins"] {
        let (_, rows) = api.admin("GET", &format!("analytics/{table}?{PERIOD}"), "", b"").await;
        let rows = rows.as_array().unwrap();
        assert_eq!(rows.len(), by.keys().filter(|k| k.0 == table).count(), "{table}");
        for row in rows {
            let counted = &by[&(table, row["key"].as_str().unwrap().to_owned())];
            for name in ["shipped", "delivered", "parcels_due", "parcels_late", "lost"] {
                assert_eq!(row[name].as_i64().unwrap(), counted.get(name).copied().unwrap_or(0), "{table} {row}: {name}");
            }
        }
    }
    // Sums agree, whichever way they are cut.
    for table in ["days", "weeks", "carriers", "origins", "methods", "places", "lanes"] {
        let (_, rows) = api.admin("GET", &format!("analytics/{table}?from=2026-08-31&to=2026-11-22"), "", b"").await;
        for name in ["shipped", "delivered", "parcels_late", "troubled"] {
            let sum: i64 = rows.as_array().unwrap().iter().map(|r| r[name].as_i64().unwrap()).sum();
            assert_eq!(sum, said["total"][name].as_i64().unwrap(), "{name} by {table}");
        }
    }
    let (kept, sure): (i64, i64) = (
        said["total"]["due"].as_i64().unwrap(),
        said["confidences"].as_array().unwrap().iter().map(|c| c["due"].as_i64().unwrap()).sum(),
    );
    assert_eq!(kept, sure);
    let margins: i64 = said["margins"].as_array().unwrap().iter().map(|m| m[1].as_i64().unwrap()).sum();
    assert!(margins > 0 && margins <= said["total"]["due"].as_i64().unwrap());
}

pub async fn import(api: &Api, bodies: &[Value]) {
    let lines: Vec<String> = bodies.iter().map(Value::to_string).collect();
    let (status, answer) = api.admin("POST", "imports", "application/x-ndjson", lines.join("\n").as_bytes()).await;
    assert_eq!((status, answer["accepted"].as_u64()), (StatusCode::OK, Some(bodies.len() as u64)), "{answer}");
    api.settle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_equal_a_recount_of_the_raw_events_also_after_a_replay() {
    let api = api_with(|c| c.limits.body_bytes = 10_000_000).await;
    import(&api, &bodies()).await;
    agree(&api).await;
    let before = ingest::digest(&api.state).await.unwrap();
    ingest::replay(&api.state).await.unwrap();
    assert_eq!(ingest::digest(&api.state).await.unwrap(), before);
    agree(&api).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_counts_as_what_it_is_now_however_it_came_there() {
    let step = |scans: &[(&str, &str)]| tracker(&format!("evt{}", scans.len()), "1Z1001", scans);
    let scans =
        [("2026-11-03T12:00:00Z", "in_transit"), ("2026-11-04T08:00:00Z", "failure"), ("2026-11-05T08:00:00Z", "delivered")];
    let total = |said: &Value, name: &str| said["total"][name].as_i64().unwrap();
    for order_of_arrival in [[0, 1, 2], [2, 0, 1]] {
        let api = api().await;
        api.webhook("shopify", "orders/create", "o", &order(1001, "2026-11-02T10:00:00-06:00")).await;
        api.webhook("shopify", "fulfillments/create", "f", &fulfillment(1001, "1Z1001")).await;
        for n in order_of_arrival {
            api.webhook("easypost", "", "", &step(&scans[..=n])).await;
        }
        let (_, said) = api.admin("GET", "analytics?from=2026-11-01&to=2026-11-30", "", b"").await;
        assert_eq!(
            ["orders", "shipped", "delivered", "due", "kept", "late", "troubled"].map(|n| total(&said, n)),
            [1, 1, 1, 1, 1, 0, 1]
        );
        assert_eq!(said["total"]["transit_median"], 2);
        // Forgotten: still counted, by nobody's name.
        let forget = br#"{"shop_domain":"x","customer":{"id":1,"email":"ada@example.com"},"orders_to_redact":[1001]}"#;
        api.webhook("shopify", "customers/redact", "r", forget).await;
        let (_, after) = api.admin("GET", "analytics?from=2026-11-01&to=2026-11-30", "", b"").await;
        assert_eq!(after, said);
        let digest = ingest::digest(&api.state).await.unwrap();
        ingest::replay(&api.state).await.unwrap();
        assert_eq!(ingest::digest(&api.state).await.unwrap(), digest);
        let (_, after) = api.admin("GET", "analytics?from=2026-11-01&to=2026-11-30", "", b"").await;
        assert_eq!(after, said);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn contacts_are_counted_once_corrected_and_held_against_looks() {
    let api = api().await;
    api.webhook("shopify", "orders/create", "o", &order(1001, "2026-11-02T10:00:00-06:00")).await;
    api.webhook("shopify", "orders/create", "o2", &order(1002, "2026-11-02T10:00:00-06:00")).await;
    let now = api.state.now();
    for _ in 0..3 {
        api.order("1001").await;
    }
    let found = json!({"number": "#1001", "email": "ada@example.com"});
    let request = Request::post("/v1/stores/demo/lookup").header(header::CONTENT_TYPE, "application/json");
    assert_eq!(api.send(request.body(Body::from(found.to_string())).unwrap()).await.0, StatusCode::OK);
    let log = json!({"contacts": [
        {"id": "t1", "at": now, "reason": "where_is_it", "channel": "email", "order_number": "#1001"},
        {"id": "t2", "at": now, "reason": "Late", "channel": "carrier pigeon", "order_id": "1002", "note": "Ada is angry"},
        {"id": "t3", "at": now, "reason": "return", "channel": "chat"}]});
    let (status, answer) = api.admin("POST", "contacts", "application/json", log.to_string().as_bytes()).await;
    assert_eq!((status, answer["accepted"].as_i64()), (StatusCode::OK, Some(3)), "{answer}");
    let (_, said) = api.admin("GET", "analytics?days=7", "", b"").await;
    let contacts = &said["contacts"];
    assert_eq!((contacts["had"].as_i64(), contacts["all"].as_i64()), (Some(2), Some(3)), "{contacts}");
    assert_eq!(
        (contacts["looks"].as_i64(), contacts["orders_looked_at"].as_i64(), contacts["after_a_look"].as_i64()),
        (Some(1), Some(1), Some(1))
    );
    let ways: Vec<_> =
        contacts["ways"].as_array().unwrap().iter().map(|w| (w["key"].as_str().unwrap(), w["count"].as_i64().unwrap())).collect();
    assert_eq!(ways, [("document", 1), ("look_up", 1)]);
    assert_eq!(
        (contacts["avoided_at_most"].as_i64(), &contacts["before"], &contacts["avoided"]),
        (Some(0), &Value::Null, &Value::Null)
    );
    // Corrected: it was no question after the order. Sent again: counted once.
    let again = json!({"id": "t2", "at": now, "reason": "cancel", "channel": "phone"});
    for _ in 0..2 {
        let (_, answer) = api.admin("POST", "contacts", "application/json", again.to_string().as_bytes()).await;
        assert_eq!((answer["accepted"].as_i64(), answer["corrected"].as_i64()), (Some(0), Some(1)));
    }
    assert_eq!(
        api.admin("PUT", "analytics/baseline", "application/json", br#"{"contacts_per_100_orders": 18}"#).await.0,
        StatusCode::NO_CONTENT
    );
    let (_, said) = api.admin("GET", "analytics?from=2026-11-01", "", b"").await;
    assert_eq!((said["contacts"]["had"].as_i64(), said["contacts"]["all"].as_i64()), (Some(1), Some(3)));
    assert_eq!(said["contacts"]["before"]["source"], "told");
    assert_eq!(
        (said["contacts"]["avoided"]["expected"].as_f64(), said["contacts"]["avoided"]["avoided"].as_f64()),
        (Some(0.0), Some(-1.0))
    );
    // Nothing of what was said is kept.
    let kept = api.state.db().read(|db| {
        Ok(db.query_row("select group_concat(id || reason || channel || counted) from contact_log", [], |r| {
            r.get::<_, String>(0)
        })?)
    });
    assert!(!kept.await.unwrap().contains("angry"));
    for (body, field) in [
        (json!({"id": "", "at": now}), "contacts[0].id"),
        (json!({"contacts": [{"id": "a", "at": now}, {"id": "b", "at": "yesterday"}]}), "contacts[1].at"),
        (json!({"id": "a", "at": "2126-01-01T00:00:00Z"}), "contacts[0].at"),
    ] {
        let (status, problem) = api.admin("POST", "contacts", "application/json", body.to_string().as_bytes()).await;
        assert_eq!(
            (status, problem["errors"][0]["field"].as_str()),
            (StatusCode::UNPROCESSABLE_ENTITY, Some(field)),
            "{problem}"
        );
    }
    let (_, said) = api.admin("GET", "analytics?from=2026-11-01", "", b"").await;
    assert_eq!(said["contacts"]["all"], 3, "what was refused changed nothing");
}

#[tokio::test]
async fn tables_are_spreadsheets_too_and_bad_questions_are_refused() {
    let api = api().await;
    import(&api, &bodies()[..5]).await;
    let request = Request::get(format!("/v1/admin/stores/demo/analytics/carriers.csv?{PERIOD}"))
        .header(header::AUTHORIZATION, format!("Bearer {ADMIN}"))
        .body(Body::empty())
        .unwrap();
    let answer = api.app.clone().oneshot(request).await.unwrap();
    assert_eq!(answer.headers()[header::CONTENT_TYPE], "text/csv; charset=utf-8");
    let text = axum::body::to_bytes(answer.into_body(), 100_000).await.unwrap();
    let text = String::from_utf8(text.to_vec()).unwrap();
    assert!(text.starts_with("key,orders,cancelled,due,") && text.lines().count() >= 2, "{text}");
    for (path, status) in [
        ("analytics?from=yesterday", StatusCode::UNPROCESSABLE_ENTITY),
        ("analytics?from=2026-02-01&to=2026-01-01", StatusCode::UNPROCESSABLE_ENTITY),
        ("analytics?from=1990-01-01", StatusCode::UNPROCESSABLE_ENTITY),
        ("analytics?days=0", StatusCode::UNPROCESSABLE_ENTITY),
        ("analytics/nonsense", StatusCode::NOT_FOUND),
        ("analytics/nonsense.csv", StatusCode::NOT_FOUND),
    ] {
        assert_eq!(api.admin("GET", path, "", b"").await.0, status, "{path}");
    }
}

/// Messages as they are kept, counted plainly: by channel and notice, and by week.
async fn messages_recounted(api: &Api) -> BTreeMap<(String, String), Counts> {
    let sql =
        "select substr(channel, 1, instr(channel || ':', ':') - 1), notice, made_at, state from messages where store = 'demo'";
    let rows = api.state.db().read(move |db| {
        let mut rows = db.prepare(sql)?;
        let rows = rows.query_map([], |r| {
            Ok((r.get::<_, String>(0)?, r.get::<_, String>(1)?, r.get::<_, i64>(2)?, r.get::<_, String>(3)?))
        })?;
        Ok(rows.collect::<Result<Vec<_>, _>>()?)
    });
    let mut by = BTreeMap::<_, Counts>::new();
    for (channel, notice, at, state) in rows.await.unwrap() {
        if !matches!(state.as_str(), "sent" | "dropped" | "failed" | "unknown") {
            continue;
        }
        let day = chrono::DateTime::from_timestamp(at, 0).unwrap().date_naive();
        let monday = day - chrono::Days::new(u64::from(chrono::Datelike::weekday(&day).num_days_from_monday()));
        for key in [("channels", channel), ("notices", notice), ("weeks", monday.to_string()), ("total", String::new())] {
            *by.entry((key.0.to_owned(), key.1)).or_default().entry(state.clone()).or_default() += 1;
        }
    }
    by
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_counted_as_a_plain_count_of_them_says_whatever_happened() {
    use api::store::messages;
    let api = api().await;
    let now = api.state.now();
    let mut seed = 5u64;
    let mut dice = move |n: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % n
    };
    let steps: Vec<(u64, u64, u64, u64)> = (0..600).map(|_| (dice(120), dice(6), dice(4), dice(40))).collect();
    let write = api.state.db().write(move |db| {
        for (id, what, kind, day) in steps {
            let key = format!("m{id}");
            let channel = ["mail", "sms", "push", "hook:team"][kind as usize];
            let notice = ["shipped", "delivered", "quiet"][(id % 3) as usize];
            db.execute(
                "insert or ignore into messages (id, store, order_id, channel, notice, rule, made_at, due_at) values (?1, 'demo', '1', ?2, ?3, 'r', ?4, ?4)",
                rusqlite::params![key, channel, notice, now.0 - day as i64 * 86_400],
            )?;
            let state: String = db.query_row("select state from messages where id = ?1", [&key], |r| r.get(0))?;
            match (what, state.as_str()) {
                (0, "waiting") => messages::sent(db, &key, &[], None, None, now)?,
                (1, "waiting") => messages::ended(db, &key, "dropped", "x")?,
                (2, "waiting") => messages::ended(db, &key, "unknown", "x")?,
                (3, "waiting") => {
                    // After its last try it is given up.
                    db.execute("update messages set attempts = 99 where id = ?1", [&key])?;
                    messages::failed(db, &key, "x", None, now, 0.0)?;
                }
                (4, "waiting") => messages::failed(db, &key, "x", None, now, 0.0)?,
                _ => drop(messages::again(db, "demo", &key, now)?),
            }
        }
        Ok(())
    });
    write.await.unwrap();
    let today = now.local(0).0;
    let path = format!("analytics/messages?from={}&to={today}", promise::Day(today.0 - 60));
    let (_, told) = api.admin("GET", &path, "", b"").await;
    let raw = messages_recounted(&api).await;
    assert!(raw[&("total".to_owned(), String::new())].values().sum::<i64>() > 60, "{raw:?}");
    let mut seen = 0;
    for part in ["channels", "notices", "weeks", "total"] {
        let rows = if part == "total" { vec![told["total"].clone()] } else { told[part].as_array().unwrap().clone() };
        let mut sums = Counts::new();
        for row in rows {
            let counts = raw.get(&(part.to_owned(), row["key"].as_str().unwrap().to_owned())).cloned().unwrap_or_default();
            for state in ["sent", "dropped", "failed", "unknown"] {
                assert_eq!(row[state].as_i64(), Some(counts.get(state).copied().unwrap_or(0)), "{part} {row} {state}");
                *sums.entry(state.to_owned()).or_default() += row[state].as_i64().unwrap();
            }
            seen += 1;
        }
        for (state, n) in sums {
            assert_eq!(told["total"][&state], n, "{part}: sums agree");
        }
    }
    assert!(seen > 10, "{told}");
    // A replay of the events leaves them as they are; what is forgotten stays counted.
    ingest::replay(&api.state).await.unwrap();
    assert_eq!(api.admin("GET", &path, "", b"").await.1, told);
    let owner = api.signed_in("demo", ::api::store::people::Role::Owner).await;
    let (status, page) = api.open(&owner, "/console/demo/insights/messages?days=60").await;
    assert!(status == StatusCode::OK && page.contains("Browser notification") && page.contains("Gone quiet"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn scores_and_reports_are_what_shoppers_said() {
    let api = api().await;
    let now = api.state.now();
    let write = api.state.db().write(move |db| {
        for (n, (score, text)) in [(Some(10), "Lovely <3"), (Some(9), ""), (Some(8), ""), (Some(3), "Late"), (None, "")].into_iter().enumerate() {
            db.execute(
                "insert into feedback (store, order_id, at, score, comment, language) values ('demo', ?1, ?2, ?3, ?4, 'en')",
                rusqlite::params![format!("{n}"), now.0 - 86_400, score, text],
            )?;
        }
        // Too old, and another store's.
        db.execute_batch(&format!(
            "insert into feedback (store, order_id, at, score, comment, language) values ('demo', 'old', {}, 0, 'old', 'en'), ('other', 'x', {}, 0, 'theirs', 'en')",
            now.0 - 400 * 86_400,
            now.0
        ))?;
        let reports = [
            ("stolen", "settled", "US-782", "true"), ("stolen", "checking", "US-782", "null"), ("stolen", "settled", "US-782", "false"), ("stolen", "settled", "US-782", "null"), ("stolen", "agreed", "US-782", "null"), ("stolen", "settled", "US-941", "null"),
            ("stolen", "withdrawn", "US-782", "null"), ("damaged", "declined", "US-100", "null"), ("damaged", "open", "US-100", "null"),
        ];
        for (n, (kind, state, area, solved)) in reports.into_iter().enumerate() {
            db.execute(
                "insert into reports (id, store, order_id, kind, state, opened_at, updated_at, area, key, body) values (?1, 'demo', ?1, ?2, ?3, ?4, ?4, ?5, ?1, ?6)",
                rusqlite::params![format!("r{n}"), kind, state, now.0 - 3600, area, format!("{{\"solved\":{solved}}}")],
            )?;
        }
        Ok(())
    });
    write.await.unwrap();
    let (_, h) = api.admin("GET", "analytics/feedback", "", b"").await;
    assert_eq!(
        ["answers", "dismissed", "promoters", "passives", "detractors", "nps"].map(|n| h[n].as_i64().unwrap()),
        [4, 1, 2, 1, 1, 25]
    );
    assert_eq!(h["comments"].as_array().unwrap().len(), 2);
    let (_, r) = api.admin("GET", "analytics/reports", "", b"").await;
    assert_eq!(
        ["opened", "open", "settled", "withdrawn", "declined", "helped", "not_helped"].map(|n| r["total"][n].as_i64().unwrap()),
        [8, 2, 4, 1, 1, 1, 1]
    );
    // Five orders in one place; one in another is not pointed at.
    assert_eq!((&r["thefts"], &r["thefts_elsewhere"]), (&json!([{"key": "US-782", "count": 5}]), &json!(1)));
    let viewer = api.signed_in("demo", ::api::store::people::Role::Viewer).await;
    let (_, page) = api.open(&viewer, "/console/demo/insights/feedback").await;
    assert!(page.contains(">25<") && !page.contains("Lovely"), "{page}");
    let support = api.signed_in("demo", ::api::store::people::Role::Support).await;
    let (_, page) = api.open(&support, "/console/demo/insights/feedback").await;
    assert!(page.contains("Lovely &lt;3"), "{page}");
    let (_, page) = api.open(&support, "/console/demo/insights/reports").await;
    assert!(page.contains("US-782") && !page.contains("US-941"), "{page}");
}
