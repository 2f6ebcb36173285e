//! What a target's applications run, as far as it was sent.

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_postgres::types::Json;

use super::targets::revised;
use super::{Error, Store, query_failed};

impl Store {
    /// The ledger of a target; none where nothing was sent.
    pub async fn workload<L: DeserializeOwned>(&self, target: &str) -> Result<Option<L>, Error> {
        let sql = "select ledger from dbopt.workloads where target = $1";
        let row = self.patient_client().await?.query_opt(sql, &[&target]).await;
        let row = row.map_err(query_failed("read a workload"))?;
        row.map(|row| decoded(&row)).transpose()
    }

    /// Change the ledger of a target, alone among all who do; none where there is no such target. Every analysis of
    /// it is void then, so the target's revision changes with it.
    pub async fn change_workload<L: DeserializeOwned + Serialize + Debug + Sync>(
        &self,
        target: &str,
        change: impl FnOnce(Option<L>) -> L,
    ) -> Result<Option<L>, Error> {
        let failed = |error| query_failed("keep a workload")(error);
        let mut client = self.patient_client().await?;
        let transaction = client.transaction().await.map_err(failed)?;
        if !revised(&transaction, target).await? {
            return Ok(None);
        }
        let sql = "select ledger from dbopt.workloads where target = $1";
        let row = transaction.query_opt(sql, &[&target]).await.map_err(failed)?;
        let ledger = change(row.map(|row| decoded(&row)).transpose()?);
        let sql = "insert into dbopt.workloads (target, ledger) values ($1, $2) \
                   on conflict (target) do update set ledger = excluded.ledger, updated_at = now()";
        transaction.execute(sql, &[&target, &Json(&ledger)]).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        self.inner.targets.forget();
        Ok(Some(ledger))
    }
}

fn decoded<L: DeserializeOwned>(row: &tokio_postgres::Row) -> Result<L, Error> {
    let ledger: Result<Json<L>, _> = row.try_get("ledger");
    let ledger = ledger.map_err(|source| Error::Decode { what: "workload", source: source.into() });
    ledger.map(|Json(ledger)| ledger)
}
