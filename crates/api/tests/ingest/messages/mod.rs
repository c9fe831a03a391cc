//! Messages, from the change that they tell of to a real mail server.

mod channels;
mod crash;
mod every;
mod joins;
mod letters;
mod looks;
mod notices;
mod options;
mod routes;

use std::time::Duration;

use api::messages::sender;

use super::{smtp::Relay, *};

/// Hours from now, as webhooks write it: news must be news whenever the tests run.
pub fn ago(hours: i64) -> String {
    promise::Instant(now() - hours * 3600).to_string()
}

/// Rules without quiet hours: it may be night where the tests run.
pub async fn ruled(api: &Api, change: impl FnOnce(&mut notify::rules::Rules)) {
    let quiet = notify::quiet::Quiet { from: "00:00".into(), to: "00:00".into() };
    let mut rules = notify::rules::Rules { quiet, per_day: 50, ..Default::default() };
    change(&mut rules);
    assert_eq!(rules.wrong(|_| Ok(())), []);
    api.state.db().write(move |db| api::messages::rules::put(db, "demo", &rules, promise::Instant(0))).await.unwrap();
}

/// An order of a mug, as Shopify sends it; `more` is more of its fields.
pub fn bought(id: u32, more: Value) -> Vec<u8> {
    let mut order: Value = serde_json::from_slice(&order(id, &ago(20))).unwrap();
    order["shipping_address"]["phone"] = "(415) 555-0100".into();
    order["customer_locale"] = "en-US".into();
    for (key, value) in more.as_object().unwrap() {
        order[key] = value.clone();
    }
    serde_json::to_vec(&order).unwrap()
}

/// A parcel of an order's.
pub fn packed(order: u32, part: u32, number: &str) -> Vec<u8> {
    let at = ago(10);
    serde_json::json!({"id": format!("{order}{part}").parse::<u64>().unwrap(), "order_id": order, "status": "success", "created_at": at, "updated_at": at,
        "tracking_company": "UPS", "tracking_numbers": [number], "line_items": [{"id": 7, "sku": "MUG-1", "title": "Mug", "quantity": 2}]})
    .to_string()
    .into_bytes()
}

/// All scans of a parcel up to this status, an hour apart, from eight hours ago on: the same scan at the same time, whenever it is told.
pub fn scanned(number: &str, statuses: &[&str]) -> Vec<u8> {
    static START: LazyLock<i64> = LazyLock::new(|| now() - 8 * 3600);
    let times: Vec<String> = (0..statuses.len()).map(|n| promise::Instant(*START + n as i64 * 3600).to_string()).collect();
    let scans: Vec<(&str, &str)> = times.iter().map(String::as_str).zip(statuses.iter().copied()).collect();
    tracker(&format!("{number}{}", statuses.concat()), number, &scans)
}

/// An API whose mail goes to a relay of our own.
pub async fn mailing(relay: &Relay) -> Api {
    let url = relay.url();
    let api = api_with(move |config| {
        config.limits.internal_targets = true;
        config.mail.url = url.into();
        config.mail.from = "Fjord & Fern <orders@shop.example>".into();
    })
    .await;
    tokio::spawn(sender::run(api.state.clone()));
    api
}

impl Api {
    /// What the message log says of each message: notice, state, attempts and reason.
    pub async fn log(&self) -> Vec<(String, String, i64, String)> {
        let rows = self.state.db().read(|db| {
            let mut rows =
                db.prepare("select notice, state, attempts, coalesce(reason, '') from messages order by made_at, id")?;
            let rows = rows.query_map([], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)))?;
            Ok(rows.collect::<Result<Vec<_>, _>>()?)
        });
        rows.await.unwrap()
    }

    /// All that waits is due now.
    pub async fn hurry(&self) {
        let all = "update messages set due_at = 1 where due_at is not null";
        self.state.db().write(move |db| Ok(db.execute(all, [])?)).await.unwrap();
        self.state.wake_messages();
    }

    /// Waits until no message is on its way, hurrying those that wait.
    pub async fn all_done(&self) -> Vec<(String, String, i64, String)> {
        for _ in 0..200 {
            self.hurry().await;
            tokio::time::sleep(Duration::from_millis(30)).await;
            let log = self.log().await;
            if log.is_empty() {
                return log;
            }
            if log.iter().all(|m| m.1 != "waiting" && m.1 != "sending") {
                return log;
            }
        }
        panic!("{:?}", self.log().await);
    }
}
