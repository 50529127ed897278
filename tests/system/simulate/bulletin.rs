//! What the city printed in its bulletins of 2021, read from the API of a hub that the demonstration
//! city has told it to; and the one-stop system of the demonstration, filled in and filled in again.

use ioc_hub::simulate::{SimulateOptions, SimulateStats};
use ioc_ingest::Service;

use super::{filled, options, refusals, settle, simulate};
use crate::{browser::Browser, site::Site};

/// The past of the systems of one service, as fast as the broker takes it.
fn past(site: &Site, service: Service) -> SimulateOptions {
    let mut options = options(site);
    options.devices.retain(|device| device.service == service);
    options.backfill = true;
    options.backfill_per_s = 50_000.0;
    options
}

/// A printed figure: its labels as JSON, value and bound.
type Printed = (&'static str, f64, &'static str);

/// The figures of December 2021 of one metric, in the order of their labels.
async fn printed(browser: &Browser, metric: &str) -> anyhow::Result<Vec<(String, f64, String)>> {
    let page = browser.json(&format!("/api/v1/metrics/{metric}?to=2022-01-01T00:00:00Z")).await?;
    let mut found: Vec<_> = page["items"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|item| {
            let bound = item["bound"].as_str().unwrap_or_default().to_owned();
            (item["labels"].to_string(), item["value"].as_f64().unwrap_or(f64::NAN), bound)
        })
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(found)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_printed_figures_of_2021_are_read_from_the_api() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let administrator = site.administrator().await?;
    simulate(&site, past(&site, Service::Metric), async |stats: &SimulateStats| {
        filled(stats).await
    })
    .await?;
    settle(&site, 1).await?;
    let expected: [(&str, &[Printed]); 11] = [
        (
            "online_formalities",
            &[(r#"{"level":"3"}"#, 280.0, "exact"), (r#"{"level":"4"}"#, 1_152.0, "exact")],
        ),
        ("npsp_services", &[("{}", 793.0, "exact")]),
        ("npsp_fee_formalities", &[("{}", 252.0, "exact")]),
        ("npsp_fee_formalities_share", &[("{}", 58.0, "exact")]),
        ("npsp_staff_accounts", &[("{}", 715.0, "exact")]),
        (
            "npsp_dossiers",
            &[
                (r#"{"service":"covid_support"}"#, 254.0, "at_least"),
                (r#"{"service":"e_certification"}"#, 497.0, "exact"),
                (r#"{"service":"land_tax"}"#, 449.0, "exact"),
            ],
        ),
        (
            "meetings_online_total",
            &[(r#"{"level":"city"}"#, 241.0, "exact"), (r#"{"level":"district"}"#, 419.0, "exact")],
        ),
        (
            "onestop_units",
            &[
                (r#"{"level":"city"}"#, 19.0, "exact"),
                (r#"{"level":"commune"}"#, 83.0, "exact"),
                (r#"{"level":"district"}"#, 9.0, "exact"),
                (r#"{"level":"sector"}"#, 7.0, "exact"),
            ],
        ),
        (
            "sector_formalities",
            &[
                (r#"{"sector":"defence"}"#, 14.0, "exact"),
                (r#"{"sector":"police"}"#, 8.0, "exact"),
                (r#"{"sector":"social_insurance"}"#, 6.0, "exact"),
            ],
        ),
        ("documents_to_digitise", &[("{}", 362_729.0, "at_least")]),
        ("reform_initiatives", &[("{}", 493.0, "exact")]),
    ];
    for (metric, figures) in expected {
        let found = printed(&administrator, metric).await?;
        let found: Vec<(&str, f64, &str)> =
            found.iter().map(|(labels, value, bound)| (&**labels, *value, &**bound)).collect();
        assert_eq!(found, figures, "{metric}");
    }
    let types = printed(&administrator, "result_types").await?;
    assert_eq!(types.len(), 1);
    assert!((types[0].1 - 315.0).abs() < f64::EPSILON);
    site.stop().await?;
    Ok(())
}

/// What stands after the past was filled in.
const STATE: &str = "select format('%s dossiers %s steps %s petitions %s documents %s forms', \
    (select count(*) from dossier where submitted_day < $1), \
    (select count(*) from dossier_step where at < $1), \
    (select count(*) from petition_step where at < $1), \
    (select count(*) from document_step where at < $1), \
    (select count(*) from assessment where time < $1))";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes: make test-long"]
async fn six_weeks_of_the_one_stop_system_are_filled_in_once() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let fill = async |stats: &SimulateStats| filled(stats).await;
    simulate(&site, past(&site, Service::Onestop), fill).await?;
    settle(&site, 1).await?;
    let refused = site.count("select count(*) from quarantine").await?;
    assert_eq!(refused, 0, "{}", refusals(&site).await?);

    let received =
        site.count("select count(*) from dossier where received_day is not null").await?;
    assert!(received > 3_000, "{received} dossiers");
    let illegal = "select count(*) from dossier where illegal_moves > 0 or code_date_differs";
    assert_eq!(site.count(illegal).await?, 0, "legal moves and codes of the day");
    let late = "select count(*) * 1000 / (select count(*) from dossier where outcome is not null) \
                from dossier where outcome = 'late'";
    let late_permille = site.count(late).await?;
    assert!((5..60).contains(&late_permille), "{late_permille} of 1000 late");
    for (what, least) in [
        ("dossier where outcome = 'early'", 1_000),
        ("dossier where supplements > 0", 100),
        ("dossier where refused_at is not null", 30),
        ("dossier where end_status = 7", 5),
        ("dossier where apology_at is not null", 10),
        ("dossier where paid_online > 0", 200),
        ("dossier where vneid", 1_000),
        ("dossier where ended_at is null", 100),
        ("dossier where petitions > 0", 10),
        ("petition where answered_at is not null", 30),
        ("document where signed_at is not null", 500),
        ("assessment where by = 'citizen'", 200),
        ("assessment where by = 'agency'", 116),
        ("assessment where by = 'appraiser'", 90),
    ] {
        let found = site.count(&format!("select count(*) from {what}")).await?;
        assert!(found >= least, "{found} {what}");
    }

    let client = site.client().await?;
    let today = site.options.clock.now().date_naive();
    let state = async || anyhow::Ok(client.query_one(STATE, &[&today]).await?.get::<_, String>(0));
    let before = state().await?;
    simulate(&site, past(&site, Service::Onestop), fill).await?;
    settle(&site, 2).await?;
    assert_eq!(state().await?, before, "publishing again changes nothing");
    assert_eq!(
        site.count("select count(*) from quarantine").await?,
        0,
        "{}",
        refusals(&site).await?
    );
    site.stop().await?;
    Ok(())
}
