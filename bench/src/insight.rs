//! The console's pages over a made-up year of orders: how long they take, and in how much memory. The reference is what is asked of
//! them: 300 ms at the median, one second at the 95th percentile, 256 MB. Cold: with nothing of the database in the system's memory, as for
//! whoever is the first in the morning; kept: as for everybody after.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{Figure, http, server};

const ROUNDS: usize = 12;
/// As long as they go: days that pages look back.
const PERIODS: [u32; 3] = [365, 91, 28];
const PAGES: [&str; 25] = [
    "insights",
    "insights/carriers",
    "insights/origins",
    "insights/methods",
    "insights/places",
    "insights/lanes",
    "insights/contacts",
    "insights/areas",
    "insights/scorecard?dimension=carrier&key=ups",
    "insights/messages",
    "insights/feedback",
    "insights/reports",
    "overview",
    "orders",
    "orders?q=12345",
    "orders?q=shopper77@example.com",
    "orders?q=94155",
    "orders?q=mug",
    "reports",
    "messages",
    "messages/options",
    "policy",
    "policy/learned",
    "carriers",
    "problems",
];

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `kept`: a folder in which the year stays, and is found again: seeding a large one takes long.
pub async fn figures(orders: u64, kept: Option<&Path>) -> Result<Vec<Figure>> {
    let dir = tempfile::tempdir_in(server::disk())?;
    let folder = kept.unwrap_or(dir.path());
    std::fs::create_dir_all(folder)?;
    let database = folder.join("insight.sqlite");
    let there = database.exists();
    let config = server::configure(folder, "insight")?;
    let binary = server::binary()?;
    if !there {
        let seeded = Command::new(&binary)
            .args(["seed", "--store", "bench", "--orders", &orders.to_string(), "--config"])
            .arg(&config)
            .stdout(Stdio::piped())
            .output()?;
        ensure!(seeded.status.success(), "seeding failed: {}", String::from_utf8_lossy(&seeded.stderr));
        let said: Value = serde_json::from_slice(&seeded.stdout)?;
        eprintln!("seeded {orders} orders in {} s", said["seconds"]);
    }

    let mut child =
        Command::new(&binary).arg("serve").arg("--config").arg(&config).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().context("no output")?).read_line(&mut line)?;
    let running = Running(child);
    let said: Value = serde_json::from_str(&line)?;
    let address = said["listen"].as_str().unwrap_or_default().trim_start_matches("http://").parse()?;
    // Somebody of an earlier run is there already.
    let link = said["set_up"].as_str().unwrap_or("/console/sign-in");
    let path = link.find("/console/").and_then(|at| link.get(at..)).context("an odd set-up link")?;
    rest(running.0.id()).await?;
    let mut connection = http::Connection::open(address).await?;
    let form = b"email=bench@example.com&name=Bench&password=correct-horse-battery-42-staple";
    let signed_in = connection.send(&http::post(path, &[("content-type", "application/x-www-form-urlencoded")], form)).await?;
    let cookie =
        signed_in.head.lines().find_map(|l| l.to_ascii_lowercase().starts_with("set-cookie:").then(|| l[11..].trim().to_owned()));
    let cookie = cookie
        .and_then(|c| c.split(';').next().map(str::to_owned))
        .with_context(|| format!("not signed in: {}", signed_in.head))?;

    let (mut times, mut cold) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        for page in PAGES {
            let days = PERIODS[round % PERIODS.len()];
            let joint = if page.contains('?') { '&' } else { '?' };
            if round == 0 {
                forget(&database)?;
            }
            let request = http::get(&format!("/console/bench/{page}{joint}days={days}"), &[("cookie", &cookie)]);
            let began = Instant::now();
            let answer = connection.send(&request).await?;
            ensure!(answer.status == 200, "{page}: {}", answer.status);
            let took = began.elapsed().as_secs_f64() * 1000.0;
            if std::env::var_os("WHEREABOUTS_BENCH_PAGES").is_some() && round <= 1 {
                eprintln!("{page}: {took:.1} ms, {days} days, {}", if round == 0 { "cold" } else { "kept" });
            }
            if round == 0 { &mut cold } else { &mut times }.push(took);
        }
    }
    for list in [&mut times, &mut cold] {
        list.sort_by(f64::total_cmp);
    }
    let at = |list: &[f64], part: f64| list[((list.len() - 1) as f64 * part).ceil() as usize];
    let memory = memory_mb(running.0.id())?;
    let figure = |name, value, reference, unit, against| Figure { name, value, reference, unit, against };
    Ok(vec![
        figure("console_cold_median", at(&cold, 0.5), 300.0, "ms", "the same, with nothing of the database in memory"),
        figure("console_cold_p95", at(&cold, 0.95), 1000.0, "ms", "the same, with nothing of the database in memory"),
        figure("console_median", at(&times, 0.5), 300.0, "ms", "what is asked: 300 ms, over a year of orders"),
        figure("console_p95", at(&times, 0.95), 1000.0, "ms", "what is asked: a second, over a year of orders"),
        figure("console_memory", memory, 256.0, "MB", "what is asked: 256 MB at most, at any time"),
    ])
}

/// Nothing of a file stays in the system's memory.
fn forget(file: &Path) -> Result<()> {
    for name in [file.to_owned(), file.with_extension("sqlite-wal")].iter().filter(|f| f.exists()) {
        let mut of = std::ffi::OsString::from("of=");
        of.push(name);
        let done = Command::new("dd")
            .arg(of)
            .args(["oflag=nocache", "conv=notrunc,fdatasync", "count=0"])
            .stderr(Stdio::null())
            .status()?;
        ensure!(done.success(), "dd can't make the system forget {}", name.display());
    }
    Ok(())
}

/// Waits until what a server begins with is done: it looks for delays in all scans, and estimates anew what is under way.
async fn rest(pid: u32) -> Result<()> {
    let spent = || -> Result<u64> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
        let fields: Vec<u64> =
            stat.rsplit(')').next().unwrap_or_default().split(' ').skip(12).take(2).filter_map(|n| n.parse().ok()).collect();
        Ok(fields.iter().sum())
    };
    let (mut before, mut quiet) = (spent()?, 0);
    for _ in 0..600 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let now = spent()?;
        quiet = if now - before <= 5 { quiet + 1 } else { 0 };
        before = now;
        if quiet == 3 {
            return Ok(());
        }
    }
    Ok(())
}

/// The most that a process had in memory.
fn memory_mb(pid: u32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).context("no VmHWM")?;
    let kilobytes: f64 = line.split_whitespace().nth(1).context("no number")?.parse()?;
    Ok(kilobytes / 1024.0)
}
