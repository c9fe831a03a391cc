//! Who waits to write: a queue that its reader takes in groups, woken once for a group and not for each of it.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard},
    time::{Duration, Instant},
};

/// An empty queue: the end that puts in, and the end that takes out.
pub fn queue<T>() -> (Sender<T>, Receiver<T>) {
    let shared =
        Arc::new(Shared { state: Mutex::new(State { jobs: VecDeque::new(), wanted: 0, closed: false }), wake: Condvar::new() });
    (Sender(shared.clone()), Receiver(shared))
}

struct Shared<T> {
    state: Mutex<State<T>>,
    wake: Condvar,
}

struct State<T> {
    jobs: VecDeque<T>,
    /// The reader sleeps until there are so many; 0: it does not sleep.
    wanted: usize,
    closed: bool,
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }

    fn close(&self) -> VecDeque<T> {
        let mut state = self.lock();
        state.closed = true;
        self.wake.notify_one();
        std::mem::take(&mut state.jobs)
    }
}

/// Puts in. What is in the queue when it is dropped is still taken out.
pub struct Sender<T>(Arc<Shared<T>>);

impl<T> Sender<T> {
    /// False: nobody takes out any more.
    pub fn send(&self, job: T) -> bool {
        let mut state = self.0.lock();
        if state.closed {
            return false;
        }
        state.jobs.push_back(job);
        if state.wanted == 0 || state.jobs.len() < state.wanted {
            return true;
        }
        state.wanted = 0;
        drop(state);
        self.0.wake.notify_one();
        true
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.wake.notify_one();
    }
}

/// Takes out.
pub struct Receiver<T>(Arc<Shared<T>>);

impl<T> Receiver<T> {
    /// All that is there, up to `most` behind what `into` holds, once there is one; false: there will be none.
    pub fn first(&self, into: &mut Vec<T>, most: usize) -> bool {
        let mut state = self.0.lock();
        while state.jobs.is_empty() {
            if state.closed {
                return false;
            }
            state.wanted = 1;
            state = self.0.wake.wait(state).unwrap_or_else(|e| e.into_inner());
        }
        take(&mut state, into, most)
    }

    /// The same, once there are `wanted` more or `patience` is over; false: not one came.
    pub fn more(&self, into: &mut Vec<T>, wanted: usize, patience: Duration, most: usize) -> bool {
        let until = Instant::now() + patience;
        let mut state = self.0.lock();
        while state.jobs.len() < wanted && !state.closed {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state.wanted = wanted;
            state = self.0.wake.wait_timeout(state, left).unwrap_or_else(|e| e.into_inner()).0;
        }
        take(&mut state, into, most)
    }
}

fn take<T>(state: &mut State<T>, into: &mut Vec<T>, most: usize) -> bool {
    state.wanted = 0;
    let n = state.jobs.len().min(most.saturating_sub(into.len()));
    into.extend(state.jobs.drain(..n));
    n > 0
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        // Dropped outside the lock: what waits may send itself when it goes.
        drop(self.0.close());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_comes_out_once_and_in_order() {
        let (sender, receiver) = queue();
        let (mut got, mut group) = (Vec::new(), Vec::new());
        let writer = std::thread::spawn(move || (0..10_000).for_each(|n| assert!(sender.send(n))));
        while receiver.first(&mut group, 7) {
            let _ = receiver.more(&mut group, 3, Duration::from_micros(50), 7);
            assert!(group.len() <= 7);
            got.append(&mut group);
        }
        writer.join().unwrap();
        assert_eq!(got, (0..10_000).collect::<Vec<_>>());
    }

    #[test]
    fn a_reader_is_woken_for_as_many_as_it_wants_and_does_not_wait_for_ever() {
        let (sender, receiver) = queue();
        let mut group = Vec::new();
        assert!(!receiver.more(&mut group, 2, Duration::from_millis(1), 9), "nothing came");
        assert!(sender.send(1));
        assert!(receiver.more(&mut group, 2, Duration::from_millis(1), 9), "one came");
        let reader = std::thread::spawn(move || {
            let mut group = Vec::new();
            receiver.more(&mut group, 2, Duration::from_secs(3600), 9);
            group
        });
        assert!(sender.send(2) && sender.send(3));
        assert_eq!((group, reader.join().unwrap()), (vec![1], vec![2, 3]));
    }

    #[test]
    fn who_puts_in_learns_that_nobody_takes_out() {
        let (sender, receiver) = queue();
        let told = Arc::new(());
        assert!(sender.send(told.clone()));
        drop(receiver);
        assert!(!sender.send(told.clone()));
        assert_eq!(Arc::strong_count(&told), 1, "what waited was let go");
    }
}
