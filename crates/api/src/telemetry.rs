//! What is seen from outside: a line in the log and a few figures per request, by route, never by address (addresses hold tokens).

use std::{sync::OnceLock, time::Instant};

use axum::{
    extract::{MatchedPath, Request},
    middleware::Next,
    response::Response,
};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Seconds.
const BUCKETS: &[f64] = &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5];

/// The process's figures; made at the first call.
pub fn figures() -> &'static PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(|| {
        let builder = PrometheusBuilder::new();
        let builder = builder
            .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), BUCKETS)
            .unwrap_or_else(|_| PrometheusBuilder::new());
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        // Another recorder may have been set by who embeds this library: theirs stays.
        let _ = metrics::set_global_recorder(recorder);
        metrics::describe_counter!("http_requests_total", "Requests answered, by route and status");
        metrics::describe_histogram!("http_request_seconds", "Time until the answer's head was ready, by route");
        metrics::describe_counter!("webhooks_total", "Webhooks by source and outcome: new, repeated, refused");
        metrics::describe_counter!("events_projected_total", "Events read, by source and outcome: read, set_aside");
        metrics::describe_gauge!("events_waiting", "Events on disk that are not projected yet");
        metrics::describe_gauge!("live_streams", "Open streams of live updates");
        handle
    })
}

/// Counts and logs a request.
pub async fn observe(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str).to_owned();
    let method = request.method().clone();
    let started = Instant::now();
    let response = next.run(request).await;
    let (seconds, status) = (started.elapsed().as_secs_f64(), response.status().as_u16());
    tracing::info!(%method, route, status, ms = seconds * 1000.0, "request");
    metrics::counter!("http_requests_total", "route" => route.clone(), "method" => method.to_string(), "status" => status.to_string()).increment(1);
    metrics::histogram!("http_request_seconds", "route" => route).record(seconds);
    response
}

/// One open stream, counted as long as it lives.
pub struct Stream;

impl Stream {
    pub fn open() -> Stream {
        metrics::gauge!("live_streams").increment(1.0);
        Stream
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        metrics::gauge!("live_streams").decrement(1.0);
    }
}
