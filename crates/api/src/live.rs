//! Live updates: who watches an order hears of its newest version. A slow watcher misses versions in between, never the newest.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use tokio::sync::watch;

type Watched = HashMap<(String, String), watch::Sender<u64>>;

#[derive(Clone, Default)]
pub struct Hub(Arc<Mutex<Watched>>);

impl Hub {
    /// Hears of versions of an order from now on.
    pub fn subscribe(&self, store: &str, order: &str) -> watch::Receiver<u64> {
        let mut watched = self.0.lock().unwrap_or_else(|e| e.into_inner());
        // Who left without a change to come leaves an entry: now and then those go.
        if watched.len() >= 1024 && watched.len().is_power_of_two() {
            watched.retain(|_, sender| sender.receiver_count() > 0);
        }
        watched.entry((store.to_owned(), order.to_owned())).or_insert_with(|| watch::channel(0).0).subscribe()
    }

    /// Tells all who watch; forgets orders that nobody watches any more.
    pub fn publish(&self, store: &str, order: &str, version: u64) {
        let mut watched = self.0.lock().unwrap_or_else(|e| e.into_inner());
        let key = (store.to_owned(), order.to_owned());
        if let Some(sender) = watched.get(&key)
            && sender.send(version).is_err()
        {
            watched.remove(&key);
        }
    }

    /// Ends all streams.
    pub fn close(&self) {
        self.0.lock().unwrap_or_else(|e| e.into_inner()).clear();
    }
}
