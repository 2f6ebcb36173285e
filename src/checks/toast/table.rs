//! A table as the checks of TOAST see it: with its partitions, and with estimates for the whole of it.

use std::collections::BTreeMap;

use super::size::{READ_BACK_MIN, READ_BACK_PER_DAY_MIN, TABLE_BYTES_MIN, TABLE_ROWS_MIN};
use crate::model::observation::{
    Context, Relation, RelationKind, StoredColumn, StoredSample, ToastColumn, ToastTable,
};
use crate::model::{
    Compression, Gap, Member, MemberKind, Object, Observation, Policy, Snapshot, Storage,
};

/// One relation of a table: itself, its root, or a partition.
pub(super) struct Node<'a> {
    pub(super) relation: &'a Relation,
    pub(super) toast: &'a ToastTable,
    /// Absent for nodes without rows, for partitions that others speak for, and where there is a gap.
    pub(super) sample: Option<&'a StoredSample>,
}

/// A table with all its partitions, or a relation alone.
pub(super) struct Table<'a> {
    pub(super) root: &'a Relation,
    pub(super) nodes: Vec<Node<'a>>,
}

/// The tables that were looked into and are large enough to judge.
pub(super) fn tables<'a>(seen: &'a Snapshot, policy: &Policy) -> Result<Vec<Table<'a>>, Gap> {
    let relations = seen.relations.get().map_err(Clone::clone)?;
    let toast_tables = seen.toast_tables.get().map_err(Clone::clone)?;
    let by_oid: BTreeMap<i64, &Relation> = relations.iter().map(|r| (r.oid, r)).collect();
    let samples: BTreeMap<i64, &StoredSample> = match &seen.stored_values {
        Observation::Seen(values) => {
            values.iter().filter_map(|value| Some((value.oid, value.sample.get().ok()?))).collect()
        }
        Observation::Unseen(_) => BTreeMap::new(),
    };
    let mut tables: BTreeMap<i64, Table<'a>> = BTreeMap::new();
    for toast in toast_tables {
        let Some(relation) = by_oid.get(&toast.oid) else { continue };
        let mut root = *relation;
        while let Some(parent) = root.parent.and_then(|oid| by_oid.get(&oid)) {
            root = parent;
        }
        let sample = samples.get(&toast.oid).copied();
        let table = tables.entry(root.oid).or_insert_with(|| Table { root, nodes: Vec::new() });
        table.nodes.push(Node { relation, toast, sample });
    }
    let (rows_min, bytes_min) = (policy.get(&TABLE_ROWS_MIN), policy.get(&TABLE_BYTES_MIN));
    Ok(tables
        .into_values()
        .filter(|table| table.rows() >= rows_min && float(table.bytes()) >= bytes_min)
        .collect())
}

/// Gaps of the samples: what they hide is no pass.
pub(super) fn sample_gaps(seen: &Snapshot) -> Result<Vec<Gap>, Gap> {
    let values = seen.stored_values.get().map_err(Clone::clone)?;
    Ok(values.iter().filter_map(|value| value.sample.get().err().cloned()).collect())
}

/// A count or a size as a float: all are far below 2^53.
#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
pub(super) fn float(count: impl TryInto<i64>) -> f64 {
    count.try_into().map_or(f64::MAX, |count| count as f64)
}

/// An estimate as a count.
#[expect(clippy::cast_possible_truncation, reason = "estimates are far below 2^53")]
pub(super) fn whole(estimate: f64) -> i64 {
    estimate.round() as i64
}

impl Node<'_> {
    fn holds_rows(&self) -> bool {
        self.relation.kind != RelationKind::PartitionedTable
    }

    pub(super) fn rows(&self) -> f64 {
        self.relation.rows.unwrap_or(0.0).max(float(self.toast.rows_live))
    }

    pub(super) fn heap_bytes(&self) -> i64 {
        self.toast.heap_bytes.unwrap_or(self.relation.pages * 8192)
    }

    pub(super) fn toast_bytes(&self) -> i64 {
        self.toast.toast_bytes.unwrap_or(self.relation.toast_pages * 8192)
    }

    /// What an action needs to know of it.
    pub(super) fn member<Before>(&self, before: Before) -> Member<Before> {
        let kind = match self.relation.kind {
            RelationKind::PartitionedTable => MemberKind::PartitionedTable,
            RelationKind::MaterializedView => MemberKind::MaterializedView,
            RelationKind::Table if self.toast.has_children => MemberKind::InheritanceParent,
            RelationKind::Table => MemberKind::Table,
        };
        Member { name: self.relation.qualified_name(), kind, before }
    }

    pub(super) fn column(&self, name: &str) -> Option<&ToastColumn> {
        self.toast.columns.iter().find(|column| column.name == name)
    }
}

impl<'a> Table<'a> {
    /// The nodes that hold rows.
    pub(super) fn leaves(&self) -> impl Iterator<Item = &Node<'a>> {
        self.nodes.iter().filter(|node| node.holds_rows())
    }

    pub(super) fn rows(&self) -> f64 {
        self.leaves().map(Node::rows).sum()
    }

    pub(super) fn heap_bytes(&self) -> i64 {
        self.leaves().map(Node::heap_bytes).sum()
    }

    pub(super) fn toast_bytes(&self) -> i64 {
        self.leaves().map(Node::toast_bytes).sum()
    }

    pub(super) fn bytes(&self) -> i64 {
        self.heap_bytes() + self.toast_bytes()
    }

    /// The sum of a counter over everything that holds rows.
    pub(super) fn total(&self, counter: impl Fn(&ToastTable) -> i64) -> i64 {
        self.leaves().map(|node| counter(node.toast)).sum()
    }

    pub(super) fn is_materialized_view(&self) -> bool {
        self.root.kind == RelationKind::MaterializedView
    }

    /// What a finding about all of it is about.
    pub(super) fn object(&self) -> Object {
        let (schema, table) = (self.root.schema.clone(), self.root.name.clone());
        match self.root.kind {
            RelationKind::MaterializedView => Object::MaterializedView { schema, table },
            _ => Object::Table { schema, table },
        }
    }

    /// What a finding about these leaves is about: the root, unless one of several alone is affected.
    pub(super) fn object_of(&self, affected: &[&Node<'_>]) -> Object {
        match (affected, self.partition(affected)) {
            ([_], Some(partition)) => Object::Partition {
                schema: self.root.schema.clone(),
                table: self.root.name.clone(),
                partition,
            },
            _ => self.object(),
        }
    }

    /// What a finding about a column of these leaves is about.
    pub(super) fn column_of(&self, column: &str, affected: &[&Node<'_>]) -> Object {
        Object::Column {
            schema: self.root.schema.clone(),
            table: self.root.name.clone(),
            column: column.to_owned(),
            partition: self.partition(affected),
        }
    }

    /// The one partition among several that is affected, with its schema where that is another.
    fn partition(&self, affected: &[&Node<'_>]) -> Option<String> {
        let [one] = affected else { return None };
        if self.leaves().count() < 2 {
            return None;
        }
        let relation = one.relation;
        Some(if relation.schema == self.root.schema {
            relation.name.clone()
        } else {
            format!("{}.{}", relation.schema, relation.name)
        })
    }

    /// Names of the columns, each once, in the root's order.
    pub(super) fn column_names(&self) -> Vec<&'a str> {
        let mut names = Vec::new();
        let root = self.nodes.iter().filter(|node| node.relation.oid == self.root.oid);
        for node in root.chain(&self.nodes) {
            for column in &node.toast.columns {
                if !names.contains(&column.name.as_str()) {
                    names.push(column.name.as_str());
                }
            }
        }
        names
    }

    /// How a column's values are stored in all of it, extrapolated from the samples.
    pub(super) fn estimate(&self, column: &str) -> Estimate {
        let mut sum = Estimate::default();
        let mut sampled_rows = 0.0;
        for node in self.leaves() {
            let Some(sample) = node.sample.filter(|sample| sample.rows > 0) else { continue };
            sampled_rows += node.rows();
            if let Some(stored) = sample.column(column) {
                sum.add(stored, node.rows() / float(sample.rows));
                sum.sampled_values += stored.values;
            }
        }
        // The largest partitions speak for those that were not sampled.
        if sampled_rows > 0.0 { sum.scaled(self.rows() / sampled_rows) } else { sum }
    }

    /// How out-of-line values are read back, if any are there.
    pub(super) fn reads(&self) -> Option<Reads> {
        let (mut chunks, mut values) = (0.0, 0.0);
        for name in self.column_names() {
            let estimate = self.estimate(name);
            chunks += estimate.out_of_line_chunks;
            values += estimate.out_of_line_values;
        }
        let live = float(self.total(|toast| toast.chunks_live)).max(chunks);
        if values < 1.0 || live < 1.0 {
            return None;
        }
        // To delete a chunk is to fetch it, and an update that builds a value from the old one has fetched
        // it before: neither is a query that wants the value.
        let by_updates = 2 * self.total(|toast| toast.chunks_deleted);
        let chunks_read = float(self.total(|toast| toast.chunks_read) - by_updates).max(0.0);
        let values_read = chunks_read / (chunks / values);
        let rows_read = float(self.total(|toast| toast.rows_read)).max(1.0);
        Some(Reads { times: chunks_read / live, share_of_rows: (values_read / rows_read).min(1.0) })
    }
}

/// How out-of-line values are read back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Reads {
    /// How often each was, on average, since the counters were reset.
    pub(super) times: f64,
    /// The share of row reads that read a value back, too.
    pub(super) share_of_rows: f64,
}

impl Reads {
    /// Whether queries read the values, rather than a dump now and then.
    pub(super) fn are_many(&self, context: &Context, policy: &Policy) -> bool {
        let days = context.counting_days().unwrap_or(0.0);
        self.times >= policy.get(&READ_BACK_MIN)
            && self.times >= policy.get(&READ_BACK_PER_DAY_MIN) * days
    }
}

/// How a column's values are stored in a whole table, as far as a sample can tell.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Estimate {
    /// Values in the samples, not extrapolated.
    pub(super) sampled_values: u64,
    pub(super) values: f64,
    pub(super) stored_bytes: f64,
    pub(super) out_of_line_values: f64,
    pub(super) out_of_line_bytes: f64,
    pub(super) out_of_line_chunks: f64,
    pub(super) pglz_values: f64,
    pub(super) pglz_bytes: f64,
    pub(super) lz4_values: f64,
    pub(super) lz4_bytes: f64,
    pub(super) wide_uncompressed_values: f64,
    pub(super) wide_uncompressed_bytes: f64,
    ratio_stored_bytes: f64,
    ratio_raw_bytes: f64,
}

impl Estimate {
    fn fields(&mut self) -> [&mut f64; 13] {
        [
            &mut self.values,
            &mut self.stored_bytes,
            &mut self.out_of_line_values,
            &mut self.out_of_line_bytes,
            &mut self.out_of_line_chunks,
            &mut self.pglz_values,
            &mut self.pglz_bytes,
            &mut self.lz4_values,
            &mut self.lz4_bytes,
            &mut self.wide_uncompressed_values,
            &mut self.wide_uncompressed_bytes,
            &mut self.ratio_stored_bytes,
            &mut self.ratio_raw_bytes,
        ]
    }

    fn add(&mut self, stored: &StoredColumn, scale: f64) {
        let counts = [
            stored.values,
            stored.stored_bytes,
            stored.out_of_line_values,
            stored.out_of_line_bytes,
            stored.out_of_line_chunks,
            stored.pglz_values,
            stored.pglz_bytes,
            stored.lz4_values,
            stored.lz4_bytes,
            stored.wide_uncompressed_values,
            stored.wide_uncompressed_bytes,
            stored.ratio_stored_bytes,
            stored.ratio_raw_bytes,
        ];
        for (field, count) in self.fields().into_iter().zip(counts) {
            *field += float(count) * scale;
        }
    }

    fn scaled(mut self, factor: f64) -> Self {
        for field in self.fields() {
            *field *= factor;
        }
        self
    }

    pub(super) fn compressed_values(&self) -> f64 {
        self.pglz_values + self.lz4_values
    }

    pub(super) fn compressed_bytes(&self) -> f64 {
        self.pglz_bytes + self.lz4_bytes
    }

    /// Uncompressed bytes for each stored one, where it could be seen.
    pub(super) fn ratio(&self) -> Option<f64> {
        (self.ratio_stored_bytes > 0.0).then(|| self.ratio_raw_bytes / self.ratio_stored_bytes)
    }
}

/// The compression method new values of a column get.
pub(super) fn effective(column: &ToastColumn, context: &Context) -> Compression {
    let set = column.compression.map(|letter| letter == 'l');
    let lz4 = set.unwrap_or_else(|| context.setting("default_toast_compression") == "lz4");
    if lz4 { Compression::Lz4 } else { Compression::Pglz }
}

/// The method set by name, which an undo has to restore.
pub(super) fn set_by_name(column: &ToastColumn) -> Option<Compression> {
    match column.compression? {
        'l' => Some(Compression::Lz4),
        _ => Some(Compression::Pglz),
    }
}

/// A column's storage strategy.
pub(super) fn storage(column: &ToastColumn) -> Storage {
    match column.storage {
        'p' => Storage::Plain,
        'e' => Storage::External,
        'm' => Storage::Main,
        _ => Storage::Extended,
    }
}

/// Whether it is one of pgvector's types.
pub(super) fn is_vector(column: &ToastColumn) -> bool {
    matches!(column.type_name.as_str(), "vector" | "halfvec" | "sparsevec")
}
