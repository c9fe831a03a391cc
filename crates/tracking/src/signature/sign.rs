//! Signing as a source does: for the demo store, outbound webhooks, and tests.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use unicode_normalization::UnicodeNormalization;

/// The headers, with lower-case names, that `source` would send with this body: `shopify`, `woocommerce`, `aftership`, `easypost`,
/// `shippo` and `standard`. `None` for other sources, and for a secret that can't be a key. `at` is in seconds since 1970.
pub fn sign(source: &str, secret: &str, id: &str, at: i64, body: &[u8]) -> Option<Vec<(&'static str, String)>> {
    let body_alone = |key: &[u8]| mac(key, &[body]);
    let plain = secret.as_bytes();
    Some(match source {
        "shopify" => vec![("x-shopify-hmac-sha256", BASE64.encode(body_alone(plain)?)), ("x-shopify-webhook-id", id.to_owned())],
        "woocommerce" => {
            vec![("x-wc-webhook-signature", BASE64.encode(body_alone(plain)?)), ("x-wc-webhook-delivery-id", id.to_owned())]
        }
        "aftership" => vec![("aftership-hmac-sha256", BASE64.encode(body_alone(plain)?))],
        "easypost" => {
            let key: String = secret.nfkd().collect();
            vec![("x-hmac-signature", format!("hmac-sha256-hex={}", hex::encode(body_alone(key.as_bytes())?)))]
        }
        "shippo" => {
            let signature = mac(plain, &[at.to_string().as_bytes(), b".", body])?;
            vec![("shippo-auth-signature", format!("t={at},v1={}", hex::encode(signature)))]
        }
        "standard" => {
            let signature = mac(&super::standard_key(secret), &[id.as_bytes(), b".", at.to_string().as_bytes(), b".", body])?;
            vec![
                ("webhook-id", id.to_owned()),
                ("webhook-timestamp", at.to_string()),
                ("webhook-signature", format!("v1,{}", BASE64.encode(signature))),
            ]
        }
        _ => return None,
    })
}

fn mac(key: &[u8], parts: &[&[u8]]) -> Option<Vec<u8>> {
    if key.is_empty() {
        return None;
    }
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    for part in parts {
        mac.update(part);
    }
    Some(mac.finalize().into_bytes().to_vec())
}
