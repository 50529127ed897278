//! What alarms are about, as the engine knows it: devices with their facts, their lanes and zones, and what
//! is no device with its figures.

use std::{collections::BTreeSet, sync::Arc};

use ioc_ingest::Service;

use super::{
    condition::Look,
    fact::Facts,
    field::{Field, Kind, Trigger, Value},
    rule::{Rules, Subject},
};

/// Rules by what may change their outcome.
pub(super) type Index = [Vec<u16>; Trigger::COUNT];

/// One object.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) name: Arc<str>,
    pub(super) subject: Subject,
    pub(super) service: Option<Service>,
    pub(super) area: Option<Arc<str>>,
    pub(super) corridor: Option<Arc<str>>,
    /// No longer registered.
    pub(super) is_gone: bool,
    /// Rules about it.
    pub(super) index: Arc<Index>,
    /// Of a device.
    pub(super) facts: Facts,
    /// Of what is no device.
    pub(super) figures: Vec<(Field, f64)>,
    /// Checks that find a lane or zone bad.
    pub(super) checks: BTreeSet<Arc<str>>,
    /// Whether its state was told since the start; of a lane or zone.
    pub(super) is_told: bool,
    /// What it hangs on; of a lane or zone its device.
    pub(super) parent: Option<u32>,
    /// Devices that hang on it.
    pub(super) children: Vec<u32>,
    /// Its lanes and zones that were told of.
    pub(super) detectors: Vec<u32>,
}

impl Look for Object {
    fn value(&self, field: Field) -> Option<Value<'_>> {
        match self.subject {
            Subject::Device(_) | Subject::Group => self.facts.value(field),
            Subject::Detector => {
                (field == Field::DetectorBad).then_some(Value::Flag(!self.checks.is_empty()))
            }
            Subject::Hub | Subject::Unit | Subject::Corridor | Subject::Indicator => {
                let (_, value) = self.figures.iter().find(|(known, _)| *known == field)?;
                Some(match field.kind() {
                    Kind::Flag => Value::Flag(*value > 0.5),
                    Kind::Measured | Kind::Code | Kind::Word => Value::Number(*value),
                })
            }
        }
    }

    fn detail(&self, field: Field) -> Option<String> {
        self.facts.detail(field)
    }
}

impl Object {
    /// Takes over a figure. False when it is as it was.
    pub(super) fn measure(&mut self, field: Field, value: f64) -> bool {
        match self.figures.iter_mut().find(|(known, _)| *known == field) {
            #[expect(clippy::float_cmp, reason = "the same figure told again")]
            Some((_, known)) if *known == value => false,
            Some((_, known)) => {
                *known = value;
                true
            }
            None => {
                self.figures.push((field, value));
                true
            }
        }
    }
}

/// The rules about objects of one kind, by trigger.
pub(super) fn index_of(rules: &Rules, subject: Subject) -> Index {
    let mut index = Index::default();
    for (at, rule) in rules.iter().enumerate() {
        let Ok(at) = u16::try_from(at) else { break };
        if rule.enabled && rule.on.contains(&subject) {
            for trigger in &rule.triggers {
                index[trigger.index()].push(at);
            }
        }
    }
    index
}
