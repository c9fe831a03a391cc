//! Wherever staff meet an order, it has the number that its shopper knows, not the platform's id.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn pages_name_an_order_by_the_number_that_its_shopper_knows() {
    let letters = tempfile::tempdir().unwrap();
    let url = format!("file://{}", letters.path().display());
    let api = api_with(|c| c.mail.url = url.into()).await;
    let body = String::from_utf8(order(1001, "2026-11-23T15:00:00-06:00")).unwrap().replace("\"#1001\"", "\"#A-77\"");
    api.webhook("shopify", "orders/create", "w1", body.as_bytes()).await;
    std::fs::write(
        letters.path().join("m1.eml"),
        "From: a@shop.example\r\nTo: b@example.com\r\nSubject: Hello\r\nContent-Type: text/html\r\n\r\n<p>x</p>",
    )
    .unwrap();
    let now = now();
    let write = api.state.db().write(move |db| {
        db.execute_batch(&format!(
            "insert into messages (id, store, order_id, channel, notice, rule, made_at, state, sent_at) values ('m1', 'demo', '1001', 'mail', 'shipped', 'r', {now}, 'sent', {now});
             insert into reports (id, store, order_id, kind, state, opened_at, updated_at, key, body) values ('r1', 'demo', '1001', 'damaged', 'checking', {now}, {now}, 'k', '{{}}');
             insert into feedback (store, order_id, at, score, comment, language) values ('demo', '1001', {now}, 3, 'Late', 'en');
             insert into opt_ins (store, order_id, channel, given, at, language, words) values ('demo', '1001', 'email', 1, {now}, 'en', 'Tell me');
             insert into outbox (id, store, endpoint, order_id, kind, body, made_at) values ('o1', 'demo', 'x', '1001', 'order.updated', '{{}}', {now});
             insert into delay_options (id, store, order_id, nth, law, promised, reason, silence, state, made_at) values ('d1', 'demo', '1001', 1, 'us', '2026-11-24', 'weather', 'cancels', 'sent', {now});"
        ))?;
        ::api::store::audit::record(db, "demo", "Ada", "order.correct", "1001", &serde_json::json!({}))
    });
    write.await.unwrap();
    let owner = api.signed_in("demo", Role::Owner).await;
    for path in [
        "messages",
        "messages/letters/m1",
        "log",
        "reports",
        "reports/r1",
        "events/1",
        "webhooks",
        "messages/people",
        "messages/people?of=A-77",
        "messages/options",
        "insights/feedback",
        "orders",
    ] {
        let (status, page) = api.open(&owner, &format!("/console/demo/{path}")).await;
        assert_eq!(status, StatusCode::OK, "{path}: {page}");
        assert!(page.contains("#A-77") && !page.contains(">1001<") && !page.contains("Order 1001"), "{path}: {page}");
    }
    // An order that is not there any more has no other name than its id.
    api.state.db().write(|db| Ok(db.execute("delete from orders", [])?)).await.unwrap();
    let (status, page) = api.open(&owner, "/console/demo/messages/letters/m1").await;
    assert!(status == StatusCode::OK && page.contains(">1001<"), "{page}");
}
