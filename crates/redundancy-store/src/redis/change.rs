//! Changing a delivery because somebody wants it.

use super::RedisStore;
use super::decode::{self, letter};
use super::fault;
use super::key::{self, Partition, hex};
use super::publish::{TRIES, unsettled};
use super::reply::Items;
use super::script::{self, Call};
use redis::cmd;
use redundancy_webhook::clock::Timestamp;
use redundancy_webhook::delivery::DeliveryState;
use redundancy_webhook::ids::{DeliveryId, EndpointId};
use redundancy_webhook::store::{Change, Changed, StoreError};

impl RedisStore {
    pub(super) async fn change(
        &self,
        id: DeliveryId,
        change: Change,
        from: &[DeliveryState],
        now: Timestamp,
    ) -> Result<Changed, StoreError> {
        let (partition, id_in_key) = (Partition::of_slot(id.slot()), hex(id.number()));
        let becomes = match change {
            Change::Requeue => "p",
            Change::Cancel => "c",
        };
        let from: String = from.iter().copied().map(letter).collect();
        let get = cmd("HMGET").arg(format!("{}:d:{id_in_key}", partition.tag())).arg(&["e"]).clone();
        let Some(endpoint) = Items::of(self.link.send(get).await?)?.parse_optional::<EndpointId>()? else {
            return Ok(Changed::NotFound);
        };
        let mut endpoints = self.registry.endpoints().await?;
        if endpoints.get(&endpoint).is_none() {
            endpoints = self.registry.refresh().await?;
        }
        for _ in 0..TRIES {
            let call = Call::new(&script::CHANGE, &partition.tag())
                .arg(endpoints.version())
                .arg(&[id_in_key.as_str(), becomes, &from])
                .arg(key::millis(now))
                .arg(u8::from(endpoints.get(&endpoint).is_some()));
            let mut reply = Items::of(self.link.call(call).await?)?;
            match reply.integer()? {
                0 => {
                    self.registry.agree(partition, reply.parse()?).await?;
                    endpoints = self.registry.endpoints().await?;
                }
                1 => {
                    self.wake.arrive(partition, now);
                    return decode::delivery(&mut reply.items()?).map(Changed::Done);
                }
                2 => return Ok(Changed::WrongState(decode::delivery(&mut reply.items()?)?.state)),
                3 => return Ok(Changed::NotFound),
                _ => return Err(fault::unexpected()),
            }
        }
        Err(unsettled())
    }
}
