//! The period that the desk published in totals, as tickets: received = handled + in process.
//!
//! The totals are the city's own; when each ticket came, by which channel and to whom is made up
//! within them, and the city folder marks it so.

use chrono::NaiveDate;
use ioc_ingest::ticket::{TicketStatus, TicketStep};

use super::{
    calendar::{after_working_minutes, utc},
    desk::{DUE_MIN, Desk, Life, day_number, rating},
    dice::{Dice, Purpose, whole},
};

/// A published period.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Year {
    desk: Desk,
    /// First year of the period, in ticket numbers.
    first: NaiveDate,
    /// When each ticket came in, in order.
    created: Vec<i64>,
    in_process: usize,
    /// End of the period.
    end_ms: i64,
    /// Units that existed in the period.
    units: Vec<String>,
}

impl Year {
    /// `received` tickets between two civil days, of which `in_process` are open at the end.
    pub(crate) fn new(
        desk: Desk,
        (from, to): (NaiveDate, NaiveDate),
        (received, in_process): (u32, u32),
        units: Vec<String>,
    ) -> Self {
        let created = creation_times(&desk, (from, to), received);
        let in_process = usize::try_from(in_process).unwrap_or(0).min(created.len());
        let end_ms = desk.begin_of(day_number(to));
        Self { desk, first: from, created, in_process, end_ms, units }
    }

    /// Tickets of the period.
    pub(crate) const fn len(&self) -> usize {
        self.created.len()
    }

    /// The steps of the `n`th ticket; null beyond the last.
    pub(crate) fn life(&self, n: usize) -> Option<Vec<TicketStep>> {
        let created = *self.created.get(n)?;
        let mut dice = Dice::new(self.desk.seed, Purpose::Year, n as u64, 0);
        let year = chrono::Datelike::year(&self.first);
        let number = format!("1022-{year}-{:06}", n + 1).into();
        let unit = self.units.get(dice.index(self.units.len())).map(String::as_str);
        let handled_before = (!self.is_open(n)).then_some(self.end_ms);
        Some(published_life(&self.desk, number, unit, created, handled_before, &mut dice))
    }

    /// What is open at the end came in late: every third of the last tickets, or all of them where
    /// there are not that many.
    fn is_open(&self, n: usize) -> bool {
        let total = self.created.len();
        if self.in_process * 3 > total {
            return n >= total - self.in_process;
        }
        let first = total - self.in_process * 3;
        n >= first && (n - first) % 3 == 2
    }
}

/// `count` instants, spread over the civil days with less on weekends, in order.
fn creation_times(desk: &Desk, (from, to): (NaiveDate, NaiveDate), count: u32) -> Vec<i64> {
    let days: Vec<i64> = (day_number(from)..day_number(to)).collect();
    let weight = |day: i64| {
        if super::calendar::local(desk.zone, desk.begin_of(day)).weekend { 0.35 } else { 1.0 }
    };
    let total: f64 = days.iter().map(|day| weight(*day)).sum();
    let (mut until, mut done) = (0.0, 0);
    let mut created = Vec::new();
    for day in days {
        until += weight(day);
        // Rounding the running total loses nobody: the last day reaches the count exactly.
        let reached = whole(f64::from(count) * until / total, count);
        let mut dice = Dice::new(desk.seed, Purpose::Year, u64::MAX, day);
        let begin = desk.begin_of(day);
        // From six in the morning to ten in the evening.
        let mut times: Vec<i64> =
            (done..reached).map(|_| begin + dice.millis(6 * 3_600_000, 22 * 3_600_000)).collect();
        times.sort_unstable();
        created.append(&mut times);
        done = reached;
    }
    created
}

/// The steps of one ticket of a published period: handled, or still in process at its end.
fn published_life(
    desk: &Desk,
    number: Box<str>,
    unit: Option<&str>,
    created: i64,
    handled_before: Option<i64>,
    dice: &mut Dice,
) -> Vec<TicketStep> {
    let mut first = desk.first_step(number, created, dice);
    first.unit = unit.map(Into::into);
    // Places of that time are not published.
    first.location = None;
    let mut life = Life(vec![first]);
    let due = after_working_minutes(desk.zone, created, DUE_MIN);
    let assigned = created + dice.millis(120_000, 100 * 60_000);
    life.step(TicketStatus::Assigned, assigned, |step| {
        step.first_response_at = Some(utc(assigned));
        step.due_at = Some(utc(due));
    });
    if let Some(end) = handled_before {
        let resolved = desk.later(assigned, dice, 60.0, 2600.0, false).min(end - 60_000);
        life.step(TicketStatus::Resolved, resolved, |step| step.solved_at_desk = Some(false));
        let closed = desk.later(resolved, dice, 20.0, 600.0, false).min(end - 1000);
        let rating = rating(dice, resolved <= due);
        life.step(TicketStatus::Closed, closed, |step| step.rating = rating);
    }
    life.0
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::simulate::desk::tests::desk;

    #[test]
    fn the_published_year_is_8011_received_7863_handled_and_148_in_process() {
        let date = |month| NaiveDate::from_ymd_opt(2021, month, 1).unwrap();
        let units = vec!["gso:31135".to_owned(), "gso:31117".to_owned()];
        let year = Year::new(desk(), (date(4), date(12)), (8011, 148), units);
        let (from, to) = (year.desk.begin_of(day_number(date(4))), year.end_ms);
        let (mut handled, mut open) = (0, 0);
        let mut numbers = BTreeSet::new();
        for n in 0..year.len() {
            let life = year.life(n).unwrap();
            numbers.insert(life[0].ticket.clone());
            assert!(life.windows(2).all(|pair| pair[0].at < pair[1].at), "{life:?}");
            for step in &life {
                assert!((from..to).contains(&step.at.timestamp_millis()), "{step:?}");
            }
            match life.last().unwrap().status {
                TicketStatus::Closed => handled += 1,
                TicketStatus::Assigned => open += 1,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!((numbers.len(), handled, open), (8011, 7863, 148));
        assert_eq!(year.life(8011), None);
    }
}
