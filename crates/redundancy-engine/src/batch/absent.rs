//! What stands behind the port where no batches are kept.

use super::{Batch, BatchStore, Cancelled, Chunk, ChunkClaim, ChunkLease, ChunkSettlement};
use crate::ids::BatchId;
use redundancy_webhook::clock::Timestamp;
use redundancy_webhook::store::{Page, PageRequest, StoreError};
use std::sync::Arc;

/// For a store that keeps no batches: everything is answered with an error that says so, and there is never one to be done.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoBatches;

impl NoBatches {
    fn refused() -> StoreError {
        StoreError::Unavailable("this kind of store keeps no batches".to_owned())
    }
}

#[async_trait::async_trait]
impl BatchStore for NoBatches {
    async fn add_items(&self, _: BatchId, _: u64, _: Vec<Arc<[u8]>>) -> Result<(), StoreError> {
        Err(Self::refused())
    }

    async fn accept(&self, _: Batch) -> Result<(), StoreError> {
        Err(Self::refused())
    }

    async fn abandon(&self, _: BatchId) -> Result<(), StoreError> {
        Ok(())
    }

    async fn take(&self, _: ChunkClaim) -> Result<Option<Chunk>, StoreError> {
        Ok(None)
    }

    async fn extend(&self, _: ChunkLease, _: Timestamp) -> Result<(), StoreError> {
        Ok(())
    }

    async fn settle(&self, _: ChunkSettlement) -> Result<bool, StoreError> {
        Ok(false)
    }

    async fn cancel(&self, _: BatchId, _: Timestamp) -> Result<Cancelled, StoreError> {
        Err(Self::refused())
    }

    async fn batch(&self, _: BatchId) -> Result<Option<Batch>, StoreError> {
        Err(Self::refused())
    }

    async fn batches(&self, _: PageRequest<BatchId>) -> Result<Page<Batch, BatchId>, StoreError> {
        Err(Self::refused())
    }

    async fn results(&self, _: BatchId, _: u64, _: usize, _: usize) -> Result<Vec<Arc<str>>, StoreError> {
        Err(Self::refused())
    }

    async fn batch_arrived(&self) {
        std::future::pending::<()>().await;
    }
}
