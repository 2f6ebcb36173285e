//! Contracts of documents, and what samples of them looked like.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio_postgres::Row;
use tokio_postgres::types::{Json, ToSql};

use super::targets::revised;
use super::{Error, Store, query_failed};

/// The column that a contract is of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ContractColumn {
    /// The table's schema.
    pub schema: String,
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
}

/// A registered contract.
#[derive(Debug, Clone)]
pub struct ContractRecord {
    /// Its column.
    pub column: ContractColumn,
    /// The JSON Schema, as it was sent.
    pub schema: Box<RawValue>,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it was last replaced.
    pub updated_at: Timestamp,
}

/// A contract with what is known of its column.
#[derive(Debug, Clone)]
pub struct ContractState<S> {
    /// The contract.
    pub record: ContractRecord,
    /// The sample that later ones are compared with, where there is one.
    pub sample: Option<S>,
    /// Since when a later one differs.
    pub differs_since: Option<Timestamp>,
    /// The drift that was posted already.
    pub notified: BTreeSet<String>,
}

/// What changes of the sample of a contract's column.
#[derive(Debug, Clone, Copy)]
pub struct SampleChange<'s, S> {
    /// The sample to keep from now on, where it is another.
    pub sample: Option<&'s S>,
    /// Since when samples differ from the kept one.
    pub differs_since: Option<Timestamp>,
}

/// Which drift of a contract was posted.
#[derive(Debug, Clone, Copy)]
pub struct NotifiedChange<'n> {
    /// Before.
    pub from: &'n BTreeSet<String>,
    /// From now on.
    pub to: &'n BTreeSet<String>,
}

/// What became of a contract that was sent.
#[derive(Debug, Clone)]
pub struct ContractPut {
    /// As it is now.
    pub record: ContractRecord,
    /// Whether the column had none.
    pub is_new: bool,
}

/// Contracts of one target at most: each is read with every analysis.
const CONTRACTS_MAX: i64 = 200;

const COLUMNS: &str = "table_schema, table_name, column_name, schema, created_at, updated_at, \
                       sample, differs_since, told";
const OF: &str = "target = $1 and table_schema = $2 and table_name = $3 and column_name = $4";

impl Store {
    /// Contracts of a target by column, those after `after`, at most `limit`.
    pub async fn list_contracts(
        &self,
        target: &str,
        after: Option<&ContractColumn>,
        limit: u32,
    ) -> Result<Vec<ContractRecord>, Error> {
        let sql = format!(
            "select {COLUMNS} from dbopt.contracts where target = $1 \
             and ($2::text is null or (table_schema, table_name, column_name) > ($2, $3, $4)) \
             order by table_schema, table_name, column_name limit $5"
        );
        let name = |of: fn(&ContractColumn) -> &String| after.map(|after| of(after).as_str());
        let (schema, table) = (name(|of| &of.schema), name(|of| &of.table));
        let column = name(|of| &of.column);
        let client = self.client().await?;
        let rows =
            client.query(&sql, &[&target, &schema, &table, &column, &i64::from(limit)]).await;
        rows.map_err(query_failed("list contracts"))?.iter().map(record).collect()
    }

    /// The contract of a column; none where none is registered.
    pub async fn contract(
        &self,
        target: &str,
        of: &ContractColumn,
    ) -> Result<Option<ContractRecord>, Error> {
        let sql = format!("select {COLUMNS} from dbopt.contracts where {OF}");
        let client = self.client().await?;
        let row = client.query_opt(&sql, &[&target, &of.schema, &of.table, &of.column]).await;
        row.map_err(query_failed("look up a contract"))?.as_ref().map(record).transpose()
    }

    /// Every contract of a target, with what is known of its column.
    pub async fn contract_states<S: DeserializeOwned>(
        &self,
        target: &str,
    ) -> Result<Vec<ContractState<S>>, Error> {
        let sql = format!("select {COLUMNS} from dbopt.contracts where target = $1");
        let rows = self.client().await?.query(&sql, &[&target]).await;
        rows.map_err(query_failed("read contracts"))?.iter().map(state).collect()
    }

    /// Register the contract of a column, or replace it; none where there is no such target. Another contract starts
    /// again: without a sample, and without events sent. Every analysis of the target is void then, so its revision changes.
    pub async fn put_contract(
        &self,
        target: &str,
        of: &ContractColumn,
        schema: &RawValue,
    ) -> Result<Option<ContractPut>, Error> {
        let failed = |error| query_failed("keep a contract")(error);
        let mut client = self.client().await?;
        let transaction = client.transaction().await.map_err(failed)?;
        if !revised(&transaction, target).await? {
            return Ok(None);
        }
        let sql = format!(
            "insert into dbopt.contracts as c (target, table_schema, table_name, column_name, schema) \
             values ($1, $2, $3, $4, $5) \
             on conflict (target, table_schema, table_name, column_name) do update set \
             schema = excluded.schema, updated_at = now(), \
             sample = case when c.schema::jsonb = excluded.schema::jsonb then c.sample end, \
             differs_since = case when c.schema::jsonb = excluded.schema::jsonb then c.differs_since end, \
             told = case when c.schema::jsonb = excluded.schema::jsonb then c.told else '[]' end \
             returning {COLUMNS}, xmax = 0 as is_new"
        );
        let values: &[&(dyn ToSql + Sync)] =
            &[&target, &of.schema, &of.table, &of.column, &Json(schema)];
        let row = transaction.query_one(&sql, values).await.map_err(failed)?;
        let put = ContractPut { record: record(&row)?, is_new: row.get("is_new") };
        let sql = "select count(*) from dbopt.contracts where target = $1";
        let count: i64 = transaction.query_one(sql, &[&target]).await.map_err(failed)?.get(0);
        if put.is_new && count > CONTRACTS_MAX {
            let target = target.to_owned();
            return Err(Error::TooManyContracts { target, max: CONTRACTS_MAX });
        }
        transaction.commit().await.map_err(failed)?;
        self.inner.targets.forget();
        Ok(Some(put))
    }

    /// Forget the contract of a column; false where it has none.
    pub async fn delete_contract(&self, target: &str, of: &ContractColumn) -> Result<bool, Error> {
        let failed = |error| query_failed("forget a contract")(error);
        let mut client = self.client().await?;
        let transaction = client.transaction().await.map_err(failed)?;
        let sql = format!("delete from dbopt.contracts where {OF}");
        let values: &[&(dyn ToSql + Sync)] = &[&target, &of.schema, &of.table, &of.column];
        let deleted = transaction.execute(&sql, values).await.map_err(failed)?;
        if deleted == 0 || !revised(&transaction, target).await? {
            return Ok(false);
        }
        transaction.commit().await.map_err(failed)?;
        self.inner.targets.forget();
        Ok(true)
    }

    /// Keep another sample of a column, or since when one differs from it, unless the contract was replaced meanwhile.
    pub async fn keep_sample<S: Serialize + std::fmt::Debug + Sync>(
        &self,
        target: &str,
        contract: &ContractRecord,
        change: SampleChange<'_, S>,
    ) -> Result<(), Error> {
        let sql = format!(
            "update dbopt.contracts set sample = coalesce($5, sample), differs_since = $6 \
             where {OF} and updated_at = $7"
        );
        let of = &contract.column;
        let client = self.client().await?;
        let values: &[&(dyn ToSql + Sync)] = &[
            &target,
            &of.schema,
            &of.table,
            &of.column,
            &change.sample.map(Json),
            &change.differs_since,
            &contract.updated_at,
        ];
        client.execute(&sql, values).await.map(drop).map_err(query_failed("keep a sample"))
    }

    /// Change which events of a contract's drift were sent; false where someone else changed it first, or replaced the contract.
    pub async fn set_notified(
        &self,
        target: &str,
        contract: &ContractRecord,
        change: NotifiedChange<'_>,
    ) -> Result<bool, Error> {
        let sql = format!(
            "update dbopt.contracts set told = $6 where {OF} and told = $5 and updated_at = $7"
        );
        let of = &contract.column;
        let client = self.client().await?;
        let values: &[&(dyn ToSql + Sync)] = &[
            &target,
            &of.schema,
            &of.table,
            &of.column,
            &Json(change.from),
            &Json(change.to),
            &contract.updated_at,
        ];
        let changed = client.execute(&sql, values).await;
        Ok(changed.map_err(query_failed("note what was posted"))? > 0)
    }
}

fn record(row: &Row) -> Result<ContractRecord, Error> {
    let Json(schema): Json<Box<RawValue>> = decoded(row, "schema")?;
    Ok(ContractRecord {
        column: ContractColumn {
            schema: row.get("table_schema"),
            table: row.get("table_name"),
            column: row.get("column_name"),
        },
        schema,
        created_at: row.get("created_at"),
        updated_at: row.get("updated_at"),
    })
}

fn state<S: DeserializeOwned>(row: &Row) -> Result<ContractState<S>, Error> {
    // A sample of another release is none.
    let sample: Option<Json<Value>> = decoded(row, "sample")?;
    let sample = sample.and_then(|Json(sample)| serde_json::from_value(sample).ok());
    let Json(notified) = decoded(row, "told")?;
    let differs_since = row.get("differs_since");
    Ok(ContractState { record: record(row)?, sample, differs_since, notified })
}

fn decoded<'r, T: tokio_postgres::types::FromSql<'r>>(
    row: &'r Row,
    column: &str,
) -> Result<T, Error> {
    row.try_get(column).map_err(|source| Error::Decode { what: "contract", source: source.into() })
}
