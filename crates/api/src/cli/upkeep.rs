//! `whereabouts backup|restore|doctor|shopper`: keeping an installation well.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use api::{
    config::Config,
    state::AppState,
    store::{
        audit,
        shoppers::{self, Shopper},
    },
    upkeep::{
        self,
        backup::{backup, restore},
        doctor::{self, Verdict},
    },
};

#[derive(clap::Args)]
pub struct Backup {
    /// A configuration file, as `serve` takes it.
    #[arg(long)]
    config: Option<PathBuf>,
    /// The file to write. The server may go on meanwhile.
    #[arg(long)]
    to: PathBuf,
    /// Take the place of a file with that name.
    #[arg(long)]
    replace: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub fn run_backup(args: Backup) -> Result<()> {
    let config = Config::load(args.config.as_deref(), std::env::vars())?;
    let copy = backup(&config.database, &args.to, args.replace)?;
    if args.json {
        println!("{}", serde_json::to_string(&copy)?);
    } else {
        println!("{}: {} events, {} orders, {} bytes, checked", copy.path.display(), copy.events, copy.orders, copy.bytes);
    }
    Ok(())
}

#[derive(clap::Args)]
pub struct Restore {
    /// A configuration file, as `serve` takes it. Stop the server first.
    #[arg(long)]
    config: Option<PathBuf>,
    /// A file that `backup` made.
    #[arg(long)]
    from: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub fn run_restore(args: Restore) -> Result<()> {
    let config = Config::load(args.config.as_deref(), std::env::vars())?;
    let done = restore(&config.database, &args.from, chrono::Utc::now().timestamp())?;
    if args.json {
        println!("{}", serde_json::to_string(&done)?);
        return Ok(());
    }
    println!("restored {} events and {} orders into {}", done.restored.events, done.restored.orders, config.database.display());
    if let Some(before) = done.before {
        println!("what was there before is kept as {}: delete it once you are sure", before.display());
    }
    println!(
        "shoppers who were erased since the copy was made are in it again: erase them again (see the audit log of what was there)"
    );
    Ok(())
}

#[derive(clap::Args)]
pub struct Doctor {
    /// A configuration file, as `serve` takes it.
    #[arg(long)]
    config: Option<PathBuf>,
    /// Ask nothing outside this machine.
    #[arg(long)]
    offline: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[tokio::main]
pub async fn run_doctor(args: Doctor) -> Result<()> {
    let config = match Config::load(args.config.as_deref(), std::env::vars()) {
        Ok(config) => config,
        Err(e) if args.json => {
            println!(
                "{}",
                serde_json::json!([{"what": "configuration", "verdict": "wrong", "says": format!("{e:#}"), "mend": "correct it; config.default.toml says what each setting means"}])
            );
            bail!("1 thing is wrong");
        }
        Err(e) => return Err(e),
    };
    let found = doctor::examine(&config, chrono::Utc::now().timestamp(), !args.offline).await;
    if args.json {
        println!("{}", serde_json::to_string(&found.0)?);
    } else {
        for f in &found.0 {
            let sign = match f.verdict {
                Verdict::Fine => "fine   ",
                Verdict::Skipped => "skipped",
                Verdict::Warning => "WARNING",
                Verdict::Wrong => "WRONG  ",
            };
            println!("{sign} {}: {}", f.what, f.says);
            if !f.mend.is_empty() {
                println!("        → {}", f.mend);
            }
        }
    }
    match found.0.iter().filter(|f| f.verdict == Verdict::Wrong).count() {
        0 => Ok(()),
        1 => bail!("1 thing is wrong"),
        n => bail!("{n} things are wrong"),
    }
}

#[derive(clap::Subcommand)]
pub enum Person {
    /// All that is kept of a shopper, as JSON, to hand over.
    Export(Who),
    /// Forget a shopper. Stop the server first, or use its admin route: it keeps documents in memory.
    Erase(Who),
}

#[derive(clap::Args)]
pub struct Who {
    /// A configuration file, as `serve` takes it.
    #[arg(long)]
    config: Option<PathBuf>,
    #[arg(long)]
    store: String,
    #[arg(long)]
    email: Option<String>,
    /// An order's id or number; may be repeated.
    #[arg(long = "order")]
    orders: Vec<String>,
    /// Print JSON (it is JSON in any case).
    #[arg(long)]
    json: bool,
}

#[tokio::main]
pub async fn run_shopper(args: Person) -> Result<()> {
    let (who, erase) = match args {
        Person::Export(who) => (who, false),
        Person::Erase(who) => (who, true),
    };
    if who.email.as_deref().unwrap_or_default().trim().is_empty() && who.orders.is_empty() {
        bail!("say whom: --email or --order");
    }
    let config = Config::load(who.config.as_deref(), std::env::vars())?;
    // Held until the end: nobody else writes meanwhile.
    let _lock = if erase { Some(upkeep::lock(&config.database)?) } else { None };
    let state = AppState::start(config).await?;
    let store = state.store_info(&who.store).with_context(|| format!("there is no store \"{}\"", who.store))?;
    let shopper = Shopper { email: who.email, orders: who.orders };
    let said = if erase {
        serde_json::to_value(shoppers::erase(&state, store, shopper, audit::COMMAND.to_owned()).await?)?
    } else {
        let now = state.now();
        state.db().read(move |db| shoppers::export(db, &store, &shopper, now)).await?
    };
    println!("{}", serde_json::to_string_pretty(&said)?);
    Ok(())
}
