//! Messages, from the change that they tell of to a real mail server.

mod letters;

use std::time::Duration;

use api::messages::sender;

use super::{smtp::Relay, *};

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
            if log.iter().all(|m| m.1 != "waiting" && m.1 != "sending") {
                return log;
            }
        }
        panic!("{:?}", self.log().await);
    }
}
