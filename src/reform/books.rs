//! Whether the accounting identities (H05) of the running month hold: after each change those of the whole
//! city, each minute and while one is broken those of every unit.
//!
//! From the store to the data-health topic and the metrics. Sums are read side by side while records
//! change, so an identity counts as broken only when the same difference is read three times in a row; a
//! race differs the next time. What breaks in two units so that the city's sums still agree is found by the
//! next minute.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use tokio::sync::watch;

use super::{Context, ReformError, identities_of};
use crate::{
    indicator::{
        identity::Checked,
        period::{Length, Period},
        value::Split,
    },
    observe::{IdentityLabel, Metrics},
    selfcheck::Agreement,
    store::Store,
};

/// Readings that must agree on a difference.
const READINGS: usize = 3;

/// Identity and unit.
type Place = (String, String);

/// What is known of the identities.
#[derive(Debug)]
pub(super) struct Books {
    agreement: watch::Sender<Agreement>,
    metrics: Arc<Metrics>,
    broken: BTreeSet<Place>,
}

impl Books {
    /// Nothing is known yet.
    pub(super) fn new(agreement: watch::Sender<Agreement>, metrics: &Arc<Metrics>) -> Self {
        Self { agreement, metrics: Arc::clone(metrics), broken: BTreeSet::new() }
    }

    /// Whether one was broken at the last check.
    pub(super) fn is_broken(&self) -> bool {
        !self.broken.is_empty()
    }

    /// Looks at the identities of the whole city, or of every unit, and tells each that breaks once.
    pub(super) async fn check(
        &mut self,
        store: &Store,
        context: &Context,
        every_unit: bool,
    ) -> Result<(), ReformError> {
        let Some(month) = Period::containing(Length::Month, context.today()) else { return Ok(()) };
        let split = if every_unit { Split::All } else { Split::Total };
        let mut found = identities_of(store, context, month, None, split).await?;
        let knows_some = !found.is_empty();
        let mut broken = broken_of(&found);
        for reading in 1..READINGS {
            if broken.is_empty() {
                break;
            }
            found = identities_of(store, context, month, None, Split::All).await?;
            let again = broken_of(&found);
            // The first reading may be of the city alone; the second then names the units.
            let is_first_of_all = reading == 1 && !every_unit;
            broken = if is_first_of_all { again } else { agreed(&broken, again) };
        }
        self.tell(context, &found, &broken);
        if knows_some {
            let agrees = broken.is_empty();
            let new = if agrees { Agreement::Agrees } else { Agreement::Differs };
            self.agreement.send_if_modified(|known| {
                let is_new = *known != new;
                *known = new;
                is_new
            });
        }
        self.broken = broken.into_keys().collect();
        Ok(())
    }

    fn tell(&self, context: &Context, found: &[Checked], broken: &BTreeMap<Place, i64>) {
        for one in found {
            let place = (one.identity.clone(), one.unit.clone());
            if broken.contains_key(&place) && !self.broken.contains(&place) {
                let Checked { identity, unit, period, left, right } = one;
                tracing::warn!(%identity, %unit, %period, left, right, "an accounting identity is broken");
            }
        }
        for identity in &context.parameters.identities {
            let count = broken.keys().filter(|(broken, _)| *broken == identity.id).count();
            let label = IdentityLabel { identity: identity.id.clone() };
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            self.metrics.identities_broken.get_or_create(&label).set(count);
        }
    }
}

/// What does not hold, with the difference.
fn broken_of(checked: &[Checked]) -> BTreeMap<Place, i64> {
    let broken = checked.iter().filter(|one| !one.holds());
    broken.map(|one| ((one.identity.clone(), one.unit.clone()), one.left - one.right)).collect()
}

/// What two readings say alike.
fn agreed(before: &BTreeMap<Place, i64>, again: BTreeMap<Place, i64>) -> BTreeMap<Place, i64> {
    again.into_iter().filter(|(place, difference)| before.get(place) == Some(difference)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(unit: &str, left: i64, right: i64) -> Checked {
        let (identity, unit) = ("received_by_channel".to_owned(), unit.to_owned());
        Checked { identity, unit, period: "2026-05".to_owned(), left, right }
    }

    #[test]
    fn only_a_difference_that_stays_is_a_break() {
        let first = broken_of(&[checked("a", 5, 5), checked("b", 7, 6), checked("c", 9, 7)]);
        assert_eq!(first.len(), 2);
        // In the meantime more came: b stays one apart, what c lacked has been read now.
        let again = broken_of(&[checked("a", 6, 6), checked("b", 9, 8), checked("c", 9, 9)]);
        let agreed: Vec<_> = agreed(&first, again).into_keys().map(|(_, unit)| unit).collect();
        assert_eq!(agreed, ["b"]);
    }
}
