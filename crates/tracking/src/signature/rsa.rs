//! RSA signatures (PKCS#1 v1.5 with SHA-256) by a key out of a JSON Web Key Set (RFC 7517).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use serde_json::Value;

/// Whether the set has a key of this id that made this signature. Keys under 2048 bits are refused.
pub fn verifies(key_set: &str, key_id: &str, message: &[u8], signature: &[u8]) -> bool {
    let Ok(set) = serde_json::from_str::<Value>(key_set) else { return false };
    let keys = set["keys"].as_array().map_or(&[][..], Vec::as_slice);
    keys.iter().filter(|key| key["kid"] == key_id && key["kty"] == "RSA").any(|key| {
        let number = |name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str()?.trim_end_matches('=')).ok();
        let (Some(n), Some(e)) = (number("n"), number("e")) else { return false };
        RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature).is_ok()
    })
}
