//! Copies of the database: made while the server runs, checked before they count, put back without losing what was there.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use rusqlite::{Connection, OpenFlags};
use serde::Serialize;

use super::beside;
use crate::store;

/// What a copy holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Copy {
    pub path: PathBuf,
    pub bytes: u64,
    pub schema: u32,
    pub events: i64,
    pub orders: i64,
}

fn read_only(path: &Path) -> Result<Connection> {
    ensure!(path.is_file(), "{}: there is no such file", path.display());
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags).with_context(|| path.display().to_string())?;
    db.busy_timeout(std::time::Duration::from_secs(5))?;
    Ok(db)
}

/// Looks whether a file is a whole database of ours that this version can read.
pub fn verify(path: &Path) -> Result<Copy> {
    let db = read_only(path)?;
    let wrong = || format!("{} is no database of Whereabouts, or is damaged", path.display());
    let check: String = db.query_row("pragma integrity_check(1)", [], |r| r.get(0)).with_context(wrong)?;
    ensure!(check == "ok", "{}: {check}", wrong());
    let schema: u32 = db.query_row("pragma user_version", [], |r| r.get(0))?;
    let tables: i64 =
        db.query_row("select count(*) from sqlite_master where name in ('events', 'orders', 'promises')", [], |r| r.get(0))?;
    ensure!(schema > 0 && tables == 3, wrong());
    let newest = store::schema();
    ensure!(
        schema <= newest,
        "{} was made by a newer version (schema {schema}, this version knows {newest}): use that version",
        path.display()
    );
    let count = |sql: &str| db.query_row(sql, [], |r| r.get::<_, i64>(0));
    let (events, orders) = (count("select count(*) from events")?, count("select count(*) from orders")?);
    Ok(Copy { path: path.to_owned(), bytes: fs::metadata(path)?.len(), schema, events, orders })
}

/// Writes a consistent, compact copy of the database: as of one moment, whether a server is running or not. It has its name only once it
/// is whole and on disk.
pub fn backup(database: &Path, to: &Path, replace: bool) -> Result<Copy> {
    ensure!(replace || !to.exists(), "{} is there already: choose another name, or say --replace", to.display());
    ensure!(to != database, "a backup needs a name of its own");
    let partial = beside(to, ".partial");
    let _ = fs::remove_file(&partial);
    let db = read_only(database)?;
    // One read transaction: writers go on meanwhile. What was deleted is not copied.
    let name = partial.to_str().with_context(|| format!("{}: write a name in UTF-8", to.display()))?;
    let made = private(&partial).and_then(|()| Ok(db.execute("vacuum into ?1", [name])?));
    let checked = made.with_context(|| format!("writing {}", partial.display())).and_then(|_| verify(&partial));
    let copy = match checked {
        Ok(copy) => copy,
        Err(e) => {
            let _ = fs::remove_file(&partial);
            return Err(e);
        }
    };
    put(&partial, to)?;
    Ok(Copy { path: to.to_owned(), ..copy })
}

/// An empty file that only its owner may read: personal data is to come into it.
fn private(path: &Path) -> Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    File::options().create_new(true).write(true).mode(0o600).open(path)?;
    Ok(())
}

/// Gives a whole file its name, so that a power cut leaves either.
fn put(from: &Path, to: &Path) -> Result<()> {
    File::open(from)?.sync_all()?;
    fs::rename(from, to).with_context(|| format!("renaming {} to {}", from.display(), to.display()))?;
    let folder = to.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()?;
    Ok(())
}

/// What was done.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Restored {
    pub restored: Copy,
    /// Where what was there before is now.
    pub before: Option<PathBuf>,
}

/// Puts a copy in the database's place. Refuses while a server runs; keeps what was there, under another name.
pub fn restore(database: &Path, from: &Path, now: i64) -> Result<Restored> {
    let _lock = super::lock(database)?;
    ensure!(from != database, "the copy is the database itself");
    let copy = verify(from)?;
    let partial = beside(database, ".restoring");
    let _ = fs::remove_file(&partial);
    private(&partial)?;
    fs::copy(from, &partial).with_context(|| format!("copying {}", from.display()))?;
    // What was copied is checked once more: a disk may be full or failing.
    let copied = verify(&partial)?;
    if (copied.events, copied.orders, copied.bytes) != (copy.events, copy.orders, copy.bytes) {
        bail!("{} is not the same as {}: try again", partial.display(), from.display());
    }
    let mut before = None;
    if database.exists() {
        let stamp = promise::Instant(now).to_string().replace([':', '-'], "");
        let kept = beside(database, &format!(".before-{stamp}"));
        ensure!(!kept.exists(), "{} is there already: try again in a second", kept.display());
        // What stands in the log goes into the file, as far as the file is whole; the log goes along in any case.
        if let Ok(old) = Connection::open(database) {
            let _ = old.query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(()));
        }
        for ending in ["-wal", "-shm"] {
            let log = beside(database, ending);
            if log.exists() {
                fs::rename(&log, beside(&kept, ending))?;
            }
        }
        fs::rename(database, &kept)?;
        before = Some(kept);
    }
    put(&partial, database)?;
    Ok(Restored { restored: Copy { path: database.to_owned(), ..copied }, before })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database(dir: &Path, name: &str, events: usize) -> PathBuf {
        let path = dir.join(name);
        drop(store::Db::open(&path).unwrap());
        let db = Connection::open(&path).unwrap();
        for n in 0..events {
            crate::ingest::append(&db, "demo", "standard", None, &n.to_string(), 1, b"{}").unwrap();
        }
        path
    }

    #[test]
    fn a_copy_is_whole_and_goes_back_and_what_was_there_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let live = database(dir.path(), "live.sqlite", 3);
        // The server writes on: its log is not yet in the file.
        let writing = Connection::open(&live).unwrap();
        crate::ingest::append(&writing, "demo", "standard", None, "late", 1, b"{}").unwrap();
        let to = dir.path().join("copy.sqlite");
        let copy = backup(&live, &to, false).unwrap();
        assert_eq!((copy.events, copy.schema), (4, store::schema()));
        assert!(backup(&live, &to, false).unwrap_err().to_string().contains("--replace"));
        backup(&live, &to, true).unwrap();
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&to).unwrap().permissions().mode() & 0o077, 0, "nobody else may read it");

        crate::ingest::append(&writing, "demo", "standard", None, "later", 1, b"{}").unwrap();
        drop(writing);
        let done = restore(&live, &to, 1_800_000_000).unwrap();
        assert_eq!(verify(&live).unwrap().events, 4);
        assert_eq!(verify(&done.before.unwrap()).unwrap().events, 5);
        let left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|f| f.unwrap().file_name()).collect();
        assert!(
            !left.iter().any(|f| f.to_string_lossy().ends_with("ing") || f.to_string_lossy().ends_with("partial")),
            "{left:?}"
        );
    }

    #[test]
    fn what_is_no_database_or_in_use_is_refused_and_nothing_changes() {
        let dir = tempfile::tempdir().unwrap();
        let live = database(dir.path(), "live.sqlite", 2);
        let copy = dir.path().join("copy.sqlite");
        backup(&live, &copy, false).unwrap();
        let held = super::super::lock(&live).unwrap();
        assert!(restore(&live, &copy, 0).unwrap_err().to_string().contains("stop it first"));
        drop(held);
        // Damaged in the middle; cut short; not a database; another's; a newer one.
        let bytes = fs::read(&copy).unwrap();
        let bad = dir.path().join("bad.sqlite");
        let mut damaged = bytes.clone();
        damaged[4096..12_288].fill(7);
        for broken in [&damaged[..], &bytes[..bytes.len() / 2], b"not a database at all", b""] {
            fs::write(&bad, broken).unwrap();
            assert!(restore(&live, &bad, 0).is_err());
        }
        fs::remove_file(&bad).unwrap();
        Connection::open(&bad).unwrap().execute_batch("create table x (y)").unwrap();
        assert!(restore(&live, &bad, 0).unwrap_err().to_string().contains("no database of Whereabouts"));
        fs::copy(&copy, &bad).unwrap();
        Connection::open(&bad).unwrap().pragma_update(None, "user_version", 9999).unwrap();
        assert!(restore(&live, &bad, 0).unwrap_err().to_string().contains("newer version"));
        assert_eq!(verify(&live).unwrap().events, 2);
        assert!(!dir.path().read_dir().unwrap().any(|f| f.unwrap().file_name().to_string_lossy().contains("before")));
    }
}
