//! Places as people write them, a line each: `US`, `US regions: CA, NY`, `US postal codes: 900-961, 941`.

use promise::policy::Place;

/// As text.
pub fn write(places: &[Place]) -> String {
    let line = |p: &Place| {
        let mut parts = Vec::new();
        if !p.regions.is_empty() {
            parts.push(format!("regions: {}", p.regions.join(", ")));
        }
        if !p.postal_codes.is_empty() {
            parts.push(format!("postal codes: {}", p.postal_codes.join(", ")));
        }
        format!("{} {}", p.country, parts.join("; ")).trim().to_owned()
    };
    places.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// And back; what is wrong, by line.
pub fn read(text: &str) -> Result<Vec<Place>, String> {
    text.lines().map(str::trim).filter(|l| !l.is_empty()).map(read_line).collect()
}

fn read_line(line: &str) -> Result<Place, String> {
    let wrong = |why: &str| format!("“{line}”: {why}.");
    let (country, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let country = country.trim_end_matches([':', ',']).to_uppercase();
    if country.len() != 2 || !country.bytes().all(|b| b.is_ascii_uppercase()) {
        return Err(wrong("begin with a country's code, such as US"));
    }
    let mut place = Place { country, ..Place::default() };
    for part in rest.split(';').map(str::trim).filter(|p| !p.is_empty()) {
        let (kind, list) = part.split_once(':').map_or(("", part), |(k, l)| (k.trim(), l));
        let words = || list.split([',', ' ']).map(str::trim).filter(|w| !w.is_empty()).map(str::to_uppercase);
        match kind.to_lowercase().as_str() {
            "regions" | "region" | "states" | "state" | "provinces" => place.regions.extend(words()),
            "postal codes" | "postal code" | "zip" | "zips" | "codes" => place.postal_codes.extend(words()),
            // Without a word for it: digits make a postal code.
            "" => {
                for word in words() {
                    let to = if word.bytes().any(|b| b.is_ascii_digit()) { &mut place.postal_codes } else { &mut place.regions };
                    to.push(word);
                }
            }
            _ => return Err(wrong("write “regions:” or “postal codes:” after the country")),
        }
    }
    Ok(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_read_as_they_are_written() {
        let text =
            "US\nUS regions: CA, NY\nUS postal codes: 900-961, 941\nCA regions: ON; postal codes: K, L\nGB postal codes: SW1";
        let places = read(text).unwrap();
        assert_eq!(write(&places), text);
        assert_eq!(places[3].postal_codes, ["K", "L"]);
        let loose = read("us ca, ny\n de 10, 8-9 \n\nFR zip: 75").unwrap();
        assert_eq!(write(&loose), "US regions: CA, NY\nDE postal codes: 10, 8-9\nFR postal codes: 75");
        for bad in ["Germany", "US towns: Rome", "1"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
