//! The ledger against sets of numbers and against the tables that its changes make.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use ioc_ingest::{Service, Source, Stream};
use proptest::{prelude::*, test_runner::Config};

use super::*;

fn topic(source: &str) -> Topic {
    let source = Source::parse(source).unwrap();
    Topic { service: Service::Vds, source, stream: Stream::Interval }
}

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000 + second, 0).unwrap()
}

/// The tables as a database would hold them.
#[derive(Debug, Default)]
struct Tables {
    runs: BTreeMap<i32, (Topic, u32, u64, u64)>,
    gaps: BTreeMap<i64, GapRow>,
    figures: BTreeMap<Topic, Figures>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct GapRow {
    topic: Topic,
    boot: u32,
    bounds: Option<(u64, u64)>,
    spans: Option<Vec<Span>>,
    first_seen: DateTime<Utc>,
    closed_at: Option<DateTime<Utc>>,
}

impl Tables {
    fn apply(&mut self, delta: &Delta<'_>) {
        for run in &delta.opened {
            let row = (run.topic.clone(), run.boot, run.first, run.last);
            assert!(self.runs.insert(run.id, row).is_none(), "a row number is used twice");
        }
        for run in &delta.moved {
            let row = self.runs.get_mut(&run.id).unwrap();
            (row.2, row.3) = (run.first, run.last);
        }
        for id in &delta.closed {
            self.runs.remove(id).unwrap();
        }
        for gap in &delta.gaps {
            let row = GapRow {
                topic: gap.topic.clone(),
                boot: gap.boot,
                bounds: gap.bounds,
                spans: gap.spans.clone(),
                first_seen: gap.first_seen,
                closed_at: gap.closed_at,
            };
            self.gaps.insert(gap.id, row);
        }
        for id in &delta.joined {
            self.gaps.remove(id);
        }
        for (topic, figures) in &delta.figures {
            self.figures.entry((*topic).clone()).or_default().add(*figures);
        }
    }

    /// The ledger that a start would load.
    fn load(&self) -> Ledger {
        let boots = self.runs.iter().map(|(id, (topic, boot, first, last))| {
            let of_run = |row: &&GapRow| row.topic == *topic && row.boot == *boot;
            let open = |(_, row): &(&i64, &GapRow)| of_run(row) && row.closed_at.is_none();
            let mut gaps: Vec<Gap> = self
                .gaps
                .iter()
                .filter(open)
                .filter_map(|(id, row)| {
                    let (from, to) = row.bounds?;
                    let spans = row.spans.clone()?;
                    Some(Gap { id: *id, from, to, first_seen: row.first_seen, spans })
                })
                .collect();
            gaps.sort_by_key(|gap| gap.from);
            let gaps = Arc::new(gaps.into_iter().map(Arc::new).collect());
            let run = Run { id: *id, boot: *boot, first: *first, last: *last, gaps };
            (topic.clone(), run)
        });
        let last = |id: Option<&i64>| id.copied().unwrap_or(0);
        let last_run = self.runs.keys().last().copied().unwrap_or(0);
        Ledger::restore(boots, 0, last_run, last(self.gaps.keys().last()))
    }

    fn restarts(&self) -> usize {
        self.gaps.values().filter(|row| row.spans.is_none()).count()
    }
}

/// A ledger with its tables: every batch is committed.
#[derive(Debug, Default)]
struct Kept {
    ledger: Ledger,
    tables: Tables,
    now: i64,
}

impl Kept {
    fn batch(&mut self, topic: &Topic, messages: &[(u32, u64)]) -> Vec<Arrival> {
        let mut batch = self.ledger.begin();
        let mut arrivals = Vec::new();
        for (boot, seq) in messages {
            self.now += 1;
            let number = Number { boot: *boot, seq: *seq };
            arrivals.push(batch.note(topic, number, true, at(self.now)));
        }
        let delta = batch.end();
        self.tables.apply(&delta);
        self.ledger.take(delta);
        arrivals
    }

    fn missing(&self, topic: &Topic) -> Vec<(u32, u64, u64)> {
        let runs = self.ledger.boots(topic).iter();
        runs.flat_map(|run| {
            run.gaps
                .iter()
                .flat_map(|gap| gap.spans.iter().map(|span| (run.boot, span.from, span.to)))
        })
        .collect()
    }
}

/// First, last and missing numbers of each boot, as a set would tell them.
fn expected(received: &BTreeSet<(u32, u64)>) -> BTreeMap<u32, (u64, u64, Vec<u64>)> {
    let mut boots: BTreeMap<u32, BTreeSet<u64>> = BTreeMap::new();
    for (boot, seq) in received {
        boots.entry(*boot).or_default().insert(*seq);
    }
    boots
        .into_iter()
        .map(|(boot, seqs)| {
            let (first, last) = (*seqs.first().unwrap(), *seqs.last().unwrap());
            (boot, (first, last, (first..=last).filter(|seq| !seqs.contains(seq)).collect()))
        })
        .collect()
}

fn told(runs: &[Run]) -> BTreeMap<u32, (u64, u64, Vec<u64>)> {
    let missing = |run: &Run| {
        let spans = run.gaps.iter().flat_map(|gap| gap.spans.clone());
        spans.flat_map(|span| span.from..=span.to).collect()
    };
    runs.iter().map(|run| (run.boot, (run.first, run.last, missing(run)))).collect()
}

#[test]
fn a_hole_is_a_gap_and_a_late_message_closes_it() {
    let topic = topic("vds-1");
    let mut kept = Kept::default();
    let came = kept.batch(&topic, &[(2, 10), (2, 11), (2, 13)]);
    assert_eq!(came, [Arrival::InOrder; 3]);
    assert_eq!(kept.missing(&topic), [(2, 12, 12)]);
    assert_eq!(kept.tables.figures[&topic], Figures { open_gaps: 1, missing: 1, restarts: 0 });
    assert_eq!(kept.batch(&topic, &[(2, 12)]), [Arrival::OutOfOrder]);
    assert_eq!(kept.tables.figures[&topic], Figures::default());
    let row = kept.tables.gaps.values().next().unwrap();
    assert_eq!((row.bounds, row.spans.as_deref()), (Some((12, 12)), Some(&[][..])));
    assert_eq!((row.first_seen, row.closed_at), (at(3), Some(at(4))));
    assert_eq!(kept.batch(&topic, &[(2, 12), (2, 10)]), [Arrival::Repeated; 2]);
}

#[test]
fn below_the_first_is_new_and_what_lies_between_is_missing() {
    let topic = topic("vds-1");
    let mut kept = Kept::default();
    kept.batch(&topic, &[(2, 10)]);
    assert_eq!(kept.batch(&topic, &[(2, 5), (2, 9)]), [Arrival::OutOfOrder; 2]);
    assert_eq!(kept.missing(&topic), [(2, 6, 8)]);
    let run = &kept.ledger.boots(&topic)[0];
    assert_eq!((run.first, run.last), (5, 10));
}

#[test]
fn a_late_message_shrinks_or_splits_what_is_missing() {
    let topic = topic("vds-1");
    let mut kept = Kept::default();
    kept.batch(&topic, &[(1, 0), (1, 10), (1, 5), (1, 1)]);
    assert_eq!(kept.missing(&topic), [(1, 2, 4), (1, 6, 9)]);
    // The gap is still the one that was seen first, with two spans left of it.
    let rows: Vec<_> = kept.tables.gaps.values().map(|row| row.bounds).collect();
    assert_eq!(rows, [Some((1, 9))]);
    assert_eq!(kept.tables.figures[&topic], Figures { open_gaps: 1, missing: 7, restarts: 0 });
}

#[test]
fn a_hole_that_is_filled_within_a_batch_is_never_written() {
    let topic = topic("vds-1");
    let mut kept = Kept::default();
    kept.batch(&topic, &[(1, 0), (1, 2), (1, 1), (1, 3)]);
    assert!(kept.tables.gaps.is_empty());
    assert_eq!(kept.tables.figures.get(&topic), None);
}

#[test]
fn loss_across_a_restart_is_unknown_and_told_once() {
    let topic = topic("vds-1");
    let mut kept = Kept::default();
    kept.batch(&topic, &[(3, 100)]);
    assert_eq!(kept.tables.restarts(), 0, "nobody knows of a boot before the first");
    kept.batch(&topic, &[(4, 7), (4, 8)]);
    assert_eq!(kept.tables.restarts(), 1);
    // A boot that comes late lies before the one that was known: the border is that one's.
    kept.batch(&topic, &[(1, 0), (4, 9)]);
    let boots: Vec<u32> = kept.tables.gaps.values().map(|row| row.boot).collect();
    assert_eq!(boots, [4, 3]);
    assert_eq!(kept.tables.figures[&topic], Figures { open_gaps: 0, missing: 0, restarts: 2 });
    assert!(kept.missing(&topic).is_empty(), "nothing is said of numbers across boots");
}

#[test]
fn the_smallest_boot_is_closed_when_there_are_too_many() {
    let topic = topic("vds-1");
    let mut kept = Kept::default();
    let boots = u32::try_from(BOOTS_MAX).unwrap();
    for boot in 1..=boots {
        kept.batch(&topic, &[(boot, 1), (boot, 3)]);
    }
    assert_eq!(kept.ledger.boots(&topic).len(), BOOTS_MAX);
    // One in the middle closes the smallest as well.
    kept.batch(&topic, &[(boots + 5, 1)]);
    kept.batch(&topic, &[(boots + 2, 1)]);
    let followed: Vec<u32> = kept.ledger.boots(&topic).iter().map(|run| run.boot).collect();
    let wanted: Vec<u32> = (3..=boots).chain([boots + 2, boots + 5]).collect();
    assert_eq!(followed, wanted);
    // What is missing of a closed boot is given up, and stays told.
    let given_up = kept.tables.gaps.values().filter(|row| row.closed_at.is_some());
    let given_up: Vec<_> =
        given_up.map(|row| (row.boot, row.spans.as_ref().unwrap().len())).collect();
    assert_eq!(given_up, [(1, 1), (2, 1)]);
    let figures = kept.tables.figures[&topic];
    let of_boots = i64::from(boots);
    assert_eq!((figures.open_gaps, figures.missing), (of_boots - 2, of_boots));
    // A message of a closed boot is left to the natural keys.
    assert_eq!(kept.batch(&topic, &[(2, 2)]), [Arrival::Unsure]);
    assert_eq!(kept.ledger.boots(&topic).len(), BOOTS_MAX);
}

#[test]
fn a_counter_set_back_below_many_larger_ones_is_left_to_the_natural_keys_until_it_passes() {
    let topic = topic("vds-1");
    let mut kept = Kept::default();
    let boots = u32::try_from(BOOTS_MAX).unwrap();
    for boot in 101..=100 + boots {
        kept.batch(&topic, &[(boot, 1)]);
    }
    assert_eq!(kept.batch(&topic, &[(1, 1), (1, 5)]), [Arrival::Unsure; 2]);
    assert!(kept.missing(&topic).is_empty(), "its loss is not told");
    assert_eq!(kept.batch(&topic, &[(101 + boots, 1)]), [Arrival::InOrder]);
}

#[test]
fn what_is_filled_in_the_batch_that_closes_its_boot_is_not_given_up() {
    let topic = topic("vds-1");
    let mut kept = Kept::default();
    let boots = u32::try_from(BOOTS_MAX).unwrap();
    for boot in 1..=boots {
        kept.batch(&topic, &[(boot, 1), (boot, 3), (boot, 5)]);
    }
    kept.batch(&topic, &[(1, 2), (boots + 1, 1)]);
    let rows = kept.tables.gaps.values().filter(|row| row.boot == 1);
    let rows: Vec<_> = rows.map(|row| (row.bounds, row.spans.as_ref().unwrap().len())).collect();
    assert_eq!(rows, [(Some((2, 2)), 0), (Some((4, 4)), 1)]);
    let open = |row: &&GapRow| row.spans.is_some() && row.closed_at.is_none();
    let open = kept.tables.gaps.values().filter(open).count();
    let figures = kept.tables.figures[&topic];
    assert_eq!(figures.open_gaps, i64::try_from(open).unwrap());
    assert_eq!((figures.open_gaps, figures.missing), (2 * 63, 2 * 63 + 1));
}

#[test]
fn beyond_the_bound_the_closest_spans_become_one_with_its_count() {
    let topic = topic("vds-1");
    let mut kept = Kept::default();
    // Every second number is missing, but for one place with two received in a row.
    let many = u64::try_from(SPANS_MAX).unwrap();
    let came: Vec<(u32, u64)> = (0..=many).map(|n| (1, n * 3)).collect();
    kept.batch(&topic, &came);
    assert_eq!(kept.missing(&topic).len(), SPANS_MAX);
    let before = kept.tables.figures[&topic].missing;
    kept.batch(&topic, &[(1, many * 3 + 2)]);
    let missing = kept.missing(&topic);
    assert_eq!(missing.len(), SPANS_MAX);
    assert_eq!(kept.tables.figures[&topic].missing, before + 1);
    assert_eq!(kept.tables.figures[&topic].open_gaps, i64::try_from(SPANS_MAX).unwrap());
    // In the joined span nobody can tell: a message that proves new is taken off the count.
    let (boot, from, to) = missing[0];
    assert_eq!((from, to), (1, 5));
    let mut batch = kept.ledger.begin();
    for seq in [3, 4] {
        assert_eq!(batch.note(&topic, Number { boot, seq }, true, at(9_999)), Arrival::Unsure);
    }
    batch.found(&topic, Number { boot, seq: 4 });
    let delta = batch.end();
    assert_eq!(delta.figures[0].1, Figures { open_gaps: 0, missing: -1, restarts: 0 });
}

#[test]
fn the_last_number_that_is_missing_of_a_joined_span_closes_it() {
    let mut run = Run::new(1, Number { boot: 1, seq: 0 });
    run.last = 9;
    let spans = vec![Span { from: 2, to: 6, missing: 1 }];
    run.gaps = Arc::new(vec![Arc::new(Gap { id: 1, from: 2, to: 6, first_seen: at(0), spans })]);
    run.found(3);
    assert!(run.gaps.is_empty());
}

#[test]
fn a_batch_that_fails_leaves_no_trace() {
    let topic = topic("vds-1");
    let mut kept = Kept::default();
    kept.batch(&topic, &[(1, 1)]);
    let mut batch = kept.ledger.begin();
    batch.note(&topic, Number { boot: 1, seq: 5 }, true, at(1));
    batch.note(&topic, Number { boot: 2, seq: 0 }, true, at(1));
    drop(batch);
    assert_eq!(kept.batch(&topic, &[(1, 2)]), [Arrival::InOrder]);
    assert!(kept.missing(&topic).is_empty());
}

#[test]
fn only_so_many_strangers_are_followed() {
    let topics: Vec<Topic> = (0..=STRANGERS_MAX).map(|n| topic(&format!("s-{n}"))).collect();
    let mut ledger = Ledger::default();
    let number = Number { boot: 1, seq: 1 };
    let mut batch = ledger.begin();
    let (last, first) = topics.split_last().unwrap();
    for topic in first {
        assert_eq!(batch.note(topic, number, false, at(0)), Arrival::InOrder);
    }
    assert_eq!(batch.note(last, number, false, at(0)), Arrival::Unnumbered);
    assert_eq!(batch.note(&first[0], number, false, at(0)), Arrival::Repeated);
    let delta = batch.end();
    ledger.take(delta);
    let mut batch = ledger.begin();
    assert_eq!(batch.note(last, number, false, at(0)), Arrival::Unnumbered);
    assert_eq!(batch.note(last, number, true, at(0)), Arrival::InOrder);
}

/// Boots and numbers with repetitions, cut into batches.
fn histories() -> impl Strategy<Value = (Vec<(u32, u64)>, usize)> {
    let message = (0_u32..4, 0_u64..60);
    (prop::collection::vec(message, 1..160), 1_usize..20)
}

proptest! {
    #![proptest_config(Config { cases: 300, ..Config::default() })]

    #[test]
    fn any_order_and_any_batches_tell_the_same((messages, size) in histories()) {
        let topic = topic("vds-1");
        let mut kept = Kept::default();
        let mut received = BTreeSet::new();
        for batch in messages.chunks(size) {
            let came = kept.batch(&topic, batch);
            for (message, arrival) in batch.iter().zip(came) {
                let new = received.insert(*message);
                prop_assert_eq!(arrival.may_be_known(), !new, "{:?}", message);
            }
            // A hub that starts now knows the same.
            let loaded = kept.tables.load();
            prop_assert_eq!(loaded.boots(&topic), kept.ledger.boots(&topic));
        }
        let wanted = expected(&received);
        prop_assert_eq!(told(kept.ledger.boots(&topic)), wanted.clone());
        let missing: usize = wanted.values().map(|(_, _, missing)| missing.len()).sum();
        let figures = kept.tables.figures.get(&topic).copied().unwrap_or_default();
        prop_assert_eq!(figures.missing, i64::try_from(missing).unwrap());
        let open = kept.tables.gaps.values().filter(|row| row.spans.is_some());
        let open = open.filter(|row| row.closed_at.is_none()).count();
        prop_assert_eq!(figures.open_gaps, i64::try_from(open).unwrap());
        prop_assert_eq!(kept.tables.restarts(), wanted.len() - 1);
        prop_assert_eq!(figures.restarts, i64::try_from(wanted.len() - 1).unwrap());
    }
}

proptest! {
    #![proptest_config(Config { cases: 8, ..Config::default() })]

    #[test]
    fn bounded_gaps_keep_their_count(order in Just((0_u64..6_000).collect::<Vec<_>>()).prop_shuffle()) {
        let topic = topic("vds-1");
        let mut kept = Kept::default();
        // Every number once, in any order: what is missing counts right though spans are joined.
        for (batch, came) in order.chunks(200).enumerate() {
            let messages: Vec<(u32, u64)> = came.iter().map(|seq| (1, *seq)).collect();
            let mut batch_ledger = kept.ledger.begin();
            for (boot, seq) in &messages {
                let number = Number { boot: *boot, seq: *seq };
                if batch_ledger.note(&topic, number, true, at(0)) == Arrival::Unsure {
                    batch_ledger.found(&topic, number);
                }
            }
            let delta = batch_ledger.end();
            kept.tables.apply(&delta);
            kept.ledger.take(delta);
            let run = &kept.ledger.boots(&topic)[0];
            prop_assert!(run.gaps.iter().map(|gap| gap.spans.len()).sum::<usize>() <= SPANS_MAX);
            let received = u64::try_from(order[..(batch * 200 + came.len())].len()).unwrap();
            prop_assert_eq!(run.last - run.first + 1 - run.missing(), received);
            let loaded = kept.tables.load();
            prop_assert_eq!(loaded.boots(&topic), kept.ledger.boots(&topic));
        }
        prop_assert!(kept.missing(&topic).is_empty());
    }
}

#[test]
#[ignore = "a measurement, run it alone and with --release"]
fn a_message_costs_well_below_a_microsecond() {
    const STREAMS: usize = 1_000;
    const BATCHES: u64 = 500;
    let topics: Vec<Topic> = (0..STREAMS).map(|n| topic(&format!("vds-{n:04}"))).collect();
    let mut ledger = Ledger::default();
    let started = std::time::Instant::now();
    for seq in 0..BATCHES {
        let mut batch = ledger.begin();
        for topic in &topics {
            // Two messages of a stream in a batch, every tenth with a hole before it.
            let number = Number { boot: 1, seq: seq * 2 + u64::from(seq % 10 == 9) };
            batch.note(topic, number, true, at(0));
            batch.note(topic, Number { boot: 1, seq: seq * 2 + 1 }, true, at(0));
        }
        let delta = batch.end();
        ledger.take(delta);
    }
    let messages = u64::try_from(STREAMS).unwrap() * BATCHES * 2;
    let each = started.elapsed().as_nanos() / u128::from(messages);
    assert!(each < 1_000, "{each} ns");
    std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("{each} ns a message\n"))
        .unwrap();
}
