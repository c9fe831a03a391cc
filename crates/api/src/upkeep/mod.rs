//! Keeping an installation well: copies of the database, a look at what may be wrong, and a lock that says that a server is running.

pub mod backup;
pub mod doctor;

use std::{
    fs::{File, TryLockError},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

/// Held while a process may write to the database; the system takes it back when the process ends, however it ends.
#[derive(Debug)]
pub struct Lock(#[allow(dead_code, reason = "held, not read")] File);

fn beside(database: &Path, ending: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Takes the database for this process. An error: another has it.
pub fn lock(database: &Path) -> Result<Lock> {
    let path = beside(database, ".lock");
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.with_context(|| format!("{}: is its folder there, and may this user write to it?", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => bail!("{} is in use by a running server: stop it first", database.display()),
        Err(TryLockError::Error(e)) => Err(e).with_context(|| format!("locking {}", path.display())),
    }
}
