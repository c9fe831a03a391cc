//! What the installation keeps of what was done to it, and for how long.

use super::*;

#[tokio::test]
async fn what_a_key_did_is_in_the_audit_log_of_its_store_alone() {
    let api = api().await;
    let (_, policy) = api.admin("GET", "policy", "", b"").await;
    let (status, _) = api.admin("PUT", "policy", "application/json", policy.to_string().as_bytes()).await;
    assert_eq!(status, StatusCode::OK);
    let delay =
        br#"{"id":"snow","from":"2026-12-01T00:00:00Z","effect":{"min":1,"max":1},"reason":"weather","severity":1,"scope":{}}"#;
    let (status, answer) = api.admin("POST", "delays", "application/json", delay).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    assert_eq!(api.admin("DELETE", "delays/snow", "", b"").await.0, StatusCode::NO_CONTENT);
    assert_eq!(api.admin("DELETE", "delays/snow", "", b"").await.0, StatusCode::NOT_FOUND);
    let (_, log) = api.admin("GET", "audit", "", b"").await;
    let said: Vec<_> = log
        .as_array()
        .unwrap()
        .iter()
        .map(|e| {
            assert_eq!(e["actor"], "admin key");
            (e["action"].as_str().unwrap(), e["subject"].as_str().unwrap())
        })
        .collect();
    assert_eq!(said, [("delay.end", "snow"), ("delay.put", "snow"), ("policy.publish", "2")]);
    let (_, delays) = api.admin("GET", "audit?action=delay&before=3", "", b"").await;
    assert_eq!(delays.as_array().unwrap().len(), 1);
    let request = Request::get("/v1/admin/stores/other/audit")
        .header(header::AUTHORIZATION, "Bearer other-key-0123456789abcdef0123456789")
        .body(Body::empty())
        .unwrap();
    assert_eq!(api.send(request).await.2, serde_json::json!([]));
    assert_eq!(api.get("/v1/admin/stores/demo/audit").await.0, StatusCode::UNAUTHORIZED);
}
