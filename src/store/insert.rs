//! One batch, one transaction: facts, their 5-minute rollup, refused messages, counters of sources
//! and current values, all or nothing.
//!
//! New messages go straight into their tables by COPY; messages that the ledger of seq knows go by way
//! of temporary tables, in the same transaction. After a duplicate key that nobody foresaw (the same
//! fact under another number) the whole batch is done again by that way, and so is for a while what comes
//! from that device. Applying a message twice changes nothing: only rows that were truly new feed the
//! rollup.

use std::{collections::HashMap, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use ioc_ingest::{Fact, Reason, Reject, Source, interval::Place};
use tokio_postgres::{Client, Transaction};

pub use super::arrival::Doubted;
use super::{
    Store, StoreError, alarm,
    arrival::{self, Foreseen},
    assessment_row,
    copy::Rows,
    document_row, dossier_row,
    encode::{self, ReadingRow},
    ledger,
    onestop::{Judge, Records, Touched},
    petition_row,
    presence::{Came, Presence},
    refuse::{Bound, Quarantine},
    request::{self, Replays},
    rollup::{Buckets, Rollup},
    table::{self, NotNew, Prepared, Table, Way},
    ticket_state::TicketChange,
};
use crate::{
    admit::Admitted,
    alarm::Change,
    ledger::{Arrival, Figures, Ledger, connection::Connections},
    quality,
    record::RecordSettings,
    registry::Registry,
};

/// The fact tables, in the order in which a transaction writes them.
const TABLES: [&Table; 13] = [
    &table::INTERVAL,
    &table::SIGNAL_STATE,
    &table::SIGNAL_EVENT,
    &table::HEALTH,
    &table::CONNECTION,
    &table::INCIDENT,
    &table::TICKET_STEP,
    &table::CALL,
    &table::METRIC,
    &dossier_row::STEP,
    &petition_row::STEP,
    &document_row::STEP,
    &assessment_row::FORM,
];
const INTERVAL: usize = 0;
const SIGNAL_STATE: usize = 1;
const SIGNAL_EVENT: usize = 2;
const HEALTH: usize = 3;
const CONNECTION: usize = 4;
const INCIDENT: usize = 5;
const TICKET_STEP: usize = 6;
const CALL: usize = 7;
const METRIC: usize = 8;
const DOSSIER_STEP: usize = 9;
const PETITION_STEP: usize = 10;
const DOCUMENT_STEP: usize = 11;
const ASSESSMENT: usize = 12;

/// What a committed batch changed.
#[derive(Debug, Default)]
pub struct Committed {
    /// Fact rows that were new.
    pub new_rows: u64,
    /// Fact rows that were already there with the same content.
    pub duplicates: u64,
    /// Fact rows whose key was there with other content; their messages are in the quarantine.
    pub conflicts: u64,
    /// Rows put into the quarantine.
    pub quarantined: u64,
    /// Refused messages beyond the bound of the quarantine.
    pub dropped: u64,
    /// Refused messages that had come before and are in the quarantine already.
    pub refused_again: u64,
    /// Per message of the batch: whether all of its facts conflict with what is stored.
    pub conflicting: Vec<bool>,
    /// Per message of the batch: fact rows whose key was there with other content.
    pub conflict_rows: Vec<u32>,
    /// Per message of the batch: fact rows that were already there.
    pub duplicate_rows: Vec<u32>,
    /// Per message of the batch: parts refused, conflicts included, and of them not kept.
    pub refused: Vec<(u32, u32)>,
    /// Per message of the batch: how it came, by its number.
    pub arrivals: Vec<Arrival>,
    /// Sources of which the known loss changed, and by how much.
    pub loss: Vec<(Source, Figures)>,
    /// Tickets whose state changed.
    pub tickets: Vec<TicketChange>,
    /// Records of each noun that were folded.
    pub records: Touched,
}

impl Committed {
    /// One message that the database does not take in any form.
    pub(crate) fn nothing_of_one() -> Self {
        Self {
            dropped: 1,
            conflicting: vec![false],
            conflict_rows: vec![0],
            duplicate_rows: vec![0],
            refused: vec![(1, 1)],
            arrivals: vec![Arrival::Unnumbered],
            ..Self::default()
        }
    }
}

/// What is written in the transaction of a batch beside its messages.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Also<'a> {
    /// What happened to alarms.
    pub(crate) alarms: &'a [Arc<Change>],
    /// Of a batch out of the quarantine, which messages these are.
    pub(crate) replays: Option<Replays<'a>>,
}

/// Rows of one table that go one way, with the message of each.
struct Encoded {
    rows: Rows,
    items: Vec<usize>,
}

/// The messages of a batch that go one way.
struct Part<'a> {
    way: Way,
    tables: Vec<Encoded>,
    readings: Vec<ReadingRow<'a>>,
    /// Readings without a lane or zone in the registry, with their message.
    left_out: Vec<(usize, &'a Place)>,
}

/// Rows of the messages of a batch that are taken for new, with their sums: made while the batch before it
/// is committed.
pub struct Ahead {
    /// Which messages these are.
    takes: Vec<bool>,
    tables: Vec<Encoded>,
    buckets: Buckets,
}

/// Encodes a batch ahead of its commit, but what may be stored already, and what devices say of their
/// connections. Null when a reading has no lane or zone in the registry yet.
pub fn encode_ahead(registry: &Registry, items: &[Admitted], doubted: &Doubted) -> Option<Ahead> {
    let doubts = doubted.now();
    let mut part = Part::new(Way::Copy);
    let mut takes = vec![false; items.len()];
    for (item, admitted) in items.iter().enumerate() {
        let Some(accepted) = &admitted.accepted else { continue };
        let says_state = matches!(accepted.message.fact, Fact::Status(_));
        if says_state || admitted.delivery.duplicate || doubts.has(admitted) {
            continue;
        }
        if !part.add(registry, item, admitted) {
            return None;
        }
        takes[item] = true;
    }
    let Part { tables, readings, .. } = part.complete();
    let mut buckets = Buckets::default();
    sum_new(&mut buckets, &readings, &NotNew::default());
    Some(Ahead { takes, tables, buckets })
}

impl Ahead {
    /// Whether what was taken for new is.
    fn is_right(&self, ways: &[Option<Way>]) -> bool {
        let mut taken = self.takes.iter().zip(ways).filter(|(takes, _way)| **takes);
        taken.all(|(_takes, way)| *way == Some(Way::Copy))
    }
}

/// Writes batches on a connection of its own.
pub struct Inserter {
    client: Client,
    tables: Vec<Prepared>,
    rollup: Rollup,
    presence: Presence,
    records: Records,
    quarantine: Quarantine,
    ledger: Ledger,
    connections: Connections,
    ledger_statements: ledger::Statements,
    doubted: Doubted,
}

impl std::fmt::Debug for Inserter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inserter").field("doubted", &self.doubted).finish_non_exhaustive()
    }
}

impl Inserter {
    /// Connects and prepares every statement.
    pub async fn connect(store: &Store, settings: &RecordSettings) -> Result<Self, StoreError> {
        Self::connect_doubting(store, settings, Doubted::default()).await
    }

    /// The same, with what an earlier connection learned.
    pub(crate) async fn connect_doubting(
        store: &Store,
        settings: &RecordSettings,
        doubted: Doubted,
    ) -> Result<Self, StoreError> {
        let client = store.connect().await?;
        claim(&client).await?;
        let judge = Judge::load(store, settings).await?;
        let mut tables = Vec::with_capacity(TABLES.len());
        for table in TABLES {
            tables.push(table.prepare(&client).await?);
        }
        Ok(Self {
            rollup: Rollup::prepare(&client).await?,
            presence: Presence::prepare(&client).await?,
            records: Records::prepare(&client, judge).await?,
            quarantine: Quarantine::prepare(&client).await?,
            // Read anew at every connection, so that memory never runs ahead of the database.
            ledger: ledger::load(&client).await?,
            connections: ledger::load_connections(&client).await?,
            ledger_statements: ledger::Statements::prepare(&client).await?,
            tables,
            client,
            doubted,
        })
    }

    /// The connection, for statements outside batches.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Whether stored records are still judged by other rules than those of now: each commit judges some
    /// anew, also one without messages. Not while that is paused.
    pub(crate) fn is_behind(&self) -> bool {
        self.records.is_behind()
    }

    /// Judges no stored records anew for a while, because the database may refuse what comes of them. False
    /// when none were to be judged anyway.
    pub(crate) fn pause_refold(&mut self, pause: Duration) -> bool {
        self.records.pause(pause)
    }

    /// Ends the pause: something else was refused.
    pub(crate) const fn resume_refold(&mut self) {
        self.records.resume();
    }

    /// The same, for transactions.
    pub(crate) fn client_mut(&mut self) -> &mut Client {
        &mut self.client
    }

    /// Closes the hours before `before`; `day` is the begin of the civil day around it.
    pub async fn close_hours(
        &mut self,
        before: DateTime<Utc>,
        day: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.rollup.close(&self.client, before, day).await
    }

    /// Commits a batch, or nothing of it.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when a row of the batch is at fault, or a stored record that is judged
    /// anew with it; [`StoreError::Beside`] when a change of an alarm is; retriable errors when the
    /// database is: the connection is then to be replaced.
    pub async fn commit(
        &mut self,
        registry: &Registry,
        bound: &mut Bound,
        items: &[Admitted],
    ) -> Result<Committed, StoreError> {
        self.commit_ahead(registry, bound, items, (None, Also::default())).await
    }

    /// Commits a batch, or nothing of it, with what else belongs into its transaction. `ahead` are its rows, if they were
    /// encoded with this registry.
    ///
    /// # Errors
    /// As [`commit`](Self::commit).
    pub(crate) async fn commit_ahead(
        &mut self,
        registry: &Registry,
        bound: &mut Bound,
        items: &[Admitted],
        (ahead, also): (Option<Ahead>, Also<'_>),
    ) -> Result<Committed, StoreError> {
        match self.attempt(registry, bound, items, (Way::Copy, ahead, also)).await {
            Err(StoreError::Exists { .. }) => {
                self.attempt(registry, bound, items, (Way::Merge, None, also)).await
            }
            done => done,
        }
    }

    /// One transaction. `new` is the way of messages that the ledger takes for new; `ahead` is of use
    /// when it holds no others.
    async fn attempt(
        &mut self,
        registry: &Registry,
        bound: &mut Bound,
        items: &[Admitted],
        (new, ahead, also): (Way, Option<Ahead>, Also<'_>),
    ) -> Result<Committed, StoreError> {
        let mut foreseen =
            Foreseen::of((&self.ledger, &self.doubted.now()), &self.connections, registry, items);
        if new == Way::Merge {
            foreseen.merge_all();
        }
        let (mut parts, mut buckets) = (Vec::new(), Buckets::default());
        let mut rest = foreseen.ways.clone();
        if let Some(ahead) = ahead.filter(|ahead| ahead.is_right(&rest)) {
            for (way, _) in rest.iter_mut().zip(&ahead.takes).filter(|(_way, takes)| **takes) {
                *way = None;
            }
            let (tables, readings, left_out) = (ahead.tables, Vec::new(), Vec::new());
            parts.push(Part { way: Way::Copy, tables, readings, left_out });
            buckets = ahead.buckets;
        }
        parts.extend(encode_batch(registry, items, &rest));
        let failed = |error| StoreError::of("commit a batch", error);
        let transaction = self.client.transaction().await.map_err(failed)?;
        let mut done = Committed::default();
        let mut outcome = Outcome::new(items.len());
        for (at, table) in self.tables.iter().enumerate() {
            // What is new goes first, so that its repetition in the same batch finds it.
            for part in &mut parts {
                let Encoded { rows, items: origin } = &mut part.tables[at];
                let not_new = table.write(&transaction, part.way, std::mem::take(rows)).await?;
                outcome.note(origin, &not_new);
                done.new_rows += (origin.len() - not_new.known.len()) as u64;
                done.duplicates += (not_new.known.len() - not_new.conflicts.len()) as u64;
                done.conflicts += not_new.conflicts.len() as u64;
                if at == INTERVAL {
                    sum_new(&mut buckets, &part.readings, &not_new);
                }
                if at == INCIDENT && !not_new.known.is_empty() {
                    fill_incident_ends(&transaction).await?;
                }
            }
        }
        let mut refused = outcome.conflict_rejects(items);
        refused.extend(parts.iter().flat_map(|part| part.rejects(items)));
        let again =
            |item: usize| foreseen.arrivals[item].may_be_known() || items[item].delivery.duplicate;
        let (quarantined, counts) =
            self.quarantine.write(&transaction, bound, items, &refused, again).await?;
        done.quarantined = quarantined;
        done.dropped = counts.dropped_total();
        done.refused_again = counts.again;
        let refused_of = |item| counts.refused.get(&item).copied().unwrap_or_default();
        done.refused = (0..items.len()).map(refused_of).collect();
        done.conflicting = outcome.all_conflict();
        let mut refreshed = self.records.refresh(&transaction, items).await?;
        let (arrivals, delta, connections) = foreseen.settle(items, &outcome);
        done.loss = arrival::by_source(&delta);
        let came = Came {
            items,
            duplicates: &outcome.duplicates,
            counts: &counts,
            conflicting: &done.conflicting,
            arrivals: &arrivals,
            loss: &done.loss,
        };
        // Sent without waiting for each other's answers. None of them is a COPY: behind a failed
        // statement the client would lose count of the server's answers.
        let (ledger, presence, rollup) = tokio::join!(
            self.ledger_statements.write(&transaction, &delta),
            self.presence.write(&transaction, &came),
            self.rollup.write(&transaction, buckets),
        );
        cause([ledger, presence, rollup])?;
        alarm::write(&transaction, also.alarms).await?;
        if let Some(replays) = also.replays {
            let outcomes = replays.outcomes(&outcome.conflicts);
            request::note_replays(&transaction, &outcomes, replays.who, replays.now).await?;
        }
        transaction.commit().await.map_err(failed)?;
        self.records.take(&mut refreshed);
        done.tickets = refreshed.tickets;
        done.records = refreshed.touched;
        self.ledger.take(delta);
        self.connections.take(connections);
        self.doubted.learn(items, &arrivals, &outcome);
        bound.add(counts);
        done.arrivals = arrivals;
        done.duplicate_rows = outcome.duplicates;
        done.conflict_rows = outcome.conflicts;
        Ok(done)
    }
}

/// What went wrong with statements that were sent together: behind the one that failed, the others of
/// its transaction fail, too, and their errors say nothing.
fn cause<const N: usize>(results: [Result<(), StoreError>; N]) -> Result<(), StoreError> {
    let mut errors: Vec<StoreError> = results.into_iter().filter_map(Result::err).collect();
    let at = errors.iter().position(|error| !error.is_aftermath()).unwrap_or_default();
    if errors.is_empty() { Ok(()) } else { Err(errors.swap_remove(at)) }
}

/// One hub works on one database. The lock ends with the connection.
pub(super) const HUB_LOCK: i64 = 0x696f_635f_6875_6201;

/// Claims the database for this hub, for as long as the connection lasts.
///
/// # Errors
/// [`StoreError::Taken`] while another hub is at work on it.
pub async fn claim(client: &Client) -> Result<(), StoreError> {
    let taken: bool = client
        .query_one("select pg_try_advisory_lock($1)", &[&HUB_LOCK])
        .await
        .and_then(|row| row.try_get(0))
        .map_err(|error| StoreError::of("claim the database", error))?;
    if taken { Ok(()) } else { Err(StoreError::Taken) }
}

/// Gives the database back before the connection ends.
pub async fn release(client: &Client) -> Result<(), StoreError> {
    client
        .execute("select pg_advisory_unlock($1)", &[&HUB_LOCK])
        .await
        .map(|_rows| ())
        .map_err(|error| StoreError::of("release the database", error))
}

/// What became of the messages of a batch, counted in rows.
pub(super) struct Outcome {
    rows: Vec<u32>,
    duplicates: Vec<u32>,
    conflicts: Vec<u32>,
}

impl Outcome {
    pub(super) fn new(items: usize) -> Self {
        Self { rows: vec![0; items], duplicates: vec![0; items], conflicts: vec![0; items] }
    }

    pub(super) fn note(&mut self, origin: &[usize], not_new: &NotNew) {
        for item in origin {
            self.rows[*item] += 1;
        }
        let item_of = |row: &i32| usize::try_from(*row).ok().and_then(|row| origin.get(row));
        not_new.known.iter().filter_map(item_of).for_each(|item| self.duplicates[*item] += 1);
        for item in not_new.conflicts.iter().filter_map(item_of) {
            self.conflicts[*item] += 1;
            self.duplicates[*item] -= 1;
        }
    }

    fn conflict_rejects(&self, items: &[Admitted]) -> Vec<(usize, Reject, bool)> {
        let conflicting = |item: &usize| self.conflicts[*item] > 0;
        (0..items.len())
            .filter(conflicting)
            .map(|item| {
                let (conflicts, rows) = (self.conflicts[item], self.rows[item]);
                let detail = format!(
                    "{conflicts} of {rows} facts are stored with other content; the first is kept"
                );
                let reject = Reject { reason: Reason::Conflict, field: String::new(), detail };
                (item, reject, conflicts < rows)
            })
            .collect()
    }

    /// Whether a message brought facts that were not stored.
    pub(super) fn brought_new(&self, item: usize) -> bool {
        self.rows[item] > self.duplicates[item] + self.conflicts[item]
    }

    /// Whether a message brought facts that were stored.
    pub(super) fn was_known(&self, item: usize) -> bool {
        self.duplicates[item] + self.conflicts[item] > 0
    }

    fn all_conflict(&self) -> Vec<bool> {
        self.rows.iter().zip(&self.conflicts).map(|(rows, n)| *rows > 0 && rows == n).collect()
    }
}

fn sum_new(buckets: &mut Buckets, readings: &[ReadingRow<'_>], not_new: &NotNew) {
    let mut known = vec![false; readings.len()];
    for row in &not_new.known {
        if let Some(known) = usize::try_from(*row).ok().and_then(|row| known.get_mut(row)) {
            *known = true;
        }
    }
    for (row, _) in readings.iter().zip(known).filter(|(_, known)| !known) {
        let (time_ms, duration_ms) = (row.time.timestamp_millis(), row.interval.duration_ms);
        buckets.add(row.detector_id, time_ms, duration_ms, row.quality, row.reading);
    }
}

/// An incident's end may follow its begin; the first end that comes is kept.
async fn fill_incident_ends(transaction: &Transaction<'_>) -> Result<(), StoreError> {
    transaction
        .execute(
            "update incident t set ended = s.ended from stage_incident s \
             where t.device_id = s.device_id and t.kind = s.kind and t.zone = s.zone \
               and t.time = s.time and t.ended is null and s.ended is not null",
            &[],
        )
        .await
        .map_err(|error| StoreError::of("fill the end of an incident", error))?;
    Ok(())
}

/// Time of a message: the source's, or the receive time where it sends none.
pub(super) fn time_of(item: &Admitted) -> DateTime<Utc> {
    let envelope = item.accepted.as_ref().and_then(|accepted| accepted.message.envelope);
    envelope.map_or(item.delivery.received_at, |envelope| envelope.time)
}

/// Encodes every accepted fact of the batch, each message by its way: what is new, then what may be
/// known.
fn encode_batch<'a>(
    registry: &Registry,
    items: &'a [Admitted],
    ways: &[Option<Way>],
) -> Vec<Part<'a>> {
    let part = |way| {
        let mut part = Part::new(way);
        for (item, admitted) in items.iter().enumerate() {
            if ways[item] == Some(way) {
                part.add(registry, item, admitted);
            }
        }
        part.complete()
    };
    [Way::Copy, Way::Merge].map(part).into()
}

impl<'a> Part<'a> {
    fn new(way: Way) -> Self {
        let rows = |table: &&Table| Encoded { rows: table.rows(way), items: Vec::new() };
        let tables = TABLES.iter().map(rows).collect();
        Self { way, tables, readings: Vec::new(), left_out: Vec::new() }
    }

    /// Encodes the collected readings, sorted by detector and time, which keeps index pages close
    /// together.
    fn complete(mut self) -> Self {
        let mut readings = std::mem::take(&mut self.readings);
        readings.sort_by_key(|row| (row.detector_id, row.time));
        for row in &readings {
            encode::reading(self.begin(INTERVAL, row.item), row);
        }
        Self { readings, ..self }
    }

    /// What was left out, once per message: which, why, and whether the rest was taken.
    fn rejects(&self, items: &[Admitted]) -> Vec<(usize, Reject, bool)> {
        let of_message = |left_out: &[(usize, &Place)]| {
            let (item, place) = *left_out.first()?;
            let accepted = items[item].accepted.as_ref()?;
            let Fact::Interval(interval) = &accepted.message.fact else { return None };
            let is_partial = left_out.len() < interval.readings.len();
            Some((item, accepted.device.refuse(place), is_partial))
        };
        self.left_out.chunk_by(|one, next| one.0 == next.0).filter_map(of_message).collect()
    }

    /// Begins a row that came from message `item`.
    fn begin(&mut self, table: usize, item: usize) -> &mut Rows {
        let encoded = &mut self.tables[table];
        let number = i32::try_from(encoded.items.len()).unwrap_or(i32::MAX);
        encoded.items.push(item);
        let row = encoded.rows.row();
        if self.way == Way::Merge { row.i32(number) } else { row }
    }

    /// Adds a message; readings are only collected. False when one of them has no lane or zone in the
    /// registry, and was left out.
    fn add(&mut self, registry: &Registry, item: usize, admitted: &'a Admitted) -> bool {
        let Some(accepted) = &admitted.accepted else { return true };
        let (id, time) = (accepted.device.id, time_of(admitted));
        match &accepted.message.fact {
            Fact::Interval(interval) => {
                let Some(envelope) = &accepted.message.envelope else { return true };
                let Some(device) = registry.device(&accepted.device.source) else { return false };
                let mut is_whole = true;
                let period_ms = device.period_ms;
                for reading in &interval.readings {
                    let Some(detector_id) = device.detectors.get(&reading.place) else {
                        is_whole = false;
                        self.left_out.push((item, &reading.place));
                        continue;
                    };
                    self.readings.push(ReadingRow {
                        item,
                        detector_id: *detector_id,
                        time: envelope.time,
                        interval,
                        reading,
                        quality: quality::marks(
                            envelope,
                            interval,
                            reading,
                            (period_ms, registry.table.of(*detector_id)),
                        ),
                    });
                }
                return is_whole;
            }
            Fact::SignalState(state) => {
                encode::signal_state(self.begin(SIGNAL_STATE, item), id, time, state);
            }
            Fact::SignalEvents(batch) => {
                for event in &batch.events {
                    encode::signal_event(self.begin(SIGNAL_EVENT, item), id, *event);
                }
            }
            Fact::Health(report) => encode::health(self.begin(HEALTH, item), id, time, report),
            Fact::Status(status) => {
                encode::connection(self.begin(CONNECTION, item), id, time, *status);
            }
            Fact::Incident(incident) => {
                encode::incident(self.begin(INCIDENT, item), id, time, incident);
            }
            Fact::Ticket(step) => {
                if let Some(envelope) = &accepted.message.envelope {
                    encode::ticket_step(self.begin(TICKET_STEP, item), id, envelope, step);
                }
            }
            Fact::Call(call) => encode::call(self.begin(CALL, item), id, time, call),
            Fact::Dossier(step) => {
                if let Some(envelope) = &accepted.message.envelope {
                    dossier_row::encode_step(self.begin(DOSSIER_STEP, item), id, envelope, step);
                }
            }
            Fact::Petition(step) => {
                if let Some(envelope) = &accepted.message.envelope {
                    petition_row::encode_step(self.begin(PETITION_STEP, item), id, envelope, step);
                }
            }
            Fact::Document(step) => {
                if let Some(envelope) = &accepted.message.envelope {
                    document_row::encode_step(self.begin(DOCUMENT_STEP, item), id, envelope, step);
                }
            }
            Fact::Assessment(form) => {
                assessment_row::encode(self.begin(ASSESSMENT, item), id, time, form);
            }
            Fact::Metric(sample) => {
                for value in &sample.values {
                    encode::metric(self.begin(METRIC, item), id, time, value);
                }
            }
        }
        true
    }
}

/// Lanes and zones that registered devices report for the first time: they are added to the registry
/// before the batch, up to [`DETECTORS_MAX`](crate::registry::DETECTORS_MAX) of a device in order of arrival.
pub async fn ensure_detectors(
    client: &Client,
    registry: &mut Registry,
    items: &[Admitted],
) -> Result<bool, StoreError> {
    let mut missing: HashMap<Source, (i32, Vec<Place>)> = HashMap::new();
    for admitted in items {
        let Some(accepted) = &admitted.accepted else { continue };
        let Fact::Interval(interval) = &accepted.message.fact else { continue };
        let Some(device) = registry.device(&accepted.device.source) else { continue };
        for reading in &interval.readings {
            if device.detectors.contains_key(&reading.place) {
                continue;
            }
            let (_, added) =
                missing.entry(device.source.clone()).or_insert_with(|| (device.id, Vec::new()));
            if !added.contains(&reading.place) && device.takes(&reading.place, added.len()) {
                added.push(reading.place.clone());
            }
        }
    }
    let mut has_added = false;
    for (source, (device_id, added)) in missing {
        for place in added {
            has_added = true;
            let row = client
                .query_one(
                    "insert into detector (device_id, place, name_vi, name_en) values ($1, $2, $2, $2) \
                     on conflict (device_id, place) do update set place = excluded.place returning id",
                    &[&device_id, &crate::registry::place_text(&place)],
                )
                .await
                .map_err(|error| StoreError::of("add a detector", error))?;
            registry.add_detector(&source, place, row.get(0));
        }
    }
    Ok(has_added)
}
