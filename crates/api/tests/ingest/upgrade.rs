//! Databases of older versions, opened by this one: nothing is lost, and what they show is what a replay of their events shows.
//!
//! `tests/upgrade/NNNN.sql` holds a database at schema version N. They are records: once written, they are never changed. After a new
//! migration, write the next one with `cargo test -p whereabouts-api --test ingest -- --ignored upgrade::write_missing`.

use std::path::PathBuf;

use api::insight;
use rusqlite::{Connection, types::Value as Sql};

use super::*;

fn folder(of: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(of)
}

fn fixtures() -> Vec<(u32, String)> {
    let mut found: Vec<(u32, String)> = std::fs::read_dir(folder("tests/upgrade"))
        .unwrap()
        .map(|f| f.unwrap().path())
        .filter(|f| f.extension().is_some_and(|e| e == "sql"))
        .map(|f| (f.file_stem().unwrap().to_str().unwrap().parse().unwrap(), std::fs::read_to_string(&f).unwrap()))
        .collect();
    found.sort();
    found
}

/// An order that was delivered, one that is on its way, one that is cancelled, and a body that can't be read.
async fn story(api: &Api) {
    for (id, scans) in [(1001u32, 3usize), (1002, 1), (1003, 0)] {
        api.webhook("shopify", "orders/create", &format!("o{id}"), &order(id, "2026-11-02T10:00:00-06:00")).await;
        if scans > 0 {
            let all = [
                ("2026-11-03T12:00:00Z", "in_transit"),
                ("2026-11-05T08:00:00Z", "out_for_delivery"),
                ("2026-11-05T11:00:00Z", "delivered"),
            ];
            api.webhook("shopify", "fulfillments/create", &format!("f{id}"), &fulfillment(id, &format!("1Z{id}"))).await;
            api.webhook("easypost", "", "", &tracker(&format!("evt{id}"), &format!("1Z{id}"), &all[..scans])).await;
        } else {
            let text = String::from_utf8(order(id, "2026-11-02T10:00:00-06:00")).unwrap();
            let text = text
                .replace(r#""updated_at":"2026-11-02"#, r#""cancelled_at":"2026-11-03T10:00:00-06:00","updated_at":"2026-11-03"#);
            api.webhook("shopify", "orders/updated", &format!("u{id}"), text.as_bytes()).await;
        }
    }
    api.webhook("shopify", "orders/create", "bad", b"{\"id\": 1,").await;
    // One that came and was not read yet when the old version stopped.
    let last = tracker("evt_last", "1Z1002", &[("2026-11-04T12:00:00Z", "in_transit"), ("2026-11-06T12:00:00Z", "delivered")]);
    assert_eq!(api.send(webhook("easypost", "", "", &last)).await.0, StatusCode::OK);
}

fn literal(value: &Sql) -> String {
    match value {
        Sql::Null => "null".into(),
        Sql::Integer(i) => i.to_string(),
        Sql::Real(x) => format!("{x:?}"),
        Sql::Text(text) => format!("'{}'", text.replace('\'', "''")),
        Sql::Blob(bytes) => format!("x'{}'", hex::encode(bytes)),
    }
}

fn names(db: &Connection, sql: &str) -> Vec<String> {
    let mut rows = db.prepare(sql).unwrap();
    rows.query_map([], |r| r.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

/// The database as that version had it: its own migrations, and in its tables what this version wrote, as far as they had such columns.
fn at_version(now: &Path, version: usize) -> String {
    let mut migrations: Vec<PathBuf> = std::fs::read_dir(folder("migrations")).unwrap().map(|f| f.unwrap().path()).collect();
    migrations.sort();
    let dir = tempfile::tempdir().unwrap();
    let old = Connection::open(dir.path().join("old.sqlite")).unwrap();
    for file in &migrations[..version] {
        old.execute_batch(&std::fs::read_to_string(file).unwrap()).unwrap();
    }
    let newer = Connection::open(now).unwrap();
    let tables = "select name from sqlite_master where type = 'table' and name not like 'sqlite_%' and name not like 'order_words%' order by name";
    let mut text = format!(
        "-- A database at schema version {version}. A record: never changed.\npragma foreign_keys = off; -- rows come table by table\n"
    );
    // Shapes first, with what keeps them: rows come in as they did then.
    let shapes = "select sql from sqlite_master where sql is not null and name not like 'order_words_%'
        order by case type when 'table' then 0 when 'index' then 1 else 2 end, rowid";
    for shape in names(&old, shapes) {
        text.push_str(&format!("{shape};\n"));
    }
    text.push_str("delete from progress;\n".repeat(usize::from(version >= 4)).as_str());
    let columns =
        |db: &Connection, table: &str| names(db, &format!("select name from pragma_table_info('{table}') order by cid"));
    for table in names(&old, tables) {
        if !names(&newer, tables).contains(&table) {
            continue;
        }
        let both: Vec<String> = columns(&old, &table).into_iter().filter(|c| columns(&newer, &table).contains(c)).collect();
        let mut rows = newer.prepare(&format!("select {} from {table} order by rowid", both.join(", ")));
        if rows.is_err() {
            rows = newer.prepare(&format!("select {} from {table}", both.join(", ")));
        }
        let mut rows = rows.unwrap();
        let mut rows = rows.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let values: Vec<String> = (0..both.len()).map(|n| literal(&row.get::<_, Sql>(n).unwrap())).collect();
            text.push_str(&format!("insert or ignore into {table} ({}) values ({});\n", both.join(", "), values.join(", ")));
        }
    }
    if version < 4 {
        // Until then each event said for itself whether it was read; the last one was not.
        text.push_str("update events set state = 1 where state = 0 and id < (select max(id) from events);\n");
    }
    if (9..15).contains(&version) {
        // What promises covered was not counted yet.
        text.push_str("delete from insight where dimension = 'coverage';\n");
    }
    text.push_str(&format!("pragma user_version = {version};\n"));
    text
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "writes fixtures"]
async fn write_missing() {
    let api = api().await;
    story(&api).await;
    let path = api.state.config().database.clone();
    let known: Vec<u32> = fixtures().into_iter().map(|f| f.0).collect();
    for version in (1..=api::store::schema()).filter(|v| !known.contains(v)) {
        let file = folder("tests/upgrade").join(format!("{version:04}.sql"));
        std::fs::write(file, at_version(&path, version as usize)).unwrap();
    }
}

async fn statuses(api: &Api) -> String {
    let read = api.state.db().read(|db| {
        let sql = "select group_concat(order_id || ' ' || json_extract(body, '$.status'), ', ') from (select * from documents order by order_id)";
        Ok(db.query_row(sql, [], |r| r.get::<_, String>(0))?)
    });
    read.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_older_database_opens_and_shows_what_a_replay_shows() {
    let fixtures = fixtures();
    assert!(fixtures.len() >= 8 && fixtures[0].0 == 1, "fixtures are missing");
    for (version, text) in fixtures {
        let dir = tempfile::tempdir().unwrap();
        let config = Config::load(Some(&configuration(dir.path())), std::iter::empty()).unwrap();
        Connection::open(&config.database).unwrap().execute_batch(&text).unwrap_or_else(|e| panic!("{version}: {e}"));
        let counted = |sql: &str| Connection::open(&config.database).unwrap().query_row(sql, [], |r| r.get::<_, i64>(0)).unwrap();
        let (events, promises) = (counted("select count(*) from events"), counted("select count(*) from promises"));
        let path = config.database.clone();
        let state = AppState::start(config.clone()).await.unwrap_or_else(|e| panic!("{version}: {e:#}"));
        let api = Api { app: app(state.clone()), state, _dir: dir };
        // What waited is read; what is counted is counted, also of orders that nothing happens to any more.
        api.settle().await;
        insight::catch_up(&api.state).await.unwrap();
        assert_eq!(statuses(&api).await, "1001 delivered, 1002 delivered, 1003 cancelled", "{version}");
        let (_, figures) = api.admin("GET", "analytics?from=2026-11-01&to=2026-11-30", "", b"").await;
        let total = |name: &str| figures["total"][name].as_i64().unwrap();
        assert_eq!(["orders", "cancelled", "shipped", "delivered", "due"].map(total), [2, 1, 2, 2, 2], "{version}");
        let (_, problems) = api.admin("GET", "problems", "", b"").await;
        assert_eq!(problems.as_array().unwrap().len(), 1, "{version}: what was set aside is still there");

        let before = ingest::digest(&api.state).await.unwrap();
        ingest::replay(&api.state).await.unwrap();
        assert_eq!(ingest::digest(&api.state).await.unwrap(), before, "{version}: a replay ends equal");
        let (_, again) = api.admin("GET", "analytics?from=2026-11-01&to=2026-11-30", "", b"").await;
        assert_eq!(again, figures, "{version}");
        let counted = |sql: &str| Connection::open(&path).unwrap().query_row(sql, [], |r| r.get::<_, i64>(0)).unwrap();
        assert_eq!(
            (counted("select count(*) from events"), counted("select count(*) from promises")),
            (events, promises),
            "{version}: nothing is lost"
        );
        // Erasing finds everything that the old version wrote, too.
        let (_, done) = api.admin("POST", "shoppers/erase", "application/json", br#"{"email":"ada@example.com"}"#).await;
        assert_eq!(done["orders"], 3, "{version}");
        assert_eq!(counted("select count(*) from events where cast(body as text) like '%Secret Street%'"), 0, "{version}");
    }
}

#[tokio::test]
async fn a_newer_database_is_refused_and_stays_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let config = Config::load(Some(&configuration(dir.path())), std::iter::empty()).unwrap();
    drop(api::store::Db::open(&config.database).unwrap());
    let db = Connection::open(&config.database).unwrap();
    db.pragma_update(None, "user_version", 9999).unwrap();
    drop(db);
    let bytes = std::fs::read(&config.database).unwrap();
    let error = AppState::start(config.clone()).await.err().unwrap();
    assert!(format!("{error:#}").contains("newer version"), "{error:#}");
    assert_eq!(std::fs::read(&config.database).unwrap(), bytes);
}
