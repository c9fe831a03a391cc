//! The commands, as a person runs them: the built binary, with the features that it has.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use serde_json::Value;

fn run(arguments: &[&str], input: &str) -> (bool, Vec<Value>, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_whereabouts"))
        .args(arguments)
        .env("TOKEN_SECRET", super::SECRET)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let done = child.wait_with_output().unwrap();
    let lines = String::from_utf8(done.stdout).unwrap();
    let values = lines.lines().filter_map(|l| serde_json::from_str(l).ok()).collect();
    (done.status.success(), values, String::from_utf8(done.stderr).unwrap())
}

#[test]
fn detect_reads_arguments_and_standard_input() {
    let (ok, found, _) = run(&["detect", "--json", "1Z5R89390357567127", "no number"], "");
    assert!(ok);
    assert_eq!((found[0]["valid"].as_bool(), found[0]["candidates"][0]["carrier"].as_str()), (Some(true), Some("ups")));
    assert_eq!((found[1]["valid"].as_bool(), found[1]["candidates"].as_array().unwrap().len()), (Some(false), 0));
    let (_, found, _) = run(&["detect"], "my parcel is RB123456785GB\n\n");
    assert_eq!(found[0]["candidates"][0]["name"], "Royal Mail Group plc");
}

#[test]
fn estimate_prints_windows_and_names_what_is_wrong() {
    let policy = concat!(env!("CARGO_MANIFEST_DIR"), "/src/demo/policy.json");
    let base = ["estimate", "--policy", policy, "--json", "--destination", "US-94103", "--item", "MUG-1=2", "--at"];
    let (ok, said, _) = run(&[&base[..], &["2026-12-01T14:00:00Z"]].concat(), "");
    assert!(ok && said[0]["options"][0]["window"]["to"].is_string(), "{said:?}");
    let (ok, _, error) = run(&[&base[..], &["yesterday"]].concat(), "");
    assert!(!ok && error.lines().count() == 1 && error.contains("--at"), "{error}");
}

/// Orders of 200 days on two lanes, as a table.
fn orders() -> String {
    let mut table = String::from("ordered_at,shipped_at,arrived,promised,warehouse,country\n");
    for n in 0..600 {
        let day = |d: i32| promise::Day(20_000 + n / 3 + d);
        let far = n % 3 == 0;
        let took = [2, 3, 3, 4, 3, 2, 5, 3, 4, 3][(n * 7 % 10) as usize] + if far { 6 } else { 0 };
        let to = if far { "NZ" } else { "FR" };
        table += &format!("{} 14:30:00,{},{},{},A,{to}\n", day(0), day(1), day(took), day(12));
    }
    table + "2024-12-01,,2024-11-01,,A,FR\nsoon,,,,A,FR\n"
}

#[test]
fn backtest_reads_standard_input_and_writes_figures_and_a_page() {
    let page = tempfile::NamedTempFile::new().unwrap();
    let path = page.path().to_str().unwrap();
    let base = ["backtest", "--shipments", "-", "--json", "--columns", "delivered=arrived"];
    let (ok, said, progress) = run(&[&base[..], &["--split", "2025-02-01", "--html", path]].concat(), &orders());
    assert!(ok, "{progress}");
    let said = &said[0];
    assert_eq!((said["split"].as_str(), said["orders"].as_u64()), (Some("2025-02-01"), Some(240)));
    assert_eq!(
        said["quantiles"].as_array().unwrap().iter().map(|q| q["p"].as_f64().unwrap()).collect::<Vec<_>>(),
        [0.1, 0.5, 0.8, 0.9, 0.95]
    );
    assert!(said["quantiles"][3]["coverage"].as_f64().unwrap() > 0.8);
    assert_eq!(
        (said["baselines"]["store"]["coverage"].as_f64(), said["at_store_on_time"]["share"].as_f64()),
        (Some(1.0), Some(1.0))
    );
    assert!(said["pinball"].as_f64() < said["baselines"]["global_quantiles"]["pinball"].as_f64());
    assert_eq!(said["lanes"].as_array().unwrap().len(), 2);
    assert_eq!(said["impossible"]["delivered before it was bought"], 1);
    assert_eq!(said["read"]["left_out"]["without a readable purchase date"], 1);
    assert!(progress.contains("100 %"), "{progress}");
    let html = std::fs::read_to_string(path).unwrap();
    assert!(html.contains("A to NZ") && html.contains("role=\"img\"") && !html.contains("<script") && !html.contains("http"));
    for (wrong, says) in [("delivered=came", "there are ordered_at"), ("delivered", "role=column")] {
        let (ok, _, error) = run(&["backtest", "--shipments", "-", "--columns", wrong], &orders());
        assert!(!ok && error.lines().count() == 1 && error.contains(says), "{error}");
    }
}

#[test]
fn learn_prints_distributions_and_fills_a_policy() {
    let (ok, said, error) = run(&["learn", "--shipments", "-", "--json", "--columns", "delivered=arrived"], &orders());
    assert!(ok, "{error}");
    let said = &said[0];
    assert_eq!((said["delivered"].as_u64(), said["impossible"]["delivered before it was bought"].as_u64()), (Some(600), Some(1)));
    let lanes = said["transit"].as_array().unwrap();
    assert_eq!((lanes.len(), lanes[0]["zone"].as_str(), lanes[0]["parcels"].as_u64()), (2, Some("FR"), Some(400)));
    assert!(lanes[1]["mean"].as_f64().unwrap() > lanes[0]["mean"].as_f64().unwrap() + 3.0);
    assert_eq!(said["handling"][0]["p50"], 1);

    // Filled into a policy, what was typed stays beside what was learned.
    let policy = concat!(env!("CARGO_MANIFEST_DIR"), "/src/demo/policy.json");
    let typed: Value = serde_json::from_str(&std::fs::read_to_string(policy).unwrap()).unwrap();
    let (origin, service) = (typed["origins"][0]["id"].as_str().unwrap(), typed["services"][0]["id"].as_str().unwrap());
    let mut table = String::from("purchased,handed_over,delivered,origin,service,destination,destination_area\n");
    for n in 0..90 {
        let day = |d: i32| promise::Day(20_000 + n + d);
        table += &format!("{},{},{},{origin},{service},US,94103\n", day(0), day(4), day(14));
    }
    let (ok, said, error) = run(&["learn", "--shipments", "-", "--json", "--policy", policy], &table);
    assert!(ok, "{error}");
    let filled = &said[0]["policy"];
    assert!(filled["origins"][0]["handling"]["weights"].as_array().is_some_and(|w| w.len() > 2), "{filled}");
    assert_eq!(filled["origins"][0]["handling"]["min"], typed["origins"][0]["handling"]["min"]);
    assert!(
        filled["transit"]
            .as_array()
            .unwrap()
            .iter()
            .any(|t| t["origin"] == origin && t["service"] == service && t["days"]["weights"].is_array())
    );

    for (arguments, input) in [(vec!["--half-life", "0"], orders()), (vec![], "purchased,delivered\n2026-01-01,\n".into())] {
        let (ok, _, error) = run(&[&["learn", "--shipments", "-"][..], &arguments].concat(), &input);
        assert!(!ok && error.lines().count() == 1, "{error}");
    }
}

#[test]
fn normalize_and_token_work_on_what_they_get() {
    let body =
        String::from_utf8(super::tracker("evt_1", "1Z5R89390357567127", &[("2026-11-24T12:00:00Z", "in_transit")])).unwrap();
    let (ok, said, _) = run(&["normalize", "--source", "easypost"], &body);
    assert_eq!((ok, said[0]["shipments"][0]["checkpoints"][0]["status"].as_str()), (true, Some("in_transit")));
    let (ok, _, error) = run(&["normalize", "--source", "easypost"], "{");
    assert!(!ok && !error.is_empty());
    let token = api::token::mint("demo", "1", 4_000_000_000, super::SECRET);
    let (ok, said, _) = run(&["token", "check", &token], "");
    assert_eq!((ok, said[0]["order"].as_str()), (true, Some("1")));
    assert!(!run(&["token", "check", &token.replace("demo", "else")], "").0);
}

#[test]
fn backtest_scores_past_orders_and_says_what_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("orders.csv");
    let mut text = String::from("bought,arrived,due,country\n");
    for n in 0..400 {
        let day = |d: i32| promise::Day(20_000 + d);
        text.push_str(&format!(
            "{},{},{},{}\n",
            day(n / 4),
            day(n / 4 + 2 + n % 3),
            day(n / 4 + 9),
            ["NL", "DE"][n as usize % 2]
        ));
    }
    text.push_str("2024-12-01,2024-11-01,,NL\nno date,,,NL\n");
    std::fs::write(&file, text).unwrap();
    let file = file.to_str().unwrap();
    let columns = "purchased=bought,delivered=arrived,promised=due,destination=country";
    let (ok, said, error) = run(&["backtest", "--shipments", file, "--columns", columns, "--split", "2024-12-01", "--json"], "");
    assert!(ok, "{error}");
    assert_eq!((said[0]["split"].as_str(), said[0]["quantiles"].as_array().unwrap().len()), (Some("2024-12-01"), 5));
    assert!(said[0]["orders"].as_u64().unwrap() > 50 && said[0]["pinball"].as_f64().unwrap() < 2.0, "{}", said[0]);
    assert_eq!(
        (said[0]["left_out"]["unreadable"].as_u64(), said[0]["at_store_on_time"]["store"]["coverage"].as_f64()),
        (Some(1), Some(1.0))
    );
    for arguments in [vec!["--columns", "purchased=nothing"], vec!["--columns", "colour=red"], vec!["--split", "soon"]] {
        let (ok, _, error) = run(&[&["backtest", "--shipments", file][..], &arguments].concat(), "");
        assert!(!ok && error.lines().count() == 1, "{arguments:?}: {error}");
    }
}

#[test]
fn a_courier_is_added_by_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("northwind.json");
    std::fs::write(
        &file,
        r#"{"name":"Northwind","courier_code":"northwind","tracking_numbers":[{"name":"Northwind Express","regex":"NW(?<SerialNumber>[0-9]{9})(?<CheckDigit>[0-9])","validation":{"checksum":{"name":"mod7"}},"tracking_url":"https://northwind.example/%s"}]}"#,
    )
    .unwrap();
    let path = folder.path().to_str().unwrap();
    let number = format!("NW100000007{}", 100_000_007 % 7);
    let (_, found, _) = run(&["detect", "--json", &number], "");
    assert_eq!(found[0]["valid"], false);
    let (ok, found, _) = run(&["detect", "--json", "--couriers", path, &number, "1Z5R89390357567127"], "");
    let best = &found[0]["candidates"][0];
    assert!(ok && best["carrier"] == "northwind" && best["valid"] == true, "{found:?}");
    assert_eq!(best["tracking_url"], format!("https://northwind.example/{number}"));
    assert_eq!(found[1]["candidates"][0]["carrier"], "ups");
    std::fs::write(&file, "{").unwrap();
    let (ok, _, error) = run(&["detect", "--couriers", path, &number], "");
    assert!(!ok && error.lines().count() == 1 && error.contains("northwind.json"), "{error}");
    std::fs::remove_file(&file).unwrap();
    assert!(!run(&["detect", "--couriers", path, &number], "").0);
}

/// Whoever adds a courier may err, and files come from anywhere: each mistake is named with its file and place, and nothing is half added.
#[test]
fn a_hostile_couriers_file_is_refused_or_harmless() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let file = |name: &str, text: &[u8]| std::fs::write(folder.path().join(name), text).unwrap();
    let courier =
        |code: &str, number: &str| format!(r#"{{"name":"The {code}","courier_code":"{code}","tracking_numbers":[{number}]}}"#);
    let good = r#"{"name":"Good","id":"good","regex":"GD(?<SerialNumber>[0-9]{8})(?<CheckDigit>[0-9])","validation":{"checksum":{"name":"mod7"}}}"#;
    file("a.json", courier("good", good).as_bytes());
    let serial = "X(?<SerialNumber>[0-9]{8})(?<CheckDigit>[0-9])";
    let with = |validation: &str| courier("bad", &format!(r#"{{"name":"Bad","regex":"{serial}","validation":{validation}}}"#));
    let regex = |regex: &str| courier("bad", &format!(r#"{{"name":"Bad","regex":{}}}"#, serde_json::json!(regex)));
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    for (what, text, says) in [
        ("no JSON", "{".to_owned(), "the file"),
        ("nested without end", deep, "the file"),
        ("a broken pattern", regex("X([0-9]{8}"), "tracking_numbers[0].regex"),
        ("a pattern of a million parts", regex("(?:(?:[A-Z]{1000}){1000}){1000}"), "tracking_numbers[0].regex"),
        (
            "a checksum without its groups",
            courier("bad", r#"{"name":"Bad","regex":"X[0-9]{9}","validation":{"checksum":{"name":"luhn"}}}"#),
            "SerialNumber and CheckDigit",
        ),
        ("a checksum that nobody knows", with(r#"{"checksum":{"name":"mod97"}}"#), "`mod97` is not known"),
        ("a checksum without a name", with(r#"{"checksum":{}}"#), "validation.checksum"),
        (
            "no weights",
            with(r#"{"checksum":{"name":"sum_product_with_weightings_and_modulo","modulo1":11}}"#),
            "validation.checksum",
        ),
        (
            "a division by nothing",
            with(r#"{"checksum":{"name":"sum_product_with_weightings_and_modulo","weightings":[1],"modulo1":0}}"#),
            "validation.checksum",
        ),
        (
            "a broken condition",
            with(r#"{"serial_number_format":{"prepend_if":{"matches_regex":"(","content":"4"}}}"#),
            "prepend_if",
        ),
        (
            "a broken look-up",
            courier(
                "bad",
                r#"{"name":"Bad","regex":"X(?<SerialNumber>[0-9])","additional":[{"name":"A","regex_group_name":"SerialNumber","lookup":[{"matches_regex":"["}]}]}"#,
            ),
            "additional[0]",
        ),
        (
            "a look-up that must find, and is nowhere",
            with(r#"{"additional":{"exists":["Courier"]}}"#),
            "validation.additional.exists",
        ),
        (
            "a look-up in a group that is nowhere",
            courier(
                "bad",
                r#"{"name":"Bad","regex":"X(?<SerialNumber>[0-9])","additional":[{"name":"A","regex_group_name":"Depot","lookup":[{"matches":"1","name":"One"}]}]}"#,
            ),
            "additional[0].regex_group_name",
        ),
        ("no courier", r#"{"name":"Bad","courier_code":" ","tracking_numbers":[]}"#.to_owned(), "courier_code"),
    ] {
        file("b.json", text.as_bytes());
        let (ok, said, error) = run(&["detect", "--json", "--couriers", path, "1Z5R89390357567127"], "");
        assert!(!ok && said.is_empty() && error.lines().count() == 1, "{what}: {error}");
        assert!(error.contains("b.json") && error.contains(says) && error.len() < 500, "{what}: {error}");
    }
    file("b.json", b"\xff\xfe{\x00}\x00");
    assert!(!run(&["detect", "--couriers", path, "1Z"], "").0, "no UTF-8");
    // A pattern that tries everything twice is given up, and the others are asked; a courier told of twice is named once.
    file("b.json", regex("(X+X+)+Y").as_bytes());
    file("c.json", courier("good", good).as_bytes());
    let number = format!("GD10000000{}", 10_000_000 % 7);
    let long = "X".repeat(110);
    let (ok, found, error) = run(&["detect", "--json", "--couriers", path, &number, &long, "1Z5R89390357567127"], "");
    assert!(ok, "{error}");
    let own = found[0]["candidates"].as_array().unwrap().iter().filter(|c| c["carrier"] == "good").count();
    assert_eq!((own, found[0]["valid"].as_bool(), found[1]["valid"].as_bool()), (1, Some(true), Some(false)), "{found:?}");
    assert_eq!(found[2]["candidates"][0]["carrier"], "ups");
}

#[test]
fn programs_ask_every_command_for_json() {
    let (ok, said, _) =
        run(&["normalize", "--json", "--source", "fedex"], r#"{"errors":[{"code":"NOT.FOUND","message":"Not found"}]}"#);
    assert_eq!((ok, said[0]["problems"][0]["kind"].as_str()), (true, Some("carrier_error")));
}

#[test]
fn a_reader_that_has_read_enough_is_no_failure() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_whereabouts"))
        .args(["learn", "--shipments", "-", "--columns", "delivered=arrived"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Gone before anything can be printed: that happens once all has been read.
    drop(child.stdout.take());
    child.stdin.take().unwrap().write_all(orders().as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success() && done.stderr.is_empty(), "{}", String::from_utf8_lossy(&done.stderr));
}
