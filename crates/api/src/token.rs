//! Order tokens: `v1.{store}.{order id, base64url}.{expiry, unix seconds}.{hex HMAC-SHA256 over all before the last dot}`.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// What a valid token opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    pub store: String,
    pub order_id: String,
    pub expires_at: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    #[error("this is not an order token")]
    Malformed,
    #[error("the token's signature does not match")]
    Forged,
    #[error("the token has expired")]
    Expired,
}

/// What an order token begins with, and one for all orders of an address: neither opens what the other does.
const ORDER: &str = "v1";
const HISTORY: &str = "h1";

/// Signs a token.
pub fn mint(store: &str, order_id: &str, expires_at: i64, secret: &str) -> String {
    sign(ORDER, store, order_id, expires_at, secret)
}

/// Signs a pass to all orders of an address, by its hash. It is sent to that address only.
pub fn mint_history(store: &str, email_hash: &str, expires_at: i64, secret: &str) -> String {
    sign(HISTORY, store, email_hash, expires_at, secret)
}

fn sign(kind: &str, store: &str, subject: &str, expires_at: i64, secret: &str) -> String {
    let signed = format!("{kind}.{store}.{}.{expires_at}", URL_SAFE_NO_PAD.encode(subject));
    let signature = mac(secret, &signed).map(|m| hex::encode(m.finalize().into_bytes())).unwrap_or_default();
    format!("{signed}.{signature}")
}

/// Reads and verifies a token. `secrets` gives the secrets of a store, any of which may have signed; none: the store is unknown.
pub fn verify<'a>(token: &str, secrets: impl Fn(&str) -> Vec<&'a str>, now: i64) -> Result<Claim, Invalid> {
    read(ORDER, token, secrets, now)
}

/// Reads and verifies a pass to all orders of an address; `order_id` is the address's hash.
pub fn verify_history<'a>(pass: &str, secrets: impl Fn(&str) -> Vec<&'a str>, now: i64) -> Result<Claim, Invalid> {
    read(HISTORY, pass, secrets, now)
}

fn read<'a>(kind: &str, token: &str, secrets: impl Fn(&str) -> Vec<&'a str>, now: i64) -> Result<Claim, Invalid> {
    let (signed, signature) = token.rsplit_once('.').ok_or(Invalid::Malformed)?;
    let fields: Vec<&str> = signed.split('.').collect();
    let [given, store, order, expiry] = fields.as_slice() else { return Err(Invalid::Malformed) };
    if *given != kind {
        return Err(Invalid::Malformed);
    }
    let signature = hex::decode(signature).map_err(|_| Invalid::Malformed)?;
    // Padding is tolerated: themes' base64 filters write it.
    let order_id = URL_SAFE_NO_PAD.decode(order.trim_end_matches('=')).map_err(|_| Invalid::Malformed)?;
    let order_id = String::from_utf8(order_id).map_err(|_| Invalid::Malformed)?;
    let expires_at: i64 = expiry.parse().map_err(|_| Invalid::Malformed)?;
    let genuine = secrets(store).iter().any(|s| mac(s, signed).is_some_and(|m| m.verify_slice(&signature).is_ok()));
    if !genuine {
        return Err(Invalid::Forged);
    }
    if expires_at <= now {
        return Err(Invalid::Expired);
    }
    Ok(Claim { store: (*store).to_owned(), order_id, expires_at })
}

fn mac(secret: &str, text: &str) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    mac.update(text.as_bytes());
    Some(mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_open_one_order_until_they_expire() {
        let secrets = |store: &str| if store == "demo" { vec!["new", "old"] } else { vec![] };
        let token = mint("demo", "450789469", 1000, "old");
        assert!(token.starts_with("v1.demo.NDUwNzg5NDY5.1000."));
        assert_eq!(verify(&token, secrets, 999).unwrap().order_id, "450789469");
        assert_eq!(verify(&token, secrets, 1000), Err(Invalid::Expired));
        assert_eq!(verify(&mint("demo", "1", 1000, "other"), secrets, 0), Err(Invalid::Forged));
        assert_eq!(verify(&mint("else", "1", 1000, "old"), secrets, 0), Err(Invalid::Forged));
        assert_eq!(verify(&token.replace(".1000.", ".9000."), secrets, 0), Err(Invalid::Forged));
        for bad in ["", "v1", "v2.demo.MQ.1.00", "v1.demo.MQ.x.00", "v1.demo.MQ.1.zz", "v1.demo.!!.1.00", "....", "v1.demo.MQ.1"]
        {
            assert_eq!(verify(bad, secrets, 0), Err(Invalid::Malformed), "{bad}");
        }
    }

    #[test]
    fn how_much_of_a_signature_is_right_does_not_show_in_the_time() {
        let token = mint("demo", "450789469", 4_000_000_000, "secret");
        let turn = |at: usize| {
            let mut bytes = token.clone().into_bytes();
            bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
            String::from_utf8(bytes).unwrap()
        };
        let (early, late) = (turn(token.len() - 64), turn(token.len() - 1));
        let batch = |token: &str| {
            let began = std::time::Instant::now();
            for _ in 0..500 {
                assert!(std::hint::black_box(verify(std::hint::black_box(token), |_| vec!["secret"], 0)).is_err());
            }
            began.elapsed().as_secs_f64()
        };
        // The quicker half of many batches, in turn: what else the machine does is not ours.
        let seen: Vec<f64> = (0..5)
            .map(|_| {
                let (mut a, mut b): (Vec<f64>, Vec<f64>) = (0..40).map(|_| (batch(&early), batch(&late))).unzip();
                a.sort_by(f64::total_cmp);
                b.sort_by(f64::total_cmp);
                a[..20].iter().sum::<f64>() / b[..20].iter().sum::<f64>()
            })
            .collect();
        assert!(seen.iter().any(|ratio| (0.97..1.03).contains(ratio)), "wrong at once, and wrong at the end: {seen:?}");
    }
}
