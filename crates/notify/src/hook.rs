//! Chat and social tools: a template makes the JSON that they take.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    Outcome,
    rules::Hook,
    template::{self, Form},
};

/// Shapes that are known by name. Values stand in them as JSON literals.
pub const SHAPES: [(&str, &str); 3] = [
    ("slack", include_str!("../templates/slack.json")),
    ("whatsapp", include_str!("../templates/whatsapp.json")),
    ("klaviyo", include_str!("../templates/klaviyo.json")),
];

impl Hook {
    fn template(&self) -> Result<&str, String> {
        match (&self.body, &self.shape) {
            (Some(body), _) => Ok(body),
            (None, Some(shape)) => SHAPES
                .iter()
                .find(|s| s.0 == shape)
                .map(|s| s.1)
                .ok_or_else(|| format!("one of {}, or a body of your own", SHAPES.map(|s| s.0).join(", "))),
            (None, None) => Err("name a shape, or write a body".into()),
        }
    }

    /// Whether a message that is sent twice with one id is there once.
    pub fn knows_ids(&self) -> bool {
        self.deduplicates || self.body.is_none() && self.shape.as_deref() == Some("klaviyo")
    }

    /// Whether the template can be read and makes JSON of a sample.
    pub fn check(&self) -> Result<(), String> {
        self.payload(&sample()).map(drop)
    }

    /// What is sent.
    pub fn payload(&self, values: &Value) -> Result<Value, String> {
        let text = template::render(self.template()?, values, Form::Json, false).map_err(|e| e.to_string())?;
        serde_json::from_str(&text).map_err(|e| format!("the template makes no JSON: {e}"))
    }
}

/// Names that every message has values for.
fn sample() -> Value {
    serde_json::json!({
        "id": "msg_0", "notice": "shipped", "language": "en", "url": "https://w.example/track/t", "stop_url": null, "test": true, "at": "2026-12-01T12:00:00Z",
        "subject": "Your order #1001 is on its way", "headline": "It's on its way", "body": "Arriving Wed, Dec 2", "short": "Shop: Your order #1001 is on its way",
        "store": {"name": "Shop", "url": null, "support_url": null}, "parcels": [], "email": null, "phone": "+14155550100",
        "order": {"id": "1", "number": "#1001", "status": "shipped", "placed_at": "2026-11-30T10:00:00Z", "country": "US", "city": null, "promise": null, "estimate": null},
    })
}

/// Posts JSON. The client decides which addresses may be reached.
pub async fn post(client: &reqwest::Client, url: &str, headers: &BTreeMap<String, String>, id: &str, payload: &Value) -> Outcome {
    let mut request = client.post(url).header("idempotency-key", id).json(payload);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    answered(request.send().await).await.0
}

/// What an HTTP answer means for a message, and its body.
pub async fn answered(answer: Result<reqwest::Response, reqwest::Error>) -> (Outcome, Value) {
    let answer = match answer {
        Ok(answer) => answer,
        // Not connected: nothing went out.
        Err(e) if e.is_connect() || e.is_builder() => return (Outcome::Later(plain(e), None), Value::Null),
        Err(e) => return (Outcome::Unknown(plain(e)), Value::Null),
    };
    let status = answer.status();
    let wait = answer.headers().get("retry-after").and_then(|v| v.to_str().ok()?.trim().parse::<i64>().ok());
    let body = limited(answer).await;
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let outcome = match status.as_u16() {
        200..300 => Outcome::Sent(None),
        // Taken by nobody yet: a limit, or a server that says that it does not serve now.
        429 | 503 => Outcome::Later(format!("answered {status}"), wait.map(|w| w.clamp(0, 86_400))),
        // A gateway that heard nothing from the service behind it: that may have taken it.
        502 | 504 => Outcome::Unknown(format!("answered {status}")),
        408 | 500..600 => Outcome::Later(format!("answered {status}"), None),
        _ => Outcome::Refused(format!("answered {status}"), false),
    };
    (outcome, body)
}

/// As much of a body as an answer of a service needs.
async fn limited(mut answer: reqwest::Response) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = answer.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() > 64 * 1024 {
            break;
        }
    }
    body
}

/// Addresses may hold secrets: they are left out.
fn plain(e: reqwest::Error) -> String {
    let e = e.without_url();
    let mut text = e.to_string();
    let mut cause = std::error::Error::source(&e);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text.chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_makes_what_its_tool_takes() {
        for (shape, _) in SHAPES {
            let hook = Hook { shape: Some(shape.into()), ..Hook::default() };
            let made = hook.payload(&sample()).unwrap();
            match shape {
                "slack" => assert!(made["text"].as_str().unwrap().contains("#1001") && made["blocks"].is_array()),
                "whatsapp" => {
                    assert_eq!((made["messaging_product"].as_str(), made["to"].as_str()), (Some("whatsapp"), Some("14155550100")))
                }
                _ => assert_eq!(made["data"]["attributes"]["unique_id"], "msg_0"),
            }
        }
    }

    #[test]
    fn values_cannot_break_out_of_the_json() {
        let hook = Hook { body: Some(r#"{"text": {{ subject }}}"#.into()), ..Hook::default() };
        let mut values = sample();
        values["subject"] = "\", \"admin\": true, \"x\": \"</script>".into();
        let made = hook.payload(&values).unwrap();
        assert_eq!(made.as_object().unwrap().len(), 1);
        assert_eq!(made["text"], values["subject"]);
        for bad in ["", "{", "{{ subject }", "{% for i in range(9999999) %}x{% endfor %}", "text"] {
            assert!(Hook { body: Some(bad.into()), ..Hook::default() }.check().is_err(), "{bad}");
        }
    }
}
