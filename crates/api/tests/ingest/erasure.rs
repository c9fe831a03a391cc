//! What was forgotten is in no byte of the database's files: neither where rows were, nor in the log beside them.

use api::store::retention::{self, Retention};

use super::*;

/// What only this shopper's orders hold.
const MARKS: [&str; 4] = ["zebulon", "quixotic", "obscure lane", "4155550123"];

fn of_shopper(id: u32, updated_at: &str) -> Vec<u8> {
    let text = String::from_utf8(order(id, "2026-11-23T15:00:00-06:00")).unwrap();
    text.replace("Ada@Example.com", "zebulon@quixotic.example")
        .replace("1 Secret Street", "77 Obscure Lane")
        .replace("\"first_name\":\"Ada\"", "\"first_name\":\"Zebulon\",\"last_name\":\"Quixotic\",\"phone\":\"+14155550123\"")
        .replace("\"updated_at\":\"2026-11-23T15:00:00-06:00\"", &format!("\"updated_at\":\"{updated_at}\""))
        .into_bytes()
}

/// Which marks the files hold.
fn left(api: &Api) -> Vec<String> {
    let path = api.state.config().database.clone();
    let mut found = Vec::new();
    for file in [path.clone(), path.with_extension("sqlite-wal")] {
        let bytes = std::fs::read(&file).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        found.extend(MARKS.iter().filter(|m| text.contains(**m)).map(|m| format!("{m} in {}", file.display())));
    }
    found
}

/// Orders of a shopper that changed a few times, among those of others.
async fn story(api: &Api) {
    for step in 0..6 {
        for id in 1001..1006 {
            api.webhook(
                "shopify",
                "orders/updated",
                &format!("w{id}-{step}"),
                &of_shopper(id, &format!("2026-11-23T16:0{step}:00-06:00")),
            )
            .await;
            api.webhook("shopify", "orders/updated", &format!("o{id}-{step}"), &order(id + 1000, "2026-11-23T15:00:00-06:00"))
                .await;
        }
    }
    api.state.db().empty_log().await.unwrap();
    assert!(!left(api).is_empty(), "it was there");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_shopper_is_in_no_byte_of_the_files() {
    let api = api().await;
    story(&api).await;
    let (_, done) = api.admin("POST", "shoppers/erase", "application/json", br#"{"email":"Zebulon@Quixotic.example"}"#).await;
    assert_eq!((&done["orders"], &done["events"]), (&5.into(), &30.into()));
    assert_eq!(left(&api), Vec::<String>::new());
    assert_eq!(api.order("2001").await["number"], "#2001", "others are still there");
}

#[tokio::test(flavor = "multi_thread")]
async fn so_is_one_whom_the_platform_asks_to_redact_and_what_is_over() {
    let api = api().await;
    story(&api).await;
    let ask = br#"{"shop_domain":"x","customer":{"id":1,"email":"zebulon@quixotic.example"},"orders_to_redact":[1001,1002,1003,1004,1005]}"#;
    api.webhook("shopify", "customers/redact", "r1", ask).await;
    api.settle().await;
    // The request itself is kept as what was asked; its address is not.
    assert_eq!(left(&api), Vec::<String>::new());

    let api = api_with(|_| {}).await;
    story(&api).await;
    let later = promise::Instant(now() + 400 * 86_400);
    let kept = Retention { orders: 300, events: 300, messages: 0, looks: 0, contacts: 0, webhooks: 0, audit: 0 };
    retention::enforce(&api.state, "demo", &kept, later).await.unwrap();
    assert_eq!(left(&api), Vec::<String>::new());
}
