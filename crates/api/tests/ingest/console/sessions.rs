//! What a stranger can learn or keep: whether an account exists, a session that they chose, one from before a new password.

use axum::http::Method;

use super::{
    doors::{Least, PASSWORD, console, count, session_of, set_up, to},
    *,
};

const NEW: &str = "another lamp 17 orbits";

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_account_is_answered_as_a_known_one_and_costs_as_much() {
    let api = api().await;
    set_up(&api).await;
    let long = "x".repeat(300);
    for password in ["kettle lamp orbit 8", "", long.as_str()] {
        let mut seen = Vec::new();
        for email in ["ada@shop.example", "bob@shop.example"] {
            let before = api.state.hashing();
            let fields = [("email", email), ("password", password)];
            let (status, head, text) = api.raw(form("/console/sign-in", None, &fields)).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED);
            let head: Vec<_> = head.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
            // The form shows the address again that was typed.
            seen.push((head, text.replace(email, "…"), api.state.hashing() - before));
        }
        assert_eq!(seen[0], seen[1], "{password}");
        // Who is known is compared with a hash of 19 MB; too long a password with none, whoever it is of.
        assert_eq!(seen[0].2 > 0, password.len() <= 200, "{password}");
    }
    // The right one costs the same, too.
    let before = api.state.hashing();
    let (status, _, _) = api.raw(form("/console/sign-in", None, &[("email", "ada@shop.example"), ("password", PASSWORD)])).await;
    let right = api.state.hashing() - before;
    let (_, _, _) = api.raw(form("/console/sign-in", None, &[("email", "eve@shop.example"), ("password", PASSWORD)])).await;
    assert_eq!((status, api.state.hashing() - before), (StatusCode::SEE_OTHER, 2 * right));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_ends_other_sessions_and_links() {
    let api = api().await;
    let here = set_up(&api).await;
    let sign_in = async |password: &'static str| {
        let (status, head, _) =
            api.raw(form("/console/sign-in", None, &[("email", "ada@shop.example"), ("password", password)])).await;
        (status, (status == StatusCode::SEE_OTHER).then(|| session_of(&head)))
    };
    let elsewhere = sign_in(PASSWORD).await.1.unwrap();
    let link = async || {
        let made = console::password_link(&api.state, "http://x", "ada@shop.example").await.unwrap().unwrap();
        made.strip_prefix("http://x").unwrap().to_owned()
    };
    let open = async |who: &Browser| api.open(who, "/console/account").await.0 == StatusCode::OK;
    let old = link().await;
    // What is wrong changes nothing.
    for fields in [[("password", "a wrong one 123"), ("new", NEW)], [("password", PASSWORD), ("new", "short")]] {
        assert_eq!(api.submit(&here, "/console/account/password", &fields).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert!(open(&here).await && open(&elsewhere).await);
    let (status, head, _) = api.submit(&here, "/console/account/password", &[("password", PASSWORD), ("new", NEW)]).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let renewed = session_of(&head);
    assert!(open(&renewed).await, "who changed it stays");
    assert!(!open(&elsewhere).await && !open(&here).await, "all others, and the secret of before, are out");
    assert_eq!(count(&api, "select count(*) from sessions").await, 1);
    assert_eq!(
        api.raw(form(&old, None, &[("password", "a third lamp 4 you")])).await.0,
        StatusCode::NOT_FOUND,
        "an older link is void"
    );
    assert_eq!(sign_in(PASSWORD).await.0, StatusCode::UNAUTHORIZED);
    let elsewhere = sign_in(NEW).await.1.unwrap();
    // By a link it is the same: of two, the one that is used voids the other.
    let (first, second) = (link().await, link().await);
    let (status, head, _) = api.raw(form(&first, None, &[("password", "a third lamp 4 you")])).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert!(open(&session_of(&head)).await && !open(&renewed).await && !open(&elsewhere).await);
    assert_eq!(api.raw(form(&second, None, &[("password", "a fourth lamp 4 us")])).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_way_in_takes_on_a_session_that_somebody_else_chose() {
    let api = api().await;
    let planted = Browser { secret: "ab".repeat(32) };
    let with_planted = |mut request: Request<Body>| {
        request.headers_mut().insert(header::COOKIE, format!("whereabouts_console={}", planted.secret).parse().unwrap());
        request
    };
    let outside = async |way: &str| {
        assert_eq!(api.open(&planted, "/console/account").await.0, StatusCode::SEE_OTHER, "{way}");
        // Nor does a form that was made for it beforehand.
        let (status, head, _) = api.submit(&planted, "/console/account/sessions", &[]).await;
        assert_eq!((status, to(&head)), (StatusCode::SEE_OTHER, "/console/sign-in?next=%2Fconsole"), "{way}");
    };
    let link = console::set_up_link(&api.state, "http://x").await.unwrap().unwrap();
    let fields = [("email", "ada@shop.example"), ("name", "Ada"), ("password", PASSWORD)];
    let (status, head, _) = api.raw(with_planted(form(link.strip_prefix("http://x").unwrap(), None, &fields))).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let owner = session_of(&head);
    outside("setting up").await;
    let (_, head, _) = api.raw(with_planted(form("/console/sign-in", None, &fields))).await;
    assert_ne!(session_of(&head).secret, planted.secret);
    outside("signing in").await;
    let (_, _, text) = api.submit(&owner, "/console/demo/people", &[("email", "bo@shop.example"), ("role", "viewer")]).await;
    let path = format!("/console/set-up/{}", text.split("/console/set-up/").nth(1).and_then(|t| t.get(..64)).unwrap());
    let (_, head, _) = api.raw(with_planted(form(&path, None, &[("name", "Bo"), ("password", NEW)]))).await;
    assert_ne!(session_of(&head).secret, planted.secret);
    outside("being invited").await;
    let link = console::password_link(&api.state, "http://x", "bo@shop.example").await.unwrap().unwrap();
    let (_, head, _) = api.raw(with_planted(form(link.strip_prefix("http://x").unwrap(), None, &[("password", PASSWORD)]))).await;
    assert_ne!(session_of(&head).secret, planted.secret);
    outside("a new password").await;
    // An attacker's own session in the victim's browser: signing in ends it, and it is never the victim's.
    let attacker = api.signed_in("other", Role::Owner).await;
    let (_, head, _) = api.raw(form("/console/sign-in", Some(&attacker.secret), &fields)).await;
    assert_ne!(session_of(&head).secret, attacker.secret);
    assert_eq!(api.open(&attacker, "/console/account").await.0, StatusCode::SEE_OTHER);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_changes_nothing_and_a_role_that_is_taken_back_is_gone_at_once() {
    let api = api().await;
    for route in console::table().iter().filter(|r| r.method != Method::GET) {
        assert!(!matches!(route.least, Least::In(Role::Viewer)), "{} lets a viewer change something", route.path);
    }
    let owner = api.signed_in("demo", Role::Owner).await;
    let support = api.signed_in("demo", Role::Support).await;
    let person = count(&api, "select person from members where role = 'support'").await.to_string();
    let change = async |who: &Browser| api.submit(who, "/console/demo/delays/end", &[("id", "none")]).await.0;
    assert_ne!(change(&support).await, StatusCode::FORBIDDEN);
    api.submit(&owner, "/console/demo/people/role", &[("person", &person), ("role", "viewer")]).await;
    assert_eq!(change(&support).await, StatusCode::FORBIDDEN);
    assert_eq!(api.open(&support, "/console/demo/delays").await.0, StatusCode::OK);
    api.submit(&owner, "/console/demo/people/remove", &[("person", &person)]).await;
    assert_eq!(api.open(&support, "/console/demo/delays").await.0, StatusCode::NOT_FOUND);
}
