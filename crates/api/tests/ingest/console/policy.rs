//! From a first change to a published policy and back; delay notices from announcing to the end.

use serde_json::json;

use super::*;

async fn revision(api: &Api) -> String {
    let n: i64 = api
        .state
        .db()
        .read(|db| Ok(db.query_row("select coalesce(max(revision), 0) from drafts where store = 'demo'", [], |r| r.get(0))?))
        .await
        .unwrap();
    n.to_string()
}

async fn published(api: &Api) -> Value {
    api.admin("GET", "policy", "application/json", b"").await.1
}

/// An origin as its form sends it.
fn origin<'a>(revision: &'a str, monday: &'a str, zone: &'a str) -> Vec<(&'static str, &'a str)> {
    vec![
        ("revision", revision),
        ("name", "Memphis"),
        ("country", "us"),
        ("region", "TN"),
        ("time_zone", zone),
        ("cutoffs.mon", monday),
        ("cutoffs.tue", "14:00"),
        ("handling.min", "0"),
        ("handling.max", "1"),
        ("holidays", "US"),
        ("closures", "2026-11-27"),
        ("half_days", "2026-12-24 11:00"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_is_edited_as_a_draft_published_and_rolled_back() {
    let api = api().await;
    let owner = api.signed_in("demo", Role::Owner).await;
    let before = published(&api).await;
    let path = "/console/demo/policy/origins/0";
    // What can't be accepted is said in its place, and changes nothing.
    let (status, _, text) = api.submit(&owner, path, &origin("0", "25:00", "Memphis")).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(text.contains("aria-invalid=\"true\"") && text.contains("IANA time zone") && text.contains("HH:MM"), "{text}");
    assert!(text.contains("value=\"25:00\""), "what was typed is still there");
    assert_eq!(revision(&api).await, "0");
    let (status, _, text) = api.submit(&owner, path, &origin("0", "15:30", "America/Chicago")).await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{text}");
    assert_eq!(published(&api).await, before, "shoppers see nothing of a draft");
    // Who began from an older draft is told.
    let (status, _, text) = api.submit(&owner, path, &origin("0", "09:00", "America/Chicago")).await;
    assert!(status == StatusCode::UNPROCESSABLE_ENTITY && text.contains("Somebody has changed the draft"));
    let (_, text) = api.open(&owner, "/console/demo/policy/history/draft").await;
    assert!(
        text.contains("origins › memphis › cutoffs › mon")
            && text.contains("<del>14:00</del>")
            && text.contains("<ins>15:30</ins>"),
        "{text}"
    );
    let (status, _, _) = api.submit(&owner, "/console/demo/policy/publish", &[("revision", "7")]).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "not what they looked at");
    let revision = revision(&api).await;
    let (status, _, _) =
        api.submit(&owner, "/console/demo/policy/publish", &[("revision", &revision), ("note", "Later on Mondays")]).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let after = published(&api).await;
    assert_eq!((&after["version"], &after["origins"][0]["cutoffs"]["mon"]), (&json!(2), &json!("15:30")));
    assert_eq!(after["origins"][0]["id"], "memphis", "an id stays");
    let (_, text) = api.open(&owner, "/console/demo/policy/history").await;
    assert!(text.contains("Later on Mondays") && text.contains("Version 1"));
    api.submit(&owner, "/console/demo/policy/roll-back", &[("version", "1")]).await;
    let back = published(&api).await;
    assert_eq!((&back["version"], &back["origins"]), (&json!(3), &before["origins"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_form_keeps_what_it_shows() {
    let api = api().await;
    let owner = api.signed_in("demo", Role::Owner).await;
    let before = published(&api).await;
    // Each entry's form, sent back as it is shown, changes nothing.
    for (section, n) in [("origins", 2), ("services", 5), ("zones", 7), ("transit", 13), ("methods", 3), ("items", 5)] {
        for at in 0..n {
            let path = format!("/console/demo/policy/{section}/{at}");
            let (status, page) = api.open(&owner, &path).await;
            assert_eq!(status, StatusCode::OK, "{path}");
            let fields = fields_of(&page, "entry");
            let all: Vec<(&str, &str)> = fields.iter().filter(|f| f.0 != "csrf").map(|f| (f.0.as_str(), f.1.as_str())).collect();
            let (status, _, text) = api.submit(&owner, &path, &all).await;
            assert_eq!(status, StatusCode::SEE_OTHER, "{path}: {text}");
        }
    }
    let (_, text) = api.open(&owner, "/console/demo/policy/history/draft").await;
    assert!(text.contains("<p>Nothing.</p>"), "{text}");
    assert_eq!(published(&api).await, before);
}

/// The fields of a form as a browser would send them.
fn fields_of(page: &str, id: &str) -> Vec<(String, String)> {
    let form = page.split(&format!("id=\"{id}\"")).nth(1).and_then(|t| t.split("</form>").next()).unwrap();
    let plain = |t: &str| t.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
    let attribute = |tag: &str, name: &str| tag.split(&format!(" {name}=\"")).nth(1).and_then(|t| t.split('"').next()).map(plain);
    let mut fields = Vec::new();
    for part in form.split('<').skip(1) {
        let (tag, text) = part.split_once('>').unwrap_or((part, ""));
        let name = attribute(tag, "name").unwrap_or_default();
        if tag.starts_with("input") && (!tag.contains("type=\"checkbox\"") || tag.contains(" checked")) {
            fields.push((name, attribute(tag, "value").unwrap_or_default()));
        } else if tag.starts_with("textarea") {
            fields.push((name, plain(text)));
        } else if tag.starts_with("select") {
            fields.push((name, String::new()));
        } else if tag.starts_with("option")
            && tag.contains(" selected")
            && let Some(last) = fields.last_mut()
        {
            last.1 = attribute(tag, "value").unwrap_or_default();
        }
    }
    fields.retain(|f| !f.0.is_empty());
    fields
}

#[tokio::test(flavor = "multi_thread")]
async fn the_preview_answers_as_the_widget_would() {
    let api = api().await;
    let viewer = api.signed_in("demo", Role::Viewer).await;
    let ask = |rest: &str| format!("/console/demo/policy/preview?try_country=us&try_sku=MUG-1&try_quantity=1&{rest}");
    let (_, text) =
        api.open(&viewer, &ask("try_postal_code=94103&try_at=2026-11-23T13:00&try_surface=product&try_language=en")).await;
    assert!(text.contains("Get it ") && text.contains("class=\"widget\"") && !text.contains("<html"), "{text}");
    let (_, late) =
        api.open(&viewer, &ask("try_postal_code=94103&try_at=2026-11-23T14:30&try_surface=product&try_language=en")).await;
    assert_ne!(text, late, "after the cut-off");
    let (_, text) = api.open(&viewer, &ask("try_postal_code=99501&try_language=de")).await;
    assert!(text.contains("Alaska") && text.contains("lang=\"de\""), "{text}");
    for (odd, said) in [("try_at=yesterday", "can&#39;t be read"), ("try_at=2026-03-08T02:30", "does not exist")] {
        let (status, text) = api.open(&viewer, &ask(odd)).await;
        assert!(status == StatusCode::OK && text.replace('\'', "&#39;").contains(said), "{text}");
    }
    // While one types, before anything is saved.
    let owner = api.signed_in("demo", Role::Owner).await;
    let mut typed = origin("0", "15:30", "America/Chicago");
    typed.extend([("try_country", "US"), ("try_sku", "MUG-1"), ("try_postal_code", "94103"), ("try_at", "2026-11-23T15:00")]);
    let (status, _, text) = api.submit(&owner, "/console/demo/policy/origins/0/preview", &typed).await;
    assert!(status == StatusCode::OK && text.contains("Get it "), "{text}");
    assert_eq!(revision(&api).await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn stored_texts_are_never_markup() {
    let api = api().await;
    let owner = api.signed_in("demo", Role::Owner).await;
    let evil = "\"><script>alert(1)</script><b onmouseover=x>";
    let mut policy = published(&api).await;
    for (list, key) in [("origins", "name"), ("services", "name"), ("zones", "name"), ("methods", "name"), ("items", "sku")] {
        policy[list][0][key] = json!(evil);
    }
    let text = policy.to_string();
    let (status, _, _) = api.submit(&owner, "/console/demo/policy/json", &[("revision", "0"), ("json", &text)]).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    api.submit(&owner, "/console/demo/policy/publish", &[("revision", "1"), ("note", evil)]).await;
    let delay = [("reason", "weather"), ("min", "1"), ("severity", "1"), ("message.en", evil)];
    assert_eq!(api.submit(&owner, "/console/demo/delays/new", &delay).await.0, StatusCode::SEE_OTHER);
    let pages = api::console::table();
    let mut seen = 0;
    for route in pages.iter().filter(|r| r.method == axum::http::Method::GET) {
        let path = route
            .path
            .replace("{store}", "demo")
            .replace("{section}", "origins")
            .replace("{entry}", "0")
            .replace("{version}", "2");
        let (_, text) = api.open(&owner, &path).await;
        assert!(!text.contains("<script>alert") && !text.contains("<b onmouseover"), "{path}");
        seen += usize::from(text.contains("&lt;script&gt;alert(1)"));
    }
    assert!(seen >= 4, "the texts are shown, as texts: {seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delay_is_announced_shown_and_ended() {
    let api = api().await;
    let support = api.signed_in("demo", Role::Support).await;
    let estimate = "/v1/stores/demo/estimate?sku=MUG-1&country=US&postal_code=94103&method=standard";
    let plain = api.get(estimate).await.2;
    // Two clicks: the reason, and "Announce" under a form that is filled in.
    let (status, page) = api.open(&support, "/console/demo/delays/new?reason=weather").await;
    assert!(status == StatusCode::OK && page.contains("value=\"Weather\"") && page.contains("value=\"Wetter\""), "{page}");
    let fields = [
        ("origins", "memphis"),
        ("reason", "weather"),
        ("from", ""),
        ("until", ""),
        ("min", "2"),
        ("max", "2"),
        ("severity", "2"),
        ("message.en", "Snow in Memphis"),
        ("message.de", "Wetter"),
    ];
    assert_eq!(api.submit(&support, "/console/demo/delays/new", &fields).await.0, StatusCode::SEE_OTHER);
    let delayed = api.get(estimate).await.2;
    assert_eq!(delayed["delays"][0]["message"], json!([["en", "Snow in Memphis"]]), "German has its own words already");
    assert!(delayed["options"][0]["window"]["to"].as_str() > plain["options"][0]["window"]["to"].as_str(), "{delayed}");
    let (_, page) = api.open(&support, "/console/demo/delays").await;
    assert!(page.contains("Snow in Memphis") && page.contains("from Memphis"));
    let id = delayed["delays"][0]["id"].as_str().unwrap().to_owned();
    // What makes no sense is refused.
    for (name, value, said) in [
        ("until", "2020-01-01T00:00", "before it begins"),
        ("min", "", "how many working days"),
        ("places", "Rome", "begin with a country"),
    ] {
        let mut wrong: Vec<(&str, &str)> = fields.iter().filter(|f| f.0 != name && f.0 != "max").copied().collect();
        wrong.push((name, value));
        let (status, _, text) = api.submit(&support, &format!("/console/demo/delays/{id}"), &wrong).await;
        assert!(status == StatusCode::UNPROCESSABLE_ENTITY && text.contains(said), "{said}: {text}");
    }
    api.submit(&support, "/console/demo/delays/end", &[("id", &id)]).await;
    let ended = api.get(estimate).await.2;
    assert_eq!((&ended["delays"], &ended["options"][0]["window"]), (&json!([]), &plain["options"][0]["window"]));
    let who: String = api
        .state
        .db()
        .read(|db| Ok(db.query_row("select group_concat(action) from audit where actor like 'Person%'", [], |r| r.get(0))?))
        .await
        .unwrap();
    assert_eq!(who, "delay.put,delay.end");
}
