//! The console: who gets in, who may do what, and what no other page can do.

mod apart;
mod care;
mod doors;
mod insights;
mod keys;
mod messages;
mod numbers;
mod orders;
mod passkeys;
mod policy;
mod sessions;
mod sources;

use api::store::people::{self, Role};
use axum::{http::HeaderMap, response::Response};
use promise::Instant;
use sha2::{Digest, Sha256};

use super::*;

/// Somebody at a browser.
pub struct Browser {
    pub secret: String,
}

impl Browser {
    pub fn csrf(&self) -> String {
        hex::encode(Sha256::digest(format!("csrf {}", self.secret)))
    }
}

impl Api {
    /// Somebody with a role in a store, signed in.
    pub async fn signed_in(&self, store: &'static str, role: Role) -> Browser {
        self.somebody(move |db, person| people::join(db, store, person, role), false).await
    }

    /// Who runs the installation.
    pub async fn installer(&self) -> Browser {
        self.somebody(|_, _| Ok(()), true).await
    }

    async fn somebody(
        &self,
        join: impl FnOnce(&rusqlite::Connection, i64) -> anyhow::Result<()> + Send + 'static,
        installation: bool,
    ) -> Browser {
        static COUNT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
        let n = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let secret = hex::encode(Sha256::digest(format!("session {n}")));
        let (kept, now) = (secret.clone(), Instant(now()));
        self.state
            .db()
            .write(move |db| {
                let person =
                    people::create(db, &format!("p{n}@example.com"), &format!("Person {n}"), "no hash", installation, now)?;
                join(db, person)?;
                people::open_session(db, &kept, person, "test", now)
            })
            .await
            .unwrap();
        Browser { secret }
    }

    pub async fn raw(&self, request: Request<Body>) -> (StatusCode, HeaderMap, String) {
        let answer: Response = self.app.clone().oneshot(request).await.unwrap();
        let (head, body) = answer.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        (head.status, head.headers, String::from_utf8_lossy(&bytes).into_owned())
    }

    pub async fn open(&self, who: &Browser, path: &str) -> (StatusCode, String) {
        let request = Request::get(path).header(header::COOKIE, format!("whereabouts_console={}", who.secret));
        let (status, _, text) = self.raw(request.body(Body::empty()).unwrap()).await;
        (status, text)
    }

    /// A form of the console's own pages.
    pub async fn submit(&self, who: &Browser, path: &str, fields: &[(&str, &str)]) -> (StatusCode, HeaderMap, String) {
        let mut all = vec![("csrf", who.csrf())];
        all.extend(fields.iter().map(|(n, v)| (*n, (*v).to_owned())));
        self.raw(form(path, Some(&who.secret), &all)).await
    }
}

pub fn form<V: AsRef<str> + serde::Serialize>(path: &str, session: Option<&str>, fields: &[(&str, V)]) -> Request<Body> {
    let mut request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    if let Some(secret) = session {
        request = request.header(header::COOKIE, format!("whereabouts_console={secret}"));
    }
    request.body(Body::from(serde_urlencoded::to_string(fields).unwrap())).unwrap()
}
