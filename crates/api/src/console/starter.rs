//! A first policy from a few answers: sensible defaults that everything else can be changed from.

use std::collections::BTreeMap;

use promise::policy::{Duration, Method, Origin, Place, Policy, Service, Transit, Zone};

use super::policy::{entry::id_of, origin::WEEK};

/// A country to ship from: code, name, time zone, currency, its usual carrier, working days on the way at home.
pub struct Country {
    pub code: &'static str,
    pub name: &'static str,
    zone: &'static str,
    currency: &'static str,
    carrier: (&'static str, &'static str),
    home: (u16, u16),
}

const fn country(
    code: &'static str,
    name: &'static str,
    zone: &'static str,
    currency: &'static str,
    carrier: (&'static str, &'static str),
    home: (u16, u16),
) -> Country {
    Country { code, name, zone, currency, carrier, home }
}

#[rustfmt::skip]
pub const COUNTRIES: [Country; 30] = [
    country("US", "United States", "America/New_York", "USD", ("ups", "UPS Ground"), (2, 5)),
    country("AU", "Australia", "Australia/Sydney", "AUD", ("australiapost", "Australia Post"), (2, 6)),
    country("AT", "Austria", "Europe/Vienna", "EUR", ("post_at", "Österreichische Post"), (1, 2)),
    country("BE", "Belgium", "Europe/Brussels", "EUR", ("bpost", "bpost"), (1, 2)),
    country("BR", "Brazil", "America/Sao_Paulo", "BRL", ("correios", "Correios PAC"), (5, 12)),
    country("CA", "Canada", "America/Toronto", "CAD", ("canadapost", "Canada Post Expedited"), (2, 7)),
    country("CZ", "Czechia", "Europe/Prague", "CZK", ("ceska_posta", "Česká pošta"), (1, 2)),
    country("DK", "Denmark", "Europe/Copenhagen", "DKK", ("postnord", "PostNord"), (1, 2)),
    country("FI", "Finland", "Europe/Helsinki", "EUR", ("posti", "Posti"), (1, 3)),
    country("FR", "France", "Europe/Paris", "EUR", ("colissimo", "Colissimo"), (2, 3)),
    country("DE", "Germany", "Europe/Berlin", "EUR", ("dhl_parcel_de", "DHL Paket"), (1, 2)),
    country("IN", "India", "Asia/Kolkata", "INR", ("india_post", "India Post"), (3, 7)),
    country("IE", "Ireland", "Europe/Dublin", "EUR", ("an_post", "An Post"), (1, 2)),
    country("IL", "Israel", "Asia/Jerusalem", "ILS", ("israel_post", "Israel Post"), (3, 6)),
    country("IT", "Italy", "Europe/Rome", "EUR", ("poste_italiane", "Poste Italiane"), (2, 4)),
    country("JP", "Japan", "Asia/Tokyo", "JPY", ("yamato", "Yamato"), (1, 2)),
    country("KR", "South Korea", "Asia/Seoul", "KRW", ("cj_logistics", "CJ Logistics"), (1, 2)),
    country("MX", "Mexico", "America/Mexico_City", "MXN", ("estafeta", "Estafeta"), (2, 5)),
    country("NL", "Netherlands", "Europe/Amsterdam", "EUR", ("postnl", "PostNL"), (1, 2)),
    country("NZ", "New Zealand", "Pacific/Auckland", "NZD", ("nz_post", "NZ Post"), (1, 3)),
    country("NO", "Norway", "Europe/Oslo", "NOK", ("posten_norge", "Posten"), (1, 4)),
    country("PL", "Poland", "Europe/Warsaw", "PLN", ("inpost", "InPost"), (1, 2)),
    country("PT", "Portugal", "Europe/Lisbon", "EUR", ("ctt", "CTT"), (1, 3)),
    country("SG", "Singapore", "Asia/Singapore", "SGD", ("singpost", "SingPost"), (1, 3)),
    country("ZA", "South Africa", "Africa/Johannesburg", "ZAR", ("courier_guy", "The Courier Guy"), (2, 5)),
    country("ES", "Spain", "Europe/Madrid", "EUR", ("correos", "Correos"), (2, 3)),
    country("SE", "Sweden", "Europe/Stockholm", "SEK", ("postnord", "PostNord"), (1, 3)),
    country("CH", "Switzerland", "Europe/Zurich", "CHF", ("swiss_post", "Swiss Post"), (1, 2)),
    country("AE", "United Arab Emirates", "Asia/Dubai", "AED", ("aramex", "Aramex"), (1, 3)),
    country("GB", "United Kingdom", "Europe/London", "GBP", ("royalmail", "Royal Mail Tracked 48"), (2, 3)),
];

const EU: [&str; 27] = [
    "AT", "BE", "BG", "HR", "CY", "CZ", "DK", "EE", "FI", "FR", "DE", "GR", "HU", "IE", "IT", "LV", "LT", "LU", "MT", "NL", "PL",
    "PT", "RO", "SK", "SI", "ES", "SE",
];

/// What the guide asks.
#[derive(Clone, Debug)]
pub struct Answers {
    /// Where parcels leave: a name, such as a city.
    pub origin: String,
    pub country: String,
    /// Empty: the country's.
    pub time_zone: String,
    pub cutoff: String,
    pub days: Vec<String>,
    pub handling: (u16, u16),
    /// Carrier's service as the shop calls it; empty: the country's usual one.
    pub service: String,
    pub abroad: bool,
    pub price: i64,
    pub price_abroad: i64,
}

pub fn find(code: &str) -> Option<&'static Country> {
    COUNTRIES.iter().find(|c| c.code == code)
}

/// The currency of a country that can be shipped from.
pub fn currency(code: &str) -> &'static str {
    find(code).map_or("USD", |c| c.currency)
}

fn span((min, max): (u16, u16)) -> Duration {
    Duration { min: Some(min), max: Some(max), weights: Vec::new() }
}

fn everywhere(name: &str, codes: impl Iterator<Item = &'static str>) -> Zone {
    let places = codes.map(|c| Place { country: c.into(), ..Place::default() }).collect();
    Zone { id: id_of(name, &[]), name: name.into(), excluded: false, places, ..Zone::default() }
}

/// The policy that they make; nothing for a country that is not known.
pub fn policy(a: &Answers) -> Option<Policy> {
    let home = find(&a.country)?;
    let holidays: Vec<String> = [home.code.to_owned()].into_iter().filter(|c| promise::holidays::known(c)).collect();
    let zone = if a.time_zone.is_empty() { home.zone.to_owned() } else { a.time_zone.clone() };
    let cutoffs: BTreeMap<String, String> =
        WEEK.iter().filter(|(d, _)| a.days.iter().any(|x| x == d)).map(|(d, _)| ((*d).to_owned(), a.cutoff.clone())).collect();
    let origin = Origin {
        id: id_of(&a.origin, &[]),
        name: a.origin.clone(),
        country: home.code.into(),
        time_zone: zone,
        cutoffs,
        holidays: holidays.clone(),
        handling: span(a.handling),
        ..Origin::default()
    };
    let name = if a.service.is_empty() { home.carrier.1.to_owned() } else { a.service.clone() };
    let carrier = if a.service.is_empty() {
        home.carrier.0.to_owned()
    } else {
        tracking::carrier::by_name(&a.service).map_or_else(|| home.carrier.0.to_owned(), |c| c.code.to_owned())
    };
    let service = |id: &str, name: String, carrier: String| Service {
        id: id.into(),
        carrier,
        name,
        holidays: holidays.clone(),
        ..Service::default()
    };
    let mut p = Policy {
        currency: home.currency.into(),
        confidence: 90,
        origins: vec![origin.clone()],
        services: vec![service("standard", name, carrier)],
        zones: vec![everywhere(home.name, [home.code].into_iter())],
        ..Policy::default()
    };
    let at_home = p.zones[0].id.clone();
    let lane = |service: &str, zone: &str, days| Transit {
        origin: origin.id.clone(),
        service: service.into(),
        zone: zone.into(),
        days: span(days),
    };
    p.transit.push(lane("standard", &at_home, home.home));
    p.methods.push(Method {
        id: "standard".into(),
        name: "Standard".into(),
        price: a.price,
        services: vec!["standard".into()],
        zones: vec![at_home],
        ..Method::default()
    });
    if a.abroad {
        p.services.push(service("international", "International".into(), "dhl_express".into()));
        let in_eu = EU.contains(&home.code);
        if in_eu {
            p.zones.push(everywhere("European Union", EU.into_iter().filter(|c| *c != home.code)));
            p.transit.push(lane("international", "european_union", (3, 6)));
        }
        let rest = COUNTRIES.iter().map(|c| c.code).chain(EU).filter(|c| *c != home.code && !(in_eu && EU.contains(c)));
        let rest: std::collections::BTreeSet<&str> = rest.collect();
        p.zones.push(everywhere("Other countries", rest.into_iter()));
        p.transit.push(lane("international", "other_countries", (4, 9)));
        let zones = p.zones.iter().skip(1).map(|z| z.id.clone()).collect();
        p.methods.push(Method {
            id: "international".into(),
            name: "International".into(),
            price: a.price_abroad,
            services: vec!["international".into()],
            zones,
            ..Method::default()
        });
    }
    Some(p)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_country_begins_with_a_policy_that_can_be_published() {
        for c in &COUNTRIES {
            for abroad in [false, true] {
                let answers = Answers {
                    origin: "Warehouse".into(),
                    country: c.code.into(),
                    time_zone: String::new(),
                    cutoff: "14:00".into(),
                    days: ["mon", "tue"].map(String::from).to_vec(),
                    handling: (0, 1),
                    service: String::new(),
                    abroad,
                    price: 495,
                    price_abroad: 1500,
                };
                let made = policy(&answers).unwrap();
                assert_eq!(made.validate(), [], "{}", c.name);
            }
        }
    }
}
