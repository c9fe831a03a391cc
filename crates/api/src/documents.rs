//! Order documents that were asked for lately, so that a page which asks again costs no query. Never older than the database: whoever
//! reads says when it began, and what changed since is not kept.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicI64, Ordering},
    },
};

use axum::{body::Bytes, http::HeaderMap};
use promise::Instant;
use wire::OrderDocument;

use crate::words::{OwnTexts, Words};

const SHARDS: usize = 64;
/// Documents of a shard; a full one starts anew.
const MOST: usize = 64;

/// One version of a document, and its texts of this second, by language.
pub struct Kept {
    pub document: OrderDocument,
    /// The version of what the store has set, which is part of what is shown.
    pub settings: u64,
    /// The store's own wording.
    own: Option<Arc<OwnTexts>>,
    /// From when on it asks how it went.
    ask_from: Option<Instant>,
    rendered: Mutex<(Instant, Vec<(String, Bytes)>)>,
    /// The day of the last look, and how it was looked at on that day.
    looked: AtomicI64,
}

impl Kept {
    pub fn new(document: OrderDocument, settings: u64, own: Option<Arc<OwnTexts>>) -> Kept {
        let ask_from = document.care.as_ref().and_then(|c| Instant::parse(c.ask_from.as_deref()?));
        Kept { document, settings, own, ask_from, rendered: Mutex::default(), looked: AtomicI64::default() }
    }

    /// The reader's words, as the store words them.
    pub fn words(&self, headers: &HeaderMap) -> Arc<Words> {
        Words::accepted(headers).with(self.own.clone())
    }

    /// Whether the store has any wording of its own.
    pub fn reworded(&self) -> bool {
        self.own.is_some()
    }

    /// Another one than before where anything that is shown is another: the order, what the store has set, the question how it went, the language.
    pub fn etag(&self, language: &str, now: Instant) -> String {
        let asks = if self.ask_from.is_some_and(|from| from <= now) { "?" } else { "" };
        format!("\"{}.{}{asks}-{language}\"", self.document.version, self.settings)
    }

    /// Whether this is the first look of this kind (a bit) on this day. Two at once may both be told so.
    pub fn first_look(&self, day: i32, how: u8) -> bool {
        let known = self.looked.load(Ordering::Relaxed);
        let today = if known >> 8 == i64::from(day) { known } else { i64::from(day) << 8 };
        let first = today & i64::from(how) == 0;
        if first {
            self.looked.store(today | i64::from(how), Ordering::Relaxed);
        }
        first
    }

    /// The text in a language, made once a second.
    pub fn text(&self, language: &str, now: Instant, make: impl FnOnce() -> Bytes) -> Bytes {
        let mut rendered = self.rendered.lock().unwrap_or_else(|e| e.into_inner());
        if rendered.0 != now {
            *rendered = (now, Vec::new());
        }
        if let Some((_, text)) = rendered.1.iter().find(|r| r.0 == language) {
            return text.clone();
        }
        let text = make();
        rendered.1.push((language.to_owned(), text.clone()));
        text
    }
}

#[derive(Default)]
struct Shard {
    /// Grows with each change to any of its orders.
    changes: u64,
    /// By store, then by order: looked up without making a key.
    kept: HashMap<String, HashMap<String, Arc<Kept>>>,
}

pub struct Documents {
    shards: Vec<Mutex<Shard>>,
    hasher: RandomState,
}

/// When a reader began.
#[derive(Clone, Copy)]
pub struct Began(u64);

impl Default for Documents {
    fn default() -> Documents {
        Documents { shards: (0..SHARDS).map(|_| Mutex::default()).collect(), hasher: RandomState::new() }
    }
}

impl Documents {
    fn shard(&self, store: &str, order: &str) -> MutexGuard<'_, Shard> {
        let n = self.hasher.hash_one((store, order)) as usize % SHARDS;
        self.shards[n].lock().unwrap_or_else(|e| e.into_inner())
    }

    /// What is kept of an order; else the moment before the database is asked.
    pub fn get(&self, store: &str, order: &str) -> Result<Arc<Kept>, Began> {
        let shard = self.shard(store, order);
        shard.kept.get(store).and_then(|orders| orders.get(order)).cloned().ok_or(Began(shard.changes))
    }

    /// Keeps what was read, unless something changed since the reader began.
    pub fn keep(&self, store: &str, order: &str, began: Began, kept: &Arc<Kept>) {
        let mut shard = self.shard(store, order);
        if shard.changes != began.0 {
            return;
        }
        if shard.kept.values().map(HashMap::len).sum::<usize>() >= MOST {
            shard.kept.clear();
        }
        shard.kept.entry(store.to_owned()).or_default().insert(order.to_owned(), kept.clone());
    }

    /// To be called after the change is committed.
    pub fn changed(&self, store: &str, order: &str) {
        let mut shard = self.shard(store, order);
        shard.changes += 1;
        if let Some(orders) = shard.kept.get_mut(store) {
            orders.remove(order);
        }
    }

    /// Everything may have changed.
    pub fn forget(&self) {
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(|e| e.into_inner());
            shard.changes += 1;
            shard.kept.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(n: u64) -> Arc<Kept> {
        Arc::new(Kept::new(OrderDocument { version: n, ..OrderDocument::default() }, 0, None))
    }

    #[test]
    fn what_changed_while_it_was_read_is_not_kept() {
        let documents = Documents::default();
        let Err(began) = documents.get("s", "1") else { panic!("nothing is kept yet") };
        documents.changed("s", "1");
        documents.keep("s", "1", began, &version(1));
        let Err(began) = documents.get("s", "1") else { panic!("version 1 was old when it was kept") };
        documents.keep("s", "1", began, &version(2));
        assert_eq!(documents.get("s", "1").ok().map(|k| k.document.version), Some(2));
        documents.changed("s", "1");
        assert!(documents.get("s", "1").is_err());
        documents.keep("s", "1", began, &version(2));
        documents.forget();
        assert!(documents.get("s", "1").is_err());
    }

    #[test]
    fn a_look_is_the_first_of_its_kind_once_a_day() {
        let kept = version(1);
        let said = [(1, 1), (1, 1), (1, 2), (1, 1), (2, 1), (2, 2), (2, 2)].map(|(day, how)| kept.first_look(day, how));
        assert_eq!(said, [true, false, true, false, true, true, false]);
    }

    #[test]
    fn texts_are_made_once_a_second_and_language() {
        let kept = version(1);
        let made = std::cell::Cell::new(0);
        let ask = |language: &str, at| {
            kept.text(language, Instant(at), || {
                made.set(made.get() + 1);
                Bytes::from_static(b"x")
            })
        };
        for (language, at) in [("en", 1), ("en", 1), ("de", 1), ("en", 1), ("en", 2)] {
            ask(language, at);
        }
        assert_eq!(made.get(), 3);
    }
}
