//! What is seen from outside: a line in the log and a few figures per request, by route, never by address (addresses hold tokens).

use std::{
    cell::RefCell,
    collections::HashMap,
    sync::OnceLock,
    time::{Duration, Instant},
};

use axum::{
    extract::{MatchedPath, Request},
    http::Method,
    middleware::Next,
    response::Response,
};
use metrics::{Counter, Histogram};
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

/// The figures of one route, method and status; made once per thread.
struct Figures {
    route: String,
    method: Method,
    requests: Counter,
    seconds: Histogram,
}

thread_local! {
    /// By status; few share one, and comparing them costs less than a hash.
    static KNOWN: RefCell<HashMap<u16, Vec<Figures>>> = RefCell::default();
    static WEBHOOKS: RefCell<Vec<(String, &'static str, Counter)>> = RefCell::default();
}

/// Counts and logs a request.
pub async fn observe(request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().cloned();
    let method = request.method().clone();
    let started = Instant::now();
    let response = next.run(request).await;
    seen(path.as_ref().map_or("unmatched", MatchedPath::as_str), &method, response.status().as_u16(), started.elapsed());
    response
}

/// Counts and logs an answer.
pub fn seen(route: &str, method: &Method, status: u16, took: Duration) {
    let seconds = took.as_secs_f64();
    tracing::info!(%method, route, status, ms = seconds * 1000.0, "request");
    KNOWN.with_borrow_mut(|known| {
        let known = known.entry(status).or_default();
        let at = known.iter().position(|f| f.route == route && f.method == *method).unwrap_or_else(|| {
            known.push(Figures {
                route: route.to_owned(),
                method: method.clone(),
                requests: metrics::counter!("http_requests_total", "route" => route.to_owned(), "method" => method.to_string(), "status" => status.to_string()),
                seconds: metrics::histogram!("http_request_seconds", "route" => route.to_owned()),
            });
            known.len() - 1
        });
        known[at].requests.increment(1);
        known[at].seconds.record(seconds);
    });
}

/// Counts a webhook.
pub fn webhook(source: &str, outcome: &'static str) {
    WEBHOOKS.with_borrow_mut(|known| {
        if let Some((_, _, counter)) = known.iter().find(|k| k.0 == source && k.1 == outcome) {
            return counter.increment(1);
        }
        let counter = metrics::counter!("webhooks_total", "source" => source.to_owned(), "outcome" => outcome);
        counter.increment(1);
        known.push((source.to_owned(), outcome, counter));
    });
}

/// Folds what was recorded into the buckets. Without it, figures that nobody asks for would pile up.
pub async fn upkeep() {
    let mut tick = tokio::time::interval(Duration::from_secs(5));
    loop {
        tick.tick().await;
        figures().run_upkeep();
    }
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
