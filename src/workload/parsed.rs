//! What the statements of entries mean, each shape of them parsed once.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::entry::Entry;
use super::learned::LiteralClassifier;
use super::parameters;
use super::shape::{counts_in, document_shape, shape};
use crate::model::observation::{Limit, SessionNeed, StatementShape};
use crate::model::{QualifiedName, quote_literal};
use crate::sql::{Catalog, JsonStep, KeyUse, NotUnderstood, TEXT_BYTES_MAX, statement};

/// Most shapes that are remembered, twice.
const SHAPES_MAX: usize = 4096;

/// Most bytes of shapes and of their meaning that are remembered, twice.
const SHAPES_BYTES_MAX: usize = 16 * 1024 * 1024;

/// As much takes one use of a document, with its names.
const USE_BYTES: usize = 256;

/// A longer shape is not remembered: it is an import, or a list of thousands, and comes once.
const SHAPE_BYTES_MAX: usize = 64 * 1024;

/// As much is kept of a redacted text.
const REDACTED_BYTES_MAX: usize = 4096;

/// Parameters tried for being keys at most; each costs a parse of each shape that has keys as parameters.
const PARAMETERS_TRIED_MAX: usize = 16;

/// A longer value of a parameter is no key and no path.
const KEY_BYTES_MAX: usize = 4096;

/// What the statements of a text mean, taken together.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ParsedStatement {
    /// The same for the same statements with the same uses.
    pub(super) id: String,
    pub(super) redacted: String,
    pub(super) tables: BTreeSet<QualifiedName>,
    pub(super) uses: BTreeSet<KeyUse>,
    pub(super) unresolved: u32,
    /// Whether the application's text leaves a key to a parameter.
    pub(super) bound: bool,
    /// The same for statements that differ in constants only.
    pub(super) fingerprint: String,
    /// What the statements do with every column.
    pub(super) shape: Arc<StatementShape>,
    /// What the statements keep in their session.
    pub(super) session: BTreeSet<(SessionNeed, Option<String>)>,
    /// The same for the same statements with the same shape.
    pub(super) shape_id: String,
    /// The parameters on which keys depend.
    keys_in: Vec<u32>,
    /// Those that say how many rows are returned or skipped, where these matter.
    counts_in: Vec<u32>,
}

impl ParsedStatement {
    /// Whether a key is still unknown.
    pub(super) fn has_unknown_key(&self) -> bool {
        self.uses.iter().any(KeyUse::is_bound)
    }

    /// Whether it does with documents anything at all.
    pub(super) fn uses_documents(&self) -> bool {
        self.unresolved > 0 || !self.uses.is_empty()
    }

    /// What the statements of a text mean.
    pub(super) fn of(text: &str, catalog: &Catalog) -> Result<Self, NotUnderstood> {
        let (mut fingerprint, mut redacted) = (String::new(), String::new());
        let mut shape = None::<StatementShape>;
        let mut session = BTreeSet::new();
        let (mut tables, mut uses, mut unresolved) = (BTreeSet::new(), BTreeSet::new(), 0_u32);
        for understood in statement(text, catalog)? {
            fingerprint.push_str(&understood.fingerprint);
            if !redacted.is_empty() {
                redacted.push_str("; ");
            }
            redacted.push_str(&understood.redacted);
            match &mut shape {
                Some(shape) => shape.append(understood.shape),
                None => shape = Some(understood.shape),
            }
            session.extend(understood.session);
            tables.extend(understood.tables);
            uses.extend(understood.uses);
            unresolved = unresolved.saturating_add(understood.unresolved);
        }
        if redacted.len() > REDACTED_BYTES_MAX {
            redacted.truncate(redacted.floor_char_boundary(REDACTED_BYTES_MAX));
            redacted.push('…');
        }
        let (id, keys_in) = (identity(&fingerprint, &uses), Vec::new());
        let bound = uses.iter().any(KeyUse::is_key_sent);
        let shape = Arc::new(shape.unwrap_or_default());
        let shape_id = shape_identity(&fingerprint, &shape);
        Ok(Self {
            id,
            redacted,
            tables,
            uses,
            unresolved,
            bound,
            fingerprint,
            shape,
            session,
            shape_id,
            keys_in,
            counts_in: Vec::new(),
        })
    }
}

/// 64 bits in hex, the same in every process.
fn identity(fingerprint: &str, uses: &BTreeSet<KeyUse>) -> String {
    let mut hash = Sha256::new();
    hash.update(fingerprint);
    for one in uses {
        hash.update([0]);
        hash.update(one.to_string());
    }
    hex::encode(&hash.finalize()[..8])
}

/// 64 bits in hex, the same in every process.
fn shape_identity(fingerprint: &str, shape: &StatementShape) -> String {
    let mut hash = Sha256::new();
    hash.update(fingerprint);
    hash.update([0]);
    hash.update(serde_json::to_vec(shape).unwrap_or_default());
    hex::encode(&hash.finalize()[..8])
}

type ParseResult = Result<Arc<ParsedStatement>, NotUnderstood>;

/// What is known of shapes that were met.
pub(super) struct ParsedStatements<'c> {
    catalog: &'c Catalog,
    young: HashMap<String, ParseResult>,
    old: HashMap<String, ParseResult>,
    bytes: usize,
    learned: LiteralClassifier,
    /// How many texts were parsed.
    parsed: u64,
}

impl<'c> ParsedStatements<'c> {
    pub(super) fn new(catalog: &'c Catalog) -> Self {
        let (young, old) = (HashMap::new(), HashMap::new());
        Self { catalog, young, old, bytes: 0, learned: LiteralClassifier::default(), parsed: 0 }
    }

    pub(super) fn parsed(&self) -> u64 {
        self.parsed
    }

    /// What an entry means, keys and numbers of rows that its parameters show included.
    pub(super) fn of(&mut self, entry: &Entry) -> ParseResult {
        if entry.cut_off || entry.sql.len() > TEXT_BYTES_MAX {
            return Err(NotUnderstood::TooLong);
        }
        let shape = self.shape(shape(&entry.sql));
        let parsed = self.known(&shape, Self::read)?;
        let depends = !parsed.keys_in.is_empty() || !parsed.counts_in.is_empty();
        if !depends || entry.parameters.is_empty() {
            return Ok(parsed);
        }
        let keys = parsed.keys_in.iter().filter_map(|number| {
            let value =
                entry.parameters.get(*number).filter(|value| value.len() <= KEY_BYTES_MAX)?;
            let value = document_shape(&value).map_or(value, Cow::Owned);
            Some((*number, quote_literal(&value)))
        });
        let counts = parsed.counts_in.iter().filter_map(|number| {
            let rows: u32 = entry.parameters.get(*number)?.trim().parse().ok()?;
            Some((*number, rows.min(Limit::KEPT_MAX + 1).to_string()))
        });
        let values: Vec<_> = keys.chain(counts).collect();
        let text = parameters::substituted(&shape, &values);
        // A value may have made the text one that is refused; then the keys stay unknown.
        Ok(self.known(&text, |this, text| this.with_values(text, &parsed)).unwrap_or(parsed))
    }

    /// The shape without values that only many statements together show.
    fn shape(&mut self, shape: String) -> String {
        if self.young.contains_key(&shape) || shape.len() > SHAPE_BYTES_MAX {
            return shape;
        }
        let mut learned = std::mem::take(&mut self.learned);
        let shape = learned.shape(shape, |sql, probes| {
            let meant = self.parse(sql);
            let same = |probe: &String| meant.is_ok() && self.parse(probe) == meant;
            probes.iter().map(same).collect()
        });
        self.learned = learned;
        shape
    }

    fn known(
        &mut self,
        shape: &str,
        read: impl FnOnce(&mut Self, &str) -> ParseResult,
    ) -> ParseResult {
        if let Some(known) = self.young.get(shape) {
            return known.clone();
        }
        let known = match self.old.remove(shape) {
            Some(known) => known,
            None => read(self, shape),
        };
        if shape.len() <= SHAPE_BYTES_MAX {
            let uses = known.as_ref().map_or(0, |parsed| parsed.uses.len());
            self.bytes += shape.len() + uses * USE_BYTES;
            self.young.insert(shape.to_owned(), known.clone());
        }
        if self.young.len() > SHAPES_MAX || self.bytes > SHAPES_BYTES_MAX {
            self.old = std::mem::take(&mut self.young);
            self.bytes = 0;
        }
        known
    }

    fn parse(&mut self, text: &str) -> Result<ParsedStatement, NotUnderstood> {
        self.parsed += 1;
        ParsedStatement::of(text, self.catalog)
    }

    /// A shape that is new.
    fn read(&mut self, shape: &str) -> ParseResult {
        let mut parsed = self.parse(shape)?;
        parsed.counts_in = counts_in(shape);
        if parsed.has_unknown_key() {
            let numbers = parameters::numbers(shape);
            for number in numbers.into_iter().take(PARAMETERS_TRIED_MAX) {
                let tried =
                    self.parse(&parameters::substituted(shape, &[(number, "'k'".to_owned())]));
                if tried.is_ok_and(|tried| !same_paths(&tried.uses, &parsed.uses)) {
                    parsed.keys_in.push(number);
                }
            }
        }
        Ok(Arc::new(parsed))
    }

    /// A shape whose keys came as parameters. It is still the statement that the application sent.
    fn with_values(&mut self, text: &str, sent: &ParsedStatement) -> ParseResult {
        let with_values = self.parse(text)?;
        let id = identity(&sent.fingerprint, &with_values.uses);
        let shape_id = shape_identity(&sent.fingerprint, &with_values.shape);
        Ok(Arc::new(ParsedStatement {
            id,
            uses: with_values.uses,
            unresolved: with_values.unresolved,
            shape: with_values.shape,
            shape_id,
            ..sent.clone()
        }))
    }
}

/// Whether uses are of the same values, whatever these are compared with.
fn same_paths(one: &BTreeSet<KeyUse>, other: &BTreeSet<KeyUse>) -> bool {
    let paths = |uses: &BTreeSet<KeyUse>| {
        let path = |one: &KeyUse| -> (String, Vec<JsonStep>) {
            (format!("{} {}", one.table.to_sql(), one.column), one.path.clone())
        };
        uses.iter().map(path).collect::<BTreeSet<_>>()
    };
    paths(one) == paths(other)
}
