//! What a store's deliveries teach, through the API: learned from events, the same after a replay.

use api::ingest;
use axum::http::StatusCode;

use super::{
    api_with,
    insight::{bodies, import},
};

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_teach_the_policy_and_a_replay_teaches_nothing_twice() {
    let api = api_with(|c| c.limits.body_bytes = 10_000_000).await;
    import(&api, &bodies()).await;
    let (status, said) = api.admin("GET", "learning", "", b"").await;
    assert_eq!(status, StatusCode::OK, "{said}");
    assert!(said["delivered"].as_u64().unwrap() > 10, "{said}");
    let lanes = said["transit"].as_array().unwrap();
    assert!(!lanes.is_empty() && lanes.iter().all(|l| l["weights"].as_array().is_some_and(|w| !w.is_empty())), "{lanes:?}");
    let calibration = said["calibration"].as_array().unwrap();
    assert!(calibration.iter().all(|c| c["kept"].as_u64() <= c["promises"].as_u64()), "{calibration:?}");
    ingest::replay(&api.state).await.unwrap();
    assert_eq!(api.admin("GET", "learning", "", b"").await.1, said);
    // What was learned can be published as it is.
    let policy = serde_json::to_vec(&said["policy"]).unwrap();
    let (status, answer) = api.admin("PUT", "policy", "application/json", &policy).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
}
