//! Passkeys, with an authenticator made of software: what it must not be fooled by, and what the console must not.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use p256::{
    ecdsa::{Signature, SigningKey, signature::Signer},
    pkcs8::EncodePublicKey,
};
use serde_json::{Value, json};

use super::{
    doors::{PASSWORD, console, count, session_of, set_up, to},
    *,
};

const HOST: &str = "w.shop.example";
const ORIGIN: &str = "https://w.shop.example";

struct Authenticator {
    key: SigningKey,
    id: Vec<u8>,
    count: u32,
}

/// How an answer is bent.
#[derive(Clone)]
struct Bent {
    kind: &'static str,
    origin: &'static str,
    host: &'static str,
    flags: u8,
}

const STRAIGHT: Bent = Bent { kind: "webauthn.get", origin: ORIGIN, host: HOST, flags: 0x05 };

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn client(challenge: &str, bent: &Bent) -> Vec<u8> {
    json!({"type": bent.kind, "challenge": challenge, "origin": bent.origin, "crossOrigin": false}).to_string().into_bytes()
}

impl Authenticator {
    fn new(n: u8) -> Authenticator {
        Authenticator { key: SigningKey::from_slice(&[n; 32]).unwrap(), id: vec![n; 16], count: 0 }
    }

    fn data(&self, bent: &Bent) -> Vec<u8> {
        [Sha256::digest(bent.host).as_slice(), &[bent.flags], &self.count.to_be_bytes()].concat()
    }

    fn made(&self, challenge: &str, bent: &Bent) -> Vec<(&'static str, String)> {
        let bent = Bent { kind: if bent.kind == "webauthn.get" { "webauthn.create" } else { bent.kind }, ..bent.clone() };
        let bent = Bent { flags: bent.flags | 0x40, ..bent };
        let data = [self.data(&bent).as_slice(), &[0; 16], &(self.id.len() as u16).to_be_bytes(), &self.id].concat();
        let key = self.key.verifying_key().to_public_key_der().unwrap();
        vec![("client", b64(client(challenge, &bent))), ("authenticator", b64(data)), ("key", b64(key.as_bytes()))]
    }

    fn shown(&self, challenge: &str, bent: &Bent) -> Vec<(&'static str, String)> {
        let (client, data) = (client(challenge, bent), self.data(bent));
        let signed: Signature = self.key.sign(&[data.as_slice(), Sha256::digest(&client).as_slice()].concat());
        vec![
            ("credential", b64(&self.id)),
            ("client", b64(client)),
            ("authenticator", b64(data)),
            ("signature", b64(signed.to_der().as_bytes())),
        ]
    }
}

fn refs<'a>(fields: &'a [(&'static str, String)]) -> Vec<(&'static str, &'a str)> {
    fields.iter().map(|(n, v)| (*n, v.as_str())).collect()
}

async fn question(api: &Api) -> String {
    let (status, _, text) = api.raw(form("/console/sign-in/passkey/ask", None, &[("next", "")])).await;
    assert_eq!(status, StatusCode::OK, "{text}");
    let asked: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(asked["rp"], HOST);
    asked["challenge"].as_str().unwrap().to_owned()
}

async fn new_question(api: &Api, who: &Browser) -> String {
    let (status, _, text) = api.submit(who, "/console/account/passkeys/ask", &[("proof", PASSWORD)]).await;
    assert_eq!(status, StatusCode::OK, "{text}");
    serde_json::from_str::<Value>(&text).unwrap()["challenge"].as_str().unwrap().to_owned()
}

async fn sign_in(api: &Api, fields: &[(&'static str, String)]) -> (StatusCode, HeaderMap) {
    let (status, head, _) = api.raw(form("/console/sign-in/passkey", None, fields)).await;
    (status, head)
}

async fn installed() -> (Api, Browser) {
    let api = api_with(|c| c.public_url = ORIGIN.into()).await;
    let ada = set_up(&api).await;
    (api, ada)
}

async fn registered(api: &Api, who: &Browser, n: u8) -> Authenticator {
    let key = Authenticator::new(n);
    let mut fields = key.made(&new_question(api, who).await, &STRAIGHT);
    fields.push(("name", format!("<b>Key {n}</b>")));
    let (status, head, text) = api.submit(who, "/console/account/passkeys", &refs(&fields)).await;
    assert_eq!((status, to(&head)), (StatusCode::SEE_OTHER, "/console/account?said=passkey#passkeys"), "{text}");
    key
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_signs_in_until_it_is_removed() {
    let (api, ada) = installed().await;
    let key = registered(&api, &ada, 1).await;
    let (_, page) = api.open(&ada, "/console/account").await;
    assert!(page.contains("&lt;b&gt;Key 1&lt;/b&gt;") && page.contains("not used yet"), "{page}");
    let mut fields = key.shown(&question(&api).await, &STRAIGHT);
    fields.push(("next", "/console/demo/orders".into()));
    let (status, head) = sign_in(&api, &fields).await;
    assert_eq!((status, to(&head)), (StatusCode::SEE_OTHER, "/console/demo/orders"));
    let cookies: Vec<_> = head.get_all(header::SET_COOKIE).iter().map(|c| c.to_str().unwrap()).collect();
    assert!(cookies.iter().all(|c| c.contains("; HttpOnly; SameSite=") && c.ends_with("; Secure")), "{cookies:?}");
    let again = session_of(&head);
    assert_ne!(again.secret, ada.secret);
    let (status, page) = api.open(&again, "/console/account").await;
    assert!(status == StatusCode::OK && page.contains("last used"));
    // The same answer, sent again.
    assert_eq!(sign_in(&api, &fields).await.0, StatusCode::UNAUTHORIZED, "replayed");
    // Somebody else can't remove it; who has it can.
    let id = count(&api, "select id from passkeys").await.to_string();
    let stranger = api.signed_in("demo", Role::Owner).await;
    assert_eq!(api.submit(&stranger, "/console/account/passkeys/remove", &[("id", &id)]).await.0, StatusCode::NOT_FOUND);
    assert_eq!(api.submit(&ada, "/console/account/passkeys/remove", &[("id", &id)]).await.0, StatusCode::SEE_OTHER);
    let shown = key.shown(&question(&api).await, &STRAIGHT);
    assert_eq!(sign_in(&api, &shown).await.0, StatusCode::UNAUTHORIZED, "removed");
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_are_bent_open_nothing() {
    let (api, ada) = installed().await;
    let mut key = registered(&api, &ada, 1).await;
    for (name, bent) in [
        ("another site's page", Bent { origin: "https://evil.example", ..STRAIGHT }),
        ("a neighbour of its host", Bent { origin: "https://shop.example", ..STRAIGHT }),
        ("without TLS", Bent { origin: "http://w.shop.example", ..STRAIGHT }),
        ("a key for another host", Bent { host: "shop.example", ..STRAIGHT }),
        ("the answer to another question", Bent { kind: "webauthn.create", ..STRAIGHT }),
        ("nobody was there", Bent { flags: 0x04, ..STRAIGHT }),
        ("nobody showed who they are", Bent { flags: 0x01, ..STRAIGHT }),
    ] {
        let shown = key.shown(&question(&api).await, &bent);
        assert_eq!(sign_in(&api, &shown).await.0, StatusCode::UNAUTHORIZED, "{name}");
    }
    let other = Authenticator { id: key.id.clone(), ..Authenticator::new(2) };
    let shown = other.shown(&question(&api).await, &STRAIGHT);
    assert_eq!(sign_in(&api, &shown).await.0, StatusCode::UNAUTHORIZED, "signed by another key");
    let shown = key.shown(&b64([7; 32]), &STRAIGHT);
    assert_eq!(sign_in(&api, &shown).await.0, StatusCode::UNAUTHORIZED, "a question that nobody asked");
    let shown = key.shown(&new_question(&api, &ada).await, &STRAIGHT);
    assert_eq!(sign_in(&api, &shown).await.0, StatusCode::UNAUTHORIZED, "a question that was for making a key");
    let late = question(&api).await;
    api.state.set_clock_ahead(301);
    assert_eq!(sign_in(&api, &key.shown(&late, &STRAIGHT)).await.0, StatusCode::UNAUTHORIZED, "too late");
    assert_eq!(sign_in(&api, &[("credential", "x".into()), ("client", "%%".into())]).await.0, StatusCode::UNAUTHORIZED);
    // A copy has counted less than the key itself.
    key.count = 9;
    let shown = key.shown(&question(&api).await, &STRAIGHT);
    assert_eq!(sign_in(&api, &shown).await.0, StatusCode::SEE_OTHER);
    for stale in [9, 3, 0] {
        key.count = stale;
        let shown = key.shown(&question(&api).await, &STRAIGHT);
        assert_eq!(sign_in(&api, &shown).await.0, StatusCode::UNAUTHORIZED, "{stale}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_is_made_by_who_shows_the_password() {
    let (api, ada) = installed().await;
    let (status, _, text) = api.submit(&ada, "/console/account/passkeys/ask", &[("proof", "a wrong one 123")]).await;
    assert!(status == StatusCode::UNPROCESSABLE_ENTITY && text.contains("not your password"), "{text}");
    let key = Authenticator::new(1);
    let add = async |who: &Browser, challenge: &str, bent: &Bent| {
        api.submit(who, "/console/account/passkeys", &refs(&key.made(challenge, bent))).await.0
    };
    let refused = StatusCode::UNPROCESSABLE_ENTITY;
    assert_eq!(add(&ada, &question(&api).await, &STRAIGHT).await, refused, "a question that asked for no password");
    let bo = api.signed_in("demo", Role::Support).await;
    assert_eq!(add(&bo, &new_question(&api, &ada).await, &STRAIGHT).await, refused, "asked of somebody else");
    let asked = new_question(&api, &ada).await;
    assert_eq!(add(&ada, &asked, &Bent { origin: "https://evil.example", ..STRAIGHT }).await, refused);
    let asked = new_question(&api, &ada).await;
    assert_eq!(add(&ada, &asked, &STRAIGHT).await, StatusCode::SEE_OTHER);
    assert_eq!(add(&ada, &asked, &STRAIGHT).await, refused, "once");
    let asked = new_question(&api, &ada).await;
    assert_eq!(add(&ada, &asked, &STRAIGHT).await, refused, "the same key again");
    assert_eq!(count(&api, "select count(*) from passkeys").await, 1);
    // A link for a new password shuts out whoever had got in.
    let link = console::password_link(&api.state, "http://x", "ada@shop.example").await.unwrap().unwrap();
    let path = link.strip_prefix("http://x").unwrap();
    let (status, head, _) = api.raw(form(path, None, &[("password", "another lamp orbit 8")])).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert_eq!(count(&api, "select count(*) from passkeys").await, 0);
    assert_eq!(api.open(&ada, "/console/account").await.0, StatusCode::SEE_OTHER, "its session has ended");
    assert_eq!(api.open(&session_of(&head), "/console/account").await.0, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_guesses_elsewhere_does_not_lock_the_owner_out() {
    let api = api_with(|c| {
        c.limits.proxies = 1;
        c.limits.sign_ins_per_minute = std::num::NonZeroU32::new(5).unwrap();
    })
    .await;
    set_up(&api).await;
    let from = |peer: &str, password: &str, device: Option<&str>| {
        let mut request = form("/console/sign-in", None, &[("email", "ada@shop.example"), ("password", password)]);
        request.headers_mut().insert("x-forwarded-for", peer.parse().unwrap());
        if let Some(device) = device {
            request.headers_mut().insert(header::COOKIE, format!("whereabouts_device={device}").parse().unwrap());
        }
        request
    };
    let (status, head, _) = api.raw(from("192.0.2.1", PASSWORD, None)).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let cookies: Vec<_> = head.get_all(header::SET_COOKIE).iter().map(|c| c.to_str().unwrap().to_owned()).collect();
    let device = cookies.iter().find_map(|c| c.strip_prefix("whereabouts_device=")?.split(';').next()).unwrap();
    assert!(
        cookies.iter().any(|c| c.contains("Path=/console/sign-in;") && c.contains("HttpOnly; SameSite=Strict")),
        "{cookies:?}"
    );
    for n in 0..40 {
        api.raw(from(&format!("198.51.100.{n}"), "a wrong one 123", Some(&"ab".repeat(32)))).await;
    }
    assert_eq!(api.raw(from("192.0.2.2", PASSWORD, None)).await.0, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(api.raw(from("192.0.2.3", PASSWORD, Some(device))).await.0, StatusCode::SEE_OTHER, "her own browser");
    // A browser that is known has no more tries than a stranger, and is known for one account.
    let tries: Vec<_> = {
        let mut all = Vec::new();
        for n in 0..40 {
            all.push(api.raw(from(&format!("203.0.113.{n}"), "a wrong one 123", Some(device))).await.0);
        }
        all
    };
    assert!(tries.contains(&StatusCode::TOO_MANY_REQUESTS), "{tries:?}");
    assert_eq!(count(&api, "select count(*) from devices where length(hash) = 64").await, 2);
}
