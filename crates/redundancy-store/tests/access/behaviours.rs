//! What every store of keys, tenants and the log does.

use redundancy_engine::access::{
    AccessStore, Actor, ApiKey, AuditEntry, AuditId, KeyDigest, KeyId, Pepper, Scope, Tenant,
};
use redundancy_webhook::clock::Timestamp;
use redundancy_webhook::store::PageRequest;

pub(crate) fn tenant(name: &str) -> Tenant {
    name.parse().unwrap()
}

pub(crate) fn key(number: u128, owner: Option<&str>) -> ApiKey {
    ApiKey {
        id: KeyId::from_number(number),
        name: format!("key \"{number}\""),
        digest: KeyDigest::of(&number.to_string(), number.is_multiple_of(3).then_some(&Pepper::of("x"))),
        scope: Scope::Write,
        tenant: owner.map(tenant),
        created_at: Timestamp::from_millis(1_767_323_045_678),
        expires_at: number.is_multiple_of(2).then(|| Timestamp::from_millis(1_767_323_045_679)),
        revoked_at: None,
    }
}

fn entry(number: u128, owner: Option<&str>) -> AuditEntry {
    AuditEntry {
        id: AuditId::from_number(number),
        at: Timestamp::from_millis(5),
        actor: Actor::ApiKey("key_1".to_owned()),
        tenant: owner.map(tenant),
        action: "endpoint.deleted".to_owned(),
        target: Some("shop".to_owned()),
        fields: vec!["url".to_owned()],
        request_id: None,
        address: Some("192.0.2.7".to_owned()),
    }
}

fn page<K>(after: Option<K>, limit: usize) -> PageRequest<K> {
    PageRequest { after, limit }
}

async fn listed(store: &dyn AccessStore, owner: Option<&Tenant>, limit: usize) -> Vec<u128> {
    let (mut numbers, mut after) = (Vec::new(), None);
    loop {
        let part = store.keys(owner, page(after, limit)).await.unwrap();
        assert!(part.items.len() <= limit);
        numbers.extend(part.items.iter().map(|key| key.id.number()));
        after = part.next;
        if after.is_none() {
            return numbers;
        }
    }
}

async fn logged(store: &dyn AccessStore, owner: Option<&Tenant>, limit: usize) -> Vec<u128> {
    let (mut numbers, mut after) = (Vec::new(), None);
    loop {
        let part = store.audit(owner, page(after, limit)).await.unwrap();
        assert!(part.items.len() <= limit);
        numbers.extend(part.items.iter().map(|entry| entry.id.number()));
        after = part.next;
        if after.is_none() {
            return numbers;
        }
    }
}

pub(crate) async fn a_key_reads_back_with_all_its_fields(store: &dyn AccessStore) {
    let keys = [key(1, None), key(2, Some("acme")), key(u128::MAX, None)];
    for key in &keys {
        store.put_key(key.clone()).await.unwrap();
    }
    for key in keys {
        assert_eq!(store.key(key.id).await.unwrap(), Some(key));
    }
    assert_eq!(store.key(KeyId::from_number(3)).await.unwrap(), None);
}

pub(crate) async fn keys_are_listed_in_the_order_of_their_ids_in_parts(store: &dyn AccessStore) {
    for number in [300, 2, 77, 1 << 100, 0] {
        store.put_key(key(number, None)).await.unwrap();
    }
    for limit in [1, 2, 5, 50] {
        assert_eq!(listed(store, None, limit).await, [0, 2, 77, 300, 1 << 100], "{limit}");
    }
}

pub(crate) async fn keys_of_one_tenant_are_listed_alone(store: &dyn AccessStore) {
    for (number, owner) in [(1, None), (2, Some("acme")), (3, Some("other")), (4, Some("acme"))] {
        store.put_key(key(number, owner)).await.unwrap();
    }
    assert_eq!(listed(store, Some(&tenant("acme")), 1).await, [2, 4]);
    assert_eq!(listed(store, Some(&tenant("nobody")), 1).await, [0; 0]);
    assert_eq!(listed(store, None, 3).await, [1, 2, 3, 4]);
}

pub(crate) async fn a_key_is_revoked_once_and_stays_to_be_looked_at(store: &dyn AccessStore) {
    let at = Timestamp::from_millis;
    store.put_key(key(2, Some("acme"))).await.unwrap();
    let id = KeyId::from_number(2);
    let revoked = ApiKey { revoked_at: Some(at(9_999_999_999_999)), ..key(2, Some("acme")) };
    assert_eq!(store.revoke_key(id, at(9_999_999_999_999)).await.unwrap(), Some(revoked.clone()));
    assert_eq!(store.revoke_key(id, at(20)).await.unwrap(), Some(revoked.clone()));
    assert_eq!(store.key(id).await.unwrap(), Some(revoked));
    assert_eq!(store.revoke_key(KeyId::from_number(3), at(10)).await.unwrap(), None);
}

pub(crate) async fn the_log_is_read_backwards_in_parts(store: &dyn AccessStore) {
    for number in [5, 1, 3, 1 << 90] {
        store.record(entry(number, None)).await.unwrap();
    }
    for limit in [1, 3, 4, 50] {
        assert_eq!(logged(store, None, limit).await, [1 << 90, 5, 3, 1], "{limit}");
    }
    // Whoever did not hear that it was written writes it once more.
    store.record(entry(1 << 90, Some("acme"))).await.unwrap();
    let newest = store.audit(None, page(None, 1)).await.unwrap();
    assert_eq!(newest.items, [entry(1 << 90, None)]);
    assert_eq!(logged(store, Some(&tenant("acme")), 10).await, [0; 0]);
}

pub(crate) async fn the_log_of_one_tenant_is_read_alone(store: &dyn AccessStore) {
    for (number, owner) in [(1, Some("acme")), (2, None), (3, Some("acme")), (4, Some("other"))] {
        store.record(entry(number, owner)).await.unwrap();
    }
    assert_eq!(logged(store, Some(&tenant("acme")), 1).await, [3, 1]);
    assert_eq!(logged(store, None, 2).await, [4, 3, 2, 1]);
}

pub(crate) async fn tenants_are_remembered_once(store: &dyn AccessStore) {
    assert_eq!(store.tenants().await.unwrap(), []);
    for name in ["b", "a", "b"] {
        store.add_tenant(&tenant(name)).await.unwrap();
    }
    assert_eq!(store.tenants().await.unwrap(), [tenant("a"), tenant("b")]);
}
