//! Is a line of an address a post-office box? Many carriers can't deliver to one.

/// How boxes are written in the languages of the countries that have them: lower case, without accents, words apart. A number follows.
static NAMES: &[&str] = &[
    "po box",
    "p o box",
    "pob",
    "p o b",
    "pobox",
    "post office box",
    "postal box",
    "gpo box",
    "g p o box",
    "locked bag",
    "private bag",
    "box",
    "postfach",
    "pf", // German
    "boite postale",
    "bp",
    "b p",
    "case postale",
    "cp",
    "c p", // French
    "apartado",
    "apartado de correos",
    "apartado postal",
    "apdo",
    "apdo postal",
    "apdo de correos", // Spanish
    "caixa postal",
    "cx postal",       // Portuguese
    "casella postale", // Italian
    "postbus",         // Dutch
    "postbox",
    "postboks",
    "pb",
    "boks", // Scandinavian
    "skrytka pocztowa",
    "skr poczt", // Polish
    "صندوق بريد",
    "ص ب", // Arabic
    "תד",
    "ת ד",
    "תיבת דואר", // Hebrew
];

/// Names that decide without a number.
static ALONE: &[&str] = &[
    "po box",
    "p o box",
    "pobox",
    "post office box",
    "postfach",
    "boite postale",
    "case postale",
    "caixa postal",
    "casella postale",
    "postbus",
    "postboks",
];

/// Names that stand behind the post office's, in languages that don't part words.
static WITHIN: &[&str] = &["私書箱", "邮政信箱", "郵政信箱", "사서함"];

/// Whether an address (one line or several) names a post-office box.
///
/// ```
/// for line in ["P.O. Box 12", "PO BOX 12", "Postfach 10 01 55", "BP 30", "Apdo. de Correos 7", "Postbus 123", "Case postale 4", "Box 9"] {
///     assert!(tracking::po_box::is_po_box(line), "{line}");
/// }
/// for line in ["12 Box Hill Road", "Postfachstraße 1", "1 Boxwood Ave", "Apt 4B", "Bpost-Platz 3", "Unit 7, Boxworks", ""] {
///     assert!(!tracking::po_box::is_po_box(line), "{line}");
/// }
/// ```
pub fn is_po_box(address: &str) -> bool {
    address.split(['\n', '\r', ',', ';']).any(line)
}

fn line(text: &str) -> bool {
    let plain = plain(text);
    let words: Vec<&str> = plain.split(' ').filter(|w| !w.is_empty()).take(8).collect();
    // The box begins the line: "12 Box Hill Road" is a street.
    for length in 1..=words.len().min(3) {
        let name = words[..length].join(" ");
        let mut rest = words[length..].iter().skip_while(|w| matches!(**w, "no" | "nr" | "n"));
        // "Box 44A", but not "Box Elder Drive 5".
        let number = |w: &&str| w.starts_with(char::is_numeric) || w.len() <= 5 && w.ends_with(char::is_numeric);
        if ALONE.contains(&name.as_str()) || NAMES.contains(&name.as_str()) && rest.next().is_some_and(number) {
            return true;
        }
        // "Postfach12"
        let glued = name.trim_end_matches(char::is_numeric);
        if glued.len() < name.len() && glued.chars().count() > 1 && NAMES.contains(&glued) {
            return true;
        }
    }
    words.iter().any(|w| WITHIN.iter().any(|name| w.contains(name)))
}

/// Lower case, without accents; what is neither letter nor digit parts words. The quotation mark within a Hebrew abbreviation does not.
fn plain(text: &str) -> String {
    let fold = |c: char| match c {
        'à' | 'á' | 'â' | 'ã' | 'ä' => 'a',
        'è' | 'é' | 'ê' | 'ë' => 'e',
        'î' | 'í' | 'ï' => 'i',
        'ó' | 'ô' | 'ö' | 'ø' => 'o',
        _ => c,
    };
    let mut said = String::with_capacity(text.len());
    for c in text.chars().take(200).flat_map(char::to_lowercase).map(fold) {
        if c.is_alphanumeric() {
            said.push(c);
        } else if !matches!(c, '"' | '״' | '\u{307}') {
            said.push(' ');
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_of_many_countries() {
        for address in [
            "P.O.Box 5",
            "p o box #77",
            "POB 12",
            "Post Office Box 44A",
            "GPO Box 2890",
            "Private Bag X1234",
            "Postfach",
            "Boîte postale 91",
            "B.P. 8",
            "C.P. 6128 succ. Centre-ville",
            "Apartado 1",
            "Apdo. Postal 55",
            "Caixa Postal 77",
            "Casella postale 3",
            "Postboks 40",
            "Skrytka pocztowa 22",
            "Postfach12",
            "ص.ب 1234",
            "ת\"ד 90",
            "銀座郵便局私書箱12号",
            "Ada Lovelace\nPO Box 12\nSan Francisco",
            "c/o Shop, PO Box 9",
        ] {
            assert!(is_po_box(address), "{address}");
        }
    }

    #[test]
    fn streets_stay_streets() {
        for address in [
            "123 Main Street",
            "Box Elder Drive 5",
            "Rue de la Boîte 3",
            "Cp Road",
            "Plaza 5",
            "1 Postal Way",
            "Pobedy 12",
            "Pb",
            "6 Locked Gate Rd",
            "\u{0}",
        ] {
            assert!(!is_po_box(address), "{address}");
        }
    }
}
