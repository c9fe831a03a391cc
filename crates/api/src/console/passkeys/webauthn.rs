//! What is checked of an authenticator's answers (Web Authentication, level 3, §7). Pure. Signatures are verified by `ring`, keys are read
//! by `spki`. The libraries for relying parties (webauthn-rs, webauthn_rp) bring the `rsa` crate, which this product does without; and
//! without attestation what they do is what stands here.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use p256::pkcs8::{ObjectIdentifier, SubjectPublicKeyInfoRef};
use reqwest::Url;
use ring::signature::{ECDSA_P256_SHA256_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm};
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// ES256, RS256 (Windows Hello on older machines) and Ed25519, as COSE numbers them.
pub const ALGORITHMS: [i32; 3] = [-7, -257, -8];

const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const ED: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// Somebody was there, showed who they are, and (when a key is made) the key is described.
const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
const ATTESTED: u8 = 0x40;

/// Whom authenticators make keys for: the host that shoppers and staff reach this installation by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    pub id: String,
    pub origin: String,
}

impl Party {
    /// Nothing where the address is a number: keys are made for names. On one machine it is `localhost`.
    pub fn of(public_url: &str) -> Option<Party> {
        let url = Url::parse(public_url).ok()?;
        let host = url.host_str()?;
        let number: Option<std::net::IpAddr> = host.trim_matches(['[', ']']).parse().ok();
        match number {
            Some(ip) if ip.is_loopback() => {
                let port = url.port().map(|p| format!(":{p}")).unwrap_or_default();
                Some(Party { id: "localhost".into(), origin: format!("{}://localhost{port}", url.scheme()) })
            }
            Some(_) => None,
            None => Some(Party { id: host.to_owned(), origin: url.origin().ascii_serialization() }),
        }
    }
}

pub fn write(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub fn read(text: &str) -> Result<Vec<u8>, &'static str> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| "not base64url")
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    Create,
    Get,
}

#[derive(Deserialize)]
struct Client {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    #[serde(rename = "crossOrigin", default)]
    cross_origin: bool,
}

/// What the browser says of where it was asked and what; the challenge, to be looked up.
pub fn challenge(client: &[u8], act: Act, party: &Party) -> Result<String, &'static str> {
    let said: Client = serde_json::from_slice(client).map_err(|_| "the browser's part can't be read")?;
    let kind = if act == Act::Create { "webauthn.create" } else { "webauthn.get" };
    if said.kind != kind {
        return Err("an answer to another question");
    }
    if said.origin != party.origin || said.cross_origin {
        return Err("asked by another site");
    }
    Ok(said.challenge)
}

/// What the authenticator says, without the key's description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    pub count: u32,
    /// Of a key that was just made.
    pub credential: Option<Vec<u8>>,
}

pub fn authenticator(data: &[u8], act: Act, party: &Party) -> Result<Said, &'static str> {
    let short = "the authenticator's part is too short";
    let (host, rest) = data.split_at_checked(32).ok_or(short)?;
    if host != Sha256::digest(&party.id).as_slice() {
        return Err("made for another site");
    }
    let (&[flags, a, b, c, d], rest) = rest.split_first_chunk().ok_or(short)?;
    if flags & PRESENT == 0 || flags & VERIFIED == 0 {
        return Err("the authenticator did not check who is there");
    }
    let count = u32::from_be_bytes([a, b, c, d]);
    if act == Act::Get {
        return Ok(Said { count, credential: None });
    }
    if flags & ATTESTED == 0 {
        return Err("no key was made");
    }
    let (_model, rest) = rest.split_at_checked(16).ok_or(short)?;
    let (length, rest) = rest.split_first_chunk().ok_or(short)?;
    let id = rest.get(..usize::from(u16::from_be_bytes(*length))).filter(|id| (1..=1023).contains(&id.len())).ok_or(short)?;
    Ok(Said { count, credential: Some(id.to_owned()) })
}

fn parsed(key: &[u8]) -> Result<(&'static dyn VerificationAlgorithm, &[u8]), &'static str> {
    let unknown = "a key of a kind that is not known here";
    let info = SubjectPublicKeyInfoRef::try_from(key).map_err(|_| unknown)?;
    let bits = info.subject_public_key.as_bytes().ok_or(unknown)?;
    let algorithm: &dyn VerificationAlgorithm = match info.algorithm.oid {
        EC if info.algorithm.parameters_oid() == Ok(P256) && bits.len() == 65 => &ECDSA_P256_SHA256_ASN1,
        RSA => &RSA_PKCS1_2048_8192_SHA256,
        ED if bits.len() == 32 => &ED25519,
        _ => return Err(unknown),
    };
    Ok((algorithm, bits))
}

/// Whether a key can be used later on. It is taken as the browser gives it: it is not signed in an attestation either, since none is asked for.
pub fn usable(key: &[u8]) -> Result<(), &'static str> {
    parsed(key).map(drop)
}

pub fn verify(key: &[u8], client: &[u8], data: &[u8], signature: &[u8]) -> Result<(), &'static str> {
    let (algorithm, bits) = parsed(key)?;
    let signed = [data, Sha256::digest(client).as_slice()].concat();
    UnparsedPublicKey::new(algorithm, bits).verify(&signed, signature).map_err(|_| "signed with another key")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_made_for_names() {
        let of = |url: &str| Party::of(url).map(|p| (p.id, p.origin));
        let is = |id: &str, origin: &str| Some((id.to_owned(), origin.to_owned()));
        assert_eq!(of("https://w.shop.example"), is("w.shop.example", "https://w.shop.example"));
        assert_eq!(of("https://w.shop.example:8443/"), is("w.shop.example", "https://w.shop.example:8443"));
        assert_eq!(of("http://127.0.0.1:8080"), is("localhost", "http://localhost:8080"));
        assert_eq!(of("http://[::1]:8080"), is("localhost", "http://localhost:8080"));
        assert_eq!(of("https://192.0.2.7"), None);
        assert_eq!(of("nowhere"), None);
    }

    #[test]
    fn hostile_answers_are_refused() {
        let party = Party::of("https://w.shop.example").unwrap();
        let client = |kind: &str, origin: &str, cross: bool| {
            serde_json::json!({"type": kind, "challenge": "abc", "origin": origin, "crossOrigin": cross}).to_string()
        };
        let asked = |text: &str| challenge(text.as_bytes(), Act::Get, &party);
        assert_eq!(asked(&client("webauthn.get", "https://w.shop.example", false)), Ok("abc".into()));
        for wrong in [
            client("webauthn.create", "https://w.shop.example", false),
            client("webauthn.get", "https://w.shop.example.evil.example", false),
            client("webauthn.get", "http://w.shop.example", false),
            client("webauthn.get", "https://w.shop.example", true),
            "{".into(),
        ] {
            assert!(asked(&wrong).is_err(), "{wrong}");
        }
        let mut data = Sha256::digest("w.shop.example").to_vec();
        data.extend([PRESENT | VERIFIED | ATTESTED, 0, 0, 0, 7]);
        assert_eq!(authenticator(&data, Act::Get, &party).map(|s| s.count), Ok(7));
        data.extend([0; 16]);
        data.extend([0, 3, 1, 2, 3]);
        assert_eq!(authenticator(&data, Act::Create, &party).unwrap().credential, Some(vec![1, 2, 3]));
        for cut in 0..data.len() {
            assert!(authenticator(&data[..cut], Act::Create, &party).is_err(), "{cut}");
        }
        for flags in [0, PRESENT, VERIFIED, PRESENT | ATTESTED] {
            data[32] = flags;
            assert!(authenticator(&data, Act::Create, &party).is_err(), "{flags}");
        }
        for key in [&b""[..], b"0", &[0x30; 91]] {
            assert!(usable(key).is_err() && verify(key, b"", b"", b"").is_err());
        }
    }
}
