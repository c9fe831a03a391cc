//! Configuration: the commented default file is the documentation and the default; a file and the environment override it.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use toml::{Table, Value};

use crate::store::{
    outbox::KINDS,
    retention::{self, Retention},
};

pub static DEFAULT: &str = include_str!("../config.default.toml");

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub listen: SocketAddr,
    pub public_url: String,
    pub database: PathBuf,
    /// Courier files to add: a folder, or one file.
    #[serde(default)]
    pub couriers: Option<PathBuf>,
    pub log: Log,
    pub limits: Limits,
    pub mail: Mail,
    pub retention: Retention,
    #[serde(default)]
    pub stores: Vec<Store>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    pub filter: String,
    pub format: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    pub body_bytes: usize,
    pub photo_bytes: usize,
    pub lookups_per_minute: std::num::NonZeroU32,
    pub sign_ins_per_minute: std::num::NonZeroU32,
    pub proxies: usize,
    pub internal_targets: bool,
}

/// How mail leaves, and in whose name.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// May hold a password.
    pub url: SecretString,
    pub from: String,
    pub reply_to: String,
}

/// One store. Secrets are never printed: `Debug` redacts them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    pub id: String,
    pub name: String,
    pub url: Option<String>,
    pub support_url: Option<String>,
    pub policy: Option<PathBuf>,
    /// How long its data is kept, where that differs.
    #[serde(default)]
    pub retention: retention::Own,
    pub admin_keys: Vec<SecretString>,
    /// Keys made in the console: only their SHA-256 is known.
    #[serde(skip)]
    pub admin_key_hashes: Vec<Vec<u8>>,
    pub token_secrets: Vec<SecretString>,
    pub lookup_secret: SecretString,
    /// A look-up sends the link by mail, to the address that the order was placed with, instead of showing it.
    #[serde(default)]
    pub lookup_by_mail: bool,
    #[serde(default)]
    pub webhook_secrets: BTreeMap<String, Vec<SecretString>>,
    #[serde(default)]
    pub outbound: Vec<Outbound>,
    #[serde(default)]
    pub carriers: BTreeMap<String, Account>,
    /// Of the widget's look, as the console keeps it.
    #[serde(skip)]
    pub accent: Option<String>,
    /// In whose name the store writes, where it isn't the installation's.
    pub mail_from: Option<String>,
    pub mail_reply_to: Option<String>,
    /// The store's account with who sends its SMS.
    pub sms: Option<notify::sms::Account>,
}

/// A store's own account with a carrier, to ask about its parcels.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// The client id, user name or API key.
    pub client_id: String,
    pub client_secret: SecretString,
    /// Requests an hour; the carrier's usual budget, where it is not given.
    pub per_hour: Option<std::num::NonZeroU32>,
    /// Another address of the same interface, such as the carrier's sandbox.
    pub url: Option<String>,
    /// Where the carrier can push: what it proves itself with. Parcels are then subscribed to.
    pub push_secret: Option<SecretString>,
    /// Whom the carrier writes to when it can't reach us.
    pub push_contact: Option<String>,
}

/// Where a store wants to be told of changes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outbound {
    pub url: String,
    /// Signs what is sent (Standard Webhooks): `whsec_` and base64.
    pub secret: SecretString,
    /// Kinds; all, where none is named.
    #[serde(default)]
    pub events: Vec<String>,
}

impl Config {
    /// The defaults, overridden by a file and by the environment (`WHEREABOUTS_SECTION__KEY`).
    pub fn load(path: Option<&Path>, env: impl Iterator<Item = (String, String)>) -> Result<Config> {
        let mut table: Table = DEFAULT.parse().context("the default configuration")?;
        if let Some(path) = path {
            let text = std::fs::read_to_string(path).with_context(|| format!("configuration {}", path.display()))?;
            let file: Table = text.parse().with_context(|| format!("configuration {}", path.display()))?;
            merge(&mut table, file);
        }
        for (name, value) in env {
            if let Some(key) = name.strip_prefix("WHEREABOUTS_").filter(|k| !matches!(*k, "DATA" | "BINARY" | "LOG")) {
                set(&mut table, &key.to_lowercase().split("__").collect::<Vec<_>>(), &value);
            }
        }
        let config: Config = table.try_into().context("configuration")?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<()> {
        self.check_mail()?;
        for (n, store) in self.stores.iter().enumerate() {
            let at = format!("stores[{n}]");
            if store.id.is_empty() || !store.id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
                bail!("{at}.id: use letters, digits, - and _ only");
            }
            if self.stores.iter().filter(|s| s.id == store.id).count() > 1 {
                bail!("{at}.id: \"{}\" is used twice", store.id);
            }
            let secrets = store.admin_keys.iter().chain(&store.token_secrets).chain([&store.lookup_secret]);
            if store.admin_keys.is_empty() || store.token_secrets.is_empty() {
                bail!("{at}: admin_keys and token_secrets need one entry each, at least");
            }
            for (k, o) in store.outbound.iter().enumerate() {
                if let Some(wrong) = o.events.iter().find(|e| !KINDS.contains(&e.as_str())) {
                    bail!("{at}.outbound[{k}].events: there is no \"{wrong}\"; there are {}", KINDS.join(", "));
                }
                if let Err(e) = crate::outbound::allowed(&o.url, self.limits.internal_targets) {
                    bail!("{at}.outbound[{k}].url: {e}");
                }
                if o.secret.expose_secret().len() < 30
                    || tracking::signature::sign("standard", o.secret.expose_secret(), "", 0, b"").is_none()
                {
                    bail!(
                        "{at}.outbound[{k}].secret: write whsec_ and 24 to 64 bytes in base64 (for example from `openssl rand -base64 32`)"
                    );
                }
            }
            if let Some(sms) = &store.sms {
                if let Some((field, wrong)) = sms.wrong() {
                    bail!("{at}.sms.{field}: {wrong}");
                }
                if let Err(e) = crate::outbound::allowed(&sms.endpoint(), self.limits.internal_targets) {
                    bail!("{at}.sms.url: {e}");
                }
            }
            for (name, account) in &store.carriers {
                if crate::poll::clients::by_name(name).is_none() {
                    let known: Vec<_> = crate::poll::clients::CARRIERS.iter().map(|c| c.name).collect();
                    bail!("{at}.carriers.{name}: this carrier can't be asked; these can: {}", known.join(", "));
                }
                if let Some(secret) = &account.push_secret {
                    let length = secret.expose_secret().chars().count();
                    match crate::poll::clients::by_name(name).and_then(|c| c.push) {
                        None => bail!(
                            "{at}.carriers.{name}.push_secret: this carrier can't be asked to push; leave it out (where it pushes by its own portal, the token given there belongs into webhook_secrets)"
                        ),
                        Some(push) if push.secret.is_some_and(|n| n != length) || length < 32 => bail!(
                            "{at}.carriers.{name}.push_secret: needs {} 32 characters (for example from `openssl rand -hex 16`)",
                            if push.secret.is_some() { "exactly" } else { "at least" }
                        ),
                        Some(_) if !self.public_url.starts_with("https://") && !self.limits.internal_targets => {
                            bail!("{at}.carriers.{name}.push_secret: the carrier has to reach public_url by https")
                        }
                        Some(_) => {}
                    }
                }
                if let Some(Err(e)) = account.url.as_deref().map(|u| crate::outbound::allowed(u, self.limits.internal_targets)) {
                    bail!("{at}.carriers.{name}.url: {e}");
                }
            }
            if secrets.into_iter().any(|s| s.expose_secret().len() < 32) {
                bail!("{at}: secrets need at least 32 characters (for example from `openssl rand -hex 32`)");
            }
        }
        Ok(())
    }

    fn check_mail(&self) -> Result<()> {
        let mailer = match notify::transport::Mailer::new(self.mail.url.expose_secret()) {
            Ok(mailer) => mailer,
            Err(e) => bail!("mail.url: {e}"),
        };
        let address = |field: &str, text: &str| match notify::mail::mailbox("from", text) {
            Err(e) if !text.is_empty() => bail!("{field}: {}", e.message),
            _ => Ok(()),
        };
        address("mail.from", &self.mail.from)?;
        address("mail.reply_to", &self.mail.reply_to)?;
        for (n, store) in self.stores.iter().enumerate() {
            address(&format!("stores[{n}].mail_from"), store.mail_from.as_deref().unwrap_or_default())?;
            address(&format!("stores[{n}].mail_reply_to"), store.mail_reply_to.as_deref().unwrap_or_default())?;
            if mailer.is_off() && store.lookup_by_mail {
                bail!("stores[{n}].lookup_by_mail: no mail is sent here; set mail.url");
            }
            if !mailer.is_off() && self.mail_from(&store.id).is_empty() {
                bail!("mail.from: mail needs a sender, such as \"Shop <orders@shop.example>\" (or stores[{n}].mail_from)");
            }
        }
        Ok(())
    }

    /// In whose name a store's mail is written.
    pub fn mail_from(&self, store: &str) -> String {
        self.store(store).and_then(|s| s.mail_from.clone()).unwrap_or_else(|| self.mail.from.clone())
    }

    pub fn mail_reply_to(&self, store: &str) -> Option<String> {
        let own = self.store(store).and_then(|s| s.mail_reply_to.clone());
        Some(own.unwrap_or_else(|| self.mail.reply_to.clone())).filter(|r| !r.is_empty())
    }

    pub fn store(&self, id: &str) -> Option<&Store> {
        self.stores.iter().find(|s| s.id == id)
    }

    /// What may have signed a store's order tokens; none: there is no such store.
    pub fn token_secrets(&self, store: &str) -> Vec<&str> {
        self.store(store).map(|s| s.token_secrets.iter().map(ExposeSecret::expose_secret).collect()).unwrap_or_default()
    }
}

impl Store {
    /// Is this one of its admin keys? Takes the same time whatever is given.
    pub fn opens(&self, key: &str) -> bool {
        let given = Sha256::digest(key);
        let by_file =
            self.admin_keys.iter().fold(false, |open, k| open | bool::from(Sha256::digest(k.expose_secret()).ct_eq(&given)));
        self.admin_key_hashes.iter().fold(by_file, |open, hash| open | bool::from(hash.ct_eq(&given)))
    }
}

fn merge(into: &mut Table, from: Table) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(Value::Table(old)), Value::Table(new)) => merge(old, new),
            (_, value) => drop(into.insert(key, value)),
        }
    }
}

fn set(table: &mut Table, path: &[&str], text: &str) {
    let Some((key, rest)) = path.split_first() else { return };
    if rest.is_empty() {
        let value = text.parse::<i64>().map(Value::Integer).unwrap_or_else(|_| Value::String(text.to_owned()));
        table.insert((*key).to_owned(), value);
    } else if let Value::Table(inner) = table.entry(*key).or_insert_with(|| Value::Table(Table::new())) {
        set(inner, rest, text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_valid_and_the_environment_overrides() {
        let env = [("WHEREABOUTS_LISTEN", "127.0.0.1:9"), ("WHEREABOUTS_LIMITS__BODY_BYTES", "10"), ("HOME", "/")];
        let config = Config::load(None, env.into_iter().map(|(k, v)| (k.into(), v.into()))).unwrap();
        assert_eq!((config.listen.port(), config.limits.body_bytes), (9, 10));
        let unknown = [("WHEREABOUTS_LISTN".to_owned(), "x".to_owned())];
        assert!(format!("{:#}", Config::load(None, unknown.into_iter()).unwrap_err()).contains("listn"));
    }
}
