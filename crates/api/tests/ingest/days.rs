//! Days are those of the store's zone: around midnight, where clocks change, after a move, and in databases that counted by UTC.

use api::{
    insight::{self, looks},
    store::messages,
};
use serde_json::json;

use super::*;
use crate::insight::import;

fn at(text: &str) -> i64 {
    promise::Instant::parse(text).unwrap().0
}

/// Lives at this moment from here on.
fn live_at(api: &Api, text: &str) {
    api.state.set_clock_ahead(at(text) - api.state.now().0);
}

async fn run(api: &Api, sql: String) {
    api.state.db().write(move |db| Ok(db.execute_batch(&sql)?)).await.unwrap();
}

/// Figures of one day.
async fn of_day(api: &Api, part: &str, day: &str) -> Value {
    let (status, said) = api.admin("GET", &format!("analytics{part}?from={day}&to={day}"), "", b"").await;
    assert_eq!(status, StatusCode::OK, "{said}");
    said
}

fn placed(id: u32, at: &str) -> Value {
    json!({"orders": [{"id": id.to_string(), "number": format!("#{id}"), "placed_at": at, "currency": "USD", "shipping_method": "Standard",
        "shipping_methods": ["Standard"], "destination": {"country": "US", "region": "CA", "postal_code": "94103"},
        "lines": [{"id": "1", "sku": "MUG-1", "title": "Mug", "quantity": 1, "requires_shipping": true}]}]})
}

/// Last second of a day and first of the next, in Chicago: before and after the night of 1 November, when its clocks were put back.
const MIDNIGHTS: [(&str, &str); 6] = [
    ("2026-11-01T04:59:59Z", "2026-10-31"),
    ("2026-11-01T05:00:00Z", "2026-11-01"),
    ("2026-11-02T05:59:59Z", "2026-11-01"),
    ("2026-11-02T06:00:00Z", "2026-11-02"),
    // Written by clocks elsewhere, it is the same moment.
    ("2026-11-02T14:59:59+09:00", "2026-11-01"),
    ("2026-11-02T15:00:00+09:00", "2026-11-02"),
];
/// How many of them are on each day.
const ON: [(&str, i64); 3] = [("2026-10-31", 1), ("2026-11-01", 3), ("2026-11-02", 2)];

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_before_the_stores_midnight_counts_on_the_day_that_ends_with_it() {
    let api = api().await;
    let bodies: Vec<Value> = (0..).zip(MIDNIGHTS).map(|(n, (moment, _))| placed(n, moment)).collect();
    import(&api, &bodies).await;
    let contacts: Vec<Value> = MIDNIGHTS
        .iter()
        .enumerate()
        .map(|(n, m)| json!({"id": format!("c{n}"), "at": m.0, "reason": "late", "channel": "phone"}))
        .collect();
    let log = json!({"contacts": contacts}).to_string();
    assert_eq!(api.admin("POST", "contacts", "application/json", log.as_bytes()).await.0, StatusCode::OK);
    for (n, (moment, _)) in MIDNIGHTS.into_iter().enumerate() {
        let t = at(moment);
        run(
            &api,
            format!(
                "insert into feedback (store, order_id, at, score, comment, language) values ('demo', 'f{n}', {t}, 9, '', 'en');
                 insert into reports (id, store, order_id, kind, state, opened_at, updated_at, key, body) values ('r{n}', 'demo', 'r{n}', 'damaged', 'settled', {t}, {t}, 'r{n}', '{{}}');
                 insert into suppressions (store, channel, address, reason, at) values ('demo', 'mail', 'h{n}', 'unsubscribed', {t});
                 insert into messages (id, store, order_id, channel, notice, rule, made_at, due_at) values ('m{n}', 'demo', '{n}', 'mail', 'shipped', 'r', {t}, {t});"
            ),
        )
        .await;
        let now = api.state.now();
        api.state.db().write(move |db| messages::sent(db, &format!("m{n}"), &[], None, None, now)).await.unwrap();
    }
    for (day, n) in ON {
        let all = of_day(&api, "", day).await;
        assert_eq!((&all["total"]["orders"], &all["contacts"]["had"]), (&json!(n), &json!(n)), "{day}");
        assert_eq!(of_day(&api, "/feedback", day).await["answers"], n, "{day}");
        assert_eq!(of_day(&api, "/reports", day).await["total"]["opened"], n, "{day}");
        let told = of_day(&api, "/messages", day).await;
        assert_eq!(
            (&told["total"]["sent"], &told["opted_out"]),
            (&json!(n), &json!([{"key": "unsubscribed", "count": n}])),
            "{day}"
        );
    }
    // 1 November was a Sunday: the next second belongs to the next week.
    let (_, weeks) = api.admin("GET", "analytics/weeks?from=2026-10-26&to=2026-11-08", "", b"").await;
    let orders: Vec<_> =
        weeks.as_array().unwrap().iter().map(|w| (w["key"].as_str().unwrap(), w["orders"].as_i64().unwrap())).collect();
    assert_eq!(orders, [("2026-10-26", 4), ("2026-11-02", 2)]);
    // Taken back from where it was counted, though the store has moved to Tokyo since, where it was the next day already.
    let mut policy: promise::policy::Policy = serde_json::from_str(include_str!("../../src/demo/policy.json")).unwrap();
    policy.origins[0].time_zone = "Asia/Tokyo".into();
    let now = api.state.now();
    api.state
        .db()
        .write(move |db| api::store::policies::publish(db, "demo", &policy, promise::Instant(now.0 + 1)))
        .await
        .unwrap();
    api.state.forget_published("demo");
    run(&api, "update messages set state = 'failed', sealed = x'00' where id = 'm0'".into()).await;
    // As if it had failed: it was counted as sent, so that is put right first.
    run(&api, "update insight set figures = '{\"failed\":1}' where dimension = 'message' and day = (select counted_day from messages where id = 'm0')".into()).await;
    assert!(api.state.db().write(move |db| messages::again(db, "demo", "m0", now)).await.unwrap());
    let left = api.state.db().read(|db| {
        Ok(db.query_row(
            "select count(*) from insight where dimension = 'message' and (figures like '%-%' or figures like '%failed%')",
            [],
            |r| r.get::<_, i64>(0),
        )?)
    });
    assert_eq!(left.await.unwrap(), 0, "nothing is left of it, and nothing below zero");
    // What was placed while the store lived in Chicago stays where it was, also when it is counted again.
    let before = ingest::digest(&api.state).await.unwrap();
    ingest::replay(&api.state).await.unwrap();
    assert_eq!(ingest::digest(&api.state).await.unwrap(), before);
    assert_eq!(of_day(&api, "", "2026-11-01").await["total"]["orders"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn today_ends_at_the_stores_midnight_for_looks_pages_and_shared_scorecards() {
    let api = api().await;
    import(&api, &[placed(1, "2026-11-20T10:00:00-06:00")]).await;
    // In Greenwich it is Thanksgiving; in Chicago it will be in a minute.
    live_at(&api, "2026-11-26T05:59:00Z");
    for _ in 0..2 {
        api.order("1").await;
    }
    let (_, said) = api.admin("GET", "analytics?days=1", "", b"").await;
    assert_eq!((&said["from"], &said["to"]), (&json!("2026-11-25"), &json!("2026-11-25")));
    let share = json!({"dimension": "carrier", "key": "ups", "days": 7}).to_string();
    let (status, link) = api.admin("POST", "scorecards", "application/json", share.as_bytes()).await;
    assert_eq!(status, StatusCode::CREATED, "{link}");
    let card = async || {
        let request = Request::get(link["path"].as_str().unwrap()).body(Body::empty()).unwrap();
        api.raw(request).await.2
    };
    assert!(card().await.contains("2026-11-19 to 2026-11-25"));
    // In the same few seconds before looks are written, another day begins.
    live_at(&api, "2026-11-26T06:00:30Z");
    for _ in 0..2 {
        api.order("1").await;
    }
    looks::flush(&api.state).await.unwrap();
    for (day, looks) in [("2026-11-24", 0), ("2026-11-25", 1), ("2026-11-26", 1), ("2026-11-27", 0)] {
        assert_eq!(of_day(&api, "", day).await["contacts"]["looks"], looks, "{day}");
    }
    let (_, said) = api.admin("GET", "analytics?days=1", "", b"").await;
    assert_eq!(said["to"], "2026-11-26");
    assert!(card().await.contains("2026-11-20 to 2026-11-26"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parcel_arrives_on_the_day_that_it_was_at_the_door() {
    let api = api().await;
    let parcel = |id: u32, delivered: &str| {
        let mut body = placed(id, "2026-11-02T10:00:00-06:00");
        let number = format!("P{id}");
        body["orders"][0]["fulfillments"] = json!([{"id": format!("{id}/1"), "order_id": id.to_string(), "status": "success",
            "lines": [{"id": "1", "sku": "MUG-1", "quantity": 1}], "tracking": [{"carrier": "ups", "number": number}]}]);
        body["shipments"] = json!([{"carrier": "ups", "tracking_number": number, "order_id": id.to_string(), "status": "delivered",
            "checkpoints": [{"time": "2026-11-03T18:00:00Z", "status": "in_transit"}, {"time": delivered, "status": "delivered"}]}]);
        body
    };
    // Each in the evening of the fifth, where it was: by a clock of its own, and by UTC, of which only the store's zone can tell the day.
    import(&api, &[parcel(1, "2026-11-05T23:30:00-08:00"), parcel(2, "2026-11-06T05:30:00Z"), parcel(3, "2026-11-06T06:30:00Z")])
        .await;
    for (day, delivered) in [("2026-11-05", 2), ("2026-11-06", 1)] {
        assert_eq!(of_day(&api, "", day).await["total"]["delivered"], delivered, "{day}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_counted_by_utc_is_counted_anew_once() {
    let api = api().await;
    let (late, early) = ("2026-11-02T03:00:00Z", "2026-11-02T18:00:00Z");
    import(&api, &[placed(1, late)]).await;
    // As the version before wrote it.
    let utc = promise::Day::parse("2026-11-02").unwrap().0;
    run(
        &api,
        format!(
            "insert into messages (id, store, order_id, channel, notice, rule, made_at, state, sent_at) values
                ('a', 'demo', '1', 'mail', 'shipped', 'r', {0}, 'sent', {0}), ('b', 'demo', '1', 'mail', 'shipped', 'r', {1}, 'failed', null);
             insert into insight (store, dimension, day, key, live, figures) values ('demo', 'message', {utc}, 'mail|shipped', 0, '{{\"sent\":1,\"failed\":1}}'),
                ('demo', 'contact', {utc}, 'late', 0, '{{\"contacts\":2,\"channel.phone\":2,\"without_a_look\":1}}');
             insert into contact_log (store, id, at, order_id, reason, channel, counted) values
                ('demo', 'x', {0}, '1', 'late', 'phone', '[[\"contact\",\"late\",{utc},{{\"contacts\":1,\"channel.phone\":1,\"without_a_look\":1}}]]'),
                ('demo', 'y', {1}, null, 'late', 'phone', '[[\"contact\",\"late\",{utc},{{\"contacts\":1,\"channel.phone\":1}}]]');
             insert into chores (name) values ('contacts_by_zone'), ('count_orders');
             update insight_orders set counts = 1;",
            at(late),
            at(early)
        ),
    )
    .await;
    for _ in 0..2 {
        insight::catch_up(&api.state).await.unwrap();
        for (day, sent, failed, contacts) in [("2026-11-01", 1, 0, 1), ("2026-11-02", 0, 1, 1)] {
            let told = of_day(&api, "/messages", day).await;
            assert_eq!((&told["total"]["sent"], &told["total"]["failed"]), (&json!(sent), &json!(failed)), "{day}");
            assert_eq!(of_day(&api, "", day).await["contacts"]["all"], contacts, "{day}");
        }
        let left = api.state.db().read(|db| {
            let sql = "select (select count(*) from chores) + (select count(*) from insight_orders where counts < 2) + (select count(*) from messages where counted_day is null)";
            Ok(db.query_row(sql, [], |r| r.get::<_, i64>(0))?)
        });
        assert_eq!(left.await.unwrap(), 0);
    }
}
