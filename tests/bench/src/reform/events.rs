//! What it takes to commit steps of new dossiers: one by one, and in batches. Each is accepted, then done.

use std::time::Instant;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use ioc_hub::{
    admit::{Admitted, Horizon, admit},
    city::City,
    config, hub,
    registry::Registry,
    store::{Store, insert::Inserter, refuse::Bound, registry},
};
use ioc_ingest::{Contract, Delivery};
use tokio_postgres::Client;

use super::{
    super::report::{Report, quantiles},
    PART, SOURCE,
};

/// Commits them.
pub(super) async fn run(
    store: &Store,
    client: &Client,
    city: &City,
    last: NaiveDate,
    report: &mut Report,
) -> anyhow::Result<()> {
    let config = config::load(None, &config::environment())?.config;
    let records = hub::record_settings(&config, city.time_zone)?;
    let registry = registry::load(client).await?;
    let limits = &config.ingest;
    let mut bound =
        Bound::load(client, limits.quarantine_messages, limits.quarantine_bytes).await?;
    let mut inserter = Inserter::connect(store, &records).await?;
    let mut source = Events {
        topic: format!("ioc/1/{}/onestop/{SOURCE}/dossier", city.token),
        contract: Contract {
            city: city.token.clone(),
            personal_keys: config.ingest.personal_keys.clone(),
        },
        horizon: hub::horizon(&config),
        begin: last.and_time(chrono::NaiveTime::MIN).and_utc() + TimeDelta::hours(2),
        run: std::process::id(),
        sent: 0,
    };
    for (lot, batches) in [(1, 200), (500, 20)] {
        let (mut each_ms, mut events) = (Vec::new(), 0);
        for _batch in 0..batches {
            for status in [2, 9] {
                let items = source.steps(&registry, status, lot)?;
                let begun = Instant::now();
                let done = inserter.commit(&registry, &mut bound, &items).await?;
                each_ms.push(begun.elapsed().as_secs_f64() * 1e3);
                events += done.records.dossiers;
            }
            source.sent += lot;
        }
        anyhow::ensure!(events == 2 * lot * batches, "{events} dossiers were folded");
        let [p50, p95] = quantiles(each_ms, &[0.5, 0.95])[..] else { continue };
        report.add(PART, format!("commit of {lot} steps of dossiers: p50"), (p50, "ms"), "");
        report.add(PART, format!("commit of {lot} steps of dossiers: p95"), (p95, "ms"), "");
    }
    Ok(())
}

/// Makes admitted steps.
struct Events {
    topic: String,
    contract: Contract,
    horizon: Horizon,
    begin: DateTime<Utc>,
    /// Dossiers of another run in the same database are others.
    run: u32,
    sent: usize,
}

impl Events {
    /// A step of each of the next dossiers.
    fn steps(&self, registry: &Registry, status: u8, lot: usize) -> anyhow::Result<Vec<Admitted>> {
        let step = |number: usize| {
            let minutes = i64::try_from(number % 400)? + i64::from(status) * 60;
            let time = self.begin + TimeDelta::minutes(minutes);
            let unit = format!("gso:{}", 31_000 + number % 103);
            let message = serde_json::json!({
                "v": 1, "time": time, "boot": u64::from(self.run) * 16 + u64::from(status), "seq": number + 1, "at": time,
                "dossier": format!("B-{number}-{}", self.run), "status": status, "unit": unit, "channel": 2,
                "formality": format!("1.{:06}", number % 350), "field": format!("field-{}", number % 30),
                "due_at": time + TimeDelta::days(5),
            });
            let bytes = message.to_string().into_bytes().into();
            let delivery = Delivery::unawaited(self.topic.clone(), bytes, time);
            let admitted = admit(&self.contract, registry, &self.horizon, time, delivery);
            anyhow::ensure!(admitted.accepted.is_some(), "refused: {:?}", admitted.refused);
            Ok(admitted)
        };
        (self.sent..self.sent + lot).map(step).collect()
    }
}
