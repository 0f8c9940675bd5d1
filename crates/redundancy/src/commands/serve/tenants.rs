//! The workspaces of tenants: opened when somebody comes for the first time, or when it is known that there is one with deliveries and
//! batches to go on with; closed with the service.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use redundancy_engine::StoreError;
use redundancy_engine::access::{AccessStore, Tenant};
use redundancy_server::{App, Workspace, Workspaces};
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::parts::Foundation;
use super::stores::Store;
use crate::settings::Settings;

/// How often it is looked whether other replicas have met new tenants.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// What tenants have.
pub(super) struct Tenants {
    settings: Settings,
    foundation: Foundation,
    callers: Arc<dyn AccessStore>,
    /// Each is opened once, however many ask for it at the same time.
    spaces: Mutex<BTreeMap<Tenant, Arc<OnceCell<Arc<Workspace>>>>>,
    /// What reads the items of batches; there once the service is put together.
    app: OnceLock<App>,
    tasks: TaskTracker,
    stop_batches: CancellationToken,
    stop_deliveries: CancellationToken,
}

impl Tenants {
    pub(super) fn new(
        settings: Settings,
        foundation: Foundation,
        callers: Arc<dyn AccessStore>,
    ) -> Arc<Self> {
        Arc::new(Self {
            settings,
            foundation,
            callers,
            spaces: Mutex::default(),
            app: OnceLock::new(),
            tasks: TaskTracker::new(),
            stop_batches: CancellationToken::new(),
            stop_deliveries: CancellationToken::new(),
        })
    }

    /// The app that serves them.
    pub(super) fn serve_in(&self, app: App) {
        // It is put together once.
        let _ = self.app.set(app);
    }

    /// Opens the workspaces that are known and those that become known, until batches are stopped.
    pub(super) async fn follow(&self) {
        // Told once: a store that is away must not fill the log.
        let mut is_away = false;
        loop {
            let known = self.callers.tenants().await;
            let was_away = std::mem::replace(&mut is_away, known.is_err());
            match known {
                Ok(known) => {
                    for tenant in known {
                        if let Err(error) = self.open_one(&tenant).await {
                            tracing::warn!(%tenant, %error, "what a tenant has cannot be opened");
                        }
                    }
                }
                Err(error) if !was_away => {
                    tracing::warn!(%error, "it is not known which tenants there are");
                }
                Err(_) => {}
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = self.stop_batches.cancelled() => return,
            }
        }
    }

    /// Begins no more batches.
    pub(super) fn stop_batches(&self) {
        self.stop_batches.cancel();
    }

    /// Waits until what was accepted is done. The caller sets the deadline.
    pub(super) async fn drain(&self) {
        for workspace in self.open() {
            workspace.engine.drain().await;
        }
    }

    /// Ends deliveries, and waits for the end of all.
    pub(super) async fn close(&self) {
        self.stop_batches.cancel();
        self.stop_deliveries.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    async fn open_one(&self, tenant: &Tenant) -> Result<Arc<Workspace>, StoreError> {
        let space = Arc::clone(self.spaces().entry(tenant.clone()).or_default());
        space.get_or_try_init(|| self.start(tenant)).await.cloned()
    }

    async fn start(&self, tenant: &Tenant) -> Result<Arc<Workspace>, StoreError> {
        // First: should the process die, the next one knows of what was begun.
        self.callers.add_tenant(tenant).await?;
        let store = Store::open(&self.settings, Some(tenant), &self.foundation).await;
        let store = store.map_err(|error| StoreError::Unavailable(error.to_string()))?;
        let workspace = Arc::new(self.foundation.workspace(Some(tenant.clone()), store));
        let (webhooks, stop) = (workspace.webhooks.clone(), self.stop_deliveries.clone());
        self.tasks.spawn(async move { webhooks.run(stop.cancelled_owned()).await });
        if let Some(app) = self.app.get() {
            let items = app.within(Arc::clone(&workspace)).batch_items();
            let (engine, stop) = (Arc::clone(&workspace.engine), self.stop_batches.clone());
            self.tasks.spawn(async move { engine.run_batches(items, stop.cancelled_owned()).await });
        }
        Ok(workspace)
    }

    fn spaces(&self) -> MutexGuard<'_, BTreeMap<Tenant, Arc<OnceCell<Arc<Workspace>>>>> {
        self.spaces.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Workspaces for Tenants {
    async fn of(&self, tenant: &Tenant) -> Result<Arc<Workspace>, StoreError> {
        self.open_one(tenant).await
    }

    fn open(&self) -> Vec<Arc<Workspace>> {
        self.spaces().values().filter_map(|space| space.get().cloned()).collect()
    }
}
