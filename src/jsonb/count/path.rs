//! What was seen at one path of many documents.

use std::collections::HashMap;

use cardinality_estimator::CardinalityEstimator;

#[cfg(doc)]
use super::{GROUP_DOCUMENTS, TYPES};
use crate::jsonb::Fit;

/// What was seen at one path: a key, or the elements of an array.
#[derive(Debug)]
pub struct Path {
    /// The key; absent for the elements of an array.
    pub key: Option<Box<str>>,
    /// The path it is below; the root's is itself.
    pub(super) parent: usize,
    /// Objects and arrays from the top to this one's value, not counting the value.
    pub depth: usize,
    /// Documents that have it.
    pub documents: u64,
    /// Groups of [`GROUP_DOCUMENTS`] documents, one after the other, that have it.
    pub groups: u64,
    /// How often it occurs, elements of arrays each counted.
    pub instances: u64,
    /// The squares of how often it occurs in each document, summed: for the spread between documents.
    pub squares: u64,
    /// By type, in the order of [`TYPES`].
    pub types: [u64; 6],
    /// Bytes of its values as stored, without the entry and padding before them.
    pub value_bytes: u64,
    /// Bytes of the largest.
    pub value_bytes_max: u64,
    /// Elements of those of its values that are arrays.
    pub elements: u64,
    /// Elements of the longest.
    pub elements_max: u64,
    /// Strings that are numbers.
    pub numeric_strings: u64,
    /// The type of column its values fit.
    pub fit: Fit,
    pub(super) distinct: CardinalityEstimator<str>,
    pub(super) children: Vec<usize>,
    /// Positions in `children`.
    pub(super) positions: HashMap<Box<str>, usize>,
    pub(super) items: Option<usize>,
    /// Where the next key is looked for first.
    pub(super) likely: usize,
    pub(super) last_document: u64,
    pub(super) last_group: u64,
    /// How often it occurred in that one so far.
    pub(super) in_document: u64,
}

impl Path {
    pub(super) fn new(key: Option<Box<str>>, parent: usize, depth: usize) -> Self {
        Self {
            key,
            parent,
            depth,
            documents: 0,
            groups: 0,
            instances: 0,
            squares: 0,
            types: [0; 6],
            value_bytes: 0,
            value_bytes_max: 0,
            elements: 0,
            elements_max: 0,
            numeric_strings: 0,
            fit: Fit::default(),
            distinct: CardinalityEstimator::new(),
            children: Vec::new(),
            positions: HashMap::new(),
            items: None,
            likely: 0,
            last_document: 0,
            last_group: 0,
            in_document: 0,
        }
    }

    /// Different scalars seen here: exact for a few, an estimate for many.
    pub fn distinct(&self) -> usize {
        self.distinct.estimate()
    }
}
