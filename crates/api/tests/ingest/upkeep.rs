//! What the installation keeps of what was done to it, and for how long.

use std::process::{Command, Stdio};

use api::store::retention;
use serde_json::json;

use super::*;

#[tokio::test]
async fn what_a_key_did_is_in_the_audit_log_of_its_store_alone() {
    let api = api().await;
    let (_, policy) = api.admin("GET", "policy", "", b"").await;
    let (status, _) = api.admin("PUT", "policy", "application/json", policy.to_string().as_bytes()).await;
    assert_eq!(status, StatusCode::OK);
    let delay =
        br#"{"id":"snow","from":"2026-12-01T00:00:00Z","effect":{"min":1,"max":1},"reason":"weather","severity":1,"scope":{}}"#;
    let (status, answer) = api.admin("POST", "delays", "application/json", delay).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    assert_eq!(api.admin("DELETE", "delays/snow", "", b"").await.0, StatusCode::NO_CONTENT);
    assert_eq!(api.admin("DELETE", "delays/snow", "", b"").await.0, StatusCode::NOT_FOUND);
    let (_, log) = api.admin("GET", "audit", "", b"").await;
    let said: Vec<_> = log
        .as_array()
        .unwrap()
        .iter()
        .map(|e| {
            assert_eq!(e["actor"], "admin key");
            (e["action"].as_str().unwrap(), e["subject"].as_str().unwrap())
        })
        .collect();
    assert_eq!(said, [("delay.end", "snow"), ("delay.put", "snow"), ("policy.publish", "2")]);
    let (_, delays) = api.admin("GET", "audit?action=delay&before=3", "", b"").await;
    assert_eq!(delays.as_array().unwrap().len(), 1);
    let request = Request::get("/v1/admin/stores/other/audit")
        .header(header::AUTHORIZATION, "Bearer other-key-0123456789abcdef0123456789")
        .body(Body::empty())
        .unwrap();
    assert_eq!(api.send(request).await.2, serde_json::json!([]));
    assert_eq!(api.get("/v1/admin/stores/demo/audit").await.0, StatusCode::UNAUTHORIZED);
}

/// Every text and blob of the database, with the table that it stands in.
async fn everything(api: &Api) -> Vec<(String, String)> {
    let read = api.state.db().read(|db| {
        let mut tables = db.prepare("select name from sqlite_master where type = 'table' and name not like 'sqlite_%'")?;
        let tables: Vec<String> = tables.query_map([], |r| r.get(0))?.collect::<Result<_, _>>()?;
        let mut all = Vec::new();
        for table in tables {
            let mut rows = db.prepare(&format!("select * from {table}"))?;
            let columns = rows.column_count();
            let mut rows = rows.query([])?;
            while let Some(row) = rows.next()? {
                for n in 0..columns {
                    if let Ok(bytes) = row.get_ref(n)?.as_bytes() {
                        all.push((table.clone(), String::from_utf8_lossy(bytes).into_owned()));
                    }
                }
            }
        }
        Ok(all)
    });
    read.await.unwrap()
}

/// All that may be kept of a shopper: an order, a parcel with scans, looks, a contact, something that could not be read.
async fn full_house(api: &Api) {
    for id in [1001u32, 1002] {
        let body = String::from_utf8(order(id, "2026-11-02T10:00:00-06:00")).unwrap();
        let body = if id == 1002 { body.replace("Ada", "Bob").replace("1 Secret Street", "2 Other Road") } else { body };
        api.webhook("shopify", "orders/create", &format!("o{id}"), body.as_bytes()).await;
        api.webhook("shopify", "fulfillments/create", &format!("f{id}"), &fulfillment(id, &format!("1ZNEEDLE{id}"))).await;
        let scans = [("2026-11-03T12:00:00Z", "in_transit"), ("2026-11-04T12:00:00Z", "teleported")];
        api.webhook("easypost", "", "", &tracker(&format!("evt{id}"), &format!("1ZNEEDLE{id}"), &scans)).await;
        api.order(&id.to_string()).await;
        let contact = json!({"id": format!("c{id}"), "at": "2026-11-05T10:00:00Z", "reason": "late", "channel": "email", "order_id": id.to_string()});
        api.admin("POST", "contacts", "application/json", contact.to_string().as_bytes()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shopper_is_handed_out_whole_and_erased_without_a_trace() {
    let api = api().await;
    full_house(&api).await;
    let found = everything(&api).await;
    let traces = |all: &[(String, String)], needle: &str| -> Vec<String> {
        let mut tables: Vec<String> =
            all.iter().filter(|(_, text)| text.to_lowercase().contains(&needle.to_lowercase())).map(|t| t.0.clone()).collect();
        tables.dedup();
        tables
    };
    assert!(traces(&found, "Secret Street").contains(&"events".into()) && traces(&found, "1ZNEEDLE1001").len() > 3);

    let who = json!({"email": " ada@EXAMPLE.com "});
    let (status, out) = api.admin("POST", "shoppers/export", "application/json", who.to_string().as_bytes()).await;
    assert_eq!(status, StatusCode::OK, "{out}");
    let text = out.to_string();
    assert_eq!(out["orders"].as_array().unwrap().len(), 1);
    for part in ["Secret Street", "1ZNEEDLE1001", "94103", "promises", "looks", "contact_log", "parcel_parts"] {
        assert!(text.contains(part), "{part} is missing in the export");
    }
    assert!(!text.contains("1ZNEEDLE1002") && !text.contains("Other Road"), "nothing of another shopper");

    let (status, done) = api.admin("POST", "shoppers/erase", "application/json", who.to_string().as_bytes()).await;
    assert_eq!((status, done["orders"].as_i64(), done["events"].as_i64()), (StatusCode::OK, Some(1), Some(3)), "{done}");
    let left = everything(&api).await;
    for needle in ["Secret Street", "ada@example", "1ZNEEDLE1001", "#1001"] {
        assert_eq!(traces(&left, needle), Vec::<String>::new(), "{needle}");
    }
    // Its id stays where it proves what was promised and which choice the law asked for, and says nothing else.
    let kept = left.iter().filter(|(_, text)| text == "1001").map(|t| t.0.as_str()).collect::<Vec<_>>();
    assert_eq!(kept, ["promises", "delay_options"]);
    assert_eq!(api.order("1002").await["status"], "shipped");
    // Erased stays erased: also when the shop's platform sends the same again, and after a replay.
    api.webhook("shopify", "orders/create", "o1001", &order(1001, "2026-11-02T10:00:00-06:00")).await;
    ingest::replay(&api.state).await.unwrap();
    assert_eq!(traces(&everything(&api).await, "Secret Street"), Vec::<String>::new());
    let (_, again) = api.admin("POST", "shoppers/erase", "application/json", who.to_string().as_bytes()).await;
    assert_eq!(again["orders"], 0);
    let (_, log) = api.admin("GET", "audit?action=shopper", "", b"").await;
    let actions: Vec<_> = log.as_array().unwrap().iter().map(|e| e["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["shopper.erase", "shopper.erase", "shopper.export"]);
    assert!(!log.to_string().contains("ada"));
    for nobody in ["{}", r#"{"email": "  "}"#, r#"{"orders": [""]}"#] {
        assert_eq!(
            api.admin("POST", "shoppers/erase", "application/json", nobody.as_bytes()).await.0,
            StatusCode::UNPROCESSABLE_ENTITY
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_data_is_kept_as_long_as_is_said_and_figures_stay() {
    let api = api().await;
    api.webhook("shopify", "orders/create", "x", b"{\"id\": 1,").await;
    full_house(&api).await;
    let now = api.state.now();
    let kept = api.state.config().retention.clone();
    let later = |days: i64| promise::Instant(now.0 + days * 86_400);
    let count = |table: &'static str| {
        let read = api
            .state
            .db()
            .read(move |db| Ok(db.query_row(&format!("select count(*) from {table}"), [], |r| r.get::<_, i64>(0))?));
        async { read.await.unwrap() }
    };
    let (_, figures) = api.admin("GET", "analytics?from=2026-10-01&to=2026-12-31", "", b"").await;
    let digest = ingest::digest(&api.state).await.unwrap();
    assert!(retention::enforce(&api.state, "demo", &kept, later(1)).await.unwrap().is_empty());
    assert_eq!(ingest::digest(&api.state).await.unwrap(), digest, "nothing is over yet");

    // Days, what is gone by then, and what is still there.
    let removed = retention::enforce(&api.state, "demo", &kept, later(91)).await.unwrap();
    assert_eq!((removed.get("looks"), count("looks").await, count("orders").await), (Some(&2), 0, 2), "{removed:?}");
    let removed = retention::enforce(&api.state, "demo", &kept, later(181)).await.unwrap();
    assert_eq!(removed, retention::Removed::from([("events", 1)]), "what could not be read goes: it is about no order");
    assert_eq!(count("orders").await, 2);
    assert!(retention::enforce(&api.state, "demo", &kept, later(181)).await.unwrap().is_empty(), "twice removes nothing more");
    // Another store's time is its own; for ever is for ever.
    assert!(retention::enforce(&api.state, "other", &kept, later(5000)).await.unwrap().is_empty());
    let for_ever = retention::Retention { orders: 0, events: 0, messages: 0, looks: 0, contacts: 0, webhooks: 0, audit: 0 };
    assert!(retention::enforce(&api.state, "demo", &for_ever, later(50_000)).await.unwrap().is_empty());

    let removed = retention::enforce(&api.state, "demo", &kept, later(800)).await.unwrap();
    assert_eq!(removed.get("orders"), Some(&2), "{removed:?}");
    for table in ["orders", "fulfillments", "parcels", "parcel_parts", "documents", "insight_orders", "looks", "contact_log"] {
        assert_eq!(count(table).await, 0, "{table}");
    }
    let (_, after) = api.admin("GET", "analytics?from=2026-10-01&to=2026-12-31", "", b"").await;
    assert_eq!(
        (&after["total"], &after["contacts"]),
        (&figures["total"], &figures["contacts"]),
        "figures outlive what they were counted from"
    );
    let digest = ingest::digest(&api.state).await.unwrap();
    ingest::replay(&api.state).await.unwrap();
    assert_eq!(ingest::digest(&api.state).await.unwrap(), digest);
}

fn whereabouts(arguments: &[&str]) -> (bool, String, String) {
    let done = Command::new(env!("CARGO_BIN_EXE_whereabouts")).args(arguments).stdin(Stdio::null()).output().unwrap();
    (done.status.success(), String::from_utf8(done.stdout).unwrap(), String::from_utf8(done.stderr).unwrap())
}

#[test]
fn a_running_server_is_copied_and_is_not_overwritten() {
    use std::io::{BufRead, BufReader};
    let dir = tempfile::tempdir().unwrap();
    let config = configuration(dir.path());
    let config = config.to_str().unwrap();
    let copy = dir.path().join("copy.sqlite");
    let copy = copy.to_str().unwrap();
    let mut server = Command::new(env!("CARGO_BIN_EXE_whereabouts"))
        .args(["serve", "--config", config])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let tried = std::panic::catch_unwind(|| {
        let (ok, said, error) = whereabouts(&["backup", "--config", config, "--to", copy, "--json"]);
        assert!(ok, "{error}");
        assert_eq!(serde_json::from_str::<Value>(&said).unwrap()["orders"], 0);
        for arguments in [
            &["restore", "--config", config, "--from", copy][..],
            &["shopper", "erase", "--config", config, "--store", "demo", "--email", "a@b.example"],
            &["replay", "--config", config],
            &["serve", "--config", config],
        ] {
            let (ok, _, error) = whereabouts(arguments);
            assert!(!ok && error.contains("stop it first"), "{arguments:?}: {error}");
        }
        let (ok, said, _) = whereabouts(&["shopper", "export", "--config", config, "--store", "demo", "--email", "a@b.example"]);
        assert!(ok && said.contains("\"orders\": []"), "{said}");
    });
    let _ = server.kill();
    let _ = server.wait();
    tried.unwrap();
    let (ok, said, error) = whereabouts(&["restore", "--config", config, "--from", copy, "--json"]);
    assert!(ok, "{error}");
    assert!(serde_json::from_str::<Value>(&said).unwrap()["before"].as_str().unwrap().contains(".before-"));
    let (ok, _, error) = whereabouts(&["shopper", "erase", "--config", config, "--store", "demo", "--order", "1"]);
    assert!(ok, "{error}");
    let (ok, _, error) = whereabouts(&["shopper", "erase", "--config", config, "--store", "demo"]);
    assert!(!ok && error.contains("--email"), "{error}");
}

#[test]
fn the_doctor_says_what_is_wrong_and_how_to_mend_it() {
    let dir = tempfile::tempdir().unwrap();
    let config = configuration(dir.path());
    let examine = || {
        let (ok, said, _) = whereabouts(&["doctor", "--offline", "--json", "--config", config.to_str().unwrap()]);
        let found: Vec<Value> = serde_json::from_str(&said).unwrap_or_else(|e| panic!("{e}: {said}"));
        (ok, found)
    };
    let about = |found: &[Value], what: &str| -> (String, String) {
        let one = found.iter().find(|f| f["what"] == what).unwrap_or_else(|| panic!("nothing about {what} in {found:?}"));
        assert_eq!(
            one["mend"].as_str().unwrap().is_empty(),
            matches!(one["verdict"].as_str(), Some("fine" | "skipped")),
            "{one}"
        );
        (one["verdict"].as_str().unwrap().to_owned(), one["says"].as_str().unwrap().to_owned())
    };
    let (_, found) = examine();
    assert_eq!(about(&found, "database").0, "warning", "it does not exist yet");
    assert_eq!(about(&found, "public_url").0, "warning");

    let path = dir.path().join("test.sqlite");
    drop(api::store::Db::open(&path).unwrap());
    let (_, found) = examine();
    for what in ["integrity", "schema", "clock", "events", "database folder"] {
        assert_eq!(about(&found, what).0, "fine", "{what}");
    }
    let db = || rusqlite::Connection::open(&path).unwrap();
    db().execute("insert into events (store, source, event_id, received_at, body, state) values ('demo', 'x', 'x', unixepoch() + 86400, x'', 2)", []).unwrap();
    let (ok, found) = examine();
    assert!(!ok, "a clock that was set back is wrong");
    assert_eq!((about(&found, "clock").0.as_str(), about(&found, "set aside").0.as_str()), ("wrong", "warning"));
    db().execute("delete from events", []).unwrap();
    db().pragma_update(None, "user_version", 9999).unwrap();
    let (ok, found) = examine();
    assert_eq!((ok, about(&found, "schema").0.as_str()), (false, "wrong"));
    std::fs::write(
        &path,
        b"this is no database, but a text that is long enough to be looked at as one, or so it hopes to be .........",
    )
    .unwrap();
    let (ok, found) = examine();
    assert_eq!((ok, about(&found, "database").0.as_str()), (false, "wrong"));
    // Bad settings are a finding too, and say where.
    std::fs::write(&config, "listen = 7\n").unwrap();
    let (ok, found) = examine();
    assert_eq!((ok, about(&found, "configuration").0.as_str()), (false, "wrong"));
}

#[test]
fn the_doctor_looks_at_the_key_for_browsers_and_at_what_was_not_sent() {
    let dir = tempfile::tempdir().unwrap();
    let config = configuration(dir.path());
    drop(api::store::Db::open(&dir.path().join("test.sqlite")).unwrap());
    let about = |what: &str| -> Option<(String, String)> {
        let (_, said, _) = whereabouts(&["doctor", "--offline", "--json", "--config", config.to_str().unwrap()]);
        let found: Vec<Value> = serde_json::from_str(&said).unwrap();
        let one = found.iter().find(|f| f["what"] == what)?;
        Some((one["verdict"].as_str()?.to_owned(), one["mend"].as_str()?.to_owned()))
    };
    let run = |sql: &str| {
        rusqlite::Connection::open(dir.path().join("test.sqlite")).unwrap().execute(sql, []).unwrap();
    };
    assert_eq!(about("push key").unwrap().0, "fine");
    assert_eq!(about("messages"), None);
    run(
        "insert into subscriptions (id, store, order_id, endpoint, p256dh, auth, language, made_at) values ('s', 'demo', '1', 'https://x', 'x', 'x', 'en', 1)",
    );
    assert_eq!(about("push key").unwrap().0, "wrong", "browsers were asked with a key that is gone");
    run("insert into push_keys (one, made_at, secret) values (1, 1, x'00')");
    let (verdict, mend) = about("push key").unwrap();
    assert!(verdict == "wrong" && mend.contains("backup"), "{mend}");
    run("update push_keys set secret = x'0707070707070707070707070707070707070707070707070707070707070707'");
    assert_eq!(about("push key").unwrap().0, "fine");
    run(
        "insert into messages (id, store, channel, notice, state, made_at) values ('m', 'demo', 'mail', 'shipped', 'failed', unixepoch())",
    );
    assert_eq!(about("messages").unwrap().0, "warning");
}

/// A shop or an endpoint whose clock is off by so many seconds.
async fn shop(off: i64) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let date = move || {
        let at = chrono::DateTime::from_timestamp(chrono::Utc::now().timestamp() + off, 0).unwrap();
        [(header::DATE, at.format("%a, %d %b %Y %H:%M:%S GMT").to_string())]
    };
    let app = Router::new().fallback(move || async move { date() });
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_asks_the_relay_the_endpoints_and_the_clocks_of_others() {
    let relay = smtp::Relay::start().await;
    let (right, wrong) = (shop(0).await, shop(-3600).await);
    let dir = tempfile::tempdir().unwrap();
    let config = configuration(dir.path());
    let text = std::fs::read_to_string(&config).unwrap();
    let examine = async |shop_url: &str, endpoint: &str| -> Vec<Value> {
        let mail = format!("[mail]\nurl = \"{}\"\nfrom = \"a@shop.example\"\n[limits]\ninternal_targets = true", relay.url());
        let own = format!(
            "[[stores]]\nid = \"demo\"\nurl = \"{shop_url}\"\noutbound = [{{ url = \"{endpoint}\", secret = \"whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\" }}]"
        );
        let text = text.replacen("[limits]", &mail, 1).replacen("[[stores]]\nid = \"demo\"", &own, 1);
        std::fs::write(&config, text).unwrap();
        let path = config.clone();
        let done = tokio::task::spawn_blocking(move || whereabouts(&["doctor", "--json", "--config", path.to_str().unwrap()]));
        let (_, said, error) = done.await.unwrap();
        serde_json::from_str(&said).unwrap_or_else(|e| panic!("{e}: {said} {error}"))
    };
    let verdict = |found: &[Value], what: &str| -> String {
        let one = found.iter().find(|f| f["what"].as_str().unwrap().starts_with(what));
        one.unwrap_or_else(|| panic!("nothing about {what} in {found:?}"))["verdict"].as_str().unwrap().to_owned()
    };
    let found = examine(&right, &right).await;
    for what in ["mail", "clock, by", "webhook of demo"] {
        assert_eq!(verdict(&found, what), "fine", "{what}");
    }
    relay.down.store(true, std::sync::atomic::Ordering::SeqCst);
    let found = examine(&wrong, "http://127.0.0.1:9/nobody").await;
    assert_eq!(verdict(&found, "mail"), "wrong");
    assert_ne!(verdict(&found, "clock, by"), "fine", "an hour off");
    assert_eq!(verdict(&found, "webhook of demo"), "warning");
}
