//! API keys: made, recognised, revoked.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{Timestamp, ToSpan as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest, Sha256};
use tokio_postgres::Row;

use super::secret::random;
use super::{Error, KeyRecord, KeyScope, Store, query_failed};

/// The hash a token is kept and recognised by.
pub(super) type TokenHash = [u8; 32];

fn hash(token: &str) -> TokenHash {
    Sha256::digest(token.as_bytes()).into()
}

impl Store {
    /// Make an API key. The token is shown once: only its hash is kept.
    pub async fn create_key(
        &self,
        name: &str,
        scopes: &[KeyScope],
    ) -> Result<(KeyRecord, SecretString), Error> {
        let token = format!("dbopt_{}", URL_SAFE_NO_PAD.encode(random::<32>()?));
        let token = SecretString::from(token);
        let id = format!("k_{}", hex::encode(random::<8>()?));
        let scopes: Vec<&str> = scopes.iter().map(|scope| scope.as_str()).collect();
        let sql = "with required as (insert into dbopt.keys_required default values on conflict do nothing) \
                   insert into dbopt.api_keys (id, name, hash, scopes) values ($1, $2, $3, $4) \
                   returning id, name, scopes, created_at, last_used_at";
        let hash = hash(token.expose_secret());
        let row =
            self.client().await?.query_one(sql, &[&id, &name, &hash.as_slice(), &scopes]).await;
        let record = record(&row.map_err(query_failed("create a key"))?)?;
        self.forget_keys();
        self.inner.key_needed.store(true, Ordering::Relaxed);
        Ok((record, token))
    }

    /// Whether any API key exists.
    pub async fn any_key(&self) -> Result<bool, Error> {
        let sql = "select exists (select from dbopt.api_keys)";
        let row = self.client().await?.query_one(sql, &[]).await;
        Ok(row.map_err(query_failed("look for keys"))?.get(0))
    }

    /// Whether callers need a key: one exists, or existed. That they do is remembered for as long as this process runs,
    /// that they do not for a second.
    pub async fn needs_key(&self) -> Result<bool, Error> {
        if self.is_known_to_need_key() {
            return Ok(true);
        }
        let load = || async {
            // A release that knows nothing of `keys_required` may have made the key.
            let sql = "select exists (select from dbopt.keys_required) or exists (select from dbopt.api_keys)";
            let row = self.client().await?.query_one(sql, &[]).await;
            Ok(row.map_err(query_failed("look for keys"))?.get(0))
        };
        let needed = self.inner.needs_key.get_or(&(), load).await?;
        if needed {
            self.inner.key_needed.store(true, Ordering::Relaxed);
        }
        Ok(needed)
    }

    /// Whether callers are known to need a key, without a look at the database.
    pub fn is_known_to_need_key(&self) -> bool {
        self.inner.key_needed.load(Ordering::Relaxed)
    }

    /// Let callers in without a key from the next start on, as before the first key was made; false while a key exists.
    pub async fn reopen(&self) -> Result<bool, Error> {
        let sql = "with reopened as (delete from dbopt.keys_required where not exists (select from dbopt.api_keys)) \
                   select not exists (select from dbopt.api_keys)";
        let row = self.client().await?.query_one(sql, &[]).await;
        self.inner.needs_key.forget();
        Ok(row.map_err(query_failed("reopen the service"))?.get(0))
    }

    /// The API key a caller presented, if it is one of ours. Remembered for a second.
    pub async fn key_for(&self, token: &str) -> Result<Option<Arc<KeyRecord>>, Error> {
        let hash = hash(token);
        self.inner.keys.get_or(&hash, || self.find_key(hash)).await
    }

    /// The same, of what is remembered alone.
    pub fn known_key(&self, token: &str) -> Option<Arc<KeyRecord>> {
        self.inner.keys.remembered(&hash(token)).flatten()
    }

    async fn find_key(&self, hash: TokenHash) -> Result<Option<Arc<KeyRecord>>, Error> {
        let sql = "select id, name, scopes, created_at, last_used_at \
                   from dbopt.api_keys where hash = $1";
        let client = self.client().await?;
        let row = client.query_opt(sql, &[&hash.as_slice()]).await;
        let Some(row) = row.map_err(query_failed("look up a key"))? else { return Ok(None) };
        let record = record(&row)?;
        let minute_ago = Timestamp::now() - 1.minute();
        if record.last_used_at.is_none_or(|used| used < minute_ago) {
            let sql = "update dbopt.api_keys set last_used_at = now() where id = $1";
            client.execute(sql, &[&record.id]).await.map_err(query_failed("note a key's use"))?;
        }
        Ok(Some(Arc::new(record)))
    }

    /// API keys by id, those after `after`, at most `limit`.
    pub async fn list_keys(
        &self,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<KeyRecord>, Error> {
        let sql = "select id, name, scopes, created_at, last_used_at from dbopt.api_keys \
                   where id > $1 order by id limit $2";
        let after = after.unwrap_or_default();
        let rows = self.client().await?.query(sql, &[&after, &i64::from(limit)]).await;
        rows.map_err(query_failed("list keys"))?.iter().map(record).collect()
    }

    /// Revoke an API key by id; false if there was none.
    pub async fn delete_key(&self, id: &str) -> Result<bool, Error> {
        // Once more, for a key that a release made which knows nothing of `keys_required`.
        let sql = "with revoked as (delete from dbopt.api_keys where id = $1 returning id), \
                   required as (insert into dbopt.keys_required (since) select now() from revoked on conflict do nothing) \
                   select exists (select from revoked)";
        let revoked = self.client().await?.query_one(sql, &[&id]).await;
        self.forget_keys();
        Ok(revoked.map_err(query_failed("revoke a key"))?.get(0))
    }

    fn forget_keys(&self) {
        self.inner.keys.forget();
        self.inner.needs_key.forget();
    }
}

fn record(row: &Row) -> Result<KeyRecord, Error> {
    let scopes: Vec<String> = row.get("scopes");
    let scopes = scopes.iter().map(|name| name.parse()).collect::<Result<_, _>>();
    let scopes =
        scopes.map_err(|source| Error::Decode { what: "scope", source: Box::new(source) })?;
    Ok(KeyRecord {
        id: row.get("id"),
        name: row.get("name"),
        scopes,
        created_at: row.get("created_at"),
        last_used_at: row.get("last_used_at"),
    })
}
