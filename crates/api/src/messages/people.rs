//! Who is reached, and who does not want to be. Addresses are sealed with a key of the store's, and compared by their hashes.

use anyhow::{Result, anyhow};
use hmac::{Hmac, KeyInit, Mac};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use sha2::Sha256;

use crate::store::orders::{StoreInfo, hash_email};

/// Bytes of a nonce, which stands before what it sealed.
const NONCE: usize = 12;

fn derived(store: &StoreInfo, purpose: &str, text: &[u8]) -> Result<[u8; 32]> {
    let mut mac = Hmac::<Sha256>::new_from_slice(store.lookup_secret.as_bytes()).map_err(|_| anyhow!("no key"))?;
    mac.update(purpose.as_bytes());
    mac.update(text);
    Ok(mac.finalize().into_bytes().into())
}

fn key(store: &StoreInfo) -> Result<LessSafeKey> {
    let key = derived(store, "contacts v1\n", b"")?;
    Ok(LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &key).map_err(|_| anyhow!("no key"))?))
}

/// Seals a text for a place: elsewhere it can't be opened. The same text at the same place is the same bytes (a replay changes nothing),
/// and no nonce is used for two texts, since it is made from the text.
pub fn seal(store: &StoreInfo, place: &str, text: &[u8]) -> Result<Vec<u8>> {
    let of = [place.as_bytes(), b"\n", text].concat();
    let mut nonce = [0; NONCE];
    nonce.copy_from_slice(&derived(store, "nonce v1\n", &of)?[..NONCE]);
    let mut sealed = text.to_vec();
    key(store)?
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(place.as_bytes()), &mut sealed)
        .map_err(|_| anyhow!("sealing failed"))?;
    Ok([nonce.as_slice(), &sealed].concat())
}

/// Opens what [`seal`] sealed for this place. An error: another key, or not what was sealed.
pub fn open(store: &StoreInfo, place: &str, sealed: &[u8]) -> Result<Vec<u8>> {
    let wrong = || anyhow!("what is sealed can't be opened: was lookup_secret changed?");
    let (nonce, sealed) = sealed.split_at_checked(NONCE).ok_or_else(wrong)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| wrong())?;
    let mut text = sealed.to_vec();
    let opened = key(store)?.open_in_place(nonce, Aad::from(place.as_bytes()), &mut text).map_err(|_| wrong())?;
    Ok(opened.to_vec())
}

/// How an address is compared: nobody can read it back without the store's secret.
pub fn address_hash(store: &StoreInfo, channel: &str, address: &str) -> String {
    match channel {
        "mail" => hash_email(&store.lookup_secret, address),
        // Spaces and hyphens are writing.
        _ => hash_email(&store.lookup_secret, &address.chars().filter(|c| c.is_ascii_alphanumeric()).collect::<String>()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_with_its_key_at_its_place() {
        let store = StoreInfo { lookup_secret: "s".repeat(32), ..StoreInfo::default() };
        let sealed = seal(&store, "order 1", b"ada@example.com").unwrap();
        assert_eq!(open(&store, "order 1", &sealed).unwrap(), b"ada@example.com");
        assert_eq!(sealed, seal(&store, "order 1", b"ada@example.com").unwrap());
        assert!(!sealed.windows(3).any(|w| w == b"ada"));
        assert!(open(&store, "order 2", &sealed).is_err());
        let other = StoreInfo { lookup_secret: "t".repeat(32), ..StoreInfo::default() };
        assert!(open(&other, "order 1", &sealed).is_err());
        for n in 0..sealed.len() {
            assert!(open(&store, "order 1", &sealed[..n]).is_err());
        }
    }

    #[test]
    fn an_address_is_the_same_however_it_is_written() {
        let store = StoreInfo::default();
        assert_eq!(address_hash(&store, "mail", " Ada@Example.com"), address_hash(&store, "mail", "ada@example.com"));
        assert_eq!(address_hash(&store, "sms", "+1 (415) 555-0100"), address_hash(&store, "sms", "14155550100"));
    }
}
