//! Carriers: our code, a name to show, the tracking page, and what others call it.

/// What is known of a carrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Carrier {
    pub code: &'static str,
    pub name: &'static str,
    pub phone: &'static str,
    /// With `{}` where the number stands.
    pub url: &'static str,
}

/// A line a carrier: code, name, phone, tracking page, other names (separated by `;`), with tabs between.
static DATA: &str = include_str!("../data/carriers.tsv");

fn rows() -> impl Iterator<Item = (Carrier, &'static str)> {
    DATA.lines().filter(|l| !l.starts_with('#')).filter_map(|line| {
        let mut field = line.split('\t');
        let carrier = Carrier { code: field.next()?, name: field.next()?, phone: field.next()?, url: field.next()? };
        Some((carrier, field.next().unwrap_or_default()))
    })
}

/// The carrier with this code.
pub fn by_code(code: &str) -> Option<Carrier> {
    rows().map(|r| r.0).find(|c| c.code == code)
}

/// The carrier that others call this; letters and digits count, nothing else.
pub fn by_name(name: &str) -> Option<Carrier> {
    let plain = |s: &str| s.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect::<String>();
    let name = plain(name);
    rows()
        .find(|(c, others)| plain(c.code) == name || plain(c.name) == name || others.split(';').any(|o| plain(o) == name))
        .map(|r| r.0)
}

/// Our code for a name, or the name itself in lower case where it is not known.
pub fn code_of(name: &str) -> String {
    by_name(name).map_or_else(|| name.trim().to_lowercase().replace(' ', "_"), |c| c.code.to_owned())
}

/// The carrier's page for a number. The number is written so that it can't change the address.
pub fn tracking_url(code: &str, number: &str) -> Option<String> {
    let mut safe = String::new();
    for byte in number.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => safe.push(char::from(byte)),
            _ => safe.push_str(&format!("%{byte:02X}")),
        }
    }
    by_code(code).filter(|c| !c.url.is_empty()).map(|c| c.url.replace("{}", &safe))
}
