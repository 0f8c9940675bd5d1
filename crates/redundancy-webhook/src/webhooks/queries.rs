//! Questions about events and deliveries, and changes of single deliveries.

use super::Webhooks;
use crate::delivery::{Attempt, Delivery, DeliveryFilter, DeliveryState};
use crate::endpoint::Endpoint;
use crate::event::Event;
use crate::ids::{DeliveryId, EventId, JobId};
use crate::store::{Change, Changed, Job, Page, PageRequest, QueueStats, StoreError, StoreHealth};

/// Why a delivery that is queued again would not be attempted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// Its endpoint was deleted; another one with the same id may be there now.
    EndpointGone,
    /// Its endpoint gets nothing at present.
    EndpointInactive,
}

impl Obstacle {
    /// What keeps `endpoint`, which has the id in `delivery`, from getting it. Of the attempts that were made the first is enough.
    pub(super) fn between(
        delivery: &Delivery,
        attempts: &[Attempt],
        endpoint: Option<&Endpoint>,
    ) -> Option<Self> {
        match endpoint {
            None => Some(Self::EndpointGone),
            // With its endpoint a delivery was cancelled if it was not finished. It has changed since only if it was under way
            // then, and so was attempted before.
            Some(endpoint)
                if delivery.updated_at < endpoint.created_at
                    || attempts.first().is_some_and(|first| first.started_at < endpoint.created_at) =>
            {
                Some(Self::EndpointGone)
            }
            Some(endpoint) if !endpoint.is_active => Some(Self::EndpointInactive),
            Some(_) => None,
        }
    }
}

impl Webhooks {
    /// An event, and how many deliveries it has.
    pub async fn event(&self, id: EventId) -> Result<Option<(Event, u32)>, StoreError> {
        self.store().event(id).await
    }

    /// A delivery and its attempts.
    pub async fn delivery(&self, id: DeliveryId) -> Result<Option<(Delivery, Vec<Attempt>)>, StoreError> {
        self.store().delivery(id).await
    }

    /// Deliveries that `filter` means, newest first.
    pub async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        page: PageRequest<DeliveryId>,
    ) -> Result<Page<Delivery, DeliveryId>, StoreError> {
        self.store().deliveries(filter, page).await
    }

    /// What would keep a delivery from being attempted if it were queued again now; `None` also when there is no such delivery.
    pub async fn obstacle(&self, id: DeliveryId) -> Result<Option<Obstacle>, StoreError> {
        let Some((delivery, attempts)) = self.delivery(id).await? else { return Ok(None) };
        let record = self.endpoint(&delivery.endpoint_id).await?;
        Ok(Obstacle::between(&delivery, &attempts, record.as_ref().map(|record| &record.endpoint)))
    }

    /// Attempts a delivery again at once, with all attempts of its policy: one that waits, was given up, was cancelled, or has
    /// succeeded. Ask for its [obstacle](Webhooks::obstacle) before: it is queued whether its endpoint gets anything or not.
    pub async fn retry(&self, id: DeliveryId) -> Result<Changed, StoreError> {
        use DeliveryState::{Cancelled, Exhausted, Pending, Succeeded};
        self.change(id, Change::Requeue, &[Pending, Exhausted, Cancelled, Succeeded]).await
    }

    /// Attempts a delivery no more that waits.
    pub async fn cancel(&self, id: DeliveryId) -> Result<Changed, StoreError> {
        self.change(id, Change::Cancel, &[DeliveryState::Pending]).await
    }

    /// Attempts a dead letter again; [`Webhooks::retry`] says what to ask before.
    pub async fn requeue(&self, id: DeliveryId) -> Result<Changed, StoreError> {
        self.change(id, Change::Requeue, &[DeliveryState::Exhausted]).await
    }

    /// Lays a dead letter aside for good: it is cancelled, and its attempts stay for as long as those of other deliveries.
    pub async fn discard(&self, id: DeliveryId) -> Result<Changed, StoreError> {
        self.change(id, Change::Cancel, &[DeliveryState::Exhausted]).await
    }

    /// Counts of deliveries, in all and by endpoint.
    pub async fn stats(&self) -> Result<QueueStats, StoreError> {
        self.store().queue_stats(self.clock().now()).await
    }

    /// How the store does.
    pub async fn store_health(&self) -> StoreHealth {
        self.store().health().await
    }

    /// A job.
    pub async fn job(&self, id: JobId) -> Result<Option<Job>, StoreError> {
        self.store().job(id).await
    }

    async fn change(
        &self,
        id: DeliveryId,
        change: Change,
        from: &[DeliveryState],
    ) -> Result<Changed, StoreError> {
        self.store().change_delivery(id, change, from, self.clock().now()).await
    }
}
