//! The registry of targets.

use std::sync::Arc;

use tokio_postgres::Row;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Json;

use super::dsn::Connections;
use super::line::{OperationFault, Transaction};
use super::secret::random;
use super::target::{KeptDsn, StoredDsns};
use super::{
    DsnReference, Error, LabChange, NewTarget, ResolvedDsn, Store, TargetChange, TargetRecord,
    query_failed,
};
use crate::config::{is_model_version, is_target_name};

/// The model version of a target no one gave one.
const MODEL_VERSION: &str = "v1";

impl Store {
    /// Targets by name, those after `after`, at most `limit`.
    pub async fn list_targets(
        &self,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<TargetRecord>, Error> {
        let sql = "select * from dbopt.targets where name > $1 order by name limit $2";
        let after = after.unwrap_or_default();
        let rows = self.client().await?.query(sql, &[&after, &i64::from(limit)]).await;
        rows.map_err(query_failed("list targets"))?.iter().map(record).collect()
    }

    /// The target of that name. Remembered for a second, so that cached answers cost no query.
    pub async fn target(&self, name: &str) -> Result<Option<Arc<TargetRecord>>, Error> {
        let load = || async {
            let row = self.target_row(name).await?;
            Ok(row.as_ref().map(record).transpose()?.map(Arc::new))
        };
        self.inner.targets.get_or(name, load).await
    }

    /// Register a target. [`Error::NameTaken`] if there is one of that name.
    pub async fn create_target(&self, new: NewTarget) -> Result<TargetRecord, Error> {
        let model_version = new.model_version.as_deref().unwrap_or(MODEL_VERSION);
        check_name(&new.name)?;
        check_model_version(model_version)?;
        let sealed = self.seal(&Connections {
            target: &new.name,
            dsn: Some(&new.dsn),
            lab: new.lab.as_ref(),
            replicas: Some(&new.replicas),
        })?;
        let (kind, reference, dsn) = sealed.dsn.as_ref().map(KeptDsn::columns).unwrap_or_default();
        let sql = "insert into dbopt.targets (name, dsn_kind, dsn_reference, dsn_sealed, \
                   lab_sealed, replicas_sealed, labels, policy, model_version, revision) \
                   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning *";
        let client = self.client().await?;
        let inserted = client
            .query_one(
                sql,
                &[
                    &new.name,
                    &kind,
                    &reference,
                    &dsn,
                    &sealed.lab,
                    &sealed.replicas.unwrap_or_default(),
                    &Json(&new.labels),
                    &Json(&new.policy),
                    &model_version,
                    &new_revision()?,
                ],
            )
            .await;
        self.forget_targets(&inserted);
        match inserted {
            Err(error) if error.code() == Some(&SqlState::UNIQUE_VIOLATION) => {
                Err(Error::NameTaken { name: new.name })
            }
            inserted => record(&inserted.map_err(query_failed("register a target"))?),
        }
    }

    /// Change what `change` names; `None` if there is no such target.
    pub async fn update_target(
        &self,
        name: &str,
        change: TargetChange,
    ) -> Result<Option<TargetRecord>, Error> {
        if let Some(version) = &change.model_version {
            check_model_version(version)?;
        }
        let sealed = self.seal(&Connections {
            target: name,
            dsn: change.dsn.as_ref(),
            lab: change.lab.dsn(),
            replicas: change.replicas.as_deref(),
        })?;
        let columns = sealed.dsn.as_ref().map(KeptDsn::columns);
        let (kind, reference, dsn) = columns.unwrap_or_default();
        let changes_lab = !matches!(change.lab, LabChange::Keep);
        let reconnects = columns.is_some() || changes_lab || change.replicas.is_some();
        let revision = reconnects.then(new_revision).transpose()?;
        let sql = "update dbopt.targets set \
                   dsn_kind = case when $2 then $3 else dsn_kind end, \
                   dsn_reference = case when $2 then $4 else dsn_reference end, \
                   dsn_sealed = case when $2 then $5 else dsn_sealed end, \
                   lab_sealed = case when $6 then $7 else lab_sealed end, \
                   replicas_sealed = coalesce($8, replicas_sealed), \
                   labels = coalesce($9, labels), policy = coalesce($10, policy), \
                   model_version = coalesce($11, model_version), \
                   revision = coalesce($12, revision), updated_at = now() \
                   where name = $1 returning *";
        let client = self.client().await?;
        let updated = client
            .query_opt(
                sql,
                &[
                    &name,
                    &columns.is_some(),
                    &kind,
                    &reference,
                    &dsn,
                    &changes_lab,
                    &sealed.lab,
                    &sealed.replicas,
                    &change.labels.map(Json),
                    &change.policy.map(Json),
                    &change.model_version,
                    &revision,
                ],
            )
            .await;
        self.forget_targets(&updated);
        updated.map_err(query_failed("change a target"))?.as_ref().map(record).transpose()
    }

    /// Register a target, or bring the registered one to what `new` says: for configured targets.
    ///
    /// What is the same already is left alone, so that starting again makes no cached answer void.
    pub async fn put_target(&self, new: NewTarget) -> Result<TargetRecord, Error> {
        check_name(&new.name)?;
        let Some(row) = self.target_row(&new.name).await? else {
            return match self.create_target(new.clone()).await {
                // Another process was first.
                Err(Error::NameTaken { name }) => self.overwrite(&name, whole_change(new)).await,
                created => created,
            };
        };
        let (current, kept) = (record(&row)?, kept(&row)?);
        let same_connections = self.keeps(&kept, &new);
        let name = new.name.clone();
        let mut change = whole_change(new);
        if same_connections {
            change = TargetChange { dsn: None, lab: LabChange::Keep, replicas: None, ..change };
        }
        change.labels = change.labels.filter(|labels| *labels != current.labels);
        change.policy = change.policy.filter(|policy| *policy != current.policy);
        change.model_version = change.model_version.filter(|new| *new != current.model_version);
        let same = same_connections
            && change.labels.is_none()
            && change.policy.is_none()
            && change.model_version.is_none();
        if same { Ok(current) } else { self.overwrite(&name, change).await }
    }

    async fn overwrite(&self, name: &str, change: TargetChange) -> Result<TargetRecord, Error> {
        let unknown = || Error::UnknownTarget { name: name.to_owned() };
        self.update_target(name, change).await?.ok_or_else(unknown)
    }

    /// Forget a target; false if there was none.
    pub async fn delete_target(&self, name: &str) -> Result<bool, Error> {
        let sql = "delete from dbopt.targets where name = $1";
        let deleted = self.client().await?.execute(sql, &[&name]).await;
        self.forget_targets(&deleted);
        Ok(deleted.map_err(query_failed("forget a target"))? > 0)
    }

    /// The target's DSNs, read from where they are kept. [`Error::UnknownTarget`] if there is none.
    pub async fn target_dsn(&self, name: &str) -> Result<ResolvedDsn, Error> {
        match self.target_row(name).await? {
            Some(row) => self.resolve(name, &kept(&row)?),
            None => Err(Error::UnknownTarget { name: name.to_owned() }),
        }
    }

    /// Remember nothing of targets after a change. Where no one knows whether it was made, what is known goes on for as long
    /// as the store is away.
    fn forget_targets<T>(&self, changed: &Result<T, OperationFault>) {
        if changed.as_ref().map_or_else(|fault| fault.code().is_some(), |_| true) {
            self.inner.targets.forget();
        }
    }

    async fn target_row(&self, name: &str) -> Result<Option<Row>, Error> {
        let sql = "select * from dbopt.targets where name = $1";
        let row = self.client().await?.query_opt(sql, &[&name]).await;
        row.map_err(query_failed("look up a target"))
    }
}

fn whole_change(new: NewTarget) -> TargetChange {
    TargetChange {
        dsn: Some(new.dsn),
        replicas: Some(new.replicas),
        lab: new.lab.into(),
        labels: Some(new.labels),
        policy: Some(new.policy),
        model_version: new.model_version,
    }
}

fn check_name(name: &str) -> Result<(), Error> {
    if is_target_name(name) { Ok(()) } else { Err(Error::InvalidName { name: name.to_owned() }) }
}

fn check_model_version(version: &str) -> Result<(), Error> {
    if is_model_version(version) {
        return Ok(());
    }
    Err(Error::InvalidModelVersion { version: version.to_owned() })
}

/// Random, so that a target that was forgotten and registered again is another one to every cache.
fn new_revision() -> Result<i64, Error> {
    Ok(i64::from_le_bytes(random()?) & i64::MAX)
}

/// Make every answer about the target void; false where there is no such target.
pub(super) async fn revised(transaction: &Transaction<'_>, target: &str) -> Result<bool, Error> {
    let sql = "update dbopt.targets set revision = $2, updated_at = now() where name = $1";
    let revised = transaction.execute(sql, &[&target, &new_revision()?]).await;
    Ok(revised.map_err(query_failed("change a target"))? > 0)
}

fn record(row: &Row) -> Result<TargetRecord, Error> {
    let Json(labels) = row.try_get("labels").map_err(malformed("label"))?;
    let Json(policy) = row.try_get("policy").map_err(malformed("policy"))?;
    let replicas: Vec<Vec<u8>> = row.get("replicas_sealed");
    Ok(TargetRecord {
        name: row.get("name"),
        dsn: match kept_dsn(row)? {
            KeptDsn::Sealed(_) => DsnReference::Stored,
            KeptDsn::Env(variable) => DsnReference::Env(variable),
            KeptDsn::File(file) => DsnReference::File(file),
        },
        replicas: u32::try_from(replicas.len()).unwrap_or(u32::MAX),
        lab: row.get::<_, Option<&[u8]>>("lab_sealed").is_some(),
        labels,
        policy,
        model_version: row.get("model_version"),
        revision: row.get("revision"),
        created_at: row.get("created_at"),
        updated_at: row.get("updated_at"),
    })
}

fn kept(row: &Row) -> Result<StoredDsns, Error> {
    Ok(StoredDsns {
        dsn: kept_dsn(row)?,
        lab: row.get("lab_sealed"),
        replicas: row.get("replicas_sealed"),
        revision: row.get("revision"),
    })
}

fn kept_dsn(row: &Row) -> Result<KeptDsn, Error> {
    let kind: &str = row.get("dsn_kind");
    Ok(match kind {
        "env" => KeptDsn::Env(row.try_get("dsn_reference").map_err(malformed("DSN"))?),
        "file" => KeptDsn::File(row.try_get("dsn_reference").map_err(malformed("DSN"))?),
        _ => KeptDsn::Sealed(row.try_get("dsn_sealed").map_err(malformed("DSN"))?),
    })
}

fn malformed(what: &'static str) -> impl Fn(tokio_postgres::Error) -> Error {
    move |source| Error::Decode { what, source: Box::new(source) }
}
