//! Makes three years of records by SQL, as they stand after folding; the steps that they would come from
//! are not there.

use chrono::NaiveDate;
use tokio_postgres::Client;

use super::{WORKING_DAYS, YEARS};

/// Makes the records; indexes are built afterwards.
pub(super) async fn run(client: &Client, begin: NaiveDate, dossiers: i64) -> anyhow::Result<()> {
    let indexes = "select indexname, indexdef from pg_indexes where tablename = 'dossier' \
                   and indexname <> 'dossier_pkey' order by 1";
    let indexes = client.query(indexes, &[]).await?;
    client.batch_execute("alter table dossier drop constraint dossier_pkey").await?;
    for index in &indexes {
        client.batch_execute(&format!("drop index {}", index.get::<_, String>(0))).await?;
    }
    client.execute("select setseed(0.5)", &[]).await?;
    let catalogue = "insert into formality (code, valid_from, name_vi, name_en, level, online_level, \
         has_fee, eligible_full, requires_paper_result, source, mark) \
         select '1.' || lpad(n::text, 6, '0'), '2020-01-01', 'x', 'x', 'commune', 'full', n % 3 = 0, \
           n % 2 = 0, n % 2 = 0, 'benchmark', 'demonstration' from generate_series(0, 1499) n \
         on conflict do nothing";
    client.execute(catalogue, &[]).await?;
    let total = dossiers * YEARS;
    let today = i32::try_from(WORKING_DAYS * YEARS - 1)?;
    super::super::say(format!("  making {total} dossiers and {} tickets", total / 20));
    let sql = include_str!("dossiers.sql");
    client.execute(sql, &[&0_i64, &(total - 1), &dossiers, &begin, &today]).await?;
    let sql = include_str!("tickets.sql");
    let days = i32::try_from(YEARS * 364)?;
    client.execute(sql, &[&0_i64, &(total / 20 - 1), &(dossiers / 20), &begin, &days]).await?;
    let sql = include_str!("others.sql");
    client.execute(sql, &[&begin, &days, &dossiers]).await?;
    client.batch_execute("set maintenance_work_mem = '512MB'").await?;
    client.batch_execute("alter table dossier add primary key (device_id, dossier)").await?;
    for index in &indexes {
        client.batch_execute(&index.get::<_, String>(1)).await?;
    }
    client.batch_execute("vacuum analyze dossier").await?;
    client.batch_execute("analyze ticket, call, document, petition, assessment").await?;
    Ok(())
}
