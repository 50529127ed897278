//! Records as they stand, folded from all their steps whenever one of those arrives, in the transaction
//! that stores it.
//!
//! A petition and a citizen's form change the dossier that they name, whichever comes first. What is
//! summed up over dossiers is told of every change, before and after ([`super::cell`]).

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use ioc_ingest::{Fact, assessment::Assessor};
use tokio::time::Instant;
use tokio_postgres::{Client, Error, Row, Statement, Transaction};

use super::{
    Store, StoreError,
    cell::Cells,
    copy::Rows,
    document_row, dossier_row, petition_row,
    refold::{Chunk, Refold},
    table::Table,
    ticket_state::{TicketChange, Tickets},
    unit::UnitFilter,
    upsert::{self, Upsert},
};
use crate::{
    admit::Admitted,
    calendar::Calendar,
    record::{
        RecordSettings, Rules, Told, document,
        dossier::{self, Links},
        petition,
    },
    unit::Units,
};

/// Device and number of a record.
pub(super) type Key = (i32, String);

/// Touched records of one noun.
pub(super) type Keys = BTreeSet<Key>;

/// What the records are judged by, owned.
pub(super) struct Judge {
    settings: RecordSettings,
    calendar: Calendar,
    units: Units,
}

impl Judge {
    /// With the units of the registry.
    pub(super) async fn load(store: &Store, settings: &RecordSettings) -> Result<Self, StoreError> {
        let every = UnitFilter { limit: i64::MAX, ..UnitFilter::default() };
        let rows = store.units(&every).await?;
        Ok(Self {
            settings: settings.clone(),
            calendar: settings.calendar.as_ref().clone().with_rows(&rows),
            units: Units::of_rows(&rows),
        })
    }

    pub(super) fn rules(&self) -> Rules<'_> {
        Rules {
            zone: self.settings.zone,
            calendar: &self.calendar,
            units: &self.units,
            parameters: &self.settings.parameters,
        }
    }
}

/// Records of each noun that a batch changed, or folded anew without a change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Touched {
    /// Dossiers.
    pub dossiers: usize,
    /// Petitions.
    pub petitions: usize,
    /// Result documents.
    pub documents: usize,
    /// Forms on the nine indicators.
    pub assessments: usize,
    /// Tickets.
    pub tickets: usize,
    /// Calls.
    pub calls: usize,
}

impl Touched {
    /// Whether any record was touched.
    pub const fn is_any(&self) -> bool {
        let Self { dossiers, petitions, documents, assessments, tickets, calls } = self;
        *dossiers + *petitions + *documents + *assessments + *tickets + *calls > 0
    }
}

/// What a refresh did; of use once its transaction is committed.
#[derive(Default)]
pub(super) struct Refreshed {
    pub(super) tickets: Vec<TicketChange>,
    pub(super) touched: Touched,
    chunks: [Option<Chunk>; 4],
    calls: Option<Chunk>,
}

/// Statements that read the steps of records and write the records.
pub(super) struct Noun {
    read: Statement,
    pub(super) write: upsert::Prepared,
    refold: Refold,
}

impl Noun {
    pub(super) async fn prepare(
        client: &Client,
        steps: &Table,
        state: &Upsert,
        rules: &str,
    ) -> Result<Self, StoreError> {
        let (table, number) = (steps.name, state.key[1]);
        let columns = steps.columns.iter().map(|column| format!("s.{column}"));
        let columns = columns.collect::<Vec<_>>().join(", ");
        let read = format!(
            "select {columns} from unnest($1::int4[], $2::text[]) as k (device_id, number) \
             join {table} s on s.device_id = k.device_id and s.{number} = k.number"
        );
        let failed = |error| StoreError::of("prepare records", error);
        Ok(Self {
            read: client.prepare(&read).await.map_err(failed)?,
            write: state.prepare(client).await?,
            refold: Refold::load(client, state.name, number, rules).await?,
        })
    }

    /// Adds records that are still to be folded by these rules.
    pub(super) async fn add_others(
        &self,
        transaction: &Transaction<'_>,
        keys: &mut Keys,
    ) -> Result<Option<Chunk>, StoreError> {
        let chunk = self.refold.next(transaction).await?;
        keys.extend(chunk.iter().flat_map(|chunk| chunk.keys.iter().cloned()));
        Ok(chunk)
    }

    /// All steps of these records.
    pub(super) async fn steps<S>(
        &self,
        transaction: &Transaction<'_>,
        keys: &Keys,
        step: impl Fn(&Row) -> Result<Option<Told<S>>, Error>,
    ) -> Result<BTreeMap<Key, Vec<Told<S>>>, StoreError> {
        let failed = |error| StoreError::of("read the steps of records", error);
        let mut found: BTreeMap<Key, Vec<Told<S>>> = BTreeMap::new();
        let (devices, numbers) = arrays(keys);
        let rows = transaction.query(&self.read, &[&devices, &numbers]).await.map_err(failed)?;
        for row in &rows {
            if let Some(told) = step(row).map_err(failed)? {
                found.entry((row.get(0), row.get(1))).or_default().push(told);
            }
        }
        Ok(found)
    }

    pub(super) fn rows(&self) -> Rows {
        self.write.rows()
    }

    pub(super) fn take(&mut self, chunk: Option<Chunk>) {
        if let Some(chunk) = chunk {
            self.refold.take(chunk);
        }
    }
}

/// Keys as parameters of a statement.
pub(super) fn arrays(keys: &Keys) -> (Vec<i32>, Vec<&str>) {
    keys.iter().map(|(device, number)| (*device, number.as_str())).unzip()
}

const LINKED: &str = "select dossier from petition where dossier is not null and (device_id, petition) \
                      in (select * from unnest($1::int4[], $2::text[]))";

const OF_CODE: &str = "select device_id, dossier from dossier where dossier = any($1)";

/// A form's mean is that of the indicators that it answers.
const LINKS: &str = "
    select c.dossier,
      (select count(*) from petition p where p.dossier = c.dossier),
      exists (
        select from assessment a
        cross join lateral (
          select avg(points) as mean from unnest(array[
            a.n1_e3, a.n2_e3, a.n3_e3, a.n4_e3, a.n5_e3, a.n6_e3, a.n7_e3, a.n8_e3, a.n9_e3
          ]) as points
        ) as answered
        where a.dossier = c.dossier and a.by = 'citizen' and answered.mean < 1000
      )
    from unnest($1::text[]) as c (dossier)";

/// Judges calls by the limits of their civil day: first days, seconds to answer, seconds of a short
/// abandonment. A call has no fold: one message tells all of it.
const JUDGE_CALLS: &str = "
    update call c
    set day = j.day,
        answered_soon = c.answered_at <= c.queued_at + l.answer_s * interval '1 s',
        abandoned_short = c.abandoned_at < c.queued_at + l.abandon_s * interval '1 s'
    from (
      select o.device_id, o.call,
        (coalesce(o.queued_at, o.answered_at, o.time) at time zone $3)::date as day
      from call o
      where (o.device_id, o.call) in (select * from unnest($1::int4[], $2::text[]))
    ) j
    left join lateral (
      select answer_s, abandon_s
      from unnest($4::date[], $5::int4[], $6::int4[]) as l (valid_from, answer_s, abandon_s)
      where l.valid_from <= j.day order by l.valid_from desc limit 1
    ) l on true
    where c.device_id = j.device_id and c.call = j.call";

/// Everything that folds records, on one connection.
pub(super) struct Records {
    judge: Judge,
    tickets: Tickets,
    document: Noun,
    petition: Noun,
    dossier: Noun,
    linked: Statement,
    of_code: Statement,
    links: Statement,
    judge_calls: Statement,
    calls: Refold,
    cells: Cells,
    /// Until then no stored records are judged anew.
    paused_until: Option<Instant>,
}

impl Records {
    pub(super) async fn prepare(client: &Client, judge: Judge) -> Result<Self, StoreError> {
        let failed = |error| StoreError::of("prepare records", error);
        let rules = judge.rules().version();
        Ok(Self {
            tickets: Tickets::prepare(client, &rules).await?,
            document: Noun::prepare(client, &document_row::STEP, &document_row::STATE, &rules)
                .await?,
            petition: Noun::prepare(client, &petition_row::STEP, &petition_row::STATE, &rules)
                .await?,
            dossier: Noun::prepare(client, &dossier_row::STEP, &dossier_row::STATE, &rules).await?,
            linked: client.prepare(LINKED).await.map_err(failed)?,
            of_code: client.prepare(OF_CODE).await.map_err(failed)?,
            links: client.prepare(LINKS).await.map_err(failed)?,
            cells: Cells::prepare(client).await?,
            judge_calls: client.prepare(JUDGE_CALLS).await.map_err(failed)?,
            calls: Refold::load(client, "call", "call", &rules).await?,
            judge,
            paused_until: None,
        })
    }

    /// Folds every record that the batch has steps of, or links to.
    pub(super) async fn refresh(
        &self,
        transaction: &Transaction<'_>,
        items: &[Admitted],
    ) -> Result<Refreshed, StoreError> {
        let mut batch = Batch::of(items);
        let mut done = Refreshed::default();
        let rules = self.judge.rules();
        done.calls = self.refresh_calls(transaction, &mut batch.calls).await?;
        let nouns = [self.tickets.noun(), &self.document, &self.petition, &self.dossier];
        let touched =
            [&mut batch.tickets, &mut batch.documents, &mut batch.petitions, &mut batch.dossiers];
        if !self.is_paused() {
            for ((noun, keys), chunk) in nouns.iter().zip(touched).zip(&mut done.chunks) {
                *chunk = noun.add_others(transaction, keys).await?;
            }
        }
        done.tickets = self.tickets.refresh(transaction, &batch.tickets, &rules).await?;
        self.refresh_documents(transaction, &batch.documents, &rules).await?;
        self.refresh_petitions(transaction, &mut batch, &rules).await?;
        self.refresh_dossiers(transaction, &mut batch, &rules).await?;
        done.touched = Touched {
            dossiers: batch.dossiers.len(),
            petitions: batch.petitions.len(),
            documents: batch.documents.len(),
            assessments: batch.assessments,
            tickets: batch.tickets.len(),
            calls: batch.calls.len(),
        };
        Ok(done)
    }

    /// Notes that a refresh was committed.
    pub(super) fn take(&mut self, refreshed: &mut Refreshed) {
        let [ticket, document, petition, dossier] = std::mem::take(&mut refreshed.chunks);
        self.tickets.take(ticket);
        self.document.take(document);
        self.petition.take(petition);
        self.dossier.take(dossier);
        if let Some(chunk) = refreshed.calls.take() {
            self.calls.take(chunk);
        }
    }

    /// Whether stored records are still judged by other rules than these, and now is the time to judge them
    /// anew.
    pub(super) fn is_behind(&self) -> bool {
        let nouns = [self.tickets.noun(), &self.document, &self.petition, &self.dossier];
        let is_behind = self.calls.is_behind() || nouns.iter().any(|noun| noun.refold.is_behind());
        is_behind && !self.is_paused()
    }

    fn is_paused(&self) -> bool {
        self.paused_until.is_some_and(|until| Instant::now() < until)
    }

    /// Judges no stored records anew for a while. False when none were to be judged anyway.
    pub(super) fn pause(&mut self, pause: Duration) -> bool {
        let is_behind = self.is_behind();
        if is_behind {
            self.paused_until = Some(Instant::now() + pause);
        }
        is_behind
    }

    /// Ends the pause.
    pub(super) const fn resume(&mut self) {
        self.paused_until = None;
    }

    async fn refresh_calls(
        &self,
        transaction: &Transaction<'_>,
        keys: &mut Keys,
    ) -> Result<Option<Chunk>, StoreError> {
        let chunk = if self.is_paused() { None } else { self.calls.next(transaction).await? };
        keys.extend(chunk.iter().flat_map(|chunk| chunk.keys.iter().cloned()));
        if !keys.is_empty() {
            let (devices, calls) = arrays(keys);
            let zone = self.judge.settings.zone.name();
            let (days, answer, abandon) = self.judge.settings.parameters.calls();
            let values: [&(dyn tokio_postgres::types::ToSql + Sync); 6] =
                [&devices, &calls, &zone, &days, &answer, &abandon];
            let failed = |error| StoreError::of("judge calls", error);
            transaction.execute(&self.judge_calls, &values).await.map_err(failed)?;
        }
        Ok(chunk)
    }

    async fn refresh_documents(
        &self,
        transaction: &Transaction<'_>,
        keys: &Keys,
        rules: &Rules<'_>,
    ) -> Result<(), StoreError> {
        if keys.is_empty() {
            return Ok(());
        }
        let noun = &self.document;
        let mut rows = noun.rows();
        for ((device, _), steps) in noun.steps(transaction, keys, document_row::step).await? {
            if let Some(document) = document::fold(steps, rules) {
                document_row::encode_state(&mut rows, device, &document);
            }
        }
        noun.write.write(transaction, rows).await.map(|_changed| ())
    }

    /// Notes the dossiers that petitions named before and name now.
    async fn refresh_petitions(
        &self,
        transaction: &Transaction<'_>,
        batch: &mut Batch,
        rules: &Rules<'_>,
    ) -> Result<(), StoreError> {
        let keys = &batch.petitions;
        if keys.is_empty() {
            return Ok(());
        }
        let failed = |error| StoreError::of("read the dossiers of petitions", error);
        let (devices, numbers) = arrays(keys);
        let before =
            transaction.query(&self.linked, &[&devices, &numbers]).await.map_err(failed)?;
        batch.linked.extend(before.iter().map(|row| row.get::<_, String>(0)));
        let noun = &self.petition;
        let mut rows = noun.rows();
        for ((device, _), steps) in noun.steps(transaction, keys, petition_row::step).await? {
            if let Some(petition) = petition::fold(steps, rules) {
                batch.linked.extend(petition.dossier.as_deref().map(str::to_owned));
                petition_row::encode_state(&mut rows, device, &petition);
            }
        }
        noun.write.write(transaction, rows).await.map(|_changed| ())
    }

    async fn refresh_dossiers(
        &self,
        transaction: &Transaction<'_>,
        batch: &mut Batch,
        rules: &Rules<'_>,
    ) -> Result<(), StoreError> {
        let failed = |error| StoreError::of("link dossiers", error);
        if !batch.linked.is_empty() {
            let codes: Vec<&str> = batch.linked.iter().map(String::as_str).collect();
            let rows = transaction.query(&self.of_code, &[&codes]).await.map_err(failed)?;
            batch.dossiers.extend(rows.iter().map(|row| (row.get(0), row.get(1))));
        }
        let keys = &batch.dossiers;
        if keys.is_empty() {
            return Ok(());
        }
        let (devices, codes) = arrays(keys);
        let links = transaction.query(&self.links, &[&codes]).await.map_err(failed)?;
        let links: BTreeMap<&str, Links> = links
            .iter()
            .map(|row| {
                let petitions = i16::try_from(row.get::<_, i64>(1)).unwrap_or(i16::MAX);
                (row.get(0), Links { petitions, disliked: row.get(2) })
            })
            .collect();
        let noun = &self.dossier;
        let mut rows = noun.rows();
        for ((device, code), steps) in noun.steps(transaction, keys, dossier_row::step).await? {
            let links = links.get(code.as_str()).copied().unwrap_or_default();
            if let Some(dossier) = dossier::fold(steps, links, rules) {
                dossier_row::encode_state(&mut rows, device, &dossier);
            }
        }
        let before = self.cells.before(transaction, &devices, &codes).await?;
        noun.write.write(transaction, rows).await?;
        self.cells.after(transaction, before, &devices, &codes).await
    }
}

/// What a batch tells of records.
#[derive(Default)]
struct Batch {
    tickets: Keys,
    documents: Keys,
    petitions: Keys,
    dossiers: Keys,
    /// Codes of dossiers that petitions or forms name.
    linked: BTreeSet<String>,
    assessments: usize,
    calls: Keys,
}

impl Batch {
    fn of(items: &[Admitted]) -> Self {
        let mut batch = Self::default();
        for accepted in items.iter().filter_map(|admitted| admitted.accepted.as_ref()) {
            let key = |number: &str| (accepted.device.id, number.to_owned());
            match &accepted.message.fact {
                Fact::Ticket(step) => _ = batch.tickets.insert(key(&step.ticket)),
                Fact::Call(call) => _ = batch.calls.insert(key(&call.call)),
                Fact::Dossier(step) => _ = batch.dossiers.insert(key(&step.dossier)),
                Fact::Petition(step) => _ = batch.petitions.insert(key(&step.petition)),
                Fact::Document(step) => _ = batch.documents.insert(key(&step.document)),
                Fact::Assessment(form) => {
                    batch.assessments += 1;
                    let by_citizen = form.by == Assessor::Citizen;
                    let named = form.dossier.as_deref().filter(|_dossier| by_citizen);
                    batch.linked.extend(named.map(str::to_owned));
                }
                Fact::SignalState(_)
                | Fact::SignalEvents(_)
                | Fact::Interval(_)
                | Fact::Incident(_)
                | Fact::Health(_)
                | Fact::Status(_)
                | Fact::Metric(_) => {}
            }
        }
        batch
    }
}
