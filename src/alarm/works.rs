//! Planned works: while they last, alarms of their objects are expected and suppressed.

use std::sync::Arc;

use chrono::{DateTime, Utc};

/// Planned works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Works {
    /// Number.
    pub id: i64,
    /// Objects; a source stands for its lanes and zones and for what hangs on it, too.
    pub objects: Vec<String>,
    /// Area whose objects are meant.
    pub area: Option<String>,
    /// Corridor whose devices are meant.
    pub corridor: Option<String>,
    /// Codes of rules that are expected; empty for all.
    pub codes: Vec<String>,
    /// Begin, hub clock.
    pub from: DateTime<Utc>,
    /// End, hub clock.
    pub to: DateTime<Utc>,
    /// What is done.
    pub reason: String,
    /// Ticket.
    pub ticket: Option<String>,
    /// Who entered them.
    pub by: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// When and by whom they were ended early or called off.
    pub ended: Option<(DateTime<Utc>, String)>,
}

/// What works are compared with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spot<'a> {
    pub(super) code: &'a str,
    pub(super) object: &'a str,
    /// What it hangs on, and what that hangs on.
    pub(super) parents: [Option<&'a str>; 2],
    pub(super) area: Option<&'a str>,
    pub(super) corridor: Option<&'a Arc<str>>,
}

impl Works {
    /// When they really end.
    pub fn end(&self) -> DateTime<Utc> {
        self.ended.as_ref().map_or(self.to, |(at, _)| self.to.min(*at))
    }

    /// Whether they go on at this time.
    pub fn holds_at(&self, at: DateTime<Utc>) -> bool {
        at >= self.from && at < self.end()
    }

    /// Whether an alarm is expected by them.
    pub(super) fn expects(&self, spot: &Spot<'_>) -> bool {
        let is_named = |named: &String| {
            *named == spot.object
                || super::source_of(spot.object) == Some(named)
                || spot.parents.contains(&Some(named.as_str()))
        };
        let is_there = self.objects.iter().any(is_named)
            || self.area.as_deref().is_some_and(|area| spot.area == Some(area))
            || self
                .corridor
                .as_deref()
                .is_some_and(|c| spot.corridor.is_some_and(|own| **own == *c));
        is_there && (self.codes.is_empty() || self.codes.iter().any(|code| code == spot.code))
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    const START: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn works() -> Works {
        Works {
            id: 1,
            objects: vec!["cab-1".into()],
            area: None,
            corridor: None,
            codes: Vec::new(),
            from: START,
            to: START + TimeDelta::hours(2),
            reason: "cable".into(),
            ticket: None,
            by: "an".into(),
            created_at: START,
            ended: None,
        }
    }

    fn spot<'a>(object: &'a str, parent: Option<&'a str>) -> Spot<'a> {
        let parents = [parent, None];
        Spot { code: "temp_high", object, parents, area: Some("gso:1"), corridor: None }
    }

    #[test]
    fn works_at_a_cabinet_expect_alarms_of_what_hangs_on_it() {
        let mut works = works();
        assert!(works.expects(&spot("cab-1", None)));
        assert!(works.expects(&spot("cam-1", Some("cab-1"))));
        assert!(works.expects(&spot("cab-1/lane/2", None)));
        let lane = Spot { parents: [Some("vds-1"), Some("cab-1")], ..spot("vds-1/lane/2", None) };
        assert!(works.expects(&lane));
        assert!(!works.expects(&spot("cam-1", Some("cab-2"))));
        works.codes = vec!["door_open".into()];
        assert!(!works.expects(&spot("cab-1", None)));
        let area = Works { objects: Vec::new(), area: Some("gso:1".into()), ..self::works() };
        assert!(area.expects(&spot("vds-9", None)));
    }

    #[test]
    fn works_end_early_when_somebody_ends_them() {
        let mut works = works();
        let at = |minutes| START + TimeDelta::minutes(minutes);
        assert!(works.holds_at(at(0)) && works.holds_at(at(119)) && !works.holds_at(at(120)));
        works.ended = Some((at(30), "an".into()));
        assert!(!works.holds_at(at(30)));
    }
}
