//! Signing in, sessions, roles, and forms that other pages send.

pub use ::api::console::{self, Least};
use axum::http::Method;

use super::*;

pub fn to(headers: &HeaderMap) -> &str {
    headers.get(header::LOCATION).and_then(|v| v.to_str().ok()).unwrap_or_default()
}

pub fn session_of(headers: &HeaderMap) -> Browser {
    let all = headers.get_all(header::SET_COOKIE).into_iter().filter_map(|c| c.to_str().ok());
    let cookie = all.into_iter().find(|c| c.starts_with("whereabouts_console=")).unwrap();
    assert!(cookie.contains("HttpOnly; SameSite=Lax"), "{cookie}");
    let secret = cookie.strip_prefix("whereabouts_console=").and_then(|c| c.split(';').next()).unwrap();
    Browser { secret: secret.into() }
}

pub async fn count(api: &Api, sql: &'static str) -> i64 {
    api.state.db().read(move |db| Ok(db.query_row(sql, [], |r| r.get(0))?)).await.unwrap()
}

pub const PASSWORD: &str = "kettle lamp orbit 9";

pub async fn set_up(api: &Api) -> Browser {
    let link = console::set_up_link(&api.state, "http://x").await.unwrap().unwrap();
    let path = link.strip_prefix("http://x").unwrap().to_owned();
    let fields = [("email", "Ada@Shop.example"), ("name", "Ada"), ("password", PASSWORD)];
    let (status, head, text) = api.raw(form(&path, None, &fields)).await;
    assert_eq!((status, to(&head)), (StatusCode::SEE_OTHER, "/console"), "{text}");
    session_of(&head)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_installation_is_opened_once_by_its_link() {
    let api = api().await;
    let (status, _, text) = api.raw(Request::get("/console/sign-in").body(Body::empty()).unwrap()).await;
    assert!(status == StatusCode::OK && text.contains("Nobody can sign in yet"));
    let old = console::set_up_link(&api.state, "http://x").await.unwrap().unwrap();
    let link = console::set_up_link(&api.state, "http://x").await.unwrap().unwrap();
    let path = |link: &str| link.strip_prefix("http://x").unwrap().to_owned();
    let nobody = Browser { secret: String::new() };
    assert_eq!(api.open(&nobody, &path(&old)).await.0, StatusCode::NOT_FOUND, "a newer link takes its place");
    assert_eq!(api.open(&nobody, "/console/set-up/guessed").await.0, StatusCode::NOT_FOUND);
    let (status, page) = api.open(&nobody, &path(&link)).await;
    assert!(status == StatusCode::OK && page.contains("You are the first here"));
    // What is wrong is said, and uses nothing up.
    let weak = [("email", "no address"), ("name", "<b>Ada</b>"), ("password", "short")];
    let (status, _, text) = api.raw(form(&path(&link), None, &weak)).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    for said in ["Write an email address", "Use at least 12 characters", "&lt;b&gt;Ada&lt;/b&gt;"] {
        assert!(text.contains(said), "{said}: {text}");
    }
    let right = [("email", "Ada@Shop.example"), ("name", "Ada"), ("password", PASSWORD)];
    let (status, head, _) = api.raw(form(&path(&link), None, &right)).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let ada = session_of(&head);
    let (status, text) = api.open(&ada, "/console").await;
    assert!(status == StatusCode::OK && text.contains("Fjord &amp; Fern"), "she runs the stores of the file too: {text}");
    let (status, _, _) = api.raw(form(&path(&link), None, &right)).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "a link works once");
    assert!(console::set_up_link(&api.state, "http://x").await.unwrap().is_none(), "there is somebody now");
    assert_eq!(count(&api, "select count(*) from people where password like '$argon2id$%'").await, 1);
    assert_eq!(count(&api, "select count(*) from sessions where length(hash) = 64").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn links_end_by_themselves() {
    let api = api().await;
    let link = console::set_up_link(&api.state, "http://x").await.unwrap().unwrap();
    let path = link.strip_prefix("http://x").unwrap().to_owned();
    api.state.db().write(|db| Ok(db.execute("update invitations set ends_at = ?1", [now()])?)).await.unwrap();
    let fields = [("email", "a@b.c"), ("name", "Ada"), ("password", PASSWORD)];
    assert_eq!(api.raw(form(&path, None, &fields)).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_makes_a_new_session_and_out_ends_it() {
    let api = api().await;
    let first = set_up(&api).await;
    let sign_in = |password: &'static str, cookie: Option<String>, next: &'static str| {
        let fields = [("email", " ADA@shop.example"), ("password", password), ("next", next)];
        form("/console/sign-in", cookie.as_deref(), &fields)
    };
    let (status, head, text) = api.raw(sign_in("kettle lamp orbit 8", None, "")).await;
    assert!(status == StatusCode::UNAUTHORIZED && !head.contains_key(header::SET_COOKIE) && text.contains("don't match"));
    let unknown = form("/console/sign-in", None, &[("email", "bob@shop.example"), ("password", PASSWORD)]);
    let (status, _, other) = api.raw(unknown).await;
    assert_eq!((status, other.contains("don't match")), (StatusCode::UNAUTHORIZED, true), "as if the password were wrong");
    // A session that somebody else chose is not taken on, and the one before ends.
    let planted = "ab".repeat(32);
    let (status, head, _) = api.raw(sign_in(PASSWORD, Some(planted.clone()), "/console/demo/overview")).await;
    assert_eq!((status, to(&head)), (StatusCode::SEE_OTHER, "/console/demo/overview"));
    let second = session_of(&head);
    assert_ne!(second.secret, planted);
    let planted = Browser { secret: planted };
    assert_eq!(api.open(&planted, "/console/account").await.0, StatusCode::SEE_OTHER);
    let (_, head, _) = api.raw(sign_in(PASSWORD, Some(first.secret.clone()), "https://evil.example")).await;
    assert_eq!(to(&head), "/console");
    assert_eq!(api.open(&first, "/console/account").await.0, StatusCode::SEE_OTHER, "rotated");
    assert_eq!(api.open(&second, "/console/account").await.0, StatusCode::OK);
    let (status, head, _) = api.submit(&second, "/console/sign-out", &[]).await;
    assert!(status == StatusCode::SEE_OTHER && head[header::SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(api.open(&second, "/console/account").await.0, StatusCode::SEE_OTHER, "ended on the server");
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_end_when_idle_and_at_the_latest() {
    let api = api().await;
    for sql in [
        format!("update sessions set seen_at = {} - 12 * 3600 - 1", now()),
        format!("update sessions set ends_at = {} - 1", now()),
        "delete from people".to_owned(),
    ] {
        let change = sql.clone();
        let who = api.signed_in("demo", Role::Viewer).await;
        assert_eq!(api.open(&who, "/console/demo/overview").await.0, StatusCode::OK);
        api.state.db().write(move |db| Ok(db.execute(&change, [])?)).await.unwrap();
        assert_eq!(api.open(&who, "/console/demo/overview").await.0, StatusCode::SEE_OTHER, "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_is_slowed_by_account_and_by_address() {
    let api = api_with(|c| c.limits.proxies = 1).await;
    set_up(&api).await;
    let guess = |email: String, peer: String| {
        let mut request = form("/console/sign-in", None, &[("email", email), ("password", "x".to_owned())]);
        request.headers_mut().insert("x-forwarded-for", peer.parse().unwrap());
        request
    };
    // Ten at once, and one more for each six seconds that this takes.
    let began = std::time::Instant::now();
    let mut refused = 0;
    while api.raw(guess("ada@shop.example".into(), format!("198.51.100.{refused}"))).await.0 == StatusCode::UNAUTHORIZED {
        refused += 1;
        assert!(refused <= 11 + began.elapsed().as_secs() / 6, "one account from many addresses");
    }
    assert!(refused >= 10, "{refused}");
    let mut request = form("/console/sign-in", None, &[("email", "ada@shop.example"), ("password", PASSWORD)]);
    request.headers_mut().insert("x-forwarded-for", "198.51.100.77".parse().unwrap());
    assert_eq!(api.raw(request).await.0, StatusCode::TOO_MANY_REQUESTS, "the right password is no way round");
    let began = std::time::Instant::now();
    let mut refused = 0;
    while api.raw(guess(format!("n{refused}@shop.example"), "203.0.113.9".into())).await.0 == StatusCode::UNAUTHORIZED {
        refused += 1;
        assert!(refused <= 11 + began.elapsed().as_secs() / 6, "many accounts from one address");
    }
}

/// A path of the table with something in each place.
fn filled(path: &str, store: &str) -> String {
    path.replace("{store}", store)
        .split('/')
        .map(|part| if part.starts_with('{') { "1" } else { part })
        .collect::<Vec<_>>()
        .join("/")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_asks_for_its_role_and_no_store_opens_another() {
    let api = api().await;
    let nobody = Browser { secret: "00".repeat(32) };
    let people = [
        (Role::Viewer, api.signed_in("demo", Role::Viewer).await),
        (Role::Support, api.signed_in("demo", Role::Support).await),
        (Role::Owner, api.signed_in("demo", Role::Owner).await),
    ];
    let stranger = api.signed_in("other", Role::Owner).await;
    let table = console::table();
    assert!(table.len() > 15);
    for route in &table {
        let path = filled(route.path, "demo");
        let ask = async |who: &Browser| match route.method {
            Method::GET => api.open(who, &path).await.0,
            // An empty form that is the console's own: it may be found wanting, but not for want of a right.
            _ => api.submit(who, &path, &[]).await.0,
        };
        let name = format!("{} {}", route.method, route.path);
        match route.least {
            Least::Nobody => continue,
            Least::In(least) => {
                assert!(route.path.starts_with("/console/{store}/"), "{name}");
                assert_eq!(ask(&stranger).await, StatusCode::NOT_FOUND, "{name}: another store's owner");
                for (role, who) in &people {
                    let answered = ask(who).await;
                    if *role < least {
                        assert_eq!(answered, StatusCode::FORBIDDEN, "{name} as {role:?}");
                    } else {
                        assert!(!matches!(answered.as_u16(), 401 | 403 | 405 | 500..), "{name} as {role:?}: {answered}");
                    }
                }
            }
            Least::Installation => {
                assert_eq!(ask(&people[2].1).await, StatusCode::FORBIDDEN, "{name}");
            }
            Least::Anyone => assert!(
                ask(&api.signed_in("demo", Role::Viewer).await).await.as_u16() < 400 || route.method == Method::POST,
                "{name}"
            ),
        }
        assert_eq!(ask(&nobody).await, StatusCode::SEE_OTHER, "{name}: without a session");
    }
    // What changes something asks for a form, and nothing but the sign-in is open.
    let open: Vec<_> = table.iter().filter(|r| r.least == Least::Nobody).map(|r| r.path).collect();
    assert_eq!(
        open,
        [
            "/console/assets/{file}",
            "/console/sign-in",
            "/console/sign-in",
            "/console/sign-in/passkey/ask",
            "/console/sign-in/passkey",
            "/console/set-up/{secret}",
            "/console/set-up/{secret}"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn forms_of_other_pages_change_nothing() {
    let api = api().await;
    let owner = api.installer().await;
    let another = api.installer().await;
    for route in console::table().iter().filter(|r| r.method != Method::GET) {
        let path = filled(route.path, "demo");
        let with = |token: &str, headers: &[(&str, &str)]| {
            let mut request = form(&path, Some(&owner.secret), &[("csrf", token)]);
            for (name, value) in headers {
                request
                    .headers_mut()
                    .insert(axum::http::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
            }
            request
        };
        let right = owner.csrf();
        let mut wrong = vec![
            with(&right, &[("host", "console.example"), ("origin", "https://evil.example")]),
            with(&right, &[("host", "console.example"), ("origin", "null")]),
            with(&right, &[("sec-fetch-site", "cross-site")]),
            with(&right, &[("sec-fetch-site", "same-site")]),
        ];
        if route.least != Least::Nobody {
            wrong.extend([with("", &[]), with(&another.csrf(), &[]), with(&owner.secret, &[])]);
        }
        for request in wrong {
            assert_eq!(api.raw(request).await.0, StatusCode::FORBIDDEN, "{}", route.path);
        }
    }
    let fine = form("/console/sign-out", Some(&owner.secret), &[("csrf", owner.csrf())]);
    assert_eq!(api.raw(fine).await.0, StatusCode::SEE_OTHER);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_run_nothing_but_their_own_files() {
    let api = api().await;
    let owner = api.installer().await;
    for route in console::table().iter().filter(|r| r.method == Method::GET) {
        let request =
            Request::get(filled(route.path, "demo")).header(header::COOKIE, format!("whereabouts_console={}", owner.secret));
        let (_, head, text) = api.raw(request.body(Body::empty()).unwrap()).await;
        let policy = head[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'self'") && !policy.contains("unsafe"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("form-action 'self'"));
        let path = route.path;
        for inline in ["<style", " style=", "javascript:", " onclick", " onload", " onerror", " onsubmit"] {
            assert!(!text.contains(inline), "{path} holds {inline}");
        }
        for script in text.split("<script").skip(1) {
            assert!(script.contains("src=\"/console/assets/console."), "{path}: <script{script}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_invited_change_roles_and_leave() {
    let api = api().await;
    let owner = api.signed_in("demo", Role::Owner).await;
    let (status, _, text) =
        api.submit(&owner, "/console/demo/people", &[("email", "Bo@shop.example"), ("role", "support")]).await;
    assert_eq!(status, StatusCode::OK);
    let path = format!("/console/set-up/{}", text.split("/console/set-up/").nth(1).and_then(|t| t.get(..64)).unwrap());
    let fields = [("email", "else@where.example"), ("name", "Bo"), ("password", PASSWORD)];
    let (status, head, _) = api.raw(form(&path, None, &fields)).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let bo = session_of(&head);
    assert_eq!(
        count(&api, "select count(*) from people where email = 'bo@shop.example'").await,
        1,
        "as invited, whatever the form says"
    );
    assert_eq!(api.open(&bo, "/console/demo/people").await.0, StatusCode::FORBIDDEN);
    let id = count(&api, "select id from people where email = 'bo@shop.example'").await.to_string();
    api.submit(&owner, "/console/demo/people/role", &[("person", &id), ("role", "owner")]).await;
    assert_eq!(api.open(&bo, "/console/demo/people").await.0, StatusCode::OK);
    // Into a second store with the same account, by its password.
    let theirs = api.signed_in("other", Role::Owner).await;
    let (_, _, text) = api.submit(&theirs, "/console/other/people", &[("email", "bo@shop.example"), ("role", "viewer")]).await;
    let path = format!("/console/set-up/{}", text.split("/console/set-up/").nth(1).and_then(|t| t.get(..64)).unwrap());
    assert_eq!(api.raw(form(&path, None, &[("password", "a wrong password 1")])).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(api.raw(form(&path, None, &[("password", PASSWORD)])).await.0, StatusCode::SEE_OTHER);
    // An owner of one store must not get into the other by a new password.
    let (status, _, text) = api.submit(&owner, "/console/demo/people/password", &[("person", &id)]).await;
    assert!(status == StatusCode::UNPROCESSABLE_ENTITY && text.contains("works for another store too"));
    api.submit(&owner, "/console/demo/people/remove", &[("person", &id)]).await;
    assert_eq!(api.open(&bo, "/console/demo/overview").await.0, StatusCode::NOT_FOUND);
    assert_eq!(api.open(&bo, "/console/other/overview").await.0, StatusCode::OK);
    let logged = count(&api, "select count(*) from audit where store = 'demo' and action like 'people.%'").await;
    assert_eq!(logged, 4, "invited, joined, role, removed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_made_in_the_console_is_there_at_once() {
    let api = api().await;
    let owner = api.installer().await;
    for (fields, said) in [
        (vec![("name", ""), ("id", "x")], "Write the store&#39;s name"),
        (vec![("name", "Shop"), ("id", "demo")], "a store with this key already"),
        (vec![("name", "Shop"), ("id", "sign-in")], "a meaning of its own"),
        (vec![("name", "Shop"), ("id", "a/b")], "letters, digits"),
        (vec![("name", "Shop"), ("url", "javascript:alert(1)")], "the whole address"),
    ] {
        let (status, _, text) = api.submit(&owner, "/console/stores", &fields).await;
        assert!(status == StatusCode::UNPROCESSABLE_ENTITY && text.replace("'", "&#39;").contains(said), "{said}: {text}");
    }
    let fields = [("name", "Tea & Toast"), ("url", "https://tea.example"), ("id", "")];
    let (status, head, _) = api.submit(&owner, "/console/stores", &fields).await;
    assert_eq!((status, to(&head)), (StatusCode::SEE_OTHER, "/console/tea-toast/guide"));
    assert_eq!(api.get("/v1/stores/tea-toast/promise.json").await.0, StatusCode::NOT_FOUND, "known, without a policy");
    let config = api.state.config();
    let store = config.store("tea-toast").unwrap();
    assert_eq!((store.name.as_str(), store.token_secrets.len(), store.admin_keys.len()), ("Tea & Toast", 1, 0));
    let token = token::mint("tea-toast", "1", i64::MAX, secrecy::ExposeSecret::expose_secret(&store.token_secrets[0]));
    assert_eq!(api.get(&format!("/v1/orders/{token}")).await.0, StatusCode::NOT_FOUND, "valid; the order is not known");
    // It survives a restart.
    let again = AppState::start(api.state.file().clone()).await.unwrap();
    assert!(again.config().store("tea-toast").is_some());
}
