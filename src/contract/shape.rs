//! The tree of a column's keys, put together from their paths.

use std::collections::{BTreeMap, HashMap};

use crate::model::{DocumentKey, DocumentReport, print_key};

/// What stands at one path of the documents.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct PathShape {
    /// The key as documents hold it; empty for the top, elements and values of maps.
    pub(super) key: String,
    /// The key that it is a code for, or itself.
    pub(super) long: String,
    /// Whether each object around it has it.
    pub(super) required: bool,
    /// Values in the sample by JSON type.
    pub(super) types: BTreeMap<String, u64>,
    /// The type of column that all values fit.
    pub(super) fits: Option<String>,
    /// Keys that are names.
    pub(super) fields: Vec<PathShape>,
    /// What keys that are data lead to.
    pub(super) map: Option<Box<PathShape>>,
    /// What arrays hold.
    pub(super) items: Option<Box<PathShape>>,
}

/// What a path is to the one it is below.
#[derive(Debug, Clone, PartialEq, Eq)]
enum ShapeStep {
    Field(String),
    Data,
    Item,
}

impl PathShape {
    pub(super) fn of(report: &DocumentReport) -> Self {
        let mut top = Self { types: report.documents.tops.clone(), ..Self::default() };
        // Every path comes after the one it is below.
        let mut paths: HashMap<&str, Vec<ShapeStep>> = HashMap::from([("", Vec::new())]);
        for key in &report.keys {
            let Some(path) = paths.get(above(key)) else { continue };
            let step = match &key.name {
                None => ShapeStep::Item,
                Some(_) if key.is_data => ShapeStep::Data,
                Some(name) => ShapeStep::Field(name.clone()),
            };
            let path = [path.as_slice(), &[step]].concat();
            top.at(&path).add(key);
            paths.insert(&key.path, path);
        }
        top.complete(&report.codes);
        top
    }

    /// The shape at the end of a way, made where it is not there yet.
    fn at(&mut self, path: &[ShapeStep]) -> &mut Self {
        let Some((step, rest)) = path.split_first() else { return self };
        let next = match step {
            ShapeStep::Item => self.items.get_or_insert_default().as_mut(),
            ShapeStep::Data => self.map.get_or_insert_default().as_mut(),
            ShapeStep::Field(key) => {
                let position = self.fields.iter().position(|field| field.key == *key);
                let position = position.unwrap_or_else(|| {
                    self.fields.push(Self { key: key.clone(), ..Self::default() });
                    self.fields.len() - 1
                });
                &mut self.fields[position]
            }
        };
        next.at(rest)
    }

    /// The values of a path stand here, too.
    fn add(&mut self, key: &DocumentKey) {
        let first = self.types.is_empty();
        for (name, count) in &key.types {
            *self.types.entry(name.clone()).or_default() += count;
        }
        self.fits = match (&self.fits, &key.fits) {
            (fits, other) if first || fits == other => other.clone(),
            (None, fits) | (fits, None) => fits.clone(),
            (Some(a), Some(b)) => Some(joined(a, b).to_owned()),
        };
    }

    /// What can only be decided once everything is there.
    fn complete(&mut self, codes: &BTreeMap<String, String>) {
        let objects = self.count("object");
        self.long = codes.get(&self.key).unwrap_or(&self.key).clone();
        for field in &mut self.fields {
            field.required = field.types.values().sum::<u64>() == objects;
            field.complete(codes);
        }
        for inner in self.map.iter_mut().chain(&mut self.items) {
            inner.complete(codes);
        }
    }

    fn count(&self, json_type: &str) -> u64 {
        self.types.get(json_type).copied().unwrap_or(0)
    }

    pub(super) fn has(&self, json_type: &str) -> bool {
        self.count(json_type) > 0
    }
}

/// What values fit where some fit one type and some another.
fn joined(a: &str, b: &str) -> &'static str {
    let numeric = |fit: &str| matches!(fit, "bigint" | "numeric");
    if numeric(a) && numeric(b) { "numeric" } else { "text" }
}

/// The path that a key's is below.
pub(super) fn above(key: &DocumentKey) -> &str {
    let path = key.path.as_str();
    let Some(name) = &key.name else { return path.strip_suffix("[]").unwrap_or(path) };
    let above = path.strip_suffix(&*print_key(name)).unwrap_or_default();
    above.strip_suffix('.').unwrap_or(above)
}
