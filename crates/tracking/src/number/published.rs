//! Couriers' files in the format in which tracking number formats are published (`tracking_numbers` with a verbose regex of named groups,
//! the name of a checksum, look-up tables). They are taken as they are: a courier that is missing here is added without a new version.
//!
//! What is read: `name`, `courier_code`, and of each of `tracking_numbers`: `id`, `name`, `regex` (text, or lines), `tracking_url` with `%s`,
//! `validation` (`checksum`, `serial_number_format.prepend_if`, `additional.exists`) and `additional` look-ups. Groups: `SerialNumber`,
//! `CheckDigit`, `ServiceType`, `DestinationZip`. All else in a file is left alone.

use fancy_regex::{Captures, Regex, RegexBuilder};
use serde::Deserialize;

use super::{Candidate, Hints, certainty, check::Checksum};
use crate::carrier;

type Groups<'t> = Captures<'t, str>;

/// Why a file is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {reason}")]
pub struct Wrong {
    /// Where in the file.
    pub at: String,
    pub reason: String,
}

/// A courier, ready to be asked.
#[derive(Debug)]
pub struct Courier {
    carrier: String,
    name: String,
    formats: Vec<Format>,
}

#[derive(Debug)]
struct Format {
    id: String,
    name: String,
    pattern: Regex,
    checksum: Option<Checksum>,
    prepend: Option<(Regex, String)>,
    /// Look-ups that have to find something.
    exists: Vec<String>,
    lookups: Vec<Lookup>,
    tracking_url: Option<String>,
}

#[derive(Debug)]
struct Lookup {
    name: String,
    group: String,
    entries: Vec<(Key, Found)>,
}

#[derive(Debug)]
enum Key {
    Text(String),
    Pattern(Regex),
}

#[derive(Clone, Debug, Default)]
struct Found {
    name: Option<String>,
    courier: Option<String>,
    url: Option<String>,
}

mod file {
    //! The file as it stands.
    use serde::Deserialize;

    #[derive(Deserialize)]
    pub struct Courier {
        pub name: String,
        pub courier_code: String,
        pub tracking_numbers: Vec<Number>,
    }

    #[derive(Deserialize)]
    pub struct Number {
        #[serde(default)]
        pub id: Option<String>,
        pub name: String,
        pub regex: Lines,
        #[serde(default)]
        pub validation: Validation,
        #[serde(default)]
        pub tracking_url: Option<String>,
        #[serde(default)]
        pub additional: Vec<Additional>,
    }

    #[derive(Deserialize)]
    #[serde(untagged)]
    pub enum Lines {
        One(String),
        Many(Vec<String>),
    }

    #[derive(Default, Deserialize)]
    #[serde(default)]
    pub struct Validation {
        pub checksum: Option<Checksum>,
        pub serial_number_format: Option<SerialFormat>,
        pub additional: Option<Exists>,
    }

    #[derive(Default, Deserialize)]
    #[serde(default)]
    pub struct Checksum {
        pub name: String,
        pub modulo: Option<u32>,
        pub modulo1: Option<u32>,
        pub modulo2: Option<u32>,
        pub evens_multiplier: Option<u32>,
        pub odds_multiplier: Option<u32>,
        pub reverse: bool,
        pub weightings: Vec<u32>,
    }

    #[derive(Deserialize)]
    pub struct SerialFormat {
        #[serde(default)]
        pub prepend_if: Option<PrependIf>,
    }

    #[derive(Deserialize)]
    pub struct PrependIf {
        pub matches_regex: String,
        pub content: String,
    }

    #[derive(Deserialize)]
    pub struct Exists {
        #[serde(default)]
        pub exists: Vec<String>,
    }

    #[derive(Deserialize)]
    pub struct Additional {
        #[serde(default)]
        pub name: String,
        #[serde(default)]
        pub regex_group_name: String,
        #[serde(default)]
        pub lookup: Vec<Entry>,
    }

    #[derive(Deserialize)]
    pub struct Entry {
        #[serde(default)]
        pub matches: Option<serde_json::Value>,
        #[serde(default)]
        pub matches_regex: Option<String>,
        #[serde(default)]
        pub name: Option<String>,
        #[serde(default)]
        pub courier: Option<String>,
        #[serde(default)]
        pub courier_url: Option<String>,
    }
}

/// Reads a courier's file.
///
/// ```
/// let file = br#"{"name":"Acme","courier_code":"acme","tracking_numbers":[{"name":"Acme Parcel",
///     "regex":["AC\\s*(?<SerialNumber>([0-9]\\s*){8})", "(?<CheckDigit>[0-9])"], "validation":{"checksum":{"name":"luhn"}}}]}"#;
/// assert!(tracking::number::published::read(file).is_ok());
/// let wrong = tracking::number::published::read(br#"{"name":"Acme","courier_code":"acme","tracking_numbers":[{"name":"A","regex":"("}]}"#);
/// assert!(wrong.unwrap_err().to_string().starts_with("tracking_numbers[0].regex: "));
/// ```
pub fn read(text: &[u8]) -> Result<Courier, Wrong> {
    let wrong = |at: &str, reason: String| Wrong { at: at.to_owned(), reason };
    let mut json = serde_json::Deserializer::from_slice(text);
    let read = file::Courier::deserialize(&mut json).map_err(|e| wrong("the file", e.to_string()))?;
    let code = read.courier_code.trim();
    if code.is_empty() || read.tracking_numbers.is_empty() {
        return Err(wrong("courier_code, tracking_numbers", "neither may be empty".into()));
    }
    let formats = read.tracking_numbers.into_iter().enumerate();
    Ok(Courier {
        carrier: carrier::code_of(code),
        name: read.name,
        formats: formats.map(|(n, number)| format(number, &format!("tracking_numbers[{n}]"))).collect::<Result<_, _>>()?,
    })
}

fn format(number: file::Number, at: &str) -> Result<Format, Wrong> {
    let compile = |text: &str, field: &str| {
        // Whoever writes such a file is trusted, whoever types a number is not: no pattern may go on for ever.
        RegexBuilder::new(text)
            .case_insensitive(true)
            .backtrack_limit(50_000)
            .build()
            .map_err(|e| Wrong { at: format!("{at}.{field}"), reason: e.to_string() })
    };
    let text = match number.regex {
        file::Lines::One(text) => text,
        file::Lines::Many(lines) => lines.concat(),
    };
    let pattern = compile(&format!("^(?:{text})$"), "regex")?;
    let groups: Vec<&str> = pattern.capture_names().flatten().collect();
    let checksum = match number.validation.checksum {
        None => None,
        Some(sum) => {
            if !groups.contains(&"SerialNumber") || !groups.contains(&"CheckDigit") {
                return Err(Wrong {
                    at: format!("{at}.regex"),
                    reason: "a checksum needs the groups SerialNumber and CheckDigit".into(),
                });
            }
            Some(checksum(&sum).map_err(|reason| Wrong { at: format!("{at}.validation.checksum"), reason })?)
        }
    };
    let prepend = match number.validation.serial_number_format.and_then(|f| f.prepend_if) {
        None => None,
        Some(p) => Some((compile(&p.matches_regex, "validation.serial_number_format.prepend_if.matches_regex")?, p.content)),
    };
    let mut lookups = Vec::new();
    for (n, lookup) in number.additional.into_iter().enumerate() {
        let mut entries = Vec::new();
        for entry in lookup.lookup {
            let key = match (&entry.matches, &entry.matches_regex) {
                (Some(serde_json::Value::String(text)), _) => Key::Text(text.clone()),
                (Some(other), _) => Key::Text(other.to_string()),
                (None, Some(text)) => {
                    Key::Pattern(compile(&format!("^(?:{text})$"), &format!("additional[{n}].lookup.matches_regex"))?)
                }
                (None, None) => continue,
            };
            entries.push((key, Found { name: entry.name, courier: entry.courier, url: entry.courier_url }));
        }
        if !groups.contains(&lookup.regex_group_name.as_str()) {
            return Err(Wrong {
                at: format!("{at}.additional[{n}].regex_group_name"),
                reason: format!("the regex has no group `{}`", lookup.regex_group_name),
            });
        }
        lookups.push(Lookup { name: lookup.name, group: lookup.regex_group_name, entries });
    }
    let exists = number.validation.additional.map(|a| a.exists).unwrap_or_default();
    if let Some(missing) = exists.iter().find(|name| !lookups.iter().any(|l| l.name == **name)) {
        // Without it no number of this format could ever be right.
        return Err(Wrong {
            at: format!("{at}.validation.additional.exists"),
            reason: format!("there is no look-up `{missing}`"),
        });
    }
    let web = |u: &String| (u.starts_with("https://") || u.starts_with("http://")) && u.contains("%s");
    Ok(Format {
        id: number.id.unwrap_or_else(|| number.name.to_lowercase().replace(' ', "_")),
        name: number.name,
        pattern,
        checksum,
        prepend,
        exists,
        lookups,
        tracking_url: number.tracking_url.filter(web),
    })
}

fn checksum(sum: &file::Checksum) -> Result<Checksum, String> {
    let ten = |modulo: Option<u32>| match modulo {
        None | Some(10) => Ok(()),
        Some(other) => Err(format!("{} with modulo {other} is not known here, only 10", sum.name)),
    };
    match sum.name.as_str() {
        "mod10" => ten(sum.modulo).map(|()| Checksum::Mod10 {
            even: sum.evens_multiplier.unwrap_or(1),
            odd: sum.odds_multiplier.unwrap_or(1),
            reverse: sum.reverse,
            prefix: String::new(),
            prefix_unless: String::new(),
        }),
        "luhn" => ten(sum.modulo).map(|()| Checksum::Luhn),
        "mod7" => Ok(Checksum::Mod7),
        "s10" => Ok(Checksum::S10),
        "mod_37_36" => Ok(Checksum::Mod37_36),
        "sum_product_with_weightings_and_modulo" => {
            let modulo: Vec<u32> = [sum.modulo1.or(sum.modulo), sum.modulo2].into_iter().flatten().collect();
            if modulo.is_empty() || modulo.contains(&0) || sum.weightings.is_empty() {
                return Err("weightings and a modulo above zero are needed".into());
            }
            Ok(Checksum::Weighted { weights: sum.weightings.clone(), modulo })
        }
        other => Err(format!(
            "`{other}` is not known here; these are: mod10, mod7, luhn, s10, mod_37_36, sum_product_with_weightings_and_modulo"
        )),
    }
}

impl Courier {
    /// Does it say how numbers of this format look?
    pub(super) fn has(&self, id: &str) -> bool {
        self.formats.iter().any(|f| f.id == id)
    }

    /// What a number may be among this courier's: `written` is upper case, as it was typed; `normalized` is without what stands between.
    pub(super) fn candidates(&self, written: &str, normalized: &str, hints: &Hints) -> Vec<Candidate> {
        self.formats.iter().filter_map(|f| self.candidate(f, written, normalized, hints)).collect()
    }

    fn candidate(&self, format: &Format, written: &str, normalized: &str, hints: &Hints) -> Option<Candidate> {
        let find = |text| format.pattern.captures(text).ok().flatten();
        let groups = find(normalized).or_else(|| find(written))?;
        let valid = format.holds(&groups) && format.exists.iter().all(|name| format.lookup(name, &groups).is_some());
        let operator = format.lookup("Courier", &groups).filter(|f| f.courier.is_some());
        let name = operator.as_ref().and_then(|f| f.courier.clone());
        let carrier = name.as_deref().map_or_else(|| self.carrier.clone(), carrier::code_of);
        let mut confidence =
            certainty(valid, format.checksum.is_some(), normalized.bytes().any(|b| b.is_ascii_alphabetic()), normalized);
        if hints.carriers.iter().any(|c| *c == carrier || *c == self.carrier) {
            confidence += (1.0 - confidence) / 2.0;
        }
        let service_type = format.lookup("Service Type", &groups).and_then(|f| f.name);
        Some(Candidate {
            name: name.unwrap_or_else(|| self.name.clone()),
            tracking_url: format
                .tracking_url
                .as_ref()
                .map(|u| u.replace("%s", normalized))
                .or_else(|| carrier::tracking_url(&carrier, normalized))
                .or_else(|| operator.and_then(|f| f.url)),
            carrier,
            service: format.name.clone(),
            service_id: format.id.clone(),
            service_type,
            destination_postal_code: group(&groups, "DestinationZip").filter(|z| !z.is_empty()),
            confidence: (confidence * 1000.0).round() / 1000.0,
            valid,
            checked: format.checksum.is_some(),
        })
    }
}

impl Format {
    fn holds(&self, groups: &Groups) -> bool {
        let Some(checksum) = &self.checksum else { return true };
        let (Some(mut serial), Some(check)) = (group(groups, "SerialNumber"), group(groups, "CheckDigit")) else { return false };
        if let Some((pattern, content)) = &self.prepend
            && pattern.is_match(&serial).unwrap_or(false)
        {
            serial.insert_str(0, content);
        }
        let mut check = check.chars();
        matches!((check.next(), check.next()), (Some(c), None) if checksum.holds(&serial, c))
    }

    fn lookup(&self, name: &str, groups: &Groups) -> Option<Found> {
        let lookup = self.lookups.iter().find(|l| l.name == name)?;
        let value = group(groups, &lookup.group)?;
        let hit = |key: &Key| match key {
            Key::Text(text) => text.eq_ignore_ascii_case(&value),
            Key::Pattern(pattern) => pattern.is_match(&value).unwrap_or(false),
        };
        lookup.entries.iter().find(|(key, _)| hit(key)).map(|(_, found)| found.clone())
    }
}

/// A group's letters and digits.
fn group(groups: &Groups, name: &str) -> Option<String> {
    Some(groups.name(name)?.as_str().chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect())
}
