//! Reading JSON that others write: ids as numbers or texts, empty texts as nothing, money without floats.

use serde_json::Value;

/// A text that is there and not blank; numbers are written out.
pub fn text(value: &Value, key: &str) -> Option<String> {
    match value.get(key)? {
        Value::String(s) if !s.trim().is_empty() => Some(s.trim().to_owned()),
        Value::Number(n) => Some(n.to_string()),
        _ => None,
    }
}

/// The elements of a list; none where there is no list.
pub fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A decimal text (`"199.00"`) in minor units of a currency; `None` where it is not a plain decimal number.
pub fn minor_units(amount: &str, currency: &str) -> Option<i64> {
    let places = match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "VND" | "VUV" | "XAF" | "XOF"
        | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        _ => 2,
    };
    let (negative, digits) = amount.strip_prefix('-').map_or((false, amount), |rest| (true, rest));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() || !whole.bytes().chain(part.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let mut minor: i64 = whole.parse().ok()?;
    for n in 0..places {
        let digit = part.as_bytes().get(n).map_or(0, |b| i64::from(b - b'0'));
        minor = minor.checked_mul(10)?.checked_add(digit)?;
    }
    Some(if negative { -minor } else { minor })
}

#[cfg(test)]
mod tests {
    #[test]
    fn money_is_read_without_floats() {
        let minor = super::minor_units;
        assert_eq!(minor("199.00", "USD"), Some(19_900));
        assert_eq!(minor("0.1", "USD"), Some(10));
        assert_eq!(minor("1200", "JPY"), Some(1200));
        assert_eq!(minor("-3.335", "EUR"), Some(-333));
        for bad in ["", "abc", "1,50", "1.2.3", "99999999999999999999"] {
            assert_eq!(minor(bad, "USD"), None, "{bad}");
        }
    }
}
