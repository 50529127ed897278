//! Which stored records are still judged by other rules than those of this program.
//!
//! When fold, zone, calendar, units or limits change, every commit also folds some records anew, in the
//! order of their keys, until all are done. How far that is stands in the database and is advanced in
//! the transaction of the folding.

use tokio_postgres::{Client, Statement, Transaction};

use super::StoreError;

/// Records of a noun that one commit folds anew.
const CHUNK: i64 = 200;

/// Progress with one noun.
pub(super) struct Refold {
    noun: &'static str,
    /// Device and number of the last record that is done; null when all are.
    after: Option<(i32, String)>,
    next: Statement,
    note: Statement,
}

/// Records to fold anew, and where that leads to.
pub(super) struct Chunk {
    pub(super) keys: Vec<(i32, String)>,
    after: Option<(i32, String)>,
}

impl Refold {
    /// Compares the rules with those of the last time. `number` is the second column of the noun's key.
    pub(super) async fn load(
        client: &Client,
        noun: &'static str,
        number: &'static str,
        rules: &str,
    ) -> Result<Self, StoreError> {
        let failed = |error| StoreError::of("compare the rules of records", error);
        let row = client
            .query_one(
                "insert into record_rule as r (noun, rules, after_device, after_number, is_done) \
                 values ($1, $2, 0, '', false) \
                 on conflict (noun) do update set rules = excluded.rules, \
                   after_device = case when r.rules = excluded.rules then r.after_device else 0 end, \
                   after_number = case when r.rules = excluded.rules then r.after_number else '' end, \
                   is_done = r.is_done and r.rules = excluded.rules \
                 returning after_device, after_number, is_done",
                &[&noun, &rules],
            )
            .await
            .map_err(failed)?;
        let next = format!(
            "select device_id, {number} from {noun} where (device_id, {number}) > ($1, $2) \
             order by device_id, {number} limit {CHUNK}"
        );
        let note = "update record_rule set after_device = $2, after_number = $3, is_done = $4 \
                    where noun = $1";
        Ok(Self {
            noun,
            after: (!row.get::<_, bool>(2)).then(|| (row.get(0), row.get(1))),
            next: client.prepare(&next).await.map_err(failed)?,
            note: client.prepare(note).await.map_err(failed)?,
        })
    }

    /// Whether some records are still to be folded anew.
    pub(super) const fn is_behind(&self) -> bool {
        self.after.is_some()
    }

    /// The next records to fold anew, and notes that they are; null when all are.
    pub(super) async fn next(
        &self,
        transaction: &Transaction<'_>,
    ) -> Result<Option<Chunk>, StoreError> {
        let failed = |error| StoreError::of("look for records of other rules", error);
        let Some((device, number)) = &self.after else { return Ok(None) };
        let rows = transaction.query(&self.next, &[device, number]).await.map_err(failed)?;
        let keys: Vec<(i32, String)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        let after = keys.last().cloned();
        let (device, number) = after.as_ref().map_or((0, ""), |(id, number)| (*id, number));
        transaction
            .execute(&self.note, &[&self.noun, &device, &number, &after.is_none()])
            .await
            .map_err(failed)?;
        Ok(Some(Chunk { keys, after }))
    }

    /// Notes that a chunk was committed.
    pub(super) fn take(&mut self, chunk: Chunk) {
        self.after = chunk.after;
    }
}
