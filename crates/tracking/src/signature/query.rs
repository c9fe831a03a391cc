//! Signed queries: how Shopify signs a request that a browser carries, where there is no body.

use std::collections::BTreeMap;

use super::{Rejected, TOLERANCE, hexadecimal, matches};

/// Which of Shopify's two schemes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Query {
    /// Installing an app: `hmac` over the other parameters in order, joined by `&`.
    OAuth,
    /// A store's page that calls through the store's own address: `signature` over the parameters in order, joined by nothing, repeated
    /// ones by commas.
    AppProxy,
}

/// Verifies a query with any of several secrets; returns its parameters without the signature. `now` is in seconds since 1970; a query
/// is good for [`TOLERANCE`].
///
/// ```
/// use tracking::signature::{Query, verify_query};
/// let query = "code=0907a61c0c8d55e99db179b68161bc00&shop=some-shop.myshopify.com&timestamp=1337178173\
///     &hmac=4712bf92ffc2917d15a2f5a273e39f0116667419aa4b6ac0b3baaf26fa3c4d20";
/// assert_eq!(verify_query(Query::OAuth, &["hush"], query, 1_337_178_180).unwrap()["shop"], ["some-shop.myshopify.com"]);
/// ```
pub fn verify_query(scheme: Query, secrets: &[&str], query: &str, now: i64) -> Result<BTreeMap<String, Vec<String>>, Rejected> {
    let mut fields: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        fields.entry(name.into_owned()).or_default().push(value.into_owned());
    }
    let (name, between) = match scheme {
        Query::OAuth => ("hmac", "&"),
        Query::AppProxy => ("signature", ""),
    };
    // A second signature would leave open which one counts.
    let given = match fields.remove(name).as_deref() {
        Some([one]) => hexadecimal(one)?,
        Some(_) => return Err(Rejected::Mismatch),
        None => return Err(Rejected::Missing),
    };
    let signed: Vec<String> = fields.iter().map(|(name, values)| format!("{name}={}", values.join(","))).collect();
    let signed = signed.join(between);
    let genuine = secrets.iter().any(|secret| matches(secret.as_bytes(), &[signed.as_bytes()], &given));
    if !genuine {
        return Err(Rejected::Mismatch);
    }
    let at: i64 = fields.get("timestamp").and_then(|t| t.first()?.parse().ok()).ok_or(Rejected::Stale)?;
    if now.abs_diff(at) > TOLERANCE.unsigned_abs() { Err(Rejected::Stale) } else { Ok(fields) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxied_query_is_verified_whatever_its_order() {
        let proxied = "extra=1&extra=2&shop=shop-name.myshopify.com&path_prefix=%2Fapps%2Fawesome_reviews&timestamp=1317327555\
            &signature=a9718877bea71c2484f91608a7eaea1532bdf71f5c56825065fa4ccabe549ef3";
        let ask = |query: &str, now| verify_query(Query::AppProxy, &["other", "hush"], query, now);
        assert_eq!(ask(proxied, 1_317_327_600).unwrap()["path_prefix"], ["/apps/awesome_reviews"]);
        assert_eq!(ask(proxied, 1_317_328_600), Err(Rejected::Stale));
        assert_eq!(ask(&proxied.replace("extra=2", "extra=3"), 1_317_327_600), Err(Rejected::Mismatch));
        assert_eq!(ask(&format!("{proxied}&signature=00"), 1_317_327_600), Err(Rejected::Mismatch));
        assert_eq!(ask("shop=x&timestamp=1", 1), Err(Rejected::Missing));
        assert_eq!(verify_query(Query::OAuth, &["hush"], proxied, 1_317_327_600), Err(Rejected::Missing));
    }
}
