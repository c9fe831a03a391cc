//! `whereabouts backtest` on real orders: how good promises are held to be is asserted here, on several splits. Skipped where the data is not there.

use std::process::Command;

use serde_json::Value;

fn backtest(file: &str, split: &str) -> Option<Value> {
    let data =
        std::env::var("WHEREABOUTS_DATA").unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data").into());
    let path = std::path::Path::new(&data).join("delivery").join(file);
    if !path.exists() {
        println!("skipped: {} is not there", path.display());
        return None;
    }
    let done = Command::new(env!("CARGO_BIN_EXE_whereabouts"))
        .args(["backtest", "--json", "--split", split, "--shipments"])
        .arg(path)
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let said: Value = serde_json::from_slice(&done.stdout).unwrap();
    println!(
        "{file} {split}: {} s, pinball {}, {}, missed {}",
        said["seconds"],
        said["pinball"],
        coverage(&said),
        said["limits"]
    );
    Some(said)
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}

fn coverage(said: &Value) -> String {
    said["quantiles"].as_array().unwrap().iter().map(|q| format!("{}:{}", q["p"], q["coverage"])).collect::<Vec<_>>().join(" ")
}

/// By how many points the quantile that is furthest off is off.
fn off(said: &Value) -> f64 {
    said["quantiles"]
        .as_array()
        .unwrap()
        .iter()
        .map(|q| (number(&q["coverage"]) - number(&q["p"])).abs() * 100.0)
        .fold(0.0, f64::max)
}

#[test]
fn olist_promises_keep_their_limits() {
    let Some(said) = backtest("olist.csv.gz", "2018-02-01") else { return };
    assert!(number(&said["orders"]) > 5_000.0);
    assert!(number(&said["pinball"]) <= 2.0, "{}", said["pinball"]);
    assert!(off(&said) <= 2.0, "{}", coverage(&said));
    assert_eq!(said["limits"]["missed"].as_array().unwrap().len(), 0, "in every month as well: {}", said["limits"]);
    let at = &said["at_store_on_time"];
    assert!(number(&at["coverage"]) >= number(&at["store"]["coverage"]));
    assert!(number(&at["mean_days"]) <= 23.5 && number(&at["mean_days"]) < number(&at["store"]["mean_days"]), "{at}");
    assert!(number(&said["pinball"]) < number(&said["baselines"]["lane_quantiles"]["pinball"]) - 0.2);
}

#[test]
fn other_splits_hold_as_well() {
    // Over all orders that follow. The weeks after Black Friday 2017 were slow as none before them, and no order bought just before could know.
    for (split, most) in [("2017-09-01", 2.0), ("2017-12-01", 2.0), ("2018-01-01", 2.0), ("2018-03-01", 3.0), ("2018-04-01", 3.0)]
    {
        let Some(said) = backtest("olist.csv.gz", split) else { return };
        assert!(off(&said) <= most, "{split}: {}", coverage(&said));
        for m in said["limits"]["missed"].as_array().unwrap() {
            let off = (number(&m["coverage"]) - number(&m["p"])).abs();
            assert!(off < 0.055 || ["2017-11", "2017-12"].map(Some).contains(&m["month"].as_str()), "{split}: {m}");
        }
    }
}

#[test]
fn fewer_orders_and_long_ways_hold_as_far_as_can_be_told() {
    let Some(said) = backtest("olist_unjoined.csv.gz", "2017-09-01") else { return };
    assert!(off(&said) <= 2.5, "{}", coverage(&said));
    assert!(
        said["limits"]["too_few"].as_array().unwrap().contains(&"all".into()),
        "1,500 orders tell a median to two and a half points"
    );
    let Some(said) = backtest("scms.csv.gz", "2010-01-01") else { return };
    assert!(off(&said) <= 4.0, "{}", coverage(&said));
    assert!(number(&said["pinball"]) < number(&said["baselines"]["lane_quantiles"]["pinball"]), "{}", said["pinball"]);
}
