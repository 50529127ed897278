//! Conditions of rules as data: a test of one field, or all or any of several.
//!
//! A field that is not known makes a test unknown, and an unknown condition changes nothing: neither does
//! it raise nor clear. Of `any` the known ones count; `all` wants every one known but those marked
//! optional. A test on a measured field has a dead-band: while the condition holds, the limit lies that
//! much farther back.

use std::sync::Arc;

use serde::Deserialize;

use super::field::{Field, Kind, Value};

/// What a rule looks at.
pub trait Look {
    /// The value of a field; none when it is not known.
    fn value(&self, field: Field) -> Option<Value<'_>>;

    /// What a reason says besides, such as the phase; none for most fields.
    fn detail(&self, field: Field) -> Option<String>;
}

/// A value in a rule.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Operand {
    /// Yes or no.
    Flag(bool),
    /// A number.
    Number(f64),
    /// A word.
    Word(Box<str>),
}

impl Operand {
    fn equals(&self, value: &Value<'_>) -> bool {
        match (self, value) {
            (Self::Flag(own), Value::Flag(other)) => own == other,
            // Codes are whole numbers, which are exact.
            (Self::Number(own), Value::Number(other)) => (own - other).abs() < 1e-9,
            (Self::Word(own), Value::Word(other)) => **own == **other,
            (Self::Flag(_) | Self::Number(_) | Self::Word(_), _) => false,
        }
    }

    const fn fits(&self, kind: Kind) -> bool {
        match self {
            Self::Flag(_) => matches!(kind, Kind::Flag),
            Self::Number(_) => matches!(kind, Kind::Measured | Kind::Code),
            Self::Word(_) => matches!(kind, Kind::Word),
        }
    }
}

/// A condition as it stands in the file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    all: Option<Vec<Written>>,
    any: Option<Vec<Written>>,
    field: Option<String>,
    #[serde(rename = "is")]
    equal: Option<Operand>,
    #[serde(rename = "in")]
    one_of: Option<Vec<Operand>>,
    not_in: Option<Vec<Operand>>,
    above: Option<f64>,
    below: Option<f64>,
    outside: Option<[f64; 2]>,
    bits: Option<Vec<u8>>,
    dead_band: Option<f64>,
    #[serde(default)]
    optional: bool,
    why: Option<String>,
}

/// A condition.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// Every one holds.
    All(Vec<Self>),
    /// At least one holds.
    Any(Vec<Self>),
    /// A test of one field.
    One(Term),
}

/// A test of one field.
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    /// The field.
    pub field: Field,
    test: Test,
    dead_band: f64,
    optional: bool,
    why: Option<Arc<str>>,
}

#[derive(Debug, Clone, PartialEq)]
enum Test {
    OneOf(Vec<Operand>),
    NotIn(Vec<Operand>),
    Above(f64),
    Below(f64),
    Outside(f64, f64),
    /// Any of the bits of this mask.
    Bits(u64),
}

/// What a condition comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Too little is known.
    Unknown,
    /// It does not hold.
    No,
    /// It holds.
    Yes(Found),
}

/// Of what a condition holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    /// Value of the measured field that decided.
    pub value: Option<f64>,
    /// Limit that it crossed.
    pub limit: Option<f64>,
    /// Reason code.
    pub why: Option<Arc<str>>,
}

impl Condition {
    /// Reads a condition.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(super) fn of(written: Written) -> Result<Self, String> {
        let Written { all, any, .. } = written;
        let is_one = written.field.is_some();
        match (all, any, is_one) {
            (Some(all), None, false) => Ok(Self::All(several("all", all)?)),
            (None, Some(any), false) => Ok(Self::Any(several("any", any)?)),
            (None, None, true) => {
                Term::of(Written { all: None, any: None, ..written }).map(Self::One)
            }
            _ => Err("a condition has exactly one of `all`, `any` and `field`".to_owned()),
        }
    }

    /// Whether it holds, and of what; `is_held` when it held before.
    pub fn judge(&self, look: &impl Look, limits: Limits<'_>, is_held: bool) -> Verdict {
        match self {
            Self::One(term) => term.judge(look, limits, is_held),
            Self::Any(parts) => {
                let mut verdict = Verdict::Unknown;
                for part in parts {
                    match part.judge(look, limits, is_held) {
                        Verdict::Yes(found) => return Verdict::Yes(found),
                        Verdict::No => verdict = Verdict::No,
                        Verdict::Unknown => {}
                    }
                }
                verdict
            }
            Self::All(parts) => {
                let mut first: Option<Found> = None;
                let mut is_known = true;
                for part in parts {
                    match part.judge(look, limits, is_held) {
                        Verdict::No => return Verdict::No,
                        // What was measured tells more than a word.
                        Verdict::Yes(found) => match &first {
                            Some(known) if known.value.is_some() || found.value.is_none() => {}
                            Some(_) | None => first = Some(found),
                        },
                        Verdict::Unknown => is_known &= part.is_optional(),
                    }
                }
                first.filter(|_| is_known).map_or(Verdict::Unknown, Verdict::Yes)
            }
        }
    }

    fn is_optional(&self) -> bool {
        matches!(self, Self::One(Term { optional: true, .. }))
    }

    /// Every test.
    pub fn terms(&self) -> Vec<&Term> {
        match self {
            Self::One(term) => vec![term],
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::terms).collect(),
        }
    }
}

/// Limits that replace those of the rule, by field.
pub type Limits<'a> = &'a [(Field, f64)];

fn several(word: &str, parts: Vec<Written>) -> Result<Vec<Condition>, String> {
    if parts.is_empty() {
        return Err(format!("`{word}` is empty"));
    }
    parts.into_iter().map(Condition::of).collect()
}

impl Term {
    fn of(written: Written) -> Result<Self, String> {
        let name = written.field.unwrap_or_default();
        let Some(field) = Field::parse(&name) else {
            return Err(format!("there is no field {name:?}"));
        };
        let kind = field.kind();
        let mut tests = Vec::new();
        let operands = [
            written.equal.map(|operand| (true, vec![operand])),
            written.one_of.map(|operands| (true, operands)),
            written.not_in.map(|operands| (false, operands)),
        ];
        for (is_in, operands) in operands.into_iter().flatten() {
            if operands.is_empty() || !operands.iter().all(|operand| operand.fits(kind)) {
                return Err(format!("{name}: a value of the test is of another kind"));
            }
            tests.push(if is_in { Test::OneOf(operands) } else { Test::NotIn(operands) });
        }
        let is_number = matches!(kind, Kind::Measured | Kind::Code);
        let numeric = [
            written.above.map(Test::Above),
            written.below.map(Test::Below),
            written.outside.map(|[low, high]| Test::Outside(low, high)),
            written.bits.map(|bits| {
                Test::Bits(bits.iter().fold(0, |mask, bit| mask | 1_u64 << (bit & 63)))
            }),
        ];
        for test in numeric.into_iter().flatten() {
            if !is_number {
                return Err(format!("{name} is no number"));
            }
            tests.push(test);
        }
        let [_] = tests.as_slice() else {
            return Err(format!(
                "{name}: exactly one of is, in, not_in, above, below, outside, bits"
            ));
        };
        let test = tests.swap_remove(0);
        let is_limit = matches!(test, Test::Above(_) | Test::Below(_) | Test::Outside(..));
        if is_limit && kind == Kind::Measured && written.dead_band.is_none_or(|band| band < 0.0) {
            return Err(format!("{name} is measured: its limit needs a dead_band of at least 0"));
        }
        Ok(Self {
            field,
            test,
            dead_band: written.dead_band.unwrap_or_default(),
            optional: written.optional,
            why: written.why.map(Into::into),
        })
    }

    fn judge(&self, look: &impl Look, limits: Limits<'_>, is_held: bool) -> Verdict {
        let Some(value) = look.value(self.field) else { return Verdict::Unknown };
        let band = if is_held { self.dead_band } else { 0.0 };
        let other = limits.iter().find(|(field, _)| *field == self.field).map(|(_, limit)| *limit);
        let crossed = match (&self.test, value) {
            (Test::OneOf(operands), value) => {
                operands.iter().any(|o| o.equals(&value)).then_some(None)
            }
            (Test::NotIn(operands), value) => {
                (!operands.iter().any(|operand| operand.equals(&value))).then_some(None)
            }
            (Test::Above(limit), Value::Number(value)) => {
                let limit = other.unwrap_or(*limit);
                (value > limit - band).then_some(Some((value, limit)))
            }
            (Test::Below(limit), Value::Number(value)) => {
                let limit = other.unwrap_or(*limit);
                (value < limit + band).then_some(Some((value, limit)))
            }
            (Test::Outside(low, high), Value::Number(value)) => {
                let limit = if value < f64::midpoint(*low, *high) { *low } else { *high };
                (value < low + band || value > high - band).then_some(Some((value, limit)))
            }
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a byte of bits"
            )]
            (Test::Bits(mask), Value::Number(bits)) => (bits as u64 & mask != 0).then_some(None),
            (Test::Above(_) | Test::Below(_) | Test::Outside(..) | Test::Bits(_), _) => None,
        };
        let Some(measured) = crossed else { return Verdict::No };
        let mut found = self.found(measured, value);
        if let (Some(why), Some(detail)) = (&found.why, look.detail(self.field)) {
            found.why = Some(format!("{why}={detail}").into());
        }
        Verdict::Yes(found)
    }

    fn found(&self, measured: Option<(f64, f64)>, value: Value<'_>) -> Found {
        let (number, limit) = measured.unzip();
        let why = self.why.clone().unwrap_or_else(|| {
            let name = self.field.as_str();
            match value {
                Value::Word(word) => format!("{name}={word}").into(),
                Value::Number(code) if measured.is_none() => format!("{name}={code}").into(),
                Value::Number(_) | Value::Flag(_) => name.into(),
            }
        });
        Found { value: number, limit, why: Some(why) }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    impl Look for BTreeMap<Field, Value<'static>> {
        fn value(&self, field: Field) -> Option<Value<'_>> {
            self.get(&field).copied()
        }

        fn detail(&self, _field: Field) -> Option<String> {
            None
        }
    }

    fn condition(text: &str) -> Result<Condition, String> {
        #[derive(Deserialize)]
        struct Holder {
            when: Written,
        }
        let holder: Holder = toml::from_str(text).map_err(|error| error.to_string())?;
        Condition::of(holder.when)
    }

    fn judge(condition: &Condition, facts: &[(Field, Value<'static>)], held: bool) -> Option<bool> {
        let facts: BTreeMap<_, _> = facts.iter().copied().collect();
        match condition.judge(&facts, &[], held) {
            Verdict::Unknown => None,
            Verdict::No => Some(false),
            Verdict::Yes(_) => Some(true),
        }
    }

    #[test]
    fn a_limit_has_a_dead_band_while_it_is_crossed() {
        let hot =
            condition("when = { field = \"health.temperature_c\", above = 70, dead_band = 3 }")
                .unwrap();
        let at = |value, held| judge(&hot, &[(Field::Temperature, Value::Number(value))], held);
        assert_eq!((at(70.0, false), at(70.1, false)), (Some(false), Some(true)));
        assert_eq!((at(67.1, true), at(67.0, true)), (Some(true), Some(false)));
        assert_eq!(judge(&hot, &[], true), None, "what is not reported changes nothing");
    }

    #[test]
    fn any_counts_what_is_known_and_all_wants_everything_known() {
        let flash = "when = { any = [{ field = \"signal.flash\", in = [5, 6] }, \
                     { field = \"health.unit_alarm_1\", bits = [4] }] }";
        let flash = condition(flash).unwrap();
        let (calm, mmu) = ((Field::Flash, Value::Number(2.0)), (Field::Flash, Value::Number(6.0)));
        assert_eq!(judge(&flash, &[calm], false), Some(false));
        assert_eq!(judge(&flash, &[mmu], false), Some(true));
        let bit = (Field::UnitAlarm1, Value::Number(16.0));
        assert_eq!(judge(&flash, &[calm, bit], false), Some(true));
        let door = "when = { all = [{ field = \"health.door_open\", is = true }, \
                    { field = \"health.technician\", is = false, optional = true }] }";
        let door = condition(door).unwrap();
        let open = (Field::Door, Value::Flag(true));
        assert_eq!(judge(&door, &[open], false), Some(true));
        assert_eq!(
            judge(&door, &[open, (Field::Technician, Value::Flag(true))], false),
            Some(false)
        );
        assert_eq!(judge(&door, &[(Field::Technician, Value::Flag(false))], false), None);
    }

    #[test]
    fn what_crossed_a_limit_is_told() {
        let mains =
            condition("when = { field = \"health.mains_v\", outside = [195, 245], dead_band = 2 }")
                .unwrap();
        let facts = BTreeMap::from([(Field::Mains, Value::Number(180.0))]);
        let Verdict::Yes(found) = mains.judge(&facts, &[], false) else { panic!("it holds") };
        assert_eq!((found.value, found.limit), (Some(180.0), Some(195.0)));
        assert_eq!(found.why.as_deref(), Some("health.mains_v"));
        let limits = [(Field::Temperature, 60.0)];
        let hot =
            condition("when = { field = \"health.temperature_c\", above = 70, dead_band = 3 }")
                .unwrap();
        let facts = BTreeMap::from([(Field::Temperature, Value::Number(65.0))]);
        let verdict = hot.judge(&facts, &limits, false);
        assert!(matches!(verdict, Verdict::Yes(_)), "an override moves the limit");
    }

    #[test]
    fn a_condition_that_makes_no_sense_is_refused_with_the_reason() {
        for (text, why) in [
            ("when = {}", "exactly one of"),
            ("when = { any = [] }", "empty"),
            ("when = { field = \"signal.colour\", is = 1 }", "no field"),
            ("when = { field = \"signal.flash\" }", "exactly one of is"),
            ("when = { field = \"signal.flash\", is = 1, above = 2 }", "exactly one of is"),
            ("when = { field = \"signal.mode\", above = 2 }", "no number"),
            ("when = { field = \"signal.mode\", is = 2 }", "another kind"),
            ("when = { field = \"health.mains_v\", above = 245 }", "dead_band"),
            ("when = { field = \"health.mains_v\", over = 245 }", "unknown field"),
        ] {
            let error = condition(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
