//! What many documents of a column have in common, counted in one pass, in memory that does not grow with them.

mod path;

use std::collections::BTreeMap;

pub use path::Path;

use super::dictionary::dictionary;
use super::shape::{DocumentPieces, SizedPiece};
use super::size::{self, ValueExtent, container};
use super::{Malformed, Scanner, Token, numeric_bytes};
use crate::model::print_key;

/// Paths distinguished at most; what comes after them is counted together.
pub const PATHS_MAX: usize = 2000;
/// Documents of a group. A sample reads whole pages, and the rows of one page were often written together: what occurs
/// in one group occurs once, as far as chance goes.
pub const GROUP_DOCUMENTS: u64 = 20;

/// The types of JSON, in the order of [`Path::types`].
pub const TYPES: [&str; 6] = ["object", "array", "string", "number", "boolean", "null"];

/// What was seen of one column.
#[derive(Debug)]
pub struct DocumentCounts {
    /// Documents read.
    pub documents: u64,
    /// Bytes of their text.
    pub text_bytes: u64,
    /// Bytes that these documents take uncompressed, as PostgreSQL stores them.
    pub uncompressed_bytes: u64,
    /// Documents by the type at their top, in the order of [`TYPES`].
    pub roots: [u64; 6],
    /// The deepest nesting of objects and arrays; a scalar has none.
    pub depth_max: usize,
    /// Documents by how deep they nest; scalars first.
    pub depths: Vec<u64>,
    /// Documents that were no JSON to us: a bug of ours, never of theirs.
    pub malformed: u64,
    /// Keys beyond those distinguished, counted together.
    pub keys_left_out: u64,
    paths: Vec<Path>,
    extents: Vec<ValueExtent>,
    shapes: DocumentPieces,
    /// How deep the present document nests so far.
    depth: usize,
}

impl Default for DocumentCounts {
    fn default() -> Self {
        Self {
            documents: 0,
            text_bytes: 0,
            uncompressed_bytes: 0,
            roots: [0; 6],
            depth_max: 0,
            depths: Vec::new(),
            malformed: 0,
            keys_left_out: 0,
            paths: vec![Path::new(None, ROOT, 0)],
            extents: Vec::new(),
            shapes: DocumentPieces::default(),
            depth: 0,
        }
    }
}

/// One of the first documents under other keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Renamed {
    /// Its position among all that were counted.
    pub position: u64,
    /// Bytes that it takes uncompressed.
    pub bytes: u64,
    /// Bytes that it would take uncompressed.
    pub renamed_bytes: u64,
}

const ROOT: usize = 0;
/// Keys looked at before the map is asked: optional ones are often left out.
const LIKELY: usize = 3;
/// Keys below one path from which on they may be data. No one writes so many that each is in few objects.
const DATA_KEYS_MIN: usize = 50;
/// A key in less than one object of so many is one of those that are.
const DATA_OBJECTS: u64 = 100;

impl DocumentCounts {
    /// Count one document, as `jsonb` prints itself: keys in the order they are stored in, each once.
    pub fn add(&mut self, text: &str) {
        self.documents += 1;
        self.text_bytes += text.len() as u64;
        self.extents.clear();
        self.depth = 0;
        self.shapes.begin();
        let counted = self.document(text);
        self.shapes.end(counted.is_ok().then_some(self.documents - 1));
        match counted {
            Ok(bytes) => {
                self.uncompressed_bytes += bytes;
                self.depth_max = self.depth_max.max(self.depth);
                self.depths.resize(self.depth_max + 1, 0);
                self.depths[self.depth] += 1;
            }
            Err(Malformed { .. }) => self.malformed += 1,
        }
    }

    /// Every path but the root, in the order they were first met, and whether its key is data and no name.
    pub fn paths(&self) -> impl Iterator<Item = (String, &Path, bool)> {
        let data = self.data();
        (1..self.paths.len()).map(move |at| (self.name(at), &self.paths[at], data[at]))
    }

    /// A code for each key that is a name and longer than a code.
    pub fn dictionary(&self) -> BTreeMap<String, String> {
        let data = self.data();
        let named = self.paths.iter().zip(data).filter(|(_, is_data)| !is_data);
        dictionary(named.filter_map(|(path, _)| Some((path.key.as_deref()?, path.instances))))
    }

    /// What the first documents would take under these codes.
    pub fn renamed(&self, codes: &BTreeMap<String, String>) -> Vec<Renamed> {
        let keys = self.paths.iter().map(|path| path.key.as_deref().unwrap_or_default());
        let today: Vec<&str> = keys.clone().collect();
        let then: Vec<&str> = keys.map(|key| codes.get(key).map_or(key, String::as_str)).collect();
        let both = self.shapes.priced(&today).into_iter().zip(self.shapes.priced(&then));
        both.map(|((position, bytes), (_, renamed_bytes))| Renamed {
            position,
            bytes,
            renamed_bytes,
        })
        .collect()
    }

    /// For each path, whether its key is data, and no name: one of very many below its parent, most of them in few
    /// objects or made of digits.
    fn data(&self) -> Vec<bool> {
        let holds_data: Vec<bool> = self.paths.iter().map(|path| self.holds_data(path)).collect();
        let is_data = |path: &Path| path.key.is_some() && holds_data[path.parent];
        self.paths.iter().map(is_data).collect()
    }

    fn holds_data(&self, path: &Path) -> bool {
        let keys = path.children.len();
        if keys < DATA_KEYS_MIN {
            return false;
        }
        let rare_max = (path.types[0] / DATA_OBJECTS).max(1);
        let rare = |child: &&usize| self.paths[**child].instances <= rare_max;
        let counted = |child: &&usize| self.paths[**child].key.as_deref().is_some_and(is_number);
        let most = |of: usize| 2 * of > keys;
        most(path.children.iter().filter(rare).count())
            || most(path.children.iter().filter(counted).count())
    }

    /// `a.b[]`; the path as it is printed.
    fn name(&self, at: usize) -> String {
        let path = &self.paths[at];
        let above = if path.parent == ROOT { String::new() } else { self.name(path.parent) };
        match &path.key {
            None => format!("{above}[]"),
            Some(key) => {
                let key = print_key(key);
                if above.is_empty() { key.into_owned() } else { format!("{above}.{key}") }
            }
        }
    }

    fn document(&mut self, text: &str) -> Result<u64, Malformed> {
        let mut scanner = Scanner::new(text);
        let missing = Malformed { at: text.len() };
        let first = scanner.next_token()?.ok_or(missing)?;
        let kind = kind(&first);
        let root = self.value(&mut scanner, &first, ROOT)?;
        if scanner.next_token()?.is_some() {
            return Err(missing);
        }
        self.roots[kind] += 1;
        let scalar = kind > ARRAY;
        Ok(size::WORD + if scalar { container(1, 0, &[root]) } else { root.bytes })
    }

    fn value(
        &mut self,
        scanner: &mut Scanner<'_>,
        first: &Token<'_>,
        at: usize,
    ) -> Result<ValueExtent, Malformed> {
        let extent = match first {
            Token::ObjectStart => ValueExtent { bytes: self.object(scanner, at)?, aligned: true },
            Token::ArrayStart => ValueExtent { bytes: self.array(scanner, at)?, aligned: true },
            Token::String(string) => {
                self.paths[at].distinct.insert(string);
                self.paths[at].numeric_strings += u64::from(is_numeric(string));
                self.scalar(string.len() as u64, false)
            }
            Token::Number(number) => {
                self.paths[at].distinct.insert(number);
                self.scalar(numeric_bytes(number), true)
            }
            _ => self.scalar(0, false),
        };
        let document = self.documents;
        let path = &mut self.paths[at];
        path.types[kind(first)] += 1;
        path.fit = path.fit.with(first);
        path.instances += 1;
        if path.last_document != document {
            path.last_document = document;
            path.in_document = 0;
            path.documents += 1;
            let group = document.div_ceil(GROUP_DOCUMENTS);
            path.groups += u64::from(path.last_group != group);
            path.last_group = group;
        }
        path.in_document += 1;
        path.squares += 2 * path.in_document - 1;
        path.value_bytes += extent.bytes;
        path.value_bytes_max = path.value_bytes_max.max(extent.bytes);
        Ok(extent)
    }

    fn scalar(&mut self, bytes: u64, aligned: bool) -> ValueExtent {
        let extent = ValueExtent { bytes, aligned };
        self.shapes.push_value(extent);
        extent
    }

    /// A value that no path is left for.
    fn other(
        &mut self,
        scanner: &mut Scanner<'_>,
        first: Token<'_>,
    ) -> Result<ValueExtent, Malformed> {
        let extent = size::value(scanner, first)?;
        self.shapes.push_value(extent);
        Ok(extent)
    }

    fn object(&mut self, scanner: &mut Scanner<'_>, at: usize) -> Result<u64, Malformed> {
        let (begun, mut keys) = (self.extents.len(), 0);
        self.enter(at);
        self.shapes.push(SizedPiece::Object);
        self.paths[at].likely = 0;
        while let Some(Token::Key(key)) = scanner.next_token()? {
            keys += key.len() as u64;
            let child = self.child(at, &key);
            let Some(first) = scanner.next_token()? else { break };
            self.shapes.push(match child {
                Some(child) => SizedPiece::Key(short(child)),
                None => SizedPiece::OtherKey(short(key.len())),
            });
            let extent = match child {
                Some(child) => self.value(scanner, &first, child)?,
                None => self.other(scanner, first)?,
            };
            self.extents.push(extent);
        }
        self.shapes.push(SizedPiece::End);
        let values = &self.extents[begun..];
        let bytes = container(2 * values.len() as u64, keys, values);
        self.extents.truncate(begun);
        Ok(bytes)
    }

    fn array(&mut self, scanner: &mut Scanner<'_>, at: usize) -> Result<u64, Malformed> {
        let begun = self.extents.len();
        self.enter(at);
        self.shapes.push(SizedPiece::Array);
        while let Some(token) = scanner.next_token()? {
            if token == Token::ArrayEnd {
                break;
            }
            let extent = match self.items(at) {
                Some(items) => self.value(scanner, &token, items)?,
                None => self.other(scanner, token)?,
            };
            self.extents.push(extent);
        }
        self.shapes.push(SizedPiece::End);
        let count = (self.extents.len() - begun) as u64;
        let bytes = container(count, 0, &self.extents[begun..]);
        self.extents.truncate(begun);
        let path = &mut self.paths[at];
        path.elements += count;
        path.elements_max = path.elements_max.max(count);
        Ok(bytes)
    }

    fn enter(&mut self, at: usize) {
        self.depth = self.depth.max(self.paths[at].depth + 1);
    }

    /// The path of a key below another, made if there is room.
    fn child(&mut self, at: usize, key: &str) -> Option<usize> {
        let path = &self.paths[at];
        if let Some(position) = self.position(path, key) {
            let child = path.children[position];
            self.paths[at].likely = position + 1;
            return Some(child);
        }
        let child = self.make(at, Some(key.into()))?;
        let path = &mut self.paths[at];
        path.positions.insert(key.into(), path.children.len());
        path.children.push(child);
        Some(child)
    }

    /// Looked for behind the key before it first: documents of a column resemble each other. Where keys are
    /// data, they do not, and are many.
    fn position(&self, path: &Path, key: &str) -> Option<usize> {
        let is = |child: &usize| self.paths[*child].key.as_deref() == Some(key);
        let behind = path.children.iter().skip(path.likely).take(LIKELY);
        let near = behind.into_iter().position(is).map(|position| path.likely + position);
        near.or_else(|| path.positions.get(key).copied())
    }

    /// The path of an array's elements.
    fn items(&mut self, at: usize) -> Option<usize> {
        if self.paths[at].items.is_none() {
            self.paths[at].items = self.make(at, None);
        }
        self.paths[at].items
    }

    fn make(&mut self, parent: usize, key: Option<Box<str>>) -> Option<usize> {
        if self.paths.len() > PATHS_MAX {
            self.keys_left_out += 1;
            return None;
        }
        let depth = self.paths[parent].depth + 1;
        self.paths.push(Path::new(key, parent, depth));
        Some(self.paths.len() - 1)
    }
}

const ARRAY: usize = 1;

/// Paths are some thousand, and a key's length is below 2^28.
fn short(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Whether a key is an identifier or a date, and no word: most of it is digits.
fn is_number(key: &str) -> bool {
    let digits = key.bytes().filter(u8::is_ascii_digit).count();
    2 * digits > key.len()
}

/// The position in [`TYPES`].
fn kind(token: &Token<'_>) -> usize {
    match token {
        Token::ObjectStart => 0,
        Token::ArrayStart => ARRAY,
        Token::String(_) => 2,
        Token::Number(_) => 3,
        Token::Bool => 4,
        _ => 5,
    }
}

/// Whether a cast of the text to `numeric` succeeds: decimals as anyone writes them.
fn is_numeric(text: &str) -> bool {
    let digits = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E');
    !text.is_empty() && text.chars().all(digits) && text.parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::super::shape::PIECES_MAX;
    use super::super::stored_bytes;
    use super::*;

    fn counted(documents: &[&str]) -> DocumentCounts {
        let mut counts = DocumentCounts::default();
        for document in documents {
            counts.add(document);
        }
        counts
    }

    fn path<'a>(counts: &'a DocumentCounts, name: &str) -> &'a Path {
        let mut paths = counts.paths();
        let found = paths.find(|(path, ..)| path == name);
        found.unwrap_or_else(|| panic!("no {name}")).1
    }

    #[test]
    fn every_path_is_counted_by_document_and_by_instance() {
        let counts = counted(&[
            r#"{"a": 1, "b": [{"c": "x"}, {"c": "y"}]}"#,
            r#"{"a": 2, "d.e": null}"#,
            r#"{"b": [1, 2, 3]}"#,
            "7",
        ]);
        assert_eq!((counts.documents, counts.depth_max, counts.roots), (4, 3, [3, 0, 0, 1, 0, 0]));
        assert_eq!(counts.depths, [1, 1, 1, 1], "a scalar, then one document of each depth");
        let a = path(&counts, "a");
        assert_eq!(
            (a.documents, a.instances, a.types, a.distinct()),
            (2, 2, [0, 0, 0, 2, 0, 0], 2)
        );
        let c = path(&counts, "b[].c");
        assert_eq!((c.documents, c.instances, c.depth, c.value_bytes), (1, 2, 3, 2));
        assert_eq!((a.squares, c.squares), (2, 4));
        let b = path(&counts, "b");
        assert_eq!((b.elements, b.elements_max), (5, 3));
        assert_eq!(path(&counts, r#""d.e""#).types, [0, 0, 0, 0, 0, 1]);
    }

    #[test]
    fn sizes_are_those_of_each_document_alone() {
        for document in [r#"{"a": 1, "bb": ["x", 2.5, {}]}"#, "[]", "\"s\"", "[[1], null, true]"] {
            let counts = counted(&[document, document]);
            let bytes = stored_bytes(document).unwrap();
            assert_eq!(counts.uncompressed_bytes, 2 * bytes, "{document}");
        }
    }

    #[test]
    fn more_keys_than_can_be_told_apart_are_counted_and_priced_together() {
        let key = |n: usize| format!("\"key{n:05}\": {{\"x\": {n}}}");
        let wide: Vec<String> = (0..PATHS_MAX).map(key).collect();
        let wide = format!("{{{}}}", wide.join(", "));
        let counts = counted(&[&wide, &wide]);
        assert!(counts.keys_left_out > 0);
        assert_eq!(counts.paths().count(), PATHS_MAX);
        assert_eq!(counts.uncompressed_bytes, 2 * stored_bytes(&wide).unwrap());
    }

    fn data(counts: &DocumentCounts) -> Vec<String> {
        counts.paths().filter(|(_, _, is_data)| *is_data).map(|(name, ..)| name).collect()
    }

    fn document() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".{0,9}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 60, 8, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::hash_map("[a-d]{1,6}|.{0,9}", inner, 0..8)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    fn under(codes: &BTreeMap<String, String>, document: Value) -> Value {
        let code = |key: String| codes.get(&key).cloned().unwrap_or(key);
        match document {
            Value::Object(fields) => {
                fields.into_iter().map(|(key, value)| (code(key), under(codes, value))).collect()
            }
            Value::Array(items) => items.into_iter().map(|item| under(codes, item)).collect(),
            scalar => scalar,
        }
    }

    proptest! {
        #[test]
        fn a_document_under_other_keys_takes_what_is_told(documents in prop::collection::vec(document(), 1..6)) {
            let mut counts = DocumentCounts::default();
            for document in &documents {
                counts.add(&document.to_string());
            }
            let codes = counts.dictionary();
            let outcomes = counts.renamed(&codes);
            prop_assert_eq!(outcomes.len(), documents.len());
            for (renamed, document) in outcomes.iter().zip(documents) {
                let bytes = |document: &Value| stored_bytes(&document.to_string()).unwrap();
                prop_assert_eq!(renamed.bytes, bytes(&document));
                prop_assert_eq!(renamed.renamed_bytes, bytes(&under(&codes, document)));
            }
        }
    }

    #[test]
    fn the_first_documents_are_priced_in_memory_that_has_a_bound() {
        let wide: Vec<String> = (0..1000).map(|n| format!("\"feature_{n}\": {n}")).collect();
        let wide = format!("{{{}}}", wide.join(", "));
        let many: Vec<&str> = std::iter::repeat_n(wide.as_str(), 200).collect();
        let counts = counted(&many);
        let priced = counts.renamed(&counts.dictionary());
        assert_eq!(priced.len(), PIECES_MAX / 2002);
        assert_eq!(priced[9].bytes, stored_bytes(&wide).unwrap());
    }

    #[test]
    fn keys_that_are_data_are_told_from_names() {
        let by_user = |n: usize| format!("{{\"visits\": {{\"user-{n}\": {{\"first_page\": 1}}}}}}");
        let documents: Vec<String> = (0..300).map(by_user).collect();
        let counts = counted(&documents.iter().map(String::as_str).collect::<Vec<_>>());
        let found = data(&counts);
        assert_eq!(found.len(), 300);
        assert!(found.iter().all(|name| name.starts_with("visits.user-")), "{found:?}");
        assert_eq!(counts.dictionary().keys().collect::<Vec<_>>(), ["first_page", "visits"]);

        let by_shop: Vec<String> = (4000..4060).map(|n| format!("\"{n}\": 1")).collect();
        let by_shop = format!("{{{}}}", by_shop.join(", "));
        assert_eq!(data(&counted(&[&by_shop, &by_shop])).len(), 60);
        assert!(counted(&[&by_shop]).dictionary().is_empty());
    }

    #[test]
    fn many_names_are_no_data_where_every_document_has_most_of_them() {
        let wide: Vec<String> = (0..200).map(|n| format!("\"feature_{n}\": {n}")).collect();
        let wide = format!("{{{}}}", wide.join(", "));
        let counts = counted(&[&wide, &wide, &wide]);
        assert_eq!(data(&counts), [] as [&str; 0]);
        assert_eq!(counts.dictionary().len(), 200);
    }

    #[test]
    fn what_is_no_json_is_counted_as_such() {
        assert_eq!(counted(&["{", "", "{} x"]).malformed, 3);
    }
}
