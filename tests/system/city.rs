//! The registry: seeded once from the city's folder, and what the two roles of the database may do.

use ioc_hub::local::Role;
use ioc_ingest::Service;
use tokio_postgres::error::SqlState;

use crate::site::Site;

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_registry_is_seeded_whole_and_only_once() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let city = site.city.clone();
    let detectors: usize = city.devices.iter().map(|device| device.detectors.len()).sum();
    for (table, rows) in [
        ("device", city.devices.len()),
        ("detector", detectors),
        ("administrative_unit", city.units.len()),
        ("unit_succession", city.successions.len()),
        ("metric_definition", city.metrics.len()),
        ("ticket_category", city.categories.len()),
        ("formality", city.formalities.len()),
        ("online_service", city.services.len()),
        ("map_feature where kind = 'area'", city.areas.len()),
        ("map_feature where kind = 'corridor'", city.corridors.len()),
    ] {
        let count = site.count(&format!("select count(*) from {table}")).await?;
        assert_eq!(usize::try_from(count)?, rows, "{table}");
    }
    for (service, rows) in [(Service::Signal, 300), (Service::Vds, 150), (Service::Cctv, 200)] {
        let sql = format!("select count(*) from device where service = '{service}'");
        assert_eq!(site.count(&sql).await?, rows, "{service}");
    }
    // A device outside every area is registered, and the folder's reader names it.
    let outside =
        city.devices.iter().filter(|device| device.lon.is_some() && device.area.is_none());
    let sql = "select count(*) from device where lon is not null and area is null";
    assert_eq!(usize::try_from(site.count(sql).await?)?, outside.clone().count());
    for device in outside {
        let named = city
            .warnings
            .iter()
            .any(|warning| warning.to_string().contains(device.source.as_str()));
        assert!(named, "{} lies outside every area and is not reported", device.source);
    }

    // What an administrator changed stays: the database is the truth after the first start.
    let owner = site.client().await?;
    owner.execute("update device set name_vi = 'Đã sửa' where source = 'vds-001'", &[]).await?;
    owner.execute("delete from detector where device_id = (select id from device where source = 'cam-001')", &[]).await?;
    let (options, database, broker) = site.stop().await?;
    let site = Site::start_on(options, database, broker).await?;
    assert_eq!(site.count("select count(*) from device where name_vi = 'Đã sửa'").await?, 1);
    let left = site.count("select count(*) from detector").await?;
    assert!(usize::try_from(left)? < detectors);
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hub_at_work_can_neither_change_the_journal_nor_the_schema() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let application = site.client_as(Role::Application).await?;
    for statement in [
        "update journal set who = 'nobody'",
        "delete from journal",
        "truncate journal",
        "delete from schema_migration",
        "update schema_migration set version = 0",
        "drop table journal",
        "alter table journal add column x integer",
        "create table x (y integer)",
        "alter role ioc_app superuser",
    ] {
        let error = application.batch_execute(statement).await.unwrap_err();
        assert_eq!(error.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{statement}: {error}");
    }
    let insert =
        "insert into journal (at, who, action, object) values (now(), 'test', 'test', 'test')";
    assert_eq!(application.execute(insert, &[]).await?, 1, "it adds to the journal");
    // Every table and column says what it holds.
    let silent = "select count(*) from pg_class c left join pg_attribute a \
                  on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped \
                  where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') \
                    and (obj_description(c.oid, 'pg_class') is null or col_description(c.oid, a.attnum) is null)";
    assert_eq!(site.count(silent).await?, 0);
    site.stop().await?;
    Ok(())
}
