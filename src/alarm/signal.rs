//! What a city says of its signals, for the rules: which plan each should run when, and where its presence
//! detectors stand.

use std::sync::Arc;

use super::{fact::Facts, rule::Settings};
use crate::{
    calendar::Calendar,
    city::{City, PresenceRow, presence::channels_of},
    measure::split::SplitFailures,
    registry::Device,
    schedule::Schedule,
};

/// What a city says of its signals.
#[derive(Debug, Clone, Default)]
pub struct Signals {
    schedule: Schedule,
    presence: Arc<[PresenceRow]>,
}

impl Signals {
    /// Of a city, with the holidays of a calendar.
    pub fn of(city: &City, calendar: &Calendar) -> Self {
        let schedule = Schedule::new(&city.plans, calendar);
        Self { schedule, presence: city.presence.as_slice().into() }
    }

    /// Tells a signal what is said of it. What was measured stays where it is said as before.
    pub(super) fn tell(&self, device: &Device, settings: &Settings, facts: &mut Facts) {
        let (source, corridor) = (device.source.as_str(), device.corridor.as_deref());
        facts.set_timetable(self.schedule.of(source, corridor));
        let channels = channels_of(&self.presence, source, corridor);
        let limits = settings.split;
        if !facts.splits.as_ref().is_some_and(|splits| splits.is_of(&channels, limits)) {
            facts.splits = SplitFailures::of(&channels, limits).map(Box::new);
        }
    }
}
