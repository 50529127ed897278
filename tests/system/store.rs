//! The schema: documented, forward only, refused when it is newer than the program, kept at its size.

use std::sync::Arc;

use chrono::TimeDelta;
use ioc_hub::{
    admit::{Horizon, admit},
    clock::{Clock as _, SharedClock, SystemClock},
    config::Config,
    hub,
    registry::Registry,
    store::{Store, StoreError, insert::Inserter, migrate, refuse::Bound, retention},
    upkeep,
    writer::{Command, WriterHandle},
};
use ioc_ingest::{Contract, delivery::Delivery};
use serde_json::json;

use crate::server::{database_settings, empty_database};
use crate::site::{CITY, Site};

#[tokio::test(flavor = "multi_thread")]
async fn every_table_and_column_carries_a_comment() -> anyhow::Result<()> {
    let store = Store::new(database_settings(&empty_database().await?))?;
    migrate::migrate(&store).await?;
    let rows = store
        .connect_owner()
        .await?
        .query(
            "select c.relname || coalesce('.' || a.attname, '') \
             from pg_class c join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public' \
             left join pg_attribute a on a.attrelid = c.oid and a.attnum >= 0 and not a.attisdropped \
             where c.relkind = 'r' \
               and col_description(c.oid, coalesce(a.attnum, 0)::int) is null \
               and obj_description(c.oid, 'pg_class') is null \
             union all \
             select c.relname || '.' || a.attname \
             from pg_class c join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public' \
             join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped \
             where c.relkind = 'r' and col_description(c.oid, a.attnum::int) is null",
            &[],
        )
        .await?;
    let missing: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(missing, Vec::<String>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_newer_than_the_program_is_refused() -> anyhow::Result<()> {
    let store = Store::new(database_settings(&empty_database().await?))?;
    let applied = migrate::migrate(&store).await?;
    let newest = applied.last().and_then(|name| name.split('_').next()?.parse().ok());
    assert_eq!(newest, Some(migrate::known_version()));
    assert!(migrate::migrate(&store).await?.is_empty(), "nothing is left to apply");
    let newer = "insert into schema_migration (version, name, sha256) values (999, 'later', 'x')";
    store.connect_owner().await?.execute(newer, &[]).await?;
    let refused = migrate::migrate(&store).await;
    assert!(matches!(refused, Err(StoreError::TooNew { found: 999, .. })), "{refused:?}");
    assert!(matches!(migrate::check(&store).await, Err(StoreError::TooNew { .. })));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn old_chunks_are_dropped_and_young_ones_stay() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let now = SystemClock.now();
    for (seq, time) in [now - TimeDelta::days(40), now - TimeDelta::minutes(5)].iter().enumerate() {
        let lanes = json!([{"lane": 1, "count": 3}]);
        let message = json!({
            "v": 1, "time": time, "boot": 1, "seq": seq, "duration_s": 30, "lanes": lanes,
        });
        site.publish_json("vds/vds-001/interval", &message).await?;
    }
    site.wait_count("select count(*) from interval_reading", 2).await?;
    let keep = retention::Retention {
        interval: TimeDelta::days(30),
        ..hub::retention(&Config::defaults()?)
    };
    let owner = site.client().await?;
    let removed = retention::enforce(&owner, &keep, now).await?;
    assert_eq!(removed.chunks, 1);
    assert_eq!(site.count("select count(*) from interval_reading").await?, 1);
    // The rollup is kept longer than the rows.
    assert_eq!(site.count("select count(*) from interval_5min").await?, 2);
    assert_eq!(retention::enforce(&owner, &keep, now).await?.chunks, 0);
    // A clock that is far ahead makes nothing old: no message tells such a time.
    let ahead = now + TimeDelta::days(7_168);
    drop(site.administrator().await?);
    let journal = site.count("select count(*) from journal").await?;
    assert!(journal > 0, "nothing stands in the journal");
    assert_eq!(site.count("select count(*) from session").await?, 1);
    assert_eq!(retention::enforce(&owner, &keep, ahead).await?.chunks, 0);
    assert_eq!(site.count("select count(*) from interval_reading").await?, 1);
    assert_eq!(site.count("select count(*) from journal").await?, journal);
    assert_eq!(site.count("select count(*) from session").await?, 0);
    drop(owner);
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_writer_is_told_when_room_was_made_in_the_quarantine() -> anyhow::Result<()> {
    let store = Store::new(database_settings(&empty_database().await?))?;
    migrate::migrate(&store).await?;
    let owner = store.connect_owner().await?;
    let refused = "insert into quarantine \
                     (received_at, topic, reason, field, detail, personal, partial, payload) \
                   values (now() - interval '91 days', 'x', 'json', '', '', false, false, '')";
    owner.execute(refused, &[]).await?;
    let keep = hub::retention(&Config::defaults()?);
    let clock: SharedClock = Arc::new(SystemClock);
    let (writer, mut commands) = WriterHandle::channel();
    let answer = async {
        match commands.recv().await {
            Some(Command::Reload { reply }) => {
                drop(reply.send(Ok(Vec::new())));
                Ok(())
            }
            command => anyhow::bail!("{command:?}"),
        }
    };
    let (done, told) = tokio::join!(upkeep::once(&store, &keep, &clock, &writer), answer);
    done?;
    told?;
    // Where nothing was removed nobody is asked.
    upkeep::once(&store, &keep, &clock, &writer).await?;
    assert!(commands.try_recv().is_err());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_message_that_is_read_from_the_spool_once_more_is_kept_once() -> anyhow::Result<()>
{
    let store = Store::new(database_settings(&empty_database().await?))?;
    migrate::migrate(&store).await?;
    let settings = hub::record_settings(&Config::defaults()?, chrono_tz::Asia::Ho_Chi_Minh)?;
    let mut inserter = Inserter::connect(&store, &settings).await?;
    let mut bound = Bound::load(&store.connect().await?, 100, 1 << 20).await?;
    let contract = Contract { city: CITY.into(), personal_keys: Vec::new() };
    let year = TimeDelta::days(400);
    let horizon = Horizon { ahead: year, signal: year, interval: year, health: year, record: year };
    let (registry, now) = (Registry::default(), SystemClock.now());
    let broken = |seconds| {
        let topic = format!("ioc/1/{CITY}/vds/vds-001/interval");
        let received_at = now + TimeDelta::seconds(seconds);
        let delivery = Delivery::unawaited(topic, "{broken".into(), received_at);
        let mut item = admit(&contract, &registry, &horizon, received_at, delivery);
        item.may_be_stored = true;
        item
    };
    // It was sent twice, and the hub was killed before it could forget either.
    let items = [broken(0), broken(1)];
    for known in [0, 2] {
        let committed = inserter.commit(&registry, &mut bound, &items).await?;
        assert_eq!((committed.quarantined, committed.refused_again), (2 - known, known));
    }
    Ok(())
}
