//! What a merchant has written as JSON: a policy, a delay notice.
//!
//! A name that means nothing is refused, and not passed over: with `"cuttoffs"` an origin would never work, and a notice whose scope says
//! `"zone"` would hold everywhere. What is stored is read without this, so that an older server still reads what a newer one has written.

use promise::policy::Invalid;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// What the server adds when it hands a policy out: no mistake where it comes back.
const OWN: [&str; 2] = ["learned", "asked"];
/// From here on two names are alike (Jaro and Winkler).
const ALIKE: f64 = 0.8;

/// Reads it, or says which field is wrong, and how; of unknown names all.
///
/// ```
/// use promise::policy::Policy;
/// let wrong = api::written::read::<Policy>(r#"{"origins": [{"id": "a", "cuttoffs": {}}], "confidence": 90}"#).unwrap_err();
/// assert_eq!(wrong[0].field, "origins[0].cuttoffs");
/// assert_eq!(wrong[0].message, "there is no such field: do you mean cutoffs?");
/// ```
pub fn read<T: DeserializeOwned + Serialize>(text: &str) -> Result<T, Vec<Invalid>> {
    let wrong = |field: &str, message: String| vec![Invalid { field: brackets(field), message }];
    let text = text.trim_start_matches('\u{feff}');
    if !text.trim_start().starts_with('{') {
        return Err(wrong("", "write an object: {…}".into()));
    }
    let mut json = serde_json::Deserializer::from_str(text);
    let mut track = serde_path_to_error::Track::new();
    let mut unknown: Vec<String> = Vec::new();
    let tracked = serde_path_to_error::Deserializer::new(&mut json, &mut track);
    let found = serde_ignored::deserialize(tracked, |path| unknown.push(path.to_string()));
    let found: T =
        found.and_then(|found| json.end().map(|()| found)).map_err(|e| wrong(&track.path().to_string(), e.to_string()))?;
    unknown.retain(|path| !OWN.contains(&path.as_str()));
    if unknown.is_empty() {
        return Ok(found);
    }
    let understood = serde_json::to_value(&found).unwrap_or_default();
    Err(unknown
        .iter()
        .map(|path| {
            let message = match meant(&understood, path) {
                Some(name) => format!("there is no such field: do you mean {name}?"),
                None => "there is no such field".into(),
            };
            Invalid { field: brackets(path), message }
        })
        .collect())
}

/// `origins.0.id` as `origins[0].id`; the top is no field.
fn brackets(path: &str) -> String {
    let mut text = String::new();
    for part in path.split('.').filter(|p| !p.is_empty()) {
        if part.bytes().all(|b| b.is_ascii_digit()) {
            text += &format!("[{part}]");
        } else {
            if !text.is_empty() {
                text.push('.');
            }
            text += part;
        }
    }
    text
}

/// Of the names that stand where this one does, the most alike.
fn meant(understood: &Value, path: &str) -> Option<String> {
    let (place, name) = path.rsplit_once('.').unwrap_or(("", path));
    let mut at = understood;
    for part in place.split('.').filter(|p| !p.is_empty() && *p != "?") {
        at = match part.parse::<usize>() {
            Ok(n) => at.get(n)?,
            Err(_) => at.get(part)?,
        };
    }
    let alike = |known: &String| strsim::jaro_winkler(known, name);
    let best =
        at.as_object()?.keys().filter(|known| !OWN.contains(&known.as_str())).max_by(|a, b| alike(a).total_cmp(&alike(b)))?;
    (alike(best) >= ALIKE).then(|| best.clone())
}

#[cfg(test)]
mod tests {
    use promise::policy::{Delay, Policy};

    use super::*;

    fn wrong<T: DeserializeOwned + Serialize>(text: &str) -> Vec<(String, String)> {
        read::<T>(text).err().unwrap_or_default().into_iter().map(|i| (i.field, i.message)).collect()
    }

    #[test]
    fn what_is_right_is_read_and_comes_back_from_the_server_as_well() {
        let text = include_str!("demo/policy.json");
        let mut policy: Policy = read(text).unwrap();
        (policy.learned, policy.asked) = (3, (40, 950));
        let back: Policy = read(&serde_json::to_string(&policy).unwrap()).unwrap();
        assert_eq!(back.learned, 0, "the server's own, and not taken from outside");
        assert_eq!(back.methods, policy.methods);
        assert!(read::<Policy>("\u{feff} {}").is_ok());
    }

    #[test]
    fn each_unknown_name_is_told_with_its_place() {
        let found = wrong::<Policy>(
            r#"{"metods": [], "origins": [{}, {"cut_offs": {}, "x": 1}], "transit": [{"days": {"minimum": 1}}]}"#,
        );
        let fields: Vec<&str> = found.iter().map(|f| f.0.as_str()).collect();
        assert_eq!(fields, ["metods", "origins[1].cut_offs", "origins[1].x", "transit[0].days.minimum"]);
        assert_eq!(found[0].1, "there is no such field: do you mean methods?");
        assert_eq!(found[1].1, "there is no such field: do you mean cutoffs?");
        assert_eq!(found[2].1, "there is no such field");
        let found = wrong::<Delay>(r#"{"id": "snow", "scope": {"zone": ["us"]}}"#);
        assert_eq!(found, [("scope.zone".into(), "there is no such field: do you mean zones?".into())]);
    }

    #[test]
    fn what_cannot_be_read_names_its_field() {
        let found = wrong::<Policy>(r#"{"methods": [{"price": "4.95"}]}"#);
        assert_eq!(found[0].0, "methods[0].price");
        assert!(found[0].1.contains("invalid type"), "{}", found[0].1);
        for text in ["", "[]", "null", "\"{}\"", "7"] {
            assert_eq!(wrong::<Policy>(text), [(String::new(), "write an object: {…}".to_owned())], "{text}");
        }
        for text in ["{", "{} {}", "{\"confidence\": 90,}"] {
            assert_eq!(wrong::<Policy>(text).len(), 1, "{text}");
        }
        let deep = format!("{{\"origins\":{}", "[".repeat(100_000));
        assert_eq!(wrong::<Policy>(&deep).len(), 1);
    }
}
