//! API keys.

use database_optimizer::store::KeyScope;
use secrecy::ExposeSecret as _;

use super::Db;

#[tokio::test]
async fn an_api_key_is_recognised_by_its_token_alone_and_kept_as_a_hash() {
    let db = Db::create().await;
    let store = db.store().await;
    assert!(!store.any_key().await.unwrap());
    let (record, token) =
        store.create_key("pipeline", &[KeyScope::Read, KeyScope::Probe]).await.unwrap();
    assert!(store.any_key().await.unwrap());
    assert!(token.expose_secret().starts_with("dbopt_") && token.expose_secret().len() == 49);
    assert_eq!(record.last_used_at, None);

    let found = store.key_for(token.expose_secret()).await.unwrap().unwrap();
    assert_eq!((&found.id, &found.name), (&record.id, &record.name));
    assert_eq!(found.scopes, [KeyScope::Read, KeyScope::Probe]);
    let used = store.list_keys(None, 10).await.unwrap().remove(0).last_used_at;
    assert!(used.is_some_and(|used| used >= record.created_at));
    assert_eq!(store.key_for("dbopt_guess").await.unwrap(), None);
    assert_eq!(store.key_for("").await.unwrap(), None);

    let row = db.client().await.query_one("select k::text from dbopt.api_keys k", &[]).await;
    let text: String = row.unwrap().get(0);
    assert!(!text.contains(token.expose_secret()), "{text}");
}

#[tokio::test]
async fn a_revoked_key_is_refused_at_once() {
    let db = Db::create().await;
    let store = db.store().await;
    let (record, token) = store.create_key("pipeline", &[KeyScope::Admin]).await.unwrap();
    assert!(store.key_for(token.expose_secret()).await.unwrap().is_some());
    assert!(store.delete_key(&record.id).await.unwrap());
    assert!(!store.delete_key(&record.id).await.unwrap());
    assert_eq!(store.key_for(token.expose_secret()).await.unwrap(), None);
    assert!(!store.any_key().await.unwrap());
}

#[tokio::test]
async fn a_key_is_needed_from_the_first_on_until_an_operator_says_otherwise() {
    let db = Db::create().await;
    let store = db.store().await;
    assert!(!store.delete_key("k_none").await.unwrap());
    assert!(!db.store().await.needs_key().await.unwrap() && !store.needs_key().await.unwrap());
    let (record, _) = store.create_key("only", &[KeyScope::Admin]).await.unwrap();
    assert!(!store.reopen().await.unwrap(), "not while a key exists");
    assert!(store.delete_key(&record.id).await.unwrap());
    assert!(store.needs_key().await.unwrap() && db.store().await.needs_key().await.unwrap());
    assert!(store.reopen().await.unwrap());
    assert!(store.needs_key().await.unwrap(), "what runs stays as it is");
    assert!(!db.store().await.needs_key().await.unwrap());
}

#[tokio::test]
async fn keys_that_an_older_release_made_and_that_are_revoked_by_this_one_leave_the_service_shut() {
    let db = Db::create().await;
    let store = db.store().await;
    let sql = "insert into dbopt.api_keys (id, name, hash, scopes) values ('k_1', 'old', sha256(''), '{read}')";
    db.client().await.execute(sql, &[]).await.unwrap();
    assert!(db.store().await.needs_key().await.unwrap());
    assert!(store.delete_key("k_1").await.unwrap());
    assert!(db.store().await.needs_key().await.unwrap());
}

#[tokio::test]
async fn an_admin_may_do_everything_and_the_others_what_they_are_for() {
    let db = Db::create().await;
    let store = db.store().await;
    let (admin, _) = store.create_key("admin", &[KeyScope::Admin]).await.unwrap();
    let (reader, _) = store.create_key("reader", &[KeyScope::Read]).await.unwrap();
    assert!(KeyScope::ALL.iter().all(|scope| admin.allows(*scope)));
    let allowed: Vec<_> = KeyScope::ALL.iter().filter(|scope| reader.allows(**scope)).collect();
    assert_eq!(allowed, [&KeyScope::Read]);
}
