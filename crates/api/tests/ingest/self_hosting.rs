//! `SELF-HOSTING.md` says nothing that does not work: its commands are run, its configuration is loaded.

use std::process::Command;

use super::*;

static PAGE: &str = include_str!("../../../../SELF-HOSTING.md");

/// Fenced blocks of a language.
fn blocks(language: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open: Option<(bool, String)> = None;
    for line in PAGE.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(named)) => open = Some((named == language, String::new())),
            (Some(_), Some(_)) => {
                if let Some((true, text)) = open.take() {
                    found.push(text);
                }
            }
            (Some((_, text)), None) => {
                text.push_str(line);
                text.push('\n');
            }
            (None, None) => {}
        }
    }
    found
}

#[test]
fn its_configuration_loads() {
    let dir = tempfile::tempdir().unwrap();
    let all = blocks("toml");
    assert_eq!(all.len(), 2);
    let path = dir.path().join("whereabouts.toml");
    std::fs::write(&path, &all[0]).unwrap();
    let config = Config::load(Some(&path), std::iter::empty()).unwrap();
    assert_eq!((config.stores[0].id.as_str(), config.limits.proxies), ("shop", 1));
    std::fs::write(&path, &all[1]).unwrap();
    let config = Config::load(Some(&path), std::iter::empty()).unwrap();
    assert_eq!((config.retention.orders, config.retention.audit), (730, 1095));
}

#[test]
fn its_commands_run() {
    let dir = tempfile::tempdir().unwrap();
    let at = |path: &str| dir.path().join(path).to_str().unwrap().to_owned();
    let text = blocks("toml")[0]
        .replace("/var/lib/whereabouts/", &format!("{}/", dir.path().display()))
        .replace("https://parcels.shop.example", "http://127.0.0.1:9");
    std::fs::write(at("whereabouts.toml"), text).unwrap();
    drop(api::store::Db::open(&dir.path().join("whereabouts.sqlite")).unwrap());
    let mut ran = Vec::new();
    for line in blocks("sh").iter().flat_map(|b| b.lines()) {
        let line = line
            .replace("/etc/whereabouts/whereabouts.toml", &at("whereabouts.toml"))
            .replace("/var/backups/whereabouts/", &at(""));
        let words: Vec<&str> = line.split_whitespace().collect();
        let Some(("whereabouts", arguments)) = words.split_first().map(|(f, r)| (*f, r)) else {
            // What is the system's own is not run here; it is nothing else.
            assert!(["install", "useradd", "systemctl", "journalctl"].contains(&words[0]), "{line}");
            continue;
        };
        let mut arguments = arguments.to_vec();
        let doctor = arguments[0] == "doctor";
        if doctor {
            arguments.push("--offline");
        }
        let done = Command::new(env!("CARGO_BIN_EXE_whereabouts")).args(&arguments).output().unwrap();
        let said = String::from_utf8_lossy(&done.stdout).into_owned();
        // The doctor finds that nobody reaches 127.0.0.1:9 and no mail is set up: warnings. Nothing is wrong.
        let widget_missing = doctor && said.contains("WRONG   widget") && said.matches("WRONG").count() == 1;
        assert!(done.status.success() || widget_missing, "{line}: {said} {}", String::from_utf8_lossy(&done.stderr));
        ran.push(arguments[0].to_owned());
    }
    assert_eq!(ran, ["doctor", "backup", "restore", "replay", "shopper", "shopper"]);
    // The unit starts the same command.
    assert!(blocks("ini")[0].contains("ExecStart=/usr/local/bin/whereabouts serve --config /etc/whereabouts/whereabouts.toml"));
}
