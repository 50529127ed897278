//! Marks do not depend on the order of arrival: rows that come in any order, each late one judged again from
//! the rows, end with the marks and states of live order.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;

const ZONE: Tz = chrono_tz::Asia::Ho_Chi_Minh;
const BEGIN_S: i64 = 1_790_046_000;

fn judge() -> Judge<'static> {
    Judge { limits: &Limits::HUB, period_ms: Some(30_000), zone: ZONE, forced: &[] }
}

fn row(n: u32, count: u32, occupancy_e4: u16) -> Row {
    let time =
        DateTime::from_timestamp(BEGIN_S, 0).unwrap() + TimeDelta::seconds(30 * i64::from(n));
    let mut row = Row {
        time,
        duration_ms: 30_000,
        count: Some(count),
        occupancy_e4: Some(occupancy_e4),
        speed_e1_kmh: Some(300),
        samples: None,
        samples_expected: None,
        classes: None,
        quality: 0,
    };
    row.quality = row.sample().bits(Some(30_000), &Limits::HUB);
    row
}

/// A database of one detector beside the task that marks it.
#[derive(Default)]
struct Site {
    rows: BTreeMap<DateTime<Utc>, Row>,
    fold: Fold,
    episodes: Vec<Episode>,
    next_id: i64,
}

impl Site {
    /// A row is stored, and judged as the task does it.
    fn take(&mut self, row: Row) {
        let (time_ms, time) = (row.time.timestamp_millis(), row.time);
        let is_next = self.fold.is_next(time_ms, row.duration_ms);
        self.rows.insert(time, row);
        let from_ms = if is_next { time_ms } else { time_ms - LOOKBACK_MS };
        let mut rows: Vec<Row> = self
            .rows
            .values()
            .filter(|row| row.time.timestamp_millis() >= from_ms)
            .cloned()
            .collect();
        let fold = if is_next { std::mem::take(&mut self.fold) } else { Fold::default() };
        let found = evaluate(fold, &rows, (time_ms, i64::MAX), &judge());
        for (at, quality) in &found.changed {
            rows[*at].quality = *quality;
            self.rows.insert(rows[*at].time, rows[*at].clone());
        }
        let touching = |e: &Episode| e.until_ms.is_none_or(|until| until > time_ms);
        let (touched, rest): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.episodes).into_iter().partition(touching);
        self.episodes = rest;
        for mut episode in splice(&touched, (time_ms, None), &found.open, &found.turns) {
            episode.id.get_or_insert_with(|| {
                self.next_id += 1;
                self.next_id
            });
            self.episodes.push(episode);
        }
        self.fold = found.fold;
    }

    fn states(&self) -> Vec<(Check, i64, Option<i64>)> {
        let mut states: Vec<_> =
            self.episodes.iter().map(|e| (e.check, e.since_ms, e.until_ms)).collect();
        states.sort_unstable();
        states
    }

    fn marks(&self) -> Vec<i32> {
        self.rows.values().map(|row| row.quality).collect()
    }
}

fn of(rows: &[Row]) -> Site {
    let mut site = Site::default();
    for row in rows {
        site.take(row.clone());
    }
    site
}

/// A morning in which most checks open and close: runs of alike samples, with gaps.
fn morning() -> impl Strategy<Value = Vec<Row>> {
    let kind = prop_oneof![
        4 => Just(0_u8), 1 => Just(1), 1 => Just(2), 1 => Just(3), 1 => Just(4), 1 => Just(5),
    ];
    proptest::collection::vec((kind, 1_u32..30), 4..14).prop_map(|runs| {
        let (mut rows, mut n) = (Vec::new(), 0);
        for (kind, length) in runs {
            for at in 0..length {
                n += 1;
                let wave = u16::try_from(at % 7).unwrap();
                rows.push(match kind {
                    0 => row(n, 12, 1_000 + wave * 100),
                    1 => row(n, 0, 10_000),
                    2 => row(n, 95, 4_000 + wave * 10),
                    3 => row(n, 8, if at % 2 == 0 { 500 } else { 4_000 }),
                    4 => row(n, 0, 600 + wave),
                    // Nobody was there.
                    _ => continue,
                });
            }
        }
        rows
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_order_of_arrival_gives_the_marks_and_states_of_live_order(
        (rows, order) in morning().prop_flat_map(|rows| {
            let order = Just((0..rows.len()).collect::<Vec<_>>()).prop_shuffle();
            (Just(rows), order)
        }),
    ) {
        let live = of(&rows);
        let mut shuffled = Site::default();
        for at in order {
            shuffled.take(rows[at].clone());
        }
        prop_assert_eq!(live.marks(), shuffled.marks());
        prop_assert_eq!(live.states(), shuffled.states());
    }

    #[test]
    fn a_history_that_is_written_and_read_goes_on_as_if_it_had_not_stopped(
        rows in morning(), cut in 0_usize..100,
    ) {
        let cut = cut.min(rows.len());
        let before = of(&rows[..cut]);
        let text = serde_json::to_string(&before.fold).unwrap();
        let read: Fold = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(&before.fold, &read);
        let resumed = evaluate(read, &rows[cut..], (0, i64::MAX), &judge());
        let whole = evaluate(Fold::default(), &rows, (0, i64::MAX), &judge());
        prop_assert_eq!(resumed.fold, whole.fold);
    }
}

#[test]
fn a_run_of_days_is_marked_alike_from_the_lookback_on() {
    // Six days without a vehicle, constant as well: a fold that begins in the middle knows it, too.
    let rows: Vec<Row> = (0..6 * 2_880).map(|n| row(n, 0, 400)).collect();
    let whole = evaluate(Fold::default(), &rows, (0, i64::MAX), &judge());
    let from = rows[4 * 2_880].time.timestamp_millis();
    let late: Vec<Row> = rows
        .iter()
        .filter(|row| row.time.timestamp_millis() >= from - LOOKBACK_MS)
        .cloned()
        .collect();
    let part = evaluate(Fold::default(), &late, (from, i64::MAX), &judge());
    let of = |found: &Evaluated, rows: &[Row]| -> Vec<(DateTime<Utc>, i32)> {
        let all = found.changed.iter().map(|(at, bits)| (rows[*at].time, *bits));
        all.filter(|(time, _)| time.timestamp_millis() >= from).collect()
    };
    assert_eq!(of(&whole, &rows), of(&part, &late));
    assert_eq!(part.changed.len(), 2 * 2_880, "all of them are marked");
    let bits = bits::NO_ACTIVITY | bits::CONSTANT;
    assert!(part.changed.iter().all(|(_, found)| *found == bits), "{:?}", part.changed.first());
}

#[test]
fn what_a_person_declared_bad_is_marked_and_its_end_unmarks() {
    let rows: Vec<Row> = (0..20).map(|n| row(n, 12, 1_000 + u16::try_from(n).unwrap())).collect();
    let (from, to) = (rows[5].time.timestamp_millis(), rows[10].time.timestamp_millis());
    let forced = [(from, Some(to))];
    let judge = Judge { forced: &forced, ..judge() };
    let found = evaluate(Fold::default(), &rows, (0, i64::MAX), &judge);
    let marked: Vec<usize> = found.changed.iter().map(|(at, _)| *at).collect();
    assert_eq!(marked, [5, 6, 7, 8, 9]);
    assert!(found.changed.iter().all(|(_, bits)| *bits == bits::FORCED_BAD));
}

#[test]
fn states_of_a_span_keep_what_lies_before_and_behind_it() {
    let stuck = |id: i64, since_ms, until_ms| Episode {
        id: Some(id),
        check: Check::StuckOn,
        since_ms,
        until_ms,
        value: 120.0,
        limit: 120.0,
    };
    let open = Open { since_ms: 40, value: 120.0, limit: 120.0 };
    let turn = |at_ms, opened| Turn { check: Check::StuckOn, at_ms, opened };
    let sides = Some((120.0, 120.0));
    // It goes on from before, closes, and opens again up to behind the span.
    let stored = [stuck(1, 10, Some(60)), stuck(2, 80, Some(300))];
    let turns = [turn(70, None), turn(90, sides)];
    let found = splice(&stored, (50, Some(200)), &[(Check::StuckOn, open)], &turns);
    let told: Vec<_> = found.iter().map(|e| (e.id, e.since_ms, e.until_ms)).collect();
    assert_eq!(told, [(Some(1), 10, Some(70)), (None, 90, Some(300))]);
    // Not open any more at the begin of the span: what was there ends.
    let found = splice(&[stuck(1, 10, None)], (50, None), &[], &[]);
    assert_eq!((found[0].id, found[0].until_ms), (Some(1), Some(50)));
    // The same state keeps its number.
    let found = splice(&[stuck(3, 60, None)], (50, None), &[], &[turn(60, sides)]);
    assert_eq!((found[0].id, found[0].since_ms, found[0].until_ms), (Some(3), 60, None));
}

#[test]
#[ignore = "a measurement: run it optimised, with --nocapture"]
fn what_checks_cost_per_row() {
    const ROWS: u32 = 1_000_000;
    let mut classes = [Some(0); ioc_ingest::interval::CLASSES];
    classes[0] = Some(9);
    classes[2] = Some(3);
    let rows: Vec<Row> = (0..2_880)
        .map(|n| Row {
            classes: Some(classes),
            ..row(n, 12, 1_000 + u16::try_from(n % 700).unwrap())
        })
        .collect();
    let begun = std::time::Instant::now();
    let mut found = 0;
    for n in 0..ROWS {
        let row = &rows[usize::try_from(n).unwrap() % rows.len()];
        found |= std::hint::black_box(row.sample()).bits(Some(30_000), &Limits::HUB);
    }
    let sample_ns = begun.elapsed().as_nanos() / u128::from(ROWS);
    let (mut fold, begun) = (Fold::default(), std::time::Instant::now());
    for n in 0..ROWS {
        let row = &rows[usize::try_from(n).unwrap() % rows.len()];
        let time_ms = BEGIN_S * 1_000 + i64::from(n) * 30_000;
        let at = At { time_ms, bits: 0 };
        found |= fold.push(at, &row.sample(), (&Limits::HUB, ZONE), |_turn| {});
    }
    let fold_ns = begun.elapsed().as_nanos() / u128::from(ROWS);
    let bytes = size_of::<Fold>();
    println!(
        "sample checks {sample_ns} ns, history {fold_ns} ns per row; {bytes} bytes per history ({found})"
    );
}
