//! The inbox of reports, and what the store says of itself on its help page.

use serde_json::json;

use super::*;

const NUMBER: &str = "1Z5R89390357567127";

fn ago(days: i64) -> String {
    Instant(now() - days * 86_400).to_string()
}

/// An order that was delivered two days ago, and the id of a report about it.
async fn reported(api: &Api, words: &str) -> String {
    api.webhook("shopify", "orders/create", "o", &order(1001, &ago(7))).await;
    api.webhook("shopify", "fulfillments/create", "f", &fulfillment(1001, NUMBER)).await;
    api.webhook("easypost", "", "", &tracker("t", NUMBER, &[(&ago(5), "in_transit"), (&ago(2), "delivered")])).await;
    let token = token::mint("demo", "1001", i64::MAX, SECRET);
    let body = json!({"kind": "damaged", "items": ["MUG-1"], "words": words}).to_string();
    let request = Request::post(format!("/v1/orders/{token}/reports")).header(header::CONTENT_TYPE, "application/json");
    let (status, _, answer) = api.send(request.body(Body::from(body)).unwrap()).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    answer["id"].as_str().unwrap().to_owned()
}

async fn state_of(api: &Api, id: &str) -> String {
    api.admin("GET", &format!("reports/{id}"), "application/json", b"").await.1["state"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_is_read_answered_and_settled() {
    let api = api().await;
    let id = reported(&api, "<b>The handle</b> is off").await;
    let support = api.signed_in("demo", Role::Support).await;
    let (_, page) = api.open(&support, "/console/demo/reports").await;
    assert!(page.contains(&format!("/console/demo/reports/{id}")) && page.contains("&lt;b&gt;The handle"), "{page}");
    let path = format!("/console/demo/reports/{id}");
    let (_, page) = api.open(&support, &path).await;
    assert!(
        page.contains("damaged") && page.contains("&lt;b&gt;The handle&lt;/b&gt; is off") && page.contains("Offer something"),
        "{page}"
    );
    let viewer = api.signed_in("demo", Role::Viewer).await;
    let (_, page) = api.open(&viewer, &path).await;
    assert!(!page.contains("The handle") && !page.contains("Offer something"), "a viewer sees that there is one");
    let wrong = [("option", "discount"), ("percent", "")];
    let (status, _, text) = api.submit(&support, &format!("{path}/offer"), &wrong).await;
    assert!(status == StatusCode::UNPROCESSABLE_ENTITY && text.contains("say how much"), "{text}");
    let offer = [("option", "resend"), ("note", "A new one tomorrow")];
    assert_eq!(api.submit(&support, &format!("{path}/offer"), &offer).await.0, StatusCode::SEE_OTHER);
    assert_eq!(state_of(&api, &id).await, "offered");
    // Not from here: nothing was begun.
    assert_eq!(api.submit(&support, &format!("{path}/settle"), &[]).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(api.submit(&support, &format!("{path}/start"), &[("reference-start", "#2001")]).await.0, StatusCode::SEE_OTHER);
    assert_eq!(
        api.submit(&support, &format!("{path}/settle"), &[("note-settle", "It is on its way")]).await.0,
        StatusCode::SEE_OTHER
    );
    assert_eq!(state_of(&api, &id).await, "settled");
    assert_eq!(api.submit(&support, &format!("{path}/eat"), &[]).await.0, StatusCode::NOT_FOUND);
    let stranger = api.signed_in("other", Role::Owner).await;
    assert_eq!(api.open(&stranger, &format!("/console/other/reports/{id}")).await.0, StatusCode::NOT_FOUND);
    assert_eq!(api.submit(&stranger, &format!("/console/other/reports/{id}/reopen"), &[]).await.0, StatusCode::NOT_FOUND);
    let sql = "select group_concat(action) from audit where actor like 'Person%' and action like 'report.%'";
    let log: String = api.state.db().read(move |db| Ok(db.query_row(sql, [], |r| r.get(0))?)).await.unwrap();
    assert_eq!(log, "report.offer,report.start,report.settle");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_writes_its_own_questions_and_contacts() {
    let api = api().await;
    let owner = api.signed_in("demo", Role::Owner).await;
    let care = async || api.admin("GET", "care", "application/json", b"").await.1;
    let faq = [
        ("question.en", "Where is my invoice?"),
        ("answer.en", "In your mail."),
        ("answer.de", "In der Post."),
        ("situations", "late"),
    ];
    assert_eq!(api.submit(&owner, "/console/demo/help/faqs/new", &faq).await.0, StatusCode::SEE_OTHER);
    let (status, _, text) = api.submit(&owner, "/console/demo/help/faqs/new", &[("question.en", "No answer?")]).await;
    assert!(status == StatusCode::UNPROCESSABLE_ENTITY && text.contains("No answer?"), "{text}");
    let contact = [("kind", "email"), ("address", "help@shop.example"), ("minutes", "60")];
    assert_eq!(api.submit(&owner, "/console/demo/help/contacts/new", &contact).await.0, StatusCode::SEE_OTHER);
    let bad = [("kind", "page"), ("address", "javascript:alert(1)")];
    assert_eq!(api.submit(&owner, "/console/demo/help/contacts/new", &bad).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    let now = care().await;
    assert_eq!(now["help"]["faqs"][0]["answer"], json!({"en": "In your mail.", "de": "In der Post."}));
    assert_eq!(
        (&now["help"]["contacts"][0]["address"], &now["help"]["contacts"].as_array().unwrap().len()),
        (&json!("help@shop.example"), &1)
    );
    // The switches keep what they don't show.
    let fields = [
        ("help.on", "yes"),
        ("help.peak", "off"),
        ("help.busy", "auto"),
        ("help.busy_from", "10"),
        ("reports.on", "yes"),
        ("reports.give_up_below", "40"),
        ("reports.reopen_days", "14"),
        ("feedback.after_hours", "5"),
        ("safer.from", "7"),
        ("rules", r#"[{"option":"refund","percent":50}]"#),
    ];
    assert_eq!(api.submit(&owner, "/console/demo/help", &fields).await.0, StatusCode::SEE_OTHER);
    let now = care().await;
    assert_eq!(
        (&now["help"]["peak"], &now["feedback"]["on"], &now["reports"]["rules"][0]["percent"], &now["safer"]),
        (&json!("off"), &json!(false), &json!(50), &json!({"on": false, "from": 7}))
    );
    assert_eq!(now["help"]["faqs"].as_array().unwrap().len(), 1);
    let mut bad = fields.to_vec();
    bad.pop();
    bad.push(("rules", "[{]"));
    assert_eq!(api.submit(&owner, "/console/demo/help", &bad).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(api.submit(&owner, "/console/demo/help/faqs/0", &[("remove", "yes")]).await.0, StatusCode::SEE_OTHER);
    assert_eq!(care().await["help"]["faqs"], json!([]));
}
