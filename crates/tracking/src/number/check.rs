//! Check digits.

use serde::Deserialize;

/// How the check digit follows from the serial. Letters count as their place in ASCII less 63, last digit, unless a rule says otherwise.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Checksum {
    /// Digits at even and odd places times a factor; what is missing to the next ten.
    Mod10 {
        even: u32,
        odd: u32,
        /// Places are counted from the end.
        #[serde(default)]
        reverse: bool,
        /// Stands before the serial in the sum.
        #[serde(default)]
        prefix: String,
        /// The same, unless the serial begins so.
        #[serde(default)]
        prefix_unless: String,
    },
    /// The rest of the serial divided by seven.
    Mod7,
    Luhn,
    /// Digits times weights; the rest by one number, and of that by the next.
    Weighted {
        weights: Vec<u32>,
        modulo: Vec<u32>,
    },
    /// The Universal Postal Union's standard S10.
    S10,
    /// ISO/IEC 7064 MOD 37,36, over digits and letters; the check character may be a letter (DPD).
    #[serde(rename = "mod37_36")]
    Mod37_36,
}

impl Checksum {
    /// Is this the check digit of this serial?
    pub fn holds(&self, serial: &str, check: char) -> bool {
        if let Checksum::Mod37_36 = self {
            return mod_37_36(serial) == check.to_digit(36);
        }
        let Some(check) = check.to_digit(10) else { return false };
        let values = |text: &str| -> Vec<u32> {
            text.chars().map(|c| c.to_digit(10).unwrap_or_else(|| u32::from(c).wrapping_sub(63) % 10)).collect()
        };
        let to_ten = |sum: u32| (10 - sum % 10) % 10;
        match self {
            Checksum::Mod10 { even, odd, reverse, prefix, prefix_unless } => {
                let before =
                    if prefix_unless.is_empty() || serial.starts_with(prefix_unless.as_str()) { prefix } else { prefix_unless };
                let mut all = values(&format!("{before}{serial}"));
                if *reverse {
                    all.reverse();
                }
                let times = |(n, v): (usize, &u32)| v.saturating_mul(*if n % 2 == 0 { even } else { odd });
                to_ten(all.iter().enumerate().map(times).fold(0, u32::wrapping_add)) == check
            }
            Checksum::Mod7 => serial.parse::<u64>().is_ok_and(|n| n % 7 == u64::from(check)),
            Checksum::Luhn => {
                let doubled = |(n, v): (usize, &u32)| if n % 2 == 0 { v * 2 / 10 + v * 2 % 10 } else { *v };
                to_ten(values(serial).iter().rev().enumerate().map(doubled).sum()) == check
            }
            Checksum::Weighted { weights, modulo } => {
                let sum = values(serial).iter().zip(weights).map(|(v, w)| u64::from(*v) * u64::from(*w)).sum::<u64>();
                modulo.iter().fold(sum, |rest, m| rest.checked_rem(u64::from(*m)).unwrap_or(rest)) == u64::from(check)
            }
            Checksum::S10 => {
                let sum: u32 = values(serial).iter().zip([8, 6, 4, 2, 3, 5, 9, 7]).map(|(v, w)| v * w).sum();
                let due = match 11 - sum % 11 {
                    10 => 0,
                    11 => 5,
                    n => n,
                };
                due == check
            }
            Checksum::Mod37_36 => false,
        }
    }
}

/// The check character's value, where the serial is letters and digits.
fn mod_37_36(serial: &str) -> Option<u32> {
    let mut product = 36;
    for c in serial.chars() {
        let sum = (product + c.to_digit(36)?) % 36;
        product = if sum == 0 { 36 } else { sum } * 2 % 37;
    }
    Some((37 - product) % 36)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standards_own_examples() {
        // ISO/IEC 7064: A12425GABC1234002 has the check character M (as GRid identifiers print it).
        assert!(Checksum::Mod37_36.holds("A12425GABC1234002", 'M'));
        assert!(!Checksum::Mod37_36.holds("A12425GABC1234002", 'N'));
        assert!(!Checksum::Mod37_36.holds("A124-5GABC1234002", 'M'));
        // UPU S10 prints 47312482 9.
        assert!(Checksum::S10.holds("47312482", '9'));
        assert!(!Checksum::S10.holds("47312482", 'A'));
        assert!(Checksum::Luhn.holds("7992739871", '3'));
    }
}
