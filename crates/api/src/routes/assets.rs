//! The loader and what it loads: embedded, precompressed, hashed and immutable.

use axum::{
    extract::Path,
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};
use rust_embed::Embed;

use super::stores::unchanged;
use crate::problem::Problem;

#[derive(Embed)]
#[folder = "../../pkg/assets"]
struct Assets;

/// What should be in the binary and is not.
pub fn missing_files() -> Vec<String> {
    let mut wanted = vec!["embed.js".to_owned(), "manifest.json".to_owned()];
    if let Some(manifest) = Assets::get("manifest.json") {
        let named: serde_json::Value = serde_json::from_slice(&manifest.data).unwrap_or_default();
        names(&named, &mut wanted);
    }
    wanted.retain(|file| Assets::get(file).is_none());
    wanted
}

/// Names of files that a manifest holds, however deep.
fn names(value: &serde_json::Value, into: &mut Vec<String>) {
    match value {
        serde_json::Value::String(text) if [".js", ".wasm", ".css", ".json"].iter().any(|e| text.ends_with(e)) => {
            into.push(text.clone())
        }
        serde_json::Value::Array(all) => all.iter().for_each(|v| names(v, into)),
        serde_json::Value::Object(all) => all.values().for_each(|v| names(v, into)),
        _ => {}
    }
}

pub async fn loader(headers: HeaderMap) -> Result<Response, Problem> {
    serve("embed.js", "public, max-age=300, stale-while-revalidate=86400", &headers)
}

pub async fn asset(Path(file): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    // Compressed twins are chosen by Accept-Encoding, not by name.
    if file.ends_with(".br") || file.ends_with(".gz") {
        return Err(missing());
    }
    let cache = if file == "manifest.json" { "public, max-age=300" } else { "public, max-age=31536000, immutable" };
    serve(&file, cache, &headers)
}

/// Does `Accept-Encoding` allow this one?
pub fn takes(headers: &HeaderMap, encoding: &str) -> bool {
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|v| v.to_str().ok()).unwrap_or_default();
    accepted.split(',').any(|entry| {
        let (name, quality) = entry.split_once(';').unwrap_or((entry, "q=1"));
        name.trim() == encoding && !matches!(quality.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000")
    })
}

fn serve(file: &str, cache: &'static str, headers: &HeaderMap) -> Result<Response, Problem> {
    let endings = [("br", ".br"), ("gzip", ".gz")].into_iter().filter(|(name, _)| takes(headers, name));
    let (encoding, found) = endings
        .filter_map(|(name, ending)| Some((name, Assets::get(&format!("{file}{ending}"))?)))
        .next()
        .map(|(name, f)| (Some(name), f))
        .or_else(|| Assets::get(file).map(|f| (None, f)))
        .ok_or_else(missing)?;
    let kind = match file.rsplit('.').next() {
        Some("js") => "text/javascript; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("css") => "text/css; charset=utf-8",
        _ => "application/json",
    };
    let head = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, cache),
        (header::VARY, "accept-encoding"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
    ];
    // Of the bytes that are sent: each encoding has its own.
    let etag = format!("\"{}\"", hex::encode(&found.metadata.sha256_hash()[..12]));
    let mut answer = if unchanged(headers, &etag) {
        (StatusCode::NOT_MODIFIED, head).into_response()
    } else {
        (head, found.data).into_response()
    };
    answer.headers_mut().insert(header::ETAG, header::HeaderValue::from_str(&etag).map_err(|_| missing())?);
    if let Some(encoding) = encoding {
        answer.headers_mut().insert(header::CONTENT_ENCODING, header::HeaderValue::from_static(encoding));
    }
    Ok(answer)
}

fn missing() -> Problem {
    match Assets::iter().next() {
        Some(_) => Problem::new(StatusCode::NOT_FOUND, "there is no such asset: the page may hold an old loader; reload it"),
        None => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the widget is not built: run ./build.sh build"),
    }
}
