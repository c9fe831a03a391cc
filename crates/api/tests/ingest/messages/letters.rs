//! Letters that somebody asked for.

use api::messages::{Letter, post};

use super::*;
use crate::smtp::{Fault, decoded};

async fn letter(api: &Api, key: &str) -> anyhow::Result<String> {
    let (store, now, key) = (api.state.store_info("demo").unwrap(), api.state.now(), key.to_owned());
    let id = api.state.db().write(move |db| {
        let values = serde_json::json!({"url": "https://w.example/track/t", "number": "#1001"});
        let values = values.as_object().unwrap().clone();
        post(
            db,
            &store,
            &Letter { to: "Ada@Example.com", template: "lookup", language: "en-GB", values, key: &key, ..Letter::default() },
            now,
        )
    });
    let id = id.await;
    api.state.wake_messages();
    id
}

#[tokio::test]
async fn a_letter_is_sent_once_and_what_it_said_is_forgotten() {
    let relay = Relay::start().await;
    let api = mailing(&relay).await;
    let id = letter(&api, "k").await.unwrap();
    assert_eq!(letter(&api, "k").await.unwrap(), id, "the same letter");
    let got = relay.mails(1).await;
    assert_eq!((got.len(), got[0].to.as_str(), got[0].id.clone()), (1, "Ada@Example.com", format!("{id}@shop.example")));
    let text = decoded(&got[0].source, "text/plain");
    assert!(text.contains("https://w.example/track/t") && text.contains("You asked for a link"), "{text}");
    assert!(decoded(&got[0].source, "text/html").contains("See my order"));
    assert!(!got[0].source.contains("List-Unsubscribe"), "there is nothing to end");
    assert_eq!(api.all_done().await, [("lookup".into(), "sent".into(), 1, String::new())]);
    let sealed = api.state.db().read(|db| Ok(db.query_row("select count(sealed) from messages", [], |r| r.get::<_, i64>(0))?));
    assert_eq!(sealed.await.unwrap(), 0);
    // Each without a key is one of its own.
    letter(&api, "").await.unwrap();
    letter(&api, "").await.unwrap();
    assert_eq!(relay.mails(3).await.len(), 3);
}

#[tokio::test]
async fn what_fails_for_now_is_tried_again_and_what_fails_for_good_is_kept() {
    let relay = Relay::start().await;
    let api = mailing(&relay).await;
    relay.fail(&[Fault::Closed, Fault::Busy, Fault::Busy]);
    letter(&api, "a").await.unwrap();
    assert_eq!(api.all_done().await, [("lookup".into(), "sent".into(), 4, String::new())]);
    assert_eq!(relay.got.lock().unwrap().len(), 1);
    relay.fail(&[Fault::Spam]);
    letter(&api, "b").await.unwrap();
    let log = api.all_done().await;
    let failed = log.iter().find(|m| m.1 == "failed").unwrap();
    assert!(failed.2 == 1 && failed.3.contains("5.7.1"), "{failed:?}");
    // A relay that is away for long: it is given up, and kept for whoever wants it sent again.
    relay.fail(&[Fault::Busy; 9]);
    let id = letter(&api, "c").await.unwrap();
    let log = api.all_done().await;
    assert!(log.iter().any(|m| m.1 == "failed" && m.2 == 9), "{log:?}");
    let again = api.state.db().write(move |db| api::store::messages::again(db, "demo", &id, promise::Instant(1)));
    assert!(again.await.unwrap());
    assert_eq!(api.all_done().await.iter().filter(|m| m.1 == "sent").count(), 2);
    assert_eq!(relay.got.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn what_may_have_been_sent_is_not_sent_again_and_the_log_says_so() {
    let relay = Relay::start().await;
    let api = mailing(&relay).await;
    relay.fail(&[Fault::Silent]);
    letter(&api, "a").await.unwrap();
    let log = api.all_done().await;
    assert_eq!((log[0].1.as_str(), log[0].2), ("unknown", 1));
    assert!(log[0].3.contains("may have arrived"), "{log:?}");
    assert_eq!(relay.got.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn the_relay_gets_the_login_and_doctor_can_ask_it() {
    let relay = Relay::start().await;
    let url = relay.url().replace("smtp://", "smtp://ada%40shop:p%25w@");
    let mailer = notify::transport::Mailer::new(&url).unwrap();
    assert_eq!(mailer.check().await, Ok(()));
    assert_eq!(BASE64.decode(relay.login.lock().unwrap().as_bytes()).unwrap(), b"\0ada@shop\0p%w");
    relay.down.store(true, std::sync::atomic::Ordering::SeqCst);
    assert!(mailer.check().await.is_err());
}

#[tokio::test]
async fn odd_letters_are_refused_and_nothing_of_them_is_kept() {
    let relay = Relay::start().await;
    let api = mailing(&relay).await;
    let store = api.state.store_info("demo").unwrap();
    for (to, template) in
        [("ada", "lookup"), ("ada@example.com\r\nBcc: eve@example.com", "lookup"), ("ada@example.com", "nothing")]
    {
        let store = store.clone();
        let letter = Letter { to, template, ..Letter::default() };
        let made = api.state.db().write(move |db| post(db, &store, &letter, promise::Instant(1))).await;
        assert!(made.is_err(), "{to} {template}");
    }
    assert!(api.log().await.is_empty());
}
