//! What must never show: passwords, credentials, secrets, and what events tell.

use super::{DELIVERIES, ENDPOINTS, EVENTS, Receiver, delivery_in, register};
use crate::logs::Log;
use crate::service::Service;
use redundancy_engine::access::{AccessStore, ApiKey, AuditEntry, AuditId, KeyId, Tenant};
use redundancy_engine::webhook::store::{Page, PageRequest};
use redundancy_engine::{StoreError, Timestamp};
use redundancy_store::MemoryAccess;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

#[tokio::test]
async fn passwords_and_credentials_reach_the_receiver_and_no_answer() {
    let service = Service::delivering();
    let mut receiver = Receiver::new().await;
    let url = receiver.url.replace("http://", "http://user:pa55word@");
    let headers = json!({"Authorization": "Bearer t0ken", "X-Session": "s3ssion"});
    let fields = json!({"id": "one", "headers": headers, "secret": SECRET});
    // User info gives way to the header of its own.
    let made = register(&service, &url, fields).await;
    assert_eq!(made["url"], receiver.url.replace("http://", "http://user:***@"));
    // No name tells what a value is good for.
    assert_eq!(made["headers"], json!({"Authorization": "***", "X-Session": "***"}));
    assert_eq!(made["secret"], SECRET);
    let path = format!("{ENDPOINTS}/one");
    let test = service.post(&format!("{path}/test"), &json!({})).await;
    assert_eq!(receiver.next().await.header("authorization"), "Bearer t0ken");
    let patched =
        service.patch(&path, &json!({"description": "x", "headers": {"X-Session": "s3ssion"}})).await;
    service.post(&format!("{path}/test"), &json!({})).await.data();
    // RFC 7617: base64 of `user:pa55word`.
    assert_eq!(receiver.next().await.header("authorization"), "Basic dXNlcjpwYTU1d29yZA==");
    let shown = [test, patched, service.get(&path).await, service.get(ENDPOINTS).await];
    for reply in &shown {
        reply.data();
        for hidden in ["pa55word", "t0ken", "s3ssion", &SECRET[6..]] {
            assert!(!reply.text().contains(hidden), "{hidden}: {}", reply.text());
        }
    }
    // What answers show is not taken for what it hides.
    let reply = service.patch(&path, &json!({"url": made["url"], "headers": made["headers"]})).await;
    reply.error(422, "ValidationError");
    assert_eq!(reply.fields(), ["/headers/Authorization", "/headers/X-Session", "/url"]);
}

#[tokio::test]
async fn nothing_secret_is_logged_and_showing_a_secret_is_written_down() {
    let log = Log::begin();
    let service = Service::delivering();
    let mut receiver = Receiver::new().await;
    let url = format!("{}?hidden=1", receiver.url.replace("http://", "http://user:hidden@"));
    let fields = json!({
        "id": "one", "secret": SECRET, "headers": {"X-A": "hidden"}, "description": "hidden", "metadata": {"a": "hidden"},
    });
    register(&service, &url, fields).await;
    let event = json!({"type": "own.type", "data": "hidden", "user_id": "hidden"});
    service.post(EVENTS, &event).await.data_with(202);
    receiver.next().await;
    let delivery = delivery_in(&service, "endpoint_id=one", "succeeded").await;
    service.get(&format!("{DELIVERIES}/{}", delivery["id"].as_str().unwrap())).await.data();
    service
        .post(ENDPOINTS, &json!({"url": "hidden", "secret": "hidden", "hidden": 1}))
        .await
        .error(422, "ValidationError");
    service.post(&format!("{ENDPOINTS}/one/rotate-secret"), &json!({"secret": SECRET})).await.data();
    assert_eq!(service.get(&format!("{ENDPOINTS}/one/secret")).await.data()["secret"], SECRET);
    let text = log.text();
    for hidden in ["hidden", &SECRET[6..]] {
        let leak = text.lines().find(|line| line.contains(hidden));
        assert_eq!(leak, None);
    }
    let told = service.get("/api/v1/audit").await.data()["items"].clone();
    let actions: Vec<_> = told.as_array().unwrap().iter().map(|entry| entry["action"].clone()).collect();
    assert_eq!(actions, ["secret.shown", "secret.rotated", "endpoint.created"]);
    assert!(told.as_array().unwrap().iter().all(|entry| entry["target"] == "one"), "{told}");
    assert!(!told.to_string().contains("hidden") && !told.to_string().contains(&SECRET[6..]), "{told}");
}

/// Takes no entries while it is full.
struct FullLog(MemoryAccess, AtomicBool);

#[async_trait::async_trait]
impl AccessStore for FullLog {
    async fn put_key(&self, key: ApiKey) -> Result<(), StoreError> {
        self.0.put_key(key).await
    }

    async fn key(&self, id: KeyId) -> Result<Option<ApiKey>, StoreError> {
        self.0.key(id).await
    }

    async fn keys(
        &self,
        tenant: Option<&Tenant>,
        page: PageRequest<KeyId>,
    ) -> Result<Page<ApiKey, KeyId>, StoreError> {
        self.0.keys(tenant, page).await
    }

    async fn revoke_key(&self, id: KeyId, now: Timestamp) -> Result<Option<ApiKey>, StoreError> {
        self.0.revoke_key(id, now).await
    }

    async fn record(&self, entry: AuditEntry) -> Result<(), StoreError> {
        if self.1.load(Ordering::Relaxed) {
            return Err(StoreError::Full("no room for another entry".to_owned()));
        }
        self.0.record(entry).await
    }

    async fn audit(
        &self,
        tenant: Option<&Tenant>,
        page: PageRequest<AuditId>,
    ) -> Result<Page<AuditEntry, AuditId>, StoreError> {
        self.0.audit(tenant, page).await
    }

    async fn add_tenant(&self, tenant: &Tenant) -> Result<(), StoreError> {
        self.0.add_tenant(tenant).await
    }

    async fn tenants(&self) -> Result<Vec<Tenant>, StoreError> {
        self.0.tenants().await
    }
}

#[tokio::test]
async fn a_secret_is_not_shown_where_that_cannot_be_written_down_and_changes_are_written_down_later() {
    let log = Arc::new(FullLog(MemoryAccess::default(), AtomicBool::new(true)));
    let service = Service::with_access(log.clone());
    let fields = json!({"id": "one", "secret": SECRET});
    // What is made is made, and told of.
    register(&service, "http://127.0.0.1:9/", fields).await;
    let shown = service.get(&format!("{ENDPOINTS}/one/secret")).await;
    shown.error(503, "Unavailable");
    assert!(!shown.text().contains(SECRET));
    log.1.store(false, Ordering::Relaxed);
    let written = async || service.get("/api/v1/audit").await.data()["items"].clone();
    while written().await == json!([]) {
        tokio::task::yield_now().await;
    }
    let actions = written().await;
    assert_eq!((&actions[0]["action"], actions.as_array().unwrap().len()), (&json!("endpoint.created"), 1));
}
