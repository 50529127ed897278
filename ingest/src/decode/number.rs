//! Numbers of JSON text, and their way into fixed point without floating point.
//!
//! A number is kept as sign, up to 19 digits and a power of ten, so that 1.005 in hundredths is 101
//! (100.5 rounded half away from zero) and not the 100 that a double makes of it.

/// A JSON number: `digits * 10^exponent`, negated if `negative`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Number {
    pub(super) negative: bool,
    pub(super) digits: u64,
    pub(super) exponent: i32,
    /// Digits other than zero stand behind the 19 that were kept.
    pub(super) cut: bool,
}

/// Largest `digits` that takes one more decimal digit.
const DIGITS_ROOM: u64 = (u64::MAX - 9) / 10;

/// Powers of ten that fit.
const POWERS: [u64; 20] = {
    let mut powers = [1; 20];
    let mut n = 1;
    while n < 20 {
        powers[n] = powers[n - 1] * 10;
        n += 1;
    }
    powers
};

/// A measured quantity of the contract: its fixed point and its range.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quantity {
    /// Decimal places kept: the fact is the value times `10^scale`.
    scale: u8,
    /// Smallest and largest fact, in `10^-scale`; the largest is not negative.
    low: i64,
    high: i64,
}

impl Quantity {
    /// From `low` to `high`, both in units of `10^-scale`.
    pub(super) const fn new(scale: u8, low: i64, high: i64) -> Self {
        assert!(scale <= 6 && low <= high && high >= 0, "a quantity has a range that reaches zero");
        Self { scale, low, high }
    }

    /// A whole number within the range of a quantity without decimal places.
    #[inline]
    pub(super) fn take_whole(self, value: u64) -> Option<i64> {
        i64::try_from(value).ok().filter(|value| (self.low..=self.high).contains(value))
    }

    /// The range in words, in the unit of the message.
    pub(super) fn range(self) -> String {
        format!("must be {} to {}", self.shown(self.low), self.shown(self.high))
    }

    fn shown(self, value: i64) -> String {
        let divisor = i64::try_from(POWERS[usize::from(self.scale)]).unwrap_or(1);
        if value % divisor == 0 {
            (value / divisor).to_string()
        } else {
            let rest = (value % divisor).unsigned_abs();
            let sign = if value < 0 { "-" } else { "" };
            let text = format!(
                "{sign}{}.{rest:0width$}",
                (value / divisor).unsigned_abs(),
                width = usize::from(self.scale)
            );
            text.trim_end_matches('0').to_owned()
        }
    }
}

/// A number cut to some decimal places.
struct Cut {
    /// What is left of the absolute value.
    magnitude: u64,
    /// Something was cut off.
    rest: bool,
    /// At least half of the last place was cut off.
    half: bool,
}

impl Number {
    /// Takes one more digit of the integer part (`places` 0) or of the fraction (`places` 1).
    #[inline]
    pub(super) fn push(&mut self, digit: u8, places: i32) {
        if self.digits <= DIGITS_ROOM {
            self.digits = self.digits * 10 + u64::from(digit);
            self.exponent -= places;
        } else {
            // The first dropped digit cannot decide a rounding: no quantity has 19 digits.
            self.cut |= digit != 0;
            self.exponent += 1 - places;
        }
    }

    #[inline]
    fn cut_to(self, scale: u8) -> Cut {
        let shift = self.exponent.saturating_add(i32::from(scale));
        let power = usize::try_from(shift.unsigned_abs()).ok().and_then(|n| POWERS.get(n));
        match (self.digits, power) {
            (0, _) => Cut { magnitude: 0, rest: false, half: false },
            (digits, None) if shift < 0 => {
                // Fewer than 20 digits in front of a power of 10^-20: below half of the last place.
                _ = digits;
                Cut { magnitude: 0, rest: true, half: false }
            }
            (_, None) => Cut { magnitude: u64::MAX, rest: true, half: false },
            (digits, Some(&power)) if shift >= 0 => {
                Cut { magnitude: digits.saturating_mul(power), rest: self.cut, half: false }
            }
            (digits, Some(&power)) => {
                let rest = digits % power;
                Cut {
                    magnitude: digits / power,
                    rest: rest > 0 || self.cut,
                    half: rest >= power - rest,
                }
            }
        }
    }

    /// The value in units of `10^-scale`, rounded half away from zero; `None` out of range. The
    /// range is that of the value as written, before rounding.
    #[inline]
    pub(super) fn fixed(self, quantity: Quantity) -> Option<i64> {
        let cut = self.cut_to(quantity.scale);
        let magnitude = i64::try_from(cut.magnitude).ok()?;
        let negative = self.negative && (magnitude > 0 || cut.rest);
        let inside = if negative {
            let limit = quantity.low.checked_neg()?;
            limit > 0 && (magnitude < limit || (magnitude == limit && !cut.rest))
        } else {
            magnitude >= quantity.low
                && (magnitude < quantity.high || (magnitude == quantity.high && !cut.rest))
        };
        let rounded = magnitude + i64::from(cut.half);
        inside.then_some(if negative { -rounded } else { rounded })
    }

    /// Whether the value is whole: `41`, `41.0` and `4.1e1` are, `41.5` is not.
    #[inline]
    pub(super) fn is_whole(self) -> bool {
        if self.exponent == 0 { !self.cut } else { !self.cut_to(0).rest }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let mut number = Number { negative, digits: 0, exponent: 0, cut: false };
        let mut places = 0;
        for byte in text.bytes() {
            match byte {
                b'.' => places = 1,
                digit => number.push(digit - b'0', places),
            }
        }
        number
    }

    #[test]
    fn halves_round_away_from_zero_whatever_a_double_makes_of_them() {
        let hundredths = Quantity::new(2, -1_000_000, 1_000_000);
        assert_eq!(number("1.005").fixed(hundredths), Some(101));
        assert_eq!(number("-1.005").fixed(hundredths), Some(-101));
        assert_eq!(number("1.00499999999999999999999").fixed(hundredths), Some(100));
        assert_eq!(number("0.183").fixed(Quantity::new(4, 0, 10_000)), Some(1_830));
        assert_eq!(number("0.00005").fixed(Quantity::new(4, 0, 10_000)), Some(1));
    }

    #[test]
    fn the_range_is_that_of_the_value_as_written() {
        let share = Quantity::new(4, 0, 10_000);
        assert_eq!(number("1").fixed(share), Some(10_000));
        assert_eq!(number("1.00000000000000000000000000001").fixed(share), None);
        assert_eq!(number("-0.00001").fixed(share), None);
        assert_eq!(number("-0.0").fixed(share), Some(0));
        let celsius = Quantity::new(1, -1_000, 2_000);
        assert_eq!(number("-100").fixed(celsius), Some(-1_000));
        assert_eq!(number("-100.01").fixed(celsius), None);
        assert_eq!(number("99999999999999999999999999").fixed(celsius), None);
    }

    #[test]
    fn a_range_is_told_in_the_unit_of_the_message() {
        assert_eq!(Quantity::new(4, 0, 10_000).range(), "must be 0 to 1");
        assert_eq!(Quantity::new(3, 1, 3_600_000).range(), "must be 0.001 to 3600");
        assert_eq!(Quantity::new(1, -5, 15).range(), "must be -0.5 to 1.5");
    }
}
