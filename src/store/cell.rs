//! Where sums over dossiers learn of every change, inside the transaction that makes it.

use tokio_postgres::{Client, Transaction};

use super::StoreError;

/// Statements on one connection.
pub(super) struct Cells;

impl Cells {
    #[expect(clippy::unused_async, reason = "sums over dossiers prepare their statements here")]
    pub(super) async fn prepare(_client: &Client) -> Result<Self, StoreError> {
        Ok(Self)
    }

    /// The dossiers with these devices and codes are as they were, and about to change; new ones are not
    /// there yet.
    #[expect(clippy::unused_async, reason = "sums over dossiers are taken back here")]
    pub(super) async fn before(
        &self,
        _transaction: &Transaction<'_>,
        _devices: &[i32],
        _codes: &[&str],
    ) -> Result<(), StoreError> {
        Ok(())
    }

    /// They changed.
    #[expect(clippy::unused_async, reason = "sums over dossiers are made here")]
    pub(super) async fn after(
        &self,
        _transaction: &Transaction<'_>,
        _devices: &[i32],
        _codes: &[&str],
    ) -> Result<(), StoreError> {
        Ok(())
    }
}
