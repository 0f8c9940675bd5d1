//! What a program that delivers puts together once, when it starts: the six ports, and [`Webhooks`] over them.

#[path = "clock.rs"]
mod clock;

use clock::SystemClock;
use redundancy_store::MemoryStore;
use redundancy_webhook::clock::IdSource;
use redundancy_webhook::dispatcher::Ports;
use redundancy_webhook::observer::NoObserver;
use redundancy_webhook::trace::NoTracer;
use redundancy_webhook::transport::{AddressPolicy, HttpTransport, TransportConfig};
use redundancy_webhook::webhooks::{Webhooks, WebhooksConfig};
use ring::rand::{SecureRandom as _, SystemRandom};
use std::error::Error;
use std::sync::Arc;

/// Delivery over a store in memory, to the public Internet and to this machine.
///
/// Memory forgets everything when the program ends. `EmbeddedStore` and `RedisStore` of the same crate stand in its place
/// where events must outlive that; a store of your own implements `WebhookStore`.
pub(crate) fn webhooks() -> Result<Webhooks, Box<dyn Error>> {
    // Nothing but public addresses is called unless it is allowed. `localhost` is often both of these.
    let addresses = AddressPolicy::new(vec!["127.0.0.0/8".parse()?, "::1/128".parse()?]);
    let transport = TransportConfig { policy: addresses.clone(), ..TransportConfig::default() };
    let ports = Ports {
        store: Arc::new(MemoryStore::default()),
        transport: Arc::new(HttpTransport::new(transport)?),
        clock: Arc::new(SystemClock::new()),
        ids: Arc::new(Random(SystemRandom::new())),
        observer: Arc::new(NoObserver),
        tracer: Arc::new(NoTracer),
    };
    Ok(Webhooks::new(ports, WebhooksConfig { addresses, ..WebhooksConfig::default() }))
}

/// The random numbers of the operating system.
struct Random(SystemRandom);

impl IdSource for Random {
    fn random_128(&self) -> u128 {
        let mut bytes = [0; 16];
        if self.0.fill(&mut bytes).is_err() {
            // Ids and secrets that can be guessed would be worse than no program.
            std::process::abort();
        }
        u128::from_le_bytes(bytes)
    }
}
