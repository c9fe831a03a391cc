//! Rules, words, the log, consent and delay options, as staff use them; and codes, carriers, findings and shoppers' data beside them.

use serde_json::json;

use super::*;
use crate::{
    messages::{ago, bought, mailing, packed, ruled, scanned},
    smtp::{Relay, decoded},
};

/// The value of a hidden field.
fn hidden(page: &str, name: &str) -> String {
    let at = page.find(&format!("name=\"{name}\" value=\"")).unwrap_or_else(|| panic!("no {name} in {page}"));
    page[at..].split('"').nth(3).unwrap().to_owned()
}

async fn rules(api: &Api) -> Value {
    api.admin("GET", "messages/rules", "", b"").await.1
}

fn rule<'a>(rules: &'a Value, id: &str) -> &'a Value {
    rules["rules"].as_array().unwrap().iter().find(|r| r["id"] == id).unwrap_or(&Value::Null)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_is_switched_changed_added_and_removed() {
    let api = api().await;
    let owner = api.signed_in("demo", Role::Owner).await;
    let (status, page) = api.open(&owner, "/console/demo/messages/rules").await;
    assert!(
        status == StatusCode::OK && page.contains("messages/rules/shipped-mail") && page.contains("Out for delivery"),
        "{page}"
    );
    let revision = hidden(&page, "revision");
    let path = "/console/demo/messages/rules/shipped-mail";
    assert_eq!(api.submit(&owner, path, &[("switch", "off"), ("revision", &revision)]).await.0, StatusCode::SEE_OTHER);
    assert_eq!(rule(&rules(&api).await, "shipped-mail")["enabled"], false);
    // Somebody who still looks at the page of before changes nothing.
    let (status, _, text) = api.submit(&owner, path, &[("switch", "on"), ("revision", &revision)]).await;
    assert!(status == StatusCode::CONFLICT && text.contains("somebody else"), "{text}");
    let (_, page) = api.open(&owner, path).await;
    let revision = hidden(&page, "revision");
    let fields = [
        ("revision", revision.as_str()),
        ("enabled", "yes"),
        ("notice", "shipped"),
        ("channel", "mail"),
        ("basis", "transactional"),
        ("delay_minutes", "25"),
        ("days", "0"),
        ("at_night", "yes"),
        ("language", "de"),
        ("carriers", "ups, fedex"),
        ("destinations", "us-ca; DE"),
        ("tags", "vip"),
        ("not_tags", ""),
        ("value_from", "5000"),
        ("value_to", ""),
        ("days_late", ""),
    ];
    let changed = |name: &str, value: &'static str| -> Vec<(&str, &str)> {
        fields.iter().map(|(n, v)| if *n == name { (*n, value) } else { (*n, *v) }).collect()
    };
    for (name, value, said) in [
        ("delay_minutes", "soon", "whole number"),
        ("delay_minutes", "99999", "a week at most"),
        ("destinations", "Bavaria", "a country such as US"),
        ("value_to", "10", "not less than"),
        ("channel", "fax", "mail, sms, push or hook"),
    ] {
        let (status, _, text) = api.submit(&owner, path, &changed(name, value)).await;
        assert!(status == StatusCode::UNPROCESSABLE_ENTITY && text.contains(said), "{name}={value}: {text}");
        assert!(text.contains("fedex"), "what was written stays: {text}");
    }
    assert_eq!(api.submit(&owner, path, &fields).await.0, StatusCode::SEE_OTHER);
    let kept = rules(&api).await;
    let one = rule(&kept, "shipped-mail");
    assert_eq!(
        (&one["delay_minutes"], &one["at_night"], &one["language"], &one["when"]["destinations"], &one["when"]["value_from"]),
        (&json!(25), &json!(true), &json!("de"), &json!(["US-CA", "DE"]), &json!(5000))
    );
    // A new one stands before those it is narrower than.
    let (_, page) = api.open(&owner, "/console/demo/messages/rules/new?notice=shipped").await;
    let revision = hidden(&page, "revision");
    let mut new: Vec<(&str, &str)> = changed("language", "");
    new[0] = ("revision", &revision);
    assert_eq!(api.submit(&owner, "/console/demo/messages/rules/new", &new).await.0, StatusCode::SEE_OTHER);
    let kept = rules(&api).await;
    let of_shipped: Vec<&str> = kept["rules"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|r| r["notice"] == "shipped" && r["channel"] == "mail")
        .map(|r| r["id"].as_str().unwrap())
        .collect();
    assert_eq!(of_shipped, ["shipped-mail-2", "shipped-mail"]);
    let (_, page) = api.open(&owner, "/console/demo/messages/rules").await;
    let revision = hidden(&page, "revision");
    let gone = [("remove", "yes"), ("revision", revision.as_str())];
    assert_eq!(api.submit(&owner, "/console/demo/messages/rules/shipped-mail-2", &gone).await.0, StatusCode::SEE_OTHER);
    assert!(rule(&rules(&api).await, "shipped-mail-2").is_null());
    // What holds for all of them.
    let (_, page) = api.open(&owner, "/console/demo/messages/rules").await;
    let revision = hidden(&page, "revision");
    let all = |from: &'static str| {
        vec![
            ("revision", revision.clone()),
            ("per_day", "2".into()),
            ("quiet.from", from.into()),
            ("quiet.to", "09:00".into()),
            ("language", "fr".into()),
        ]
    };
    let send = async |fields: Vec<(&str, String)>| {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
        api.submit(&owner, "/console/demo/messages/rules", &fields).await
    };
    let (status, _, text) = send(all("late")).await;
    assert!(status == StatusCode::UNPROCESSABLE_ENTITY && text.contains("a time of day"), "{text}");
    assert_eq!(send(all("20:00")).await.0, StatusCode::SEE_OTHER);
    let kept = rules(&api).await;
    assert_eq!((&kept["enabled"], &kept["per_day"], &kept["quiet"]["from"]), (&json!(false), &json!(2), &json!("20:00")));
    // Whoever may look may not change.
    let support = api.signed_in("demo", Role::Support).await;
    let (_, page) = api.open(&support, "/console/demo/messages/rules").await;
    assert!(page.contains("Shipped") && !page.contains("Switch off"));
    let log = "select group_concat(action) from audit where actor like 'Person%'";
    let log: String = api.state.db().read(move |db| Ok(db.query_row(log, [], |r| r.get(0))?)).await.unwrap();
    assert_eq!(log, ["messages.rules"; 5].join(","));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chat_tool_is_added_tried_and_keeps_its_secret() {
    let got = std::sync::Arc::new(std::sync::Mutex::new(Vec::<(String, Value)>::new()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let kept = got.clone();
    let app = Router::new().route(
        "/hook",
        axum::routing::post(move |headers: HeaderMap, body: axum::Json<Value>| async move {
            let key = headers.get("x-key").map(|v| v.to_str().unwrap().to_owned()).unwrap_or_default();
            kept.lock().unwrap().push((key, body.0));
        }),
    );
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let closed = api().await;
    let owner = closed.signed_in("demo", Role::Owner).await;
    let (_, page) = closed.open(&owner, "/console/demo/messages/hooks/new").await;
    let revision = hidden(&page, "revision");
    let fields = |revision: &str, url: &str, headers: &str| -> Vec<(&'static str, String)> {
        vec![
            ("revision", revision.into()),
            ("name", "team".into()),
            ("url", url.into()),
            ("shape", String::new()),
            ("body", r#"{"say": {{ short }}}"#.into()),
            ("headers", headers.into()),
        ]
    };
    let put = async |api: &Api, who: &Browser, at: &str, f: &[(&'static str, String)]| {
        let f: Vec<(&str, &str)> = f.iter().map(|(n, v)| (*n, v.as_str())).collect();
        api.submit(who, &format!("/console/demo/messages/hooks/{at}"), &f).await
    };
    for inside in ["http://127.0.0.1:1/x", "https://169.254.169.254/latest", "https://localhost/x", "file:///etc/passwd"] {
        let (status, _, text) = put(&closed, &owner, "new", &fields(&revision, inside, "")).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{inside}: {text}");
    }
    let api = api_with(|c| c.limits.internal_targets = true).await;
    let owner = api.signed_in("demo", Role::Owner).await;
    let (_, page) = api.open(&owner, "/console/demo/messages/hooks/new").await;
    let revision = hidden(&page, "revision");
    let answer = put(&api, &owner, "new", &fields(&revision, &url, "X-Key: s3cret")).await;
    assert_eq!(answer.0, StatusCode::SEE_OTHER, "{}", answer.2);
    let (_, page) = api.open(&owner, "/console/demo/messages/hooks/team").await;
    assert!(page.contains("X-Key: …") && !page.contains("s3cret"), "{page}");
    let (_, _, page) = api.submit(&owner, "/console/demo/messages/hooks/team", &[("test", "yes")]).await;
    assert!(page.contains("Sent."), "{page}");
    let first = got.lock().unwrap()[0].clone();
    assert_eq!((first.0.as_str(), first.1["say"].as_str()), ("s3cret", Some("Fjord & Fern: Your order #1001 is on its way")));
    // The secret stays with its address, and goes to no other.
    let revision = hidden(&api.open(&owner, "/console/demo/messages/hooks/team").await.1, "revision");
    assert_eq!(put(&api, &owner, "team", &fields(&revision, &url, "X-Key: …")).await.0, StatusCode::SEE_OTHER);
    api.submit(&owner, "/console/demo/messages/hooks/team", &[("test", "yes")]).await;
    assert_eq!(got.lock().unwrap()[1].0, "s3cret");
    let revision = hidden(&api.open(&owner, "/console/demo/messages/hooks/team").await.1, "revision");
    assert_eq!(put(&api, &owner, "team", &fields(&revision, &format!("{url}?x"), "X-Key: …")).await.0, StatusCode::SEE_OTHER);
    api.submit(&owner, "/console/demo/messages/hooks/team", &[("test", "yes")]).await;
    assert_eq!(got.lock().unwrap()[2].0, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn words_are_shown_on_a_real_order_tried_and_kept() {
    let relay = Relay::start().await;
    let api = mailing(&relay).await;
    api.webhook("shopify", "orders/create", "o", &bought(1001, json!({}))).await;
    api.webhook("shopify", "fulfillments/create", "f", &packed(1001, 1, "1Z1")).await;
    api.webhook("easypost", "", "", &scanned("1Z1", &["in_transit"])).await;
    let owner = api.signed_in("demo", Role::Owner).await;
    let path = "/console/demo/messages/words/shipped/en";
    let preview = format!("{path}/preview");
    let (_, page) = api.open(&owner, "/console/demo/messages/words").await;
    assert!(page.contains(path) && !page.contains("own words"), "{page}");
    let request = Request::get(&preview).header(header::COOKIE, format!("whereabouts_console={}", owner.secret));
    let (status, head, page) = api.raw(request.body(Body::empty()).unwrap()).await;
    assert!(status == StatusCode::OK && page.contains("on its way"), "{page}");
    // A frame of the console's own may show it; nothing in it runs.
    let policy = head["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'self'") && !policy.contains("script"));
    assert!(page.contains("sandbox=\"\""));
    let own = [
        ("subject", "Off it goes: {{ order.number }} <3"),
        ("html", "<script>alert(1)</script>{{ order.number }}"),
        ("order", "1001"),
    ];
    let (_, _, page) = api.submit(&owner, &preview, &own).await;
    assert!(page.contains("Off it goes: #1001 &lt;3"), "{page}");
    assert!(!page.contains("<script>alert"), "what a template makes stays within its own frame: {page}");
    let (_, _, page) = api.submit(&owner, &preview, &[("subject", "{{ order.numbr }} {% endif %}"), ("order", "1001")]).await;
    assert!(page.contains("Subject") && page.contains("role=\"alert\""), "{page}");
    for (night, asked) in [("(max-width: 0)", &[][..]), ("(min-width: 0)", &[("dark", "yes")][..])] {
        let (_, _, page) = api.submit(&owner, &preview, asked).await;
        assert!(page.contains(night) && !page.contains("prefers-color-scheme"), "by night as by night: {page}");
    }
    let (_, _, page) = api.submit(&owner, &preview, &[("order", "nothing")]).await;
    assert!(page.contains("There is no order nothing."), "{page}");
    let test = format!("{path}/test");
    let (status, _, page) =
        api.submit(&owner, &test, &[("subject", "Tried {{ order.number }}"), ("channel", "mail"), ("to", "nobody")]).await;
    assert!(
        status == StatusCode::UNPROCESSABLE_ENTITY
            && page.contains("a mail address")
            && page.contains("Tried {{ order.number }}"),
        "{page}"
    );
    let (status, _, page) = api
        .submit(
            &owner,
            &test,
            &[("subject", "Tried {{ order.number }}"), ("channel", "mail"), ("to", "me@shop.example"), ("order", "1001")],
        )
        .await;
    assert!(status == StatusCode::OK && page.contains("Sent.") && page.contains("Tried {{ order.number }}"), "{page}");
    let mail = relay.got.lock().unwrap()[0].clone();
    assert!(mail.to.contains("me@shop.example") && mail.source.contains("Subject: Tried #1001"), "{}", mail.source);
    assert!(decoded(&mail.source, "text/plain").contains("test"));
    // Broken ones are not kept; good ones are, and are sent.
    let (status, _, page) = api.submit(&owner, path, &[("body", "{% for %}")]).await;
    assert!(status == StatusCode::UNPROCESSABLE_ENTITY && page.contains("{% for %}"), "{page}");
    assert_eq!(api.submit(&owner, path, &[("subject", "Off it goes: {{ order.number }}")]).await.0, StatusCode::SEE_OTHER);
    assert_eq!(api.admin("GET", "messages/words", "", b"").await.1[0]["words"]["subject"], "Off it goes: {{ order.number }}");
    assert!(api.open(&owner, "/console/demo/messages/words").await.1.contains("own words"));
    assert_eq!(api.open(&owner, "/console/demo/messages/words/shipped/xx").await.0, StatusCode::NOT_FOUND);
    assert_eq!(api.open(&owner, "/console/demo/messages/words/nothing/en").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_says_what_became_of_a_message_and_sends_it_again() {
    let relay = Relay::start().await;
    let api = mailing(&relay).await;
    ruled(&api, |r| {
        r.rules.retain(|r| r.notice != "satisfied");
        r.rules.iter_mut().for_each(|r| r.delay_minutes = 0);
    })
    .await;
    api.webhook("shopify", "orders/create", "o", &bought(1001, json!({}))).await;
    api.webhook("shopify", "fulfillments/create", "f", &packed(1001, 1, "1Z1")).await;
    api.webhook("easypost", "", "", &scanned("1Z1", &["in_transit", "out_for_delivery"])).await;
    api.all_done().await;
    let viewer = api.signed_in("demo", Role::Viewer).await;
    let (_, page) = api.open(&viewer, "/console/demo/messages?order=%231001&state=sent").await;
    assert!(page.contains("Out for delivery") && page.contains("Sent") && !page.contains("messages/again"), "{page}");
    assert!(!page.contains("ada@"), "no address in the log");
    assert!(api.open(&viewer, "/console/demo/messages?order=9999").await.1.contains("None."));
    let support = api.signed_in("demo", Role::Support).await;
    let (_, page) = api.open(&support, "/console/demo/messages").await;
    assert!(page.contains("messages/again"), "{page}");
    let id = hidden(&page, "id");
    let before = relay.got.lock().unwrap().len();
    assert_eq!(api.submit(&support, "/console/demo/messages/again", &[("id", &id)]).await.0, StatusCode::SEE_OTHER);
    api.all_done().await;
    let all = relay.got.lock().unwrap().clone();
    assert_eq!(all.len(), before + 1);
    assert_ne!(all[before].id, all[before - 1].id, "a mailbox would drop a second one with the same id");
    // What is no longer true is not sent again either. (Asked twice in a second it would be one.)
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    api.webhook("easypost", "", "", &scanned("1Z1", &["in_transit", "out_for_delivery", "delivered"])).await;
    api.all_done().await;
    let before = relay.got.lock().unwrap().len();
    assert_eq!(api.submit(&support, "/console/demo/messages/again", &[("id", &id)]).await.0, StatusCode::SEE_OTHER);
    api.all_done().await;
    assert_eq!(relay.got.lock().unwrap().len(), before);
    assert_eq!(api.submit(&support, "/console/demo/messages/again", &[("id", "msg_0")]).await.0, StatusCode::NOT_FOUND);
    let other = api.signed_in("other", Role::Owner).await;
    assert_eq!(api.submit(&other, "/console/other/messages/again", &[("id", &id)]).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_wants_no_messages_is_found_stopped_and_released() {
    let api = api().await;
    api.webhook("shopify", "orders/create", "o", &bought(1001, json!({"buyer_accepts_marketing": true}))).await;
    let support = api.signed_in("demo", Role::Support).await;
    let at = "/console/demo/messages/people";
    let (_, page) = api.open(&support, &format!("{at}?of=1001")).await;
    assert!(
        page.contains("…@Example.com") && page.contains("written to") && !page.to_lowercase().contains("ada@example.com"),
        "{page}"
    );
    assert_eq!(api.submit(&support, at, &[("do", "suppress"), ("address", "Ada@Example.com ")]).await.0, StatusCode::SEE_OTHER);
    let (_, page) = api.open(&support, &format!("{at}?of=ada%40example.com")).await;
    assert!(page.contains("not written to") && page.contains("your decision"), "{page}");
    let hash = hidden(&page, "address");
    let release = [("do", "release"), ("channel", "mail"), ("address", hash.as_str())];
    assert_eq!(api.submit(&support, at, &release).await.0, StatusCode::SEE_OTHER);
    assert_eq!(api.submit(&support, at, &release).await.0, StatusCode::CONFLICT, "it is not there any more");
    // What the shopper ended, only the shopper resumes.
    let (info, of) = (api.state.store_info("demo").unwrap(), hash.clone());
    let stop = move |db: &rusqlite::Connection| {
        ::api::messages::people::suppress(db, &info.id, "mail", &of, None, "unsubscribed", Instant(1_700_000_000))
    };
    api.state.db().write(stop).await.unwrap();
    let (_, page) = api.open(&support, &format!("{at}?of=1001")).await;
    assert!(page.contains("followed the link") && !page.contains("Write to it again"), "{page}");
    assert_eq!(api.submit(&support, at, &release).await.0, StatusCode::CONFLICT);
    let (status, _, page) = api.submit(&support, at, &[("do", "suppress"), ("address", "not an address")]).await;
    assert!(status == StatusCode::UNPROCESSABLE_ENTITY && page.contains("Write a mail address"), "{page}");
    assert!(api.open(&support, &format!("{at}?of=nobody")).await.1.contains("Nothing is known"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delay_option_is_switched_on_looked_at_and_sent() {
    let relay = Relay::start().await;
    let api = mailing(&relay).await;
    ruled(&api, |r| r.rules.clear()).await;
    let at = ago(20 * 24);
    let more = json!({"created_at": at, "updated_at": at, "shipping_address": {"city": "San Francisco", "province_code": "CA", "zip": "94103", "country_code": "US"}});
    for id in [1001, 1002] {
        api.webhook("shopify", "orders/create", &format!("o{id}"), &bought(id, more.clone())).await;
    }
    let support = api.signed_in("demo", Role::Support).await;
    let (_, page) = api.open(&support, "/console/demo/messages/options").await;
    let links: Vec<String> =
        page.split("/console/demo/messages/options/").skip(1).map(|p| p.split('"').next().unwrap().to_owned()).collect();
    assert_eq!(links.len(), 2, "{page}");
    let one = format!("/console/demo/messages/options/{}", links[0]);
    let (_, page) = api.open(&support, &one).await;
    assert!(page.contains("Cancelling is free") && page.contains("New last day"), "{page}");
    let (status, _, page) = api.submit(&support, &one, &[("indefinite", "yes"), ("reason", "")]).await;
    assert!(status == StatusCode::UNPROCESSABLE_ENTITY && page.contains("must be told why"), "{page}");
    assert_eq!(api.submit(&support, &one, &[("revised_to", "2020-01-01")]).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(api.submit(&support, &one, &[("reason", "The potter is ill")]).await.0, StatusCode::SEE_OTHER);
    api.all_done().await;
    assert!(decoded(&relay.got.lock().unwrap()[0].source, "text/plain").contains("The potter is ill"));
    assert_eq!(api.submit(&support, &one, &[]).await.0, StatusCode::NOT_FOUND, "it is no draft any more");
    let other = format!("/console/demo/messages/options/{}", links[1]);
    assert_eq!(api.submit(&support, &other, &[("dismiss", "yes")]).await.0, StatusCode::SEE_OTHER);
    let (_, page) = api.open(&support, "/console/demo/messages/options").await;
    assert!(page.contains("sent, not answered") && page.contains("dismissed"), "{page}");
    // The owner says how they are sent.
    let owner = api.signed_in("demo", Role::Owner).await;
    let revision = hidden(&api.open(&owner, "/console/demo/messages/options").await.1, "revision");
    let say =
        |days: &'static str| [("revision", revision.clone()), ("mode", "send".to_owned()), ("answer_days", days.to_owned())];
    let send = async |f: [(&str, String); 3]| {
        let f: Vec<(&str, &str)> = f.iter().map(|(n, v)| (*n, v.as_str())).collect();
        api.submit(&owner, "/console/demo/messages/options", &f).await
    };
    let (status, _, page) = send(say("99")).await;
    assert!(status == StatusCode::UNPROCESSABLE_ENTITY && page.contains("1 to 30 days"), "{page}");
    assert_eq!(send(say("10")).await.0, StatusCode::SEE_OTHER);
    assert_eq!(rules(&api).await["delay_options"], json!({"mode": "send", "answer_days": 10}));
}
