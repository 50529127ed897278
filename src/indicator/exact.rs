//! Exact numbers of indicators: thousandths, percent with two decimals, all in integers.
//!
//! Halves are rounded up (away from zero). A division by zero is null and never 0.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// A number with three decimals, inside as thousandths; on the wire a JSON number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Milli(pub i64);

impl Milli {
    /// A whole number.
    pub const fn whole(value: i64) -> Self {
        Self(value.saturating_mul(1_000))
    }

    /// The share `numerator / denominator` in percent, two decimals.
    ///
    /// 7 863 of 8 011 is 98.15.
    pub fn percent(numerator: i64, denominator: i64) -> Option<Self> {
        Self::ratio(numerator, denominator, 100, 2)
    }

    /// `numerator * factor / denominator`, rounded half up to `decimals` (at most 3); null when the
    /// denominator is not above zero, or beyond what fits.
    pub fn ratio(numerator: i64, denominator: i64, factor: i64, decimals: u32) -> Option<Self> {
        let unit = 10_i128.pow(decimals.min(3));
        let numerator = i128::from(numerator) * i128::from(factor) * unit;
        let rounded = divide(numerator, i128::from(denominator))?;
        i64::try_from(rounded * (1_000 / unit)).ok().map(Self)
    }
}

/// Division rounded half away from zero; null unless the divisor is above zero.
pub(super) fn divide(numerator: i128, denominator: i128) -> Option<i128> {
    if denominator <= 0 {
        return None;
    }
    let magnitude = (numerator.abs() * 2 + denominator) / (denominator * 2);
    Some(magnitude * numerator.signum())
}

impl fmt::Display for Milli {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, part) = (self.0.unsigned_abs() / 1_000, self.0.unsigned_abs() % 1_000);
        let decimals = format!("{part:03}");
        match decimals.trim_end_matches('0') {
            "" => write!(f, "{sign}{whole}"),
            decimals => write!(f, "{sign}{whole}.{decimals}"),
        }
    }
}

impl Serialize for Milli {
    #[expect(
        clippy::cast_precision_loss,
        reason = "the nearest double of a number with three decimals prints as that number"
    )]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 % 1_000 == 0 {
            serializer.serialize_i64(self.0 / 1_000)
        } else {
            serializer.serialize_f64(self.0 as f64 / 1_000.0)
        }
    }
}

impl<'de> Deserialize<'de> for Milli {
    #[expect(clippy::cast_possible_truncation, reason = "checked against the range before")]
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = f64::deserialize(deserializer)?;
        let thousandths = (number * 1_000.0).round();
        if thousandths.abs() > 1e15 || (thousandths / 1_000.0 - number).abs() > 1e-9 {
            return Err(D::Error::custom(format!("{number} has more than three decimals")));
        }
        Ok(Self(thousandths as i64))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn percent_is_rounded_half_up_to_two_decimals() {
        assert_eq!(Milli::percent(7_863, 8_011), Some(Milli(98_150)));
        assert_eq!(Milli::percent(252, 434), Some(Milli(58_060)));
        assert_eq!(Milli::percent(1, 3), Some(Milli(33_330)));
        assert_eq!(Milli::percent(2, 3), Some(Milli(66_670)));
        // 0.125 percent is exactly half way.
        assert_eq!(Milli::percent(1, 800), Some(Milli(130)));
        assert_eq!(Milli::percent(0, 5), Some(Milli(0)));
        assert_eq!(Milli::percent(5, 0), None);
        assert_eq!(Milli::percent(0, 0), None);
    }

    #[test]
    fn numbers_are_written_without_loss() {
        for (milli, text) in [(98_150, "98.15"), (15_000, "15"), (1_978, "1.978"), (-50, "-0.05")] {
            assert_eq!(serde_json::to_string(&Milli(milli)).unwrap(), text);
            assert_eq!(Milli(milli).to_string(), text);
            assert_eq!(serde_json::from_str::<Milli>(text).unwrap(), Milli(milli));
        }
        assert!(serde_json::from_str::<Milli>("1.9785").is_err());
    }

    proptest! {
        #[test]
        fn a_share_lies_between_0_and_100(part in 0_i64..1_000_000_000, rest in 0_i64..1_000_000_000) {
            let share = Milli::percent(part, part + rest);
            prop_assert_eq!(share.is_none(), part + rest == 0);
            prop_assert!(share.is_none_or(|share| (0..=100_000).contains(&share.0)));
        }

        #[test]
        fn thousandths_survive_json(milli in -1_000_000_000_000_i64..1_000_000_000_000) {
            let text = serde_json::to_string(&Milli(milli)).unwrap();
            prop_assert_eq!(serde_json::from_str::<Milli>(&text).unwrap(), Milli(milli));
        }
    }
}
