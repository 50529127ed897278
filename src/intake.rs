//! Decodes what the broker session delivers, off the polling task, and hands it to the writer in
//! chunks. Waits for the registry: until it is loaded nothing is decoded and nothing acknowledged.

use std::{convert::Infallible, sync::Arc};

use ioc_ingest::{Contract, delivery::Delivery};
use tokio::sync::{mpsc, watch};

use crate::{
    admit::{Admitted, Horizon, admit},
    clock::SharedClock,
    observe::{Metrics, ReasonLabel},
    rate::Rates,
    registry::Registry,
    stranger::Strangers,
};

/// Messages that are decoded before the chunk goes on.
const CHUNK: usize = 256;
/// Chunks on their way to the writer. The window of unacknowledged messages bounds them further.
pub const CHUNKS: usize = 64;

/// The decoding task's ends.
#[derive(Debug)]
pub struct Intake {
    /// What the contract fixes.
    pub contract: Contract,
    /// How old and how far ahead messages may be.
    pub horizon: Horizon,
    /// What every source may still send.
    pub rates: Rates,
    /// Who publishes without being in service.
    pub strangers: Arc<Strangers>,
    /// Time.
    pub clock: SharedClock,
    /// The registry; null until it is loaded.
    pub registry: watch::Receiver<Option<Arc<Registry>>>,
    /// From the broker session; ends when that stops.
    pub deliveries: mpsc::Receiver<Delivery>,
    /// To the writer.
    pub admitted: mpsc::Sender<Vec<Admitted>>,
    /// Counters.
    pub metrics: Arc<Metrics>,
}

impl Intake {
    /// Runs until the session's channel ends or the writer is gone.
    pub async fn run(mut self) -> Result<(), Infallible> {
        if self.registry.wait_for(Option::is_some).await.is_err() {
            return Ok(());
        }
        let mut received = Vec::with_capacity(CHUNK);
        while self.deliveries.recv_many(&mut received, CHUNK).await > 0 {
            let Some(registry) = self.registry.borrow_and_update().clone() else { break };
            let now = self.clock.now();
            let mut chunk: Vec<Admitted> = received
                .drain(..)
                .map(|delivery| admit(&self.contract, &registry, &self.horizon, now, delivery))
                .collect();
            for admitted in &mut chunk {
                self.strangers.admit(&registry, now, admitted);
                let device = admitted.accepted.as_ref().map(|accepted| &accepted.device);
                if let Some(Err(reject)) = device.map(|device| self.rates.take(device, now)) {
                    admitted.refuse(reject);
                }
            }
            self.count(&chunk);
            if self.admitted.send(chunk).await.is_err() {
                break;
            }
        }
        Ok(())
    }

    fn count(&self, chunk: &[Admitted]) {
        let metrics = &self.metrics;
        metrics.received.inc_by(chunk.len() as u64);
        metrics.accepted.inc_by(chunk.iter().filter(|m| m.accepted.is_some()).count() as u64);
        metrics.unguaranteed.inc_by(chunk.iter().filter(|m| m.delivery.qos == 0).count() as u64);
        for refused in chunk.iter().flat_map(|admitted| &admitted.refused) {
            let label = ReasonLabel { reason: refused.reject.reason.as_str() };
            metrics.refused.get_or_create(&label).inc();
        }
    }
}
