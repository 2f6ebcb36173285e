//! From the text of a JSON Schema to rules: every fault is named with its place, and nothing is fetched.

mod keyword;

use std::collections::{HashMap, VecDeque};

use serde_json::{Map, Value};

use super::format::StringFormat;
use super::pattern::BoundedPattern;
use super::reference::{endless, escaped, nests_deeper, pointer, schema_at};
use super::rules::{
    ArrayRules, At, Bounds, Conditional, NumberRules, ObjectRules, Rules, SchemaNode, TYPES,
    type_bit,
};
use super::{Contract, SchemaFault};

/// Bytes of a schema at most: Pydantic prints some hundred for a model.
pub const SCHEMA_BYTES_MAX: usize = 256 << 10;
/// How deep it may nest.
pub const DEPTH_MAX: usize = 64;
/// Subschemas at most.
pub const SCHEMAS_MAX: usize = 5000;
/// Patterns at most: each is an automaton.
pub const PATTERNS_MAX: usize = 100;
/// Those of them at most whose automata take megabytes.
const LARGE_PATTERNS_MAX: usize = 8;
/// Most faults that are reported.
const FAULTS_MAX: usize = 20;

/// Keywords whose meaning is not known here: to pass over them would be to judge otherwise than they say.
const REFUSED: &[(&str, &str)] = &[
    ("unevaluatedProperties", "write `additionalProperties` instead"),
    ("unevaluatedItems", "write `items` instead"),
    ("$dynamicRef", "write `$ref` instead"),
    ("$recursiveRef", "write `$ref` instead"),
    ("dependencies", "write `dependentRequired` or `dependentSchemas` instead"),
    ("additionalItems", "write `prefixItems` and `items` instead"),
    ("nullable", "write `anyOf` with `{\"type\": \"null\"}` instead"),
];

/// Dialects that mean the same by the keywords that are read here.
const DIALECTS: &[&str] = &[
    "https://json-schema.org/draft/2020-12/schema",
    "https://json-schema.org/draft/2019-09/schema",
];

pub(super) fn compile(text: &str) -> Result<Contract, Vec<SchemaFault>> {
    let fault = |detail: String| vec![SchemaFault { pointer: String::new(), detail }];
    if text.len() > SCHEMA_BYTES_MAX {
        return Err(fault(format!("a contract may have at most {SCHEMA_BYTES_MAX} bytes")));
    }
    if nests_deeper(text, DEPTH_MAX) {
        return Err(fault(format!("a contract may nest at most {DEPTH_MAX} deep: use `$defs`")));
    }
    let schema: Value = serde_json::from_str(text).map_err(|error| {
        fault(format!("not JSON at line {}, column {}", error.line(), error.column()))
    })?;
    if !schema.is_object() {
        return Err(fault("must be an object".to_owned()));
    }
    let mut compiler = Compiler::new(&schema);
    compiler.run();
    let Compiler { faults, nodes, places, .. } = compiler;
    if !faults.is_empty() {
        return Err(faults);
    }
    let nodes: Vec<SchemaNode> =
        nodes.into_iter().map(|node| node.unwrap_or(SchemaNode::Any)).collect();
    if let Some(at) = endless(&nodes) {
        let detail = "subschemas of one value lead back to themselves, or stand behind each other in too long a row: \
                      let a `$ref` that leads back stand below `properties` or `items`";
        return Err(vec![SchemaFault { pointer: places[at].clone(), detail: detail.to_owned() }]);
    }
    Ok(Contract { schema, nodes })
}

struct Compiler<'a> {
    root: &'a Value,
    nodes: Vec<Option<SchemaNode>>,
    /// The pointer of each node.
    places: Vec<String>,
    by_place: HashMap<String, At>,
    /// Those that are still to be read.
    open: VecDeque<At>,
    patterns: usize,
    large_patterns: usize,
    faults: Vec<SchemaFault>,
}

type JsonObject = Map<String, Value>;

impl<'a> Compiler<'a> {
    fn new(root: &'a Value) -> Self {
        Self {
            root,
            nodes: Vec::new(),
            places: Vec::new(),
            by_place: HashMap::new(),
            open: VecDeque::new(),
            patterns: 0,
            large_patterns: 0,
            faults: Vec::new(),
        }
    }

    /// One after the other and not each in the other: references may form long rows.
    fn run(&mut self) {
        self.at(String::new());
        while let Some(at) = self.open.pop_front() {
            if self.faults.len() >= FAULTS_MAX {
                return;
            }
            let place = self.places[at].clone();
            let node = match schema_at(self.root, &place) {
                Some(Value::Bool(true)) => SchemaNode::Any,
                Some(Value::Bool(false)) => SchemaNode::Never,
                Some(Value::Object(schema)) => {
                    SchemaNode::Rules(Box::new(self.rules(schema, &place)))
                }
                _ => {
                    self.fault(&place, "must be a schema: an object, true or false");
                    SchemaNode::Any
                }
            };
            self.nodes[at] = Some(node);
        }
    }

    fn fault(&mut self, pointer: &str, detail: impl Into<String>) {
        self.faults.push(SchemaFault { pointer: pointer.to_owned(), detail: detail.into() });
    }

    /// The subschema at that pointer, read once however many refer to it.
    fn at(&mut self, place: String) -> At {
        if let Some(at) = self.by_place.get(&place) {
            return *at;
        }
        let at = self.nodes.len();
        if at >= SCHEMAS_MAX {
            self.fault(&place, format!("a contract may have at most {SCHEMAS_MAX} subschemas"));
            self.open.clear();
            self.faults.truncate(FAULTS_MAX);
            return 0;
        }
        self.nodes.push(None);
        self.places.push(place.clone());
        self.by_place.insert(place, at);
        self.open.push_back(at);
        at
    }

    fn rules(&mut self, schema: &JsonObject, place: &str) -> Rules {
        self.dialect(schema, place);
        for definitions in ["$defs", "definitions"] {
            self.named(schema, definitions, place);
        }
        let mut all = self.list(schema, "allOf", place);
        all.extend(self.reference(schema, place));
        let mut choices = Vec::new();
        for (keyword, only_one) in [("anyOf", false), ("oneOf", true)] {
            if schema.contains_key(keyword) {
                choices.push((self.list(schema, keyword, place), only_one));
            }
        }
        let when = self.one(schema, "if", place);
        let (then, otherwise) = (self.one(schema, "then", place), self.one(schema, "else", place));
        Rules {
            types: self.types(schema, place),
            allowed: self.allowed(schema, place),
            number: self.number_rules(schema, place),
            length: self.bounds(schema, "Length", place),
            pattern: self.pattern(schema, place),
            format: self.text(schema, "format", place).and_then(StringFormat::named),
            object: self.object_rules(schema, place),
            array: self.array_rules(schema, place),
            all,
            choices,
            not: self.one(schema, "not", place),
            condition: when.map(|when| Conditional { when, then, otherwise }),
        }
    }

    /// What the keywords mean.
    fn dialect(&mut self, schema: &JsonObject, place: &str) {
        for (keyword, problem) in REFUSED {
            if schema
                .get(*keyword)
                .is_some_and(|value| *value != Value::Bool(true) || *keyword == "nullable")
            {
                self.fault(
                    &below(place, keyword),
                    format!("`{keyword}` is not read here: {problem}"),
                );
            }
        }
        if !place.is_empty() && schema.contains_key("$id") {
            let detail = "`$id` is read at the top only: refer to subschemas by `#/$defs/Name`";
            self.fault(&below(place, "$id"), detail);
        }
        let Some(dialect) = self.text(schema, "$schema", place) else { return };
        if !DIALECTS.contains(&dialect.trim_end_matches('#')) {
            let detail = format!("only {} is read here, which Pydantic 2 prints", DIALECTS[0]);
            self.fault(&below(place, "$schema"), detail);
        }
    }

    fn reference(&mut self, schema: &JsonObject, place: &str) -> Option<At> {
        let reference = self.text(schema, "$ref", place)?;
        let of = below(place, "$ref");
        match pointer(reference) {
            Err(problem) => self.fault(&of, problem),
            Ok(target) if schema_at(self.root, &target).is_none() => {
                self.fault(
                    &of,
                    "`$ref` leads to no schema: write the place of one, such as `#/$defs/Name`",
                );
            }
            Ok(target) => return Some(self.at(target)),
        }
        None
    }

    fn types(&mut self, schema: &JsonObject, place: &str) -> Option<u8> {
        let value = schema.get("type")?;
        let names: Vec<&Value> = match value {
            Value::Array(names) => names.iter().collect(),
            name => vec![name],
        };
        let bits: Option<u8> = names
            .iter()
            .map(|name| name.as_str().and_then(type_bit))
            .try_fold(0, |bits, bit| Some(bits | bit?));
        if bits.is_none_or(|bits| bits == 0) {
            let detail =
                format!("must be one of {}, or several of them in a list", TYPES.join(", "));
            self.fault(&below(place, "type"), detail);
        }
        bits
    }

    fn allowed(&mut self, schema: &JsonObject, place: &str) -> Vec<Vec<Value>> {
        let mut allowed = Vec::new();
        match schema.get("enum") {
            None => {}
            Some(Value::Array(values)) => allowed.push(values.clone()),
            Some(_) => self.fault(&below(place, "enum"), "must be a list of values"),
        }
        allowed.extend(schema.get("const").map(|value| vec![value.clone()]));
        allowed
    }

    fn number_rules(&mut self, schema: &JsonObject, place: &str) -> NumberRules {
        let multiple_of = self.number(schema, "multipleOf", place);
        if multiple_of.is_some_and(|of| of <= 0.0) {
            self.fault(&below(place, "multipleOf"), "must be more than 0");
        }
        NumberRules {
            minimum: self.bound(schema, "minimum", place),
            maximum: self.bound(schema, "maximum", place),
            above: self.bound(schema, "exclusiveMinimum", place),
            below: self.bound(schema, "exclusiveMaximum", place),
            multiple_of,
        }
    }

    fn object_rules(&mut self, schema: &JsonObject, place: &str) -> ObjectRules {
        let properties = self.named(schema, "properties", place);
        let mut patterns = Vec::new();
        for (pattern, at) in self.named(schema, "patternProperties", place) {
            let of = below(&below(place, "patternProperties"), &pattern);
            patterns.extend(self.made(&pattern, &of).map(|pattern| (pattern, at)));
        }
        let mut dependent = Vec::new();
        if let Some(Value::Object(keys)) = schema.get("dependentRequired") {
            let of = below(place, "dependentRequired");
            for key in keys.keys() {
                dependent.push((key.clone(), self.names(keys, key, &of)));
            }
        }
        ObjectRules {
            properties: properties.into_iter().collect(),
            patterns,
            additional: self.one(schema, "additionalProperties", place),
            names: self.one(schema, "propertyNames", place),
            required: self.names(schema, "required", place),
            dependent,
            dependent_schemas: self.named(schema, "dependentSchemas", place),
            count: self.bounds(schema, "Properties", place),
        }
    }

    fn array_rules(&mut self, schema: &JsonObject, place: &str) -> ArrayRules {
        if schema.get("items").is_some_and(Value::is_array) {
            self.fault(
                &below(place, "items"),
                "must be one schema: write a list of them as `prefixItems`",
            );
            return ArrayRules::default();
        }
        let contains = self.one(schema, "contains", place);
        let mut wanted = self.bounds(schema, "Contains", place);
        wanted.min = wanted.min.or(Some(1));
        let unique = schema.get("uniqueItems");
        if unique.is_some_and(|unique| !unique.is_boolean()) {
            self.fault(&below(place, "uniqueItems"), "must be true or false");
        }
        ArrayRules {
            prefix: self.list(schema, "prefixItems", place),
            items: self.one(schema, "items", place),
            contains: contains.map(|at| (at, wanted)),
            unique: unique == Some(&Value::Bool(true)),
            count: self.bounds(schema, "Items", place),
        }
    }

    fn pattern(&mut self, schema: &JsonObject, place: &str) -> Option<BoundedPattern> {
        let pattern = self.text(schema, "pattern", place)?;
        self.made(pattern, &below(place, "pattern"))
    }

    fn made(&mut self, pattern: &str, place: &str) -> Option<BoundedPattern> {
        self.patterns += 1;
        if self.patterns > PATTERNS_MAX {
            self.fault(place, format!("a contract may have at most {PATTERNS_MAX} patterns"));
            return None;
        }
        let made =
            BoundedPattern::new(pattern).map_err(|problem| self.fault(place, problem)).ok()?;
        self.large_patterns += usize::from(made.is_large());
        if self.large_patterns > LARGE_PATTERNS_MAX {
            let detail = format!(
                "at most {LARGE_PATTERNS_MAX} patterns may repeat classes of many letters often: write `[a-z0-9]` for `\\w`, or \
                 bound the length by `maxLength`"
            );
            self.fault(place, detail);
        }
        Some(made)
    }
}

fn below(place: &str, key: &str) -> String {
    format!("{place}/{}", escaped(key))
}
