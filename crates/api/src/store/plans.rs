//! How the planner reads what grows with a store: by an index that leads to the rows in question, never through all of them.
//!
//! Every statement that a connection runs in the unit tests is noted; the test below lives through a small store's days and asks for the plan of
//! each. A store of a million orders differs from it by how long a wrong plan takes.

use std::{collections::BTreeSet, sync::Mutex};

use rusqlite::{
    Connection,
    trace::{TraceEvent, TraceEventCodes},
};

static RUN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Notes what runs on a connection.
pub fn watch(db: &mut Connection) {
    let note = |event: TraceEvent<'_>| {
        if let (TraceEvent::Profile(statement, _), Ok(mut run)) = (event, RUN.lock()) {
            run.insert(statement.sql().into_owned());
        }
    };
    db.trace_v2(TraceEventCodes::SQLITE_TRACE_PROFILE, Some(note)).unwrap();
}

/// Tables that have a row (or many) for each order, parcel, event, look or message.
const GROWING: [&str; 22] = [
    "orders",
    "fulfillments",
    "fulfillment_scans",
    "parcels",
    "parcel_parts",
    "parcel_aliases",
    "documents",
    "events",
    "event_subjects",
    "promises",
    "contacts",
    "looks",
    "contact_log",
    "insight_orders",
    "messages",
    "outbox",
    "polls",
    "reports",
    "feedback",
    "opt_ins",
    "subscriptions",
    "consents",
];

/// Steps of a plan that go through a whole table, or through all that a store has in it.
fn wasteful(db: &Connection, sql: &str) -> Vec<String> {
    let Ok(mut plan) = db.prepare(&format!("explain query plan {sql}")) else { return Vec::new() };
    let words: Vec<&str> = sql.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|w| !w.is_empty()).collect();
    // By its own name, or by the one that the statement gives it.
    let grows = |name: &str| GROWING.contains(&name) || words.windows(2).any(|w| w[1] == name && GROWING.contains(&w[0]));
    let steps: Vec<String> = plan.raw_query().mapped(|r| r.get::<_, String>(3)).map(Result::unwrap).collect();
    let whole = |step: &String| {
        let mut words = step.split(' ');
        let (how, name) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        grows(name)
            && (how == "SCAN" && !step.contains("USING")
                || how == "SEARCH" && step.ends_with("(store=?)") && !step.contains(" documents_open "))
    };
    steps.into_iter().filter(whole).collect()
}

#[tokio::test]
async fn nothing_reads_through_all_that_a_store_has() {
    let dir = tempfile::tempdir().unwrap();
    let config = format!(
        "listen = \"127.0.0.1:0\"\ndatabase = {:?}\n[[stores]]\nid = \"shop\"\nname = \"Shop\"\npolicy = {:?}\n\
         admin_keys = [\"0123456789abcdef0123456789abcdef\"]\ntoken_secrets = [\"0123456789abcdef0123456789abcdef\"]\n\
         lookup_secret = \"0123456789abcdef0123456789abcdef\"\n",
        dir.path().join("shop.sqlite"),
        concat!(env!("CARGO_MANIFEST_DIR"), "/src/demo/policy.json"),
    );
    let path = dir.path().join("whereabouts.toml");
    std::fs::write(&path, config).unwrap();
    let state =
        crate::state::AppState::start(crate::config::Config::load(Some(&path), std::iter::empty()).unwrap()).await.unwrap();
    crate::seed::fill(&state, "shop", 60, 30, 1, |_| {}).await.unwrap();
    crate::ingest::reestimate(&state, "shop").await.unwrap();
    crate::ingest::import(
        &state,
        "shop",
        vec![br##"{"orders":[{"id":"x","number":"#7","placed_at":"2026-11-20T10:00:00Z"}]}"##.to_vec()],
    )
    .await
    .unwrap();
    while crate::ingest::project_next(&state).await.unwrap() {}
    let info = state.store_info("shop").unwrap();
    state
        .db()
        .read(move |db| {
            for asked in ["#7", "SEED000000001", "shopper1@example.com", "94103", "2026-11-20", "Somewhere"] {
                super::search::find(db, &info, asked)?;
            }
            super::orders::lookup(db, &info, "#7", "94103")?;
            super::orders::of_address(db, "shop", "00")?;
            Ok(())
        })
        .await
        .unwrap();

    let run = RUN.lock().unwrap().clone();
    assert!(run.len() > 60, "statements are noted: {}", run.len());
    let db = Connection::open(dir.path().join("shop.sqlite")).unwrap();
    let found: Vec<String> = run
        .iter()
        .map(|sql| (sql, wasteful(&db, sql)))
        .filter(|(_, steps)| !steps.is_empty())
        .map(|(sql, steps)| format!("{sql}\n    {steps:?}"))
        .collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
    // And it would be seen.
    db.execute_batch("drop index fulfillments_by_order").unwrap();
    assert!(run.iter().any(|sql| !wasteful(&db, sql).is_empty()));
}
