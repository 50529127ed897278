//! The 1022 service desk: tickets through their life and calls at the switchboard, as a pure function
//! of seed and civil day.
//!
//! A day's tickets and every step that they will ever take follow from the day alone, so a restart
//! continues the same lives, and publishing a step again changes nothing. No life is longer than
//! [`LIFE_MAX_DAYS`]. Nobody's name or number exists in here.

use chrono::{DateTime, Datelike};
use chrono_tz::Tz;
use ioc_ingest::ticket::{Call, Channel, Location, TicketKind, TicketStatus, TicketStep};

use super::{
    calendar::{DAY_MS, after_working_minutes, midnight_ms, offset_ms, utc},
    dice::{Dice, Purpose, whole},
};

/// Longest life of a ticket in civil days.
pub(crate) const LIFE_MAX_DAYS: i64 = 14;
/// Tickets on a working day and on a weekend day.
const TICKETS_PER_DAY: (f64, f64) = (150.0, 60.0);
/// Weight of each local hour for what people report.
const HOURS: [f64; 24] = [
    0.4, 0.2, 0.2, 0.2, 0.3, 0.8, 2.2, 6.0, 9.0, 9.5, 8.5, 6.0, 4.0, 6.0, 8.0, 8.5, 7.5, 6.0, 5.0,
    4.5, 3.5, 2.5, 1.4, 0.8,
];
/// Working minutes of a normal due time: five days of eight and a half hours.
pub(crate) const DUE_MIN: u32 = 5 * 510;
/// Minutes of an urgent due time, day and night.
const URGENT_MIN: i64 = 24 * 60;

/// A place that tickets are about.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Spot {
    /// WGS 84 degrees.
    pub(crate) lat: f64,
    pub(crate) lon: f64,
    /// Code of the unit that handles it.
    pub(crate) unit: String,
}

/// What the desk knows of the city.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Desk {
    pub(crate) seed: u64,
    pub(crate) zone: Tz,
    /// Channels with their shares.
    pub(crate) channels: Vec<(Channel, f64)>,
    /// Category tokens, and whether they are about a thing in public space.
    pub(crate) categories: Vec<(String, bool)>,
    /// Places with their units.
    pub(crate) spots: Vec<Spot>,
}

/// Something that the desk publishes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Entry {
    /// A step in the life of a ticket.
    Step(TicketStep),
    /// A call that ended.
    Call(Call),
}

fn minutes(count: i64) -> i64 {
    count * 60_000
}

impl Desk {
    /// The civil day of an instant, counted from 1970-01-01.
    pub(crate) fn day_of(&self, at_ms: i64) -> i64 {
        (at_ms + offset_ms(self.zone, at_ms)).div_euclid(DAY_MS)
    }

    /// Local midnight at which `day` begins, as UTC milliseconds.
    pub(crate) fn begin_of(&self, day: i64) -> i64 {
        // Noon of the day lies in it in every zone.
        midnight_ms(self.zone, day * DAY_MS + DAY_MS / 2 - offset_ms(self.zone, day * DAY_MS))
    }

    /// Everything published from `from_ms` on and before `until_ms`, in order of time.
    pub(crate) fn between(&self, from_ms: i64, until_ms: i64) -> Vec<(i64, Entry)> {
        let mut found = Vec::new();
        for day in self.day_of(from_ms) - LIFE_MAX_DAYS..=self.day_of(until_ms) {
            for life in self.tickets(day) {
                found.extend(
                    life.into_iter().map(|step| (step.at.timestamp_millis(), Entry::Step(step))),
                );
            }
            if day + 1 >= self.day_of(from_ms) {
                found.extend(self.calls(day).into_iter().map(|call| {
                    let ended = call.ended_at.or(call.abandoned_at);
                    (ended.map_or(from_ms, |at| at.timestamp_millis()), Entry::Call(call))
                }));
            }
        }
        found.retain(|(at, _)| (from_ms..until_ms).contains(at));
        found.sort_by_key(|(at, _)| *at);
        found
    }

    pub(super) fn volume(&self, day: i64, (working, weekend): (f64, f64), dice: &mut Dice) -> u32 {
        let weekend_day = super::calendar::local(self.zone, self.begin_of(day)).weekend;
        // Ticket numbers hold three digits per day.
        dice.poisson(if weekend_day { weekend } else { working }).min(999)
    }

    /// Instants of one day at which people report, in order.
    pub(super) fn arrivals(&self, day: i64, count: u32, dice: &mut Dice) -> Vec<i64> {
        let begin = self.begin_of(day);
        let arrival = |_| {
            let hour = i64::try_from(dice.weighted(&HOURS)).unwrap_or(0);
            begin + hour * 3_600_000 + dice.millis(0, 3_599_999)
        };
        let mut times: Vec<i64> = (0..count).map(arrival).collect();
        times.sort_unstable();
        times
    }

    /// Number of the `n`th ticket of a day: year, day of the year, number in the day.
    fn number(day: i64, n: usize) -> Box<str> {
        let date = utc(day * DAY_MS).date_naive();
        format!("1022-{}-{:03}{n:03}", date.year(), date.ordinal()).into()
    }

    /// The lives of all tickets that come in on a civil day, each with its steps in order.
    pub(crate) fn tickets(&self, day: i64) -> Vec<Vec<TicketStep>> {
        let mut dice = Dice::new(self.seed, Purpose::Ticket, 0, day);
        let count = self.volume(day, TICKETS_PER_DAY, &mut dice);
        let arrivals = self.arrivals(day, count, &mut dice);
        let life = |(n, created): (usize, &i64)| {
            let mut dice = Dice::new(self.seed, Purpose::Ticket, n as u64 + 1, day);
            let earlier = (n > 0).then(|| Self::number(day, dice.index(n)));
            let mut life = self.life(Self::number(day, n), *created, earlier, &mut dice);
            let end = self.begin_of(day + LIFE_MAX_DAYS);
            life.retain(|step| step.at.timestamp_millis() < end);
            life
        };
        arrivals.iter().enumerate().map(life).collect()
    }

    /// The first step of a new ticket.
    pub(crate) fn first_step(&self, number: Box<str>, created: i64, dice: &mut Dice) -> TicketStep {
        let weights: Vec<f64> = self.channels.iter().map(|(_, weight)| *weight).collect();
        let channel = self.channels.get(dice.weighted(&weights)).map(|(channel, _)| *channel);
        let category = self.categories.get(dice.index(self.categories.len()));
        let public = category.is_some_and(|(_, public)| *public);
        let kinds = if public { [0.05, 0.35, 0.55, 0.05] } else { [0.5, 0.35, 0.0, 0.15] };
        let kind =
            [TicketKind::Inquiry, TicketKind::Request, TicketKind::Report, TicketKind::Petition]
                [dice.weighted(&kinds)];
        let spot = self.spots.get(dice.index(self.spots.len()));
        let near = |degrees: f64, dice: &mut Dice| {
            // About two hundred metres around, to 1e-5 degrees.
            ((degrees + dice.between(-0.002, 0.002)) * 1e5).round() / 1e5
        };
        let location = spot
            .map(|spot| Location { lat: near(spot.lat, dice), lon: near(spot.lon, dice) })
            .filter(|_| public);
        TicketStep {
            ticket: number,
            status: TicketStatus::New,
            at: utc(created),
            channel,
            kind: Some(kind),
            category: category.map(|(token, _)| token.as_str().into()),
            unit: spot.map(|spot| spot.unit.as_str().into()),
            summary: None,
            location,
            due_at: None,
            first_response_at: None,
            solved_at_desk: None,
            merged_into: None,
            rating: None,
        }
    }

    fn life(
        &self,
        number: Box<str>,
        created: i64,
        earlier: Option<Box<str>>,
        dice: &mut Dice,
    ) -> Vec<TicketStep> {
        let mut life = Life(vec![self.first_step(number, created, dice)]);
        let triaged = created + dice.millis(40_000, 12 * 60_000);
        life.step(TicketStatus::Triaged, triaged, |step| {
            step.first_response_at = Some(utc(triaged));
        });
        let inquiry = life.0[0].kind == Some(TicketKind::Inquiry);
        // Answered at the desk, refused, told before, another agency's, or handled by a unit.
        let ways = [if inquiry { 300.0 } else { 4.0 }, 2.0, 3.0, 2.0, 89.0];
        let soon = triaged + dice.millis(60_000, 20 * 60_000);
        match dice.weighted(&ways) {
            0 => {
                life.step(TicketStatus::Resolved, soon, |step| step.solved_at_desk = Some(true));
                let rating = rating(dice, true);
                let closed = soon + dice.millis(5_000, 60_000);
                life.step(TicketStatus::Closed, closed, |step| step.rating = rating);
            }
            1 => life.step(TicketStatus::Rejected, soon, |_| ()),
            2 => life.step(TicketStatus::Duplicate, soon, |step| step.merged_into = earlier),
            3 => life.step(TicketStatus::Transferred, soon, |_| ()),
            _ => self.handle(&mut life, triaged, dice),
        }
        life.0
    }

    /// The way of a ticket through the unit that is responsible.
    fn handle(&self, life: &mut Life, triaged: i64, dice: &mut Dice) {
        let urgent = dice.chance(0.15);
        let created = life.0[0].at.timestamp_millis();
        let due = if urgent {
            created + minutes(URGENT_MIN)
        } else {
            after_working_minutes(self.zone, created, DUE_MIN)
        };
        let assigned = triaged + dice.millis(60_000, 25 * 60_000);
        life.step(TicketStatus::Assigned, assigned, |step| step.due_at = Some(utc(due)));
        let begun = self.later(assigned, dice, 15.0, 300.0, urgent);
        life.step(TicketStatus::InProgress, begun, |_| ());
        let mut now = begun;
        if dice.chance(0.15) {
            let waits = [TicketStatus::WaitingOther, TicketStatus::WaitingCitizen];
            now = self.later(now, dice, 30.0, 240.0, urgent);
            life.step(waits[dice.index(2)], now, |_| ());
            now = self.later(now, dice, 60.0, 600.0, urgent);
            life.step(TicketStatus::InProgress, now, |_| ());
        }
        // One of sixteen is late.
        let longest = if dice.chance(0.0625) { 3200.0 } else { 1500.0 };
        now = self.later(now, dice, 60.0, if urgent { 400.0 } else { longest }, urgent);
        life.step(TicketStatus::Resolved, now, |step| step.solved_at_desk = Some(false));
        if dice.chance(0.02) {
            now = self.later(now, dice, 60.0, 500.0, false);
            life.step(TicketStatus::Reopened, now, |_| ());
            now = self.later(now, dice, 100.0, 500.0, false);
            life.step(TicketStatus::Resolved, now, |_| ());
        }
        if dice.chance(0.4) {
            now = self.later(now, dice, 20.0, 300.0, false);
            life.step(TicketStatus::Published, now, |_| ());
        }
        now = self.later(now, dice, 30.0, 900.0, false);
        let rating = rating(dice, now <= due);
        life.step(TicketStatus::Closed, now, |step| step.rating = rating);
    }

    /// An instant after `at_ms` by some working minutes, or minutes of the clock when it is urgent.
    pub(super) fn later(
        &self,
        at_ms: i64,
        dice: &mut Dice,
        low: f64,
        high: f64,
        urgent: bool,
    ) -> i64 {
        // Most take little, some take long: the square leans to the short side.
        let share = dice.share();
        let span_min = whole(low + (high - low) * share * share, 100_000);
        let at = if urgent {
            at_ms + minutes(i64::from(span_min))
        } else {
            after_working_minutes(self.zone, at_ms, span_min)
        };
        at + dice.millis(1000, 59_000)
    }
}

/// One citizen in four answers how satisfied they are.
pub(super) fn rating(dice: &mut Dice, on_time: bool) -> Option<u8> {
    let stars = if on_time { [0.02, 0.03, 0.1, 0.35, 0.5] } else { [0.15, 0.2, 0.3, 0.25, 0.1] };
    dice.chance(0.25).then(|| u8::try_from(dice.weighted(&stars) + 1).unwrap_or(5))
}

/// The steps of one ticket; each repeats what is known so far.
pub(super) struct Life(pub(super) Vec<TicketStep>);

impl Life {
    pub(super) fn step(
        &mut self,
        status: TicketStatus,
        at_ms: i64,
        change: impl FnOnce(&mut TicketStep),
    ) {
        let Some(last) = self.0.last() else { return };
        let mut step = TicketStep { status, ..last.clone() };
        // Steps of one ticket never share an instant, so that their order is their time.
        step.at = utc(at_ms).max(last.at + chrono::TimeDelta::milliseconds(1));
        change(&mut step);
        self.0.push(step);
    }
}

/// Begin of a civil day that chrono counts, in the desk's zone.
pub(crate) fn day_number(date: chrono::NaiveDate) -> i64 {
    date.and_time(chrono::NaiveTime::MIN)
        .and_utc()
        .signed_duration_since(DateTime::UNIX_EPOCH)
        .num_days()
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// 2 March 2026, a Monday.
    const MONDAY: i64 = 20_514;

    pub(crate) fn desk() -> Desk {
        Desk {
            seed: 1,
            zone: chrono_tz::Asia::Ho_Chi_Minh,
            channels: vec![(Channel::Hotline, 52.0), (Channel::Web, 18.0), (Channel::Zalo, 30.0)],
            categories: vec![("public-lighting".to_owned(), true), ("land".to_owned(), false)],
            spots: vec![Spot { lat: 10.03, lon: 105.78, unit: "gso:31135".to_owned() }],
        }
    }

    #[test]
    fn the_same_day_comes_out_however_it_is_cut() {
        let desk = desk();
        let begin = desk.begin_of(MONDAY);
        let whole_day = desk.between(begin, begin + DAY_MS);
        let hours: Vec<_> = (0..24)
            .flat_map(|hour| desk.between(begin + hour * 3_600_000, begin + (hour + 1) * 3_600_000))
            .collect();
        assert_eq!(whole_day, hours);
        assert!((600..1600).contains(&whole_day.len()), "{}", whole_day.len());
    }

    #[test]
    fn a_life_begins_new_runs_forward_and_ends() {
        let desk = desk();
        let (mut ended, mut all) = (0, 0);
        for life in desk.tickets(MONDAY) {
            assert_eq!(life[0].status, TicketStatus::New);
            assert!(life.windows(2).all(|pair| pair[0].at < pair[1].at), "{life:?}");
            let last = life.last().unwrap();
            if last.status == TicketStatus::Duplicate {
                assert_ne!(last.merged_into.as_ref(), Some(&last.ticket));
            }
            all += 1;
            ended += u32::from(matches!(
                last.status,
                TicketStatus::Closed
                    | TicketStatus::Rejected
                    | TicketStatus::Duplicate
                    | TicketStatus::Transferred
            ));
        }
        assert!(all > 100 && ended * 100 >= all * 97, "{ended} of {all} ended");
    }

    #[test]
    fn ticket_and_call_numbers_are_unique() {
        let desk = desk();
        let mut numbers = BTreeSet::new();
        let mut calls = BTreeSet::new();
        for day in MONDAY..MONDAY + 5 {
            for life in desk.tickets(day) {
                assert!(numbers.insert(life[0].ticket.clone()));
            }
            for call in desk.calls(day) {
                assert!(calls.insert(call.call.clone()));
                assert!(call.ended_at >= call.queued_at);
                assert_ne!(call.answered_at.is_some(), call.abandoned_at.is_some());
            }
        }
    }
}
