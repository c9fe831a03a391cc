//! The database: SQLite behind one writer thread, which commits all that waits at once, and a few readers.

pub mod audit;
pub mod care;
pub mod drafts;
pub mod holders;
pub mod incidents;
pub mod insight;
pub mod learned;
pub mod ledger;
pub mod messages;
pub mod orders;
pub mod outbox;
pub mod passkeys;
pub mod people;
#[cfg(test)]
mod plans;
pub mod policies;
pub mod privacy;
mod queue;
pub mod retention;
pub mod search;
pub mod shoppers;
pub mod stores;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, mpsc},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, bail, ensure};
use rusqlite::{Connection, OpenFlags};
use tokio::sync::oneshot;

/// As many writes as wait are committed together, up to this.
const GROUP: usize = 256;
const READERS: usize = 4;
/// The longest that a group waits for others.
const PATIENCE: Duration = Duration::from_millis(1);
/// From here on a commit takes longer than answering everybody it is for.
const SLOW: Duration = Duration::from_millis(2);

/// Statements that a connection keeps ready: more than there are, so that none is parsed twice.
const STATEMENTS: usize = 512;

static MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/0001_init.sql"),
    include_str!("../../migrations/0002_engine.sql"),
    include_str!("../../migrations/0003_polling.sql"),
    include_str!("../../migrations/0004_progress.sql"),
    include_str!("../../migrations/0005_audit.sql"),
    include_str!("../../migrations/0006_messages.sql"),
    include_str!("../../migrations/0007_console.sql"),
    include_str!("../../migrations/0008_push.sql"),
    include_str!("../../migrations/0009_insight.sql"),
    include_str!("../../migrations/0010_console_indexes.sql"),
    include_str!("../../migrations/0011_incidents.sql"),
    include_str!("../../migrations/0012_care.sql"),
    include_str!("../../migrations/0013_delay_options.sql"),
    include_str!("../../migrations/0014_upkeep.sql"),
    include_str!("../../migrations/0015_learning.sql"),
    include_str!("../../migrations/0016_code_meanings.sql"),
    include_str!("../../migrations/0017_one_queue.sql"),
    include_str!("../../migrations/0018_messages_counted.sql"),
    include_str!("../../migrations/0019_by_order.sql"),
    include_str!("../../migrations/0020_passkeys.sql"),
    include_str!("../../migrations/0021_days_of_the_store.sql"),
    include_str!("../../migrations/0022_under_way.sql"),
    include_str!("../../migrations/0023_subjects_by_event.sql"),
];

/// The version of the database's shape that this program makes.
pub fn schema() -> u32 {
    u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX)
}

/// Tells a caller, once the commit has succeeded or failed.
type Answer = Box<dyn FnOnce(Result<(), String>) + Send>;
type Write = Box<dyn FnOnce(&Connection) -> Answer + Send>;
type Read = Box<dyn FnOnce(&Connection) + Send>;

/// A handle to the database; cheap to clone.
#[derive(Clone)]
pub struct Db {
    writes: Arc<queue::Sender<Write>>,
    reads: mpsc::Sender<Read>,
    path: Arc<PathBuf>,
}

impl Db {
    /// Opens the file, makes it if there is none, and migrates it.
    pub fn open(path: &Path) -> Result<Db> {
        let mut writer = Connection::open(path).with_context(|| format!("database {}", path.display()))?;
        configure(&writer)?;
        migrate(&mut writer)?;
        #[cfg(test)]
        plans::watch(&mut writer);
        let (writes, waiting) = queue::queue::<Write>();
        thread::Builder::new().name("db-writer".into()).spawn(move || write_all(&writer, &waiting))?;
        let (reads, asked) = mpsc::channel::<Read>();
        let asked = Arc::new(Mutex::new(asked));
        for n in 0..READERS {
            #[cfg_attr(not(test), expect(unused_mut, reason = "tests watch it"))]
            let mut reader =
                Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
            reader.busy_timeout(Duration::from_secs(5))?;
            reader.set_prepared_statement_cache_capacity(STATEMENTS);
            #[cfg(test)]
            plans::watch(&mut reader);
            let asked = asked.clone();
            thread::Builder::new().name(format!("db-reader-{n}")).spawn(move || {
                loop {
                    let next = match asked.lock() {
                        Ok(queue) => queue.recv(),
                        Err(_) => return,
                    };
                    match next {
                        Ok(read) => read(&reader),
                        Err(_) => return,
                    }
                }
            })?;
        }
        Ok(Db { writes: Arc::new(writes), reads, path: Arc::new(path.to_owned()) })
    }

    /// Runs a change. It is on disk when this returns; when it fails, nothing of it is.
    pub async fn write<T: Send + 'static>(&self, change: impl FnOnce(&Connection) -> Result<T> + Send + 'static) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        let job: Write = Box::new(move |db| {
            let result = in_savepoint(db, change);
            Box::new(move |committed| {
                let _ = answer.send(match (result, committed) {
                    (Ok(value), Ok(())) => Ok(value),
                    (Ok(_), Err(e)) => Err(anyhow!("commit: {e}")),
                    (Err(e), _) => Err(e),
                });
            })
        });
        ensure!(self.writes.send(job), "the database is closed");
        answered.await.map_err(|_| anyhow!("the database is closed"))?
    }

    /// Runs one statement, which is whole or not by itself: returns how many rows it changed.
    pub async fn execute(
        &self,
        statement: impl FnOnce(&Connection) -> rusqlite::Result<usize> + Send + 'static,
    ) -> Result<usize> {
        let (answer, answered) = oneshot::channel();
        let job: Write = Box::new(move |db| {
            let result = statement(db);
            Box::new(move |committed| {
                let _ = answer.send(match (result, committed) {
                    (Ok(n), Ok(())) => Ok(n),
                    (Ok(_), Err(e)) => Err(anyhow!("commit: {e}")),
                    (Err(e), _) => Err(e.into()),
                });
            })
        });
        ensure!(self.writes.send(job), "the database is closed");
        answered.await.map_err(|_| anyhow!("the database is closed"))?
    }

    /// Brings all that was changed into the database's file and empties the log beside it, which holds what rows said before: after something
    /// was forgotten. Where a reader holds on to it for long, the next time does.
    pub async fn empty_log(&self) -> Result<()> {
        let path = self.path.clone();
        let emptied = tokio::task::spawn_blocking(move || -> Result<bool> {
            let db = Connection::open(&*path)?;
            db.busy_timeout(Duration::from_secs(2))?;
            for _ in 0..5 {
                if db.query_row("pragma wal_checkpoint(truncate)", [], |r| r.get::<_, i64>(0))? == 0 {
                    return Ok(true);
                }
            }
            Ok(false)
        });
        if !emptied.await?? {
            tracing::warn!("the database's log is in use and was not emptied: what was forgotten stays in it until it is");
        }
        Ok(())
    }

    /// Runs a query on a reader.
    pub async fn read<T: Send + 'static>(&self, query: impl FnOnce(&Connection) -> Result<T> + Send + 'static) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        let job: Read = Box::new(move |db| drop(answer.send(query(db))));
        self.reads.send(job).map_err(|_| anyhow!("the database is closed"))?;
        answered.await.map_err(|_| anyhow!("the database is closed"))?
    }
}

/// Who writes at the moment. Whoever was just answered is about to write again, and a moment's patience makes one commit of several.
/// Where nobody else writes, nobody waits.
#[derive(Default)]
struct Crowd {
    /// Answered, and not back yet.
    away: usize,
    /// How long a commit takes.
    cost: Duration,
}

impl Crowd {
    fn came(&mut self, n: usize) {
        self.away = self.away.saturating_sub(n);
    }

    /// How many more are worth waiting for, where so many are here. A quick commit is not worth waiting for all: half of them write while
    /// the other half is answered. A slow one is.
    fn wanted(&self, here: usize) -> usize {
        if self.cost > SLOW { self.away } else { self.away.saturating_sub(here).div_ceil(2) }
    }

    /// No longer than the commit itself takes.
    fn patience(&self) -> Duration {
        self.cost.min(PATIENCE)
    }

    /// Some don't write again.
    fn stayed_away(&mut self) {
        self.away /= 2;
    }

    fn answered(&mut self, group: usize, took: Duration) {
        self.away = (self.away + group).min(GROUP);
        self.cost = (self.cost * 3 + took) / 4;
    }
}

fn write_all(db: &Connection, waiting: &queue::Receiver<Write>) {
    let run = |sql: &str| db.prepare_cached(sql).and_then(|mut s| s.execute([])).map(drop).map_err(|e| e.to_string());
    let mut crowd = Crowd::default();
    let (mut group, mut answers) = (Vec::new(), Vec::new());
    while waiting.first(&mut group, GROUP) {
        crowd.came(group.len());
        let wanted = crowd.wanted(group.len()).min(GROUP - group.len());
        if wanted > 0 {
            let before = group.len();
            let _ = waiting.more(&mut group, wanted, crowd.patience(), GROUP);
            crowd.came(group.len() - before);
            if group.len() - before < wanted {
                crowd.stayed_away();
            }
        }
        let committed = (|| {
            run("begin immediate")?;
            answers.extend(group.drain(..).map(|write| write(db)));
            let began = Instant::now();
            let committed = run("commit");
            crowd.answered(answers.len(), began.elapsed());
            committed
        })();
        if committed.is_err() {
            let _ = db.execute_batch("rollback");
        }
        // Where not even a transaction could begin, those who wait learn of it as well.
        group.clear();
        for answer in answers.drain(..) {
            answer(committed.clone());
        }
    }
}

fn in_savepoint<T>(db: &Connection, change: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
    let run = |sql: &str| db.prepare_cached(sql)?.execute([]);
    run("savepoint change")?;
    let result = change(db);
    if result.is_err() {
        run("rollback to change")?;
    }
    run("release change")?;
    result
}

fn configure(db: &Connection) -> Result<()> {
    db.busy_timeout(Duration::from_secs(5))?;
    db.set_prepared_statement_cache_capacity(STATEMENTS);
    // FULL: each commit is on disk before it is answered; NORMAL would not sync in WAL mode. What is deleted or replaced is overwritten, not
    // only unlinked: nothing that was forgotten is to be found in the file.
    db.execute_batch(
        "pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on; pragma secure_delete = on;
        pragma cache_size = -8192; pragma wal_autocheckpoint = 4000; pragma temp_store = memory;",
    )?;
    Ok(())
}

fn migrate(db: &mut Connection) -> Result<()> {
    let done: u32 = db.query_row("pragma user_version", [], |r| r.get(0))?;
    let done = done as usize;
    if done > MIGRATIONS.len() {
        bail!(
            "the database was made by a newer version (schema {done}, this version knows {}): use that version",
            MIGRATIONS.len()
        );
    }
    for (n, sql) in MIGRATIONS.iter().enumerate().skip(done) {
        let tx = db.transaction()?;
        tx.execute_batch(sql).with_context(|| format!("migration {}", n + 1))?;
        tx.pragma_update(None, "user_version", n as u32 + 1)?;
        tx.commit()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_writes_alone_waits_for_nobody_and_a_crowd_is_taken_by_halves() {
        let quick = Duration::from_micros(400);
        let mut alone = Crowd::default();
        for _ in 0..5 {
            alone.came(1);
            assert_eq!(alone.wanted(1), 0);
            alone.answered(1, quick);
        }
        let mut crowd = Crowd::default();
        crowd.answered(64, quick);
        // All sixty-four are away, and the first is back.
        let take = |crowd: &mut Crowd| {
            crowd.came(1);
            let more = crowd.wanted(1);
            crowd.came(more);
            1 + more
        };
        // Thirty-two are as many as are still to come; the others come while those are committed.
        assert_eq!(take(&mut crowd), 32);
        crowd.answered(32, quick);
        assert_eq!(take(&mut crowd), 32);
        // A slow disk: all in one.
        crowd.answered(32, Duration::from_millis(40));
        assert_eq!(take(&mut crowd), 64);
        // They have gone: soon nobody is waited for.
        crowd.answered(64, quick);
        for _ in 0..7 {
            crowd.stayed_away();
        }
        crowd.cost = quick;
        assert!(crowd.wanted(1) == 0 && crowd.patience() <= PATIENCE);
    }
}
