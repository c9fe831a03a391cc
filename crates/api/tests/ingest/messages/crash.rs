//! Messages across a crash: the real binary, killed at random moments between "due" and "sent".

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use rusqlite::Connection;

use super::*;
use crate::{
    crash::{post, start},
    web_push::{AUTH, PUBLIC},
};

/// A few at every run.
fn rounds() -> u32 {
    crate::crash::rounds(12)
}

/// Rules with nothing but news of parcels that left, at once, on a channel.
fn only(channel: &str) -> notify::rules::Rules {
    let quiet = notify::quiet::Quiet { from: "00:00".into(), to: "00:00".into() };
    let mut rules = notify::rules::Rules { per_day: 1_000_000, quiet, ..Default::default() };
    rules.rules.retain(|r| r.notice == "shipped" && r.channel == if channel == "hook" { "mail" } else { channel });
    rules.rules[0].delay_minutes = 0;
    rules.rules[0].channel = channel.into();
    rules
}

/// Kills the server in each round while orders turn into messages; returns what each message's end was, and which orders must have one.
fn killed_often(
    url: &str,
    rules: &notify::rules::Rules,
    prepare: impl FnOnce(&Connection),
) -> (BTreeMap<String, (String, String)>, Vec<String>) {
    let dir = tempfile::tempdir().unwrap();
    let config = configuration(dir.path());
    let text = std::fs::read_to_string(&config).unwrap();
    let mail = format!("[mail]\nurl = \"{url}\"\nfrom = \"orders@shop.example\"\n[limits]\ninternal_targets = true");
    std::fs::write(&config, text.replace("[limits]", &mail)).unwrap();
    // A first start makes the tables; then every message is due at once.
    let mut server = start(&config);
    server.kill();
    let db = Connection::open(dir.path().join("test.sqlite")).unwrap();
    db.busy_timeout(Duration::from_secs(10)).unwrap();
    api::messages::rules::put(&db, "demo", rules, promise::Instant(0)).unwrap();
    prepare(&db);
    let mut must = Vec::new();
    for round in 0..rounds() {
        let mut server = start(&config);
        let address = server.1.clone();
        let taken = Arc::new(AtomicU32::new(0));
        let count = taken.clone();
        let sender = std::thread::spawn(move || {
            let mut done = Vec::new();
            for n in 0..200 {
                let id = 10_000 + round * 1000 + n;
                let number = format!("1Z{id}");
                let told = post(&address, "shopify", "orders/create", &format!("o{id}"), &bought(id, serde_json::json!({})))
                    && post(&address, "shopify", "fulfillments/create", &format!("f{id}"), &packed(id, 1, &number))
                    && post(&address, "easypost", "", "", &scanned(&number, &["in_transit"]));
                if !told {
                    break;
                }
                done.push(id.to_string());
                count.fetch_add(1, Ordering::SeqCst);
            }
            done
        });
        // A different moment each round, once some are on their way.
        for _ in 0..1000 {
            if taken.load(Ordering::SeqCst) > round % 4 {
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(u64::from(round) * 53 % 90));
        server.kill();
        must.extend(sender.join().unwrap());
    }
    let mut server = start(&config);
    let ends = || -> BTreeMap<String, (String, String)> {
        let mut rows = db.prepare("select order_id, id, state from messages").unwrap();
        rows.query_map([], |r| Ok((r.get(0)?, (r.get(1)?, r.get(2)?)))).unwrap().map(Result::unwrap).collect()
    };
    let waiting = "select (select count(*) from messages where due_at is not null) + (select coalesce(max(id), 0) from events) - (select projected from progress)";
    for _ in 0..1200 {
        if db.query_row(waiting, [], |r| r.get::<_, i64>(0)).unwrap() == 0 {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let ends = ends();
    server.kill();
    (ends, must)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_smtp_none_is_lost_and_none_is_sent_twice() {
    let relay = Relay::start().await;
    let url = relay.url();
    let (ends, must) = tokio::task::spawn_blocking(move || killed_often(&url, &only("mail"), |_| ())).await.unwrap();
    let mut arrived: BTreeMap<String, u32> = BTreeMap::new();
    for mail in relay.got.lock().unwrap().iter() {
        *arrived.entry(mail.id.replace("@shop.example", "")).or_default() += 1;
    }
    assert!(must.len() > 10, "only {} orders", must.len());
    let unknown = ends.values().filter(|e| e.1 == "unknown").count();
    for order in &must {
        let (id, state) = ends.get(order).unwrap_or_else(|| panic!("order {order} has no message"));
        let times = arrived.get(id).copied().unwrap_or_default();
        match state.as_str() {
            "sent" => assert_eq!(times, 1, "{order}"),
            // SMTP can't tell a repetition: at most once, and the log says so.
            "unknown" => assert!(times <= 1, "{order}"),
            other => panic!("{order}: {other}"),
        }
    }
    assert!(arrived.values().all(|n| *n == 1), "none twice");
    println!("{} rounds, {} messages, {} arrived, {unknown} unknown", rounds(), ends.len(), arrived.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_repetitions_are_told_apart_each_arrives_once() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("file://{}", folder.path().display());
    let (ends, must) = tokio::task::spawn_blocking(move || killed_often(&url, &only("mail"), |_| ())).await.unwrap();
    for order in &must {
        let (id, state) = ends.get(order).unwrap_or_else(|| panic!("order {order} has no message"));
        assert_eq!(state, "sent", "{order}");
        assert!(folder.path().join(format!("{id}.eml")).exists(), "{order}");
    }
    assert!(must.len() > 10, "only {} orders", must.len());
    println!("{} rounds, {} messages", rounds(), ends.len());
}

/// A tool or a push service that counts what it is given, by the key of the request.
async fn counting(key: fn(&axum::http::HeaderMap, &str) -> String) -> (String, Arc<std::sync::Mutex<BTreeMap<String, u32>>>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let got = Arc::new(std::sync::Mutex::new(BTreeMap::new()));
    let kept = got.clone();
    let app = Router::new().fallback(move |uri: axum::http::Uri, headers: axum::http::HeaderMap| async move {
        *kept.lock().unwrap().entry(key(&headers, uri.path())).or_default() += 1;
        StatusCode::CREATED
    });
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (url, got)
}

fn by_id(headers: &axum::http::HeaderMap, _: &str) -> String {
    headers.get("idempotency-key").map(|v| v.to_str().unwrap().to_owned()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn to_a_tool_none_is_sent_twice_and_to_one_that_knows_ids_none_is_lost() {
    for knows in [false, true] {
        let (url, got) = counting(by_id).await;
        let mut rules = only("hook");
        rules.rules[0].hook = Some("team".into());
        let hook = notify::rules::Hook { url, shape: Some("slack".into()), deduplicates: knows, ..Default::default() };
        rules.hooks.insert("team".into(), hook);
        let (ends, must) = tokio::task::spawn_blocking(move || killed_often("file:///dev/null", &rules, |_| ())).await.unwrap();
        assert!(must.len() > 10, "only {} orders", must.len());
        let arrived = got.lock().unwrap().clone();
        for order in &must {
            let (id, state) = ends.get(order).unwrap_or_else(|| panic!("order {order} has no message"));
            let times = arrived.get(id).copied().unwrap_or_default();
            match (state.as_str(), knows) {
                ("sent", false) => assert_eq!(times, 1, "{order}"),
                ("unknown", false) => assert!(times <= 1, "{order}"),
                // A repetition has the id of the first: the tool keeps one.
                ("sent", true) => assert!(times >= 1, "{order}"),
                (other, _) => panic!("{order}: {other}"),
            }
        }
        let unknown = ends.values().filter(|e| e.1 == "unknown").count();
        let repeated = arrived.values().filter(|n| **n > 1).count();
        println!(
            "{} rounds, {} messages, {} arrived, {unknown} unknown, {repeated} repeated with their id",
            rounds(),
            ends.len(),
            arrived.len()
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn to_browsers_none_is_lost_and_a_repetition_has_the_same_tag() {
    // By where it goes and by its topic, which is the tag that a browser shows it under.
    let (url, got) = counting(|headers, path| format!("{path} {}", headers["topic"].to_str().unwrap())).await;
    let prepare = move |db: &Connection| {
        let mut put = db
            .prepare("insert into subscriptions (id, store, order_id, endpoint, p256dh, auth, language, made_at) values (?1, 'demo', ?2, ?3, ?4, ?5, 'en', unixepoch() - 86400)")
            .unwrap();
        for round in 0..rounds() {
            for n in 0..200 {
                let id = (10_000 + round * 1000 + n).to_string();
                put.execute((format!("s{id}"), &id, format!("{url}/push/{id}"), PUBLIC, AUTH)).unwrap();
            }
        }
    };
    let done = tokio::task::spawn_blocking(move || killed_often("file:///dev/null", &only("push"), prepare));
    let (ends, must) = done.await.unwrap();
    assert!(must.len() > 10, "only {} orders", must.len());
    let arrived = got.lock().unwrap().clone();
    for order in &must {
        let (_, state) = ends.get(order).unwrap_or_else(|| panic!("order {order} has no message"));
        assert_eq!(state, "sent", "{order}");
        assert!(arrived.contains_key(&format!("/push/{order} s{order}")), "{order}");
    }
    let repeated = arrived.values().filter(|n| **n > 1).count();
    println!(
        "{} rounds, {} messages, {} browsers told, {repeated} told twice under one tag",
        rounds(),
        ends.len(),
        arrived.len()
    );
}
