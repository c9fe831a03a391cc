//! The console's pages over a made-up year of orders: how long they take, and in how much memory. The reference is what is asked of
//! them: 300 ms at the median, one second at the 95th percentile, 256 MB.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::Instant,
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{Figure, http, server};

const ROUNDS: usize = 12;
/// As long as they go: days that pages look back.
const PERIODS: [u32; 3] = [28, 91, 365];
const PAGES: [&str; 9] = [
    "insights",
    "insights/carriers",
    "insights/origins",
    "insights/methods",
    "insights/places",
    "insights/lanes",
    "insights/contacts",
    "insights/areas",
    "insights/scorecard?dimension=carrier&key=ups",
];

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub async fn figures(orders: u64) -> Result<Vec<Figure>> {
    let dir = tempfile::tempdir_in(server::disk())?;
    let config = server::configure(dir.path(), "insight")?;
    let binary = server::binary()?;
    let seeded = Command::new(&binary)
        .args(["seed", "--store", "bench", "--orders", &orders.to_string(), "--config"])
        .arg(&config)
        .stdout(Stdio::piped())
        .output()?;
    ensure!(seeded.status.success(), "seeding failed: {}", String::from_utf8_lossy(&seeded.stderr));
    let said: Value = serde_json::from_slice(&seeded.stdout)?;
    eprintln!("seeded {orders} orders in {} s", said["seconds"]);

    let mut child =
        Command::new(&binary).arg("serve").arg("--config").arg(&config).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().context("no output")?).read_line(&mut line)?;
    let running = Running(child);
    let said: Value = serde_json::from_str(&line)?;
    let address = said["listen"].as_str().unwrap_or_default().trim_start_matches("http://").parse()?;
    let link = said["set_up"].as_str().context("no set-up link")?;
    let path = link.find("/console/").and_then(|at| link.get(at..)).context("an odd set-up link")?;
    let mut connection = http::Connection::open(address).await?;
    let form = b"email=bench@example.com&name=Bench&password=correct-horse-battery-42-staple";
    let signed_in = connection.send(&http::post(path, &[("content-type", "application/x-www-form-urlencoded")], form)).await?;
    let cookie =
        signed_in.head.lines().find_map(|l| l.to_ascii_lowercase().starts_with("set-cookie:").then(|| l[11..].trim().to_owned()));
    let cookie = cookie
        .and_then(|c| c.split(';').next().map(str::to_owned))
        .with_context(|| format!("not signed in: {}", signed_in.head))?;

    let mut times = Vec::new();
    for round in 0..=ROUNDS {
        for page in PAGES {
            let days = PERIODS[round % PERIODS.len()];
            let joint = if page.contains('?') { '&' } else { '?' };
            let request = http::get(&format!("/console/bench/{page}{joint}days={days}"), &[("cookie", &cookie)]);
            let began = Instant::now();
            let answer = connection.send(&request).await?;
            ensure!(answer.status == 200, "{page}: {}", answer.status);
            // The first round warms what a running server has warm.
            if round > 0 {
                times.push(began.elapsed().as_secs_f64() * 1000.0);
            }
        }
    }
    times.sort_by(f64::total_cmp);
    let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize];
    let memory = memory_mb(running.0.id())?;
    let figure = |name, value, reference, unit, against| Figure { name, value, reference, unit, against };
    Ok(vec![
        figure("console_median", at(0.5), 300.0, "ms", "what is asked: 300 ms, over a year of orders"),
        figure("console_p95", at(0.95), 1000.0, "ms", "what is asked: a second, over a year of orders"),
        figure("console_memory", memory, 256.0, "MB", "what is asked: 256 MB at most, at any time"),
    ])
}

/// The most that a process had in memory.
fn memory_mb(pid: u32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).context("no VmHWM")?;
    let kilobytes: f64 = line.split_whitespace().nth(1).context("no number")?.parse()?;
    Ok(kilobytes / 1024.0)
}
