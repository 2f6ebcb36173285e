//! Functions that read documents, and all others, which consume their arguments.

use pg_query::NodeEnum;
use pg_query::protobuf::{AIndirection, FuncCall, Node};

use super::operator::{KeyLookup, jsonpath_of};
use super::reader::StatementReader;
use super::understood::{Access, Clause, Comparison, JsonStep};
use super::value::{StepOperator, TracedValue};
use super::{literal, tree};

/// Whether a type is JSON.
pub(super) fn is_json(of_type: &str) -> bool {
    matches!(of_type, "json" | "jsonb")
}

/// Whether a function unnests an array: its column is called `value`.
pub(super) fn is_array_elements(name: &str) -> bool {
    name.starts_with("json") && name.contains("_array_elements")
}

impl StatementReader<'_> {
    /// What a function's call stands for.
    pub(super) fn call(&mut self, call: &FuncCall, place: Clause) -> TracedValue {
        self.aggregate(call);
        let arguments: Vec<&Node> = call.args.iter().map(tree::argument).collect();
        let name = tree::last_name(&call.funcname);
        let [document, rest @ ..] = arguments.as_slice() else { return TracedValue::Unknown };
        // The type json has the same functions.
        let bare = name.strip_prefix("jsonb_").or_else(|| name.strip_prefix("json_"));
        match bare.or(name.strip_prefix("to_").filter(|to| is_json(to))).unwrap_or_default() {
            "extract_path" => self.extract(call, StepOperator::json(Access::Function), place),
            "extract_path_text" => self.extract(call, StepOperator::text(Access::Function), place),
            "array_elements" => self.elements(document, StepOperator::json(Access::Expand), place),
            "array_elements_text" => {
                self.elements(document, StepOperator::text(Access::Expand), place)
            }
            "each" => self.each(document, StepOperator::json(Access::Expand), place),
            "each_text" => self.each(document, StepOperator::text(Access::Expand), place),
            "object_keys" => {
                let value = self.value(document, place);
                self.each_of(&value, StepOperator::json(Access::Expand), place);
                value.keys()
            }
            "path_exists" | "path_match" | "path_exists_tz" | "path_match_tz" => {
                self.jsonpath(&arguments, PathEffect::LookedUp, place)
            }
            "path_query"
            | "path_query_array"
            | "path_query_first"
            | "path_query_tz"
            | "path_query_array_tz"
            | "path_query_first_tz" => self.jsonpath(&arguments, PathEffect::Value, place),
            "set" | "set_lax" | "insert" => self.change(&arguments, place),
            "exists" | "exists_any" | "exists_all" => self.exists_call(name, &arguments, place),
            "json" | "jsonb" | "strip_nulls" => self.value(document, place).indirect(),
            "populate_record" | "populate_recordset" if !rest.is_empty() => {
                self.populated(document, rest[0], place)
            }
            other => {
                self.read_all(arguments.iter().copied(), place);
                // What a call builds is no stored document.
                if other.starts_with("build_") { TracedValue::Plain } else { TracedValue::Unknown }
            }
        }
    }

    fn extract(&mut self, call: &FuncCall, reached: StepOperator, place: Clause) -> TracedValue {
        let arguments: Vec<&Node> = call.args.iter().map(tree::argument).collect();
        let Some((document, keys)) = arguments.split_first() else { return TracedValue::Plain };
        let value = self.value(document, place);
        self.read_all(keys.iter().copied(), place);
        let steps = match keys {
            [array] if call.func_variadic => literal::path(array),
            keys => keys.iter().map(|key| literal::path_element(key)).collect(),
        };
        self.within(&value, &steps, reached)
    }

    fn elements(&mut self, document: &Node, reached: StepOperator, place: Clause) -> TracedValue {
        let value = self.value(document, place);
        self.within(&value, &[JsonStep::Elements], reached)
    }

    fn each(&mut self, document: &Node, reached: StepOperator, place: Clause) -> TracedValue {
        let value = self.value(document, place);
        self.each_of(&value, reached, place)
    }

    /// All keys are read, whatever becomes of them. The value handed on is that of any key.
    pub(super) fn each_of(
        &mut self,
        value: &TracedValue,
        reached: StepOperator,
        place: Clause,
    ) -> TracedValue {
        let all = self.within(value, &[], StepOperator::json(Access::Expand));
        self.take(&all, place, None);
        if matches!(value, TracedValue::Unknown) {
            return TracedValue::Plain;
        }
        self.within(value, &[JsonStep::Any], reached)
    }

    /// The keys that a record of a type takes from a document, each by the name of a column; unknown ones where the type is
    /// not known.
    fn populated(&mut self, base: &Node, document: &Node, place: Clause) -> TracedValue {
        self.read(base, place);
        let value = self.value(document, place);
        let steps = match self.row_type_of(base) {
            Some(columns) => columns.into_iter().map(JsonStep::Key).collect(),
            None => vec![JsonStep::Bound],
        };
        for step in steps {
            let of_key = self.within(&value, &[step], StepOperator::json(Access::Record));
            self.take(&of_key, place, None);
        }
        TracedValue::Unknown
    }

    /// `(jsonb_populate_record(…, data)).k`: the key of that name alone.
    pub(super) fn populated_field(
        &mut self,
        within: &AIndirection,
        place: Clause,
    ) -> Option<TracedValue> {
        let NodeEnum::FuncCall(call) = tree::inner(within.arg.as_deref()?)? else { return None };
        let name = tree::last_name(&call.funcname);
        let [base, document] = call.args.as_slice() else { return None };
        let field = tree::name(within.indirection.first()?)?;
        if !matches!(name, "jsonb_populate_record" | "json_populate_record") {
            return None;
        }
        self.read(tree::argument(base), place);
        let value = self.value(tree::argument(document), place);
        let step = JsonStep::Key(field.to_owned());
        Some(self.within(&value, &[step], StepOperator::text(Access::Record)))
    }

    fn jsonpath(&mut self, arguments: &[&Node], found: PathEffect, place: Clause) -> TracedValue {
        let [document, rest @ ..] = arguments else { return TracedValue::Plain };
        let value = self.value(document, place);
        self.read_all(rest.iter().copied(), place);
        let reading = rest.first().and_then(|path| jsonpath_of(path));
        let (result, beside) = match reading {
            Some(reading) => (reading.result, reading.beside),
            None => (Some(vec![JsonStep::Bound]), Vec::new()),
        };
        let unknown = matches!(value, TracedValue::Unknown);
        match (found, result) {
            (PathEffect::Value, Some(path)) => {
                self.look_up_beside(&value, &beside, &KeyLookup::plainly(Access::JsonPath, place));
                self.within(&value, &path, StepOperator::json(Access::JsonPath))
            }
            (_, result) => {
                let paths: Vec<_> = result.into_iter().chain(beside).collect();
                if !paths.is_empty() || unknown {
                    self.look_up(&value, &paths, &KeyLookup::plainly(Access::JsonPath, place));
                }
                TracedValue::Plain
            }
        }
    }

    /// What a path reads beside its result. A document that cannot be followed is counted with the result.
    pub(super) fn look_up_beside(
        &mut self,
        document: &TracedValue,
        beside: &[Vec<JsonStep>],
        how: &KeyLookup,
    ) {
        if !matches!(document, TracedValue::Unknown) {
            self.look_up(document, beside, how);
        }
    }

    /// `jsonb_set` and `jsonb_insert`: the document with one value changed.
    fn change(&mut self, arguments: &[&Node], place: Clause) -> TracedValue {
        let [document, rest @ ..] = arguments else { return TracedValue::Plain };
        let value = self.value(document, place);
        self.read_all(rest.iter().copied(), place);
        if let Some(path) = rest.first() {
            self.look_up(
                &value,
                &[literal::path(path)],
                &KeyLookup::plainly(Access::Change, place),
            );
        }
        if matches!(value, TracedValue::Unknown) { TracedValue::Plain } else { value.indirect() }
    }

    /// The functions behind `?`, `?|` and `?&`, as drivers call them that have another use for the sign.
    fn exists_call(&mut self, name: &str, arguments: &[&Node], place: Clause) -> TracedValue {
        let [document, rest @ ..] = arguments else { return TracedValue::Plain };
        let value = self.value(document, place);
        self.read_all(rest.iter().copied(), place);
        let Some(keys) = rest.first() else { return TracedValue::Plain };
        let (operator, steps) = match name {
            "jsonb_exists_any" => ("?|", literal::keys(keys)),
            "jsonb_exists_all" => ("?&", literal::keys(keys)),
            _ => ("?", vec![literal::step(keys)]),
        };
        let with = literal::operand(keys);
        let comparison = Some(Comparison { operator: operator.to_owned(), with });
        let paths: Vec<_> = steps.into_iter().map(|step| vec![step]).collect();
        self.look_up(&value, &paths, &KeyLookup { access: Access::Exists, place, comparison });
        TracedValue::Plain
    }
}

/// What a function does with what a jsonpath finds.
#[derive(Clone, Copy)]
enum PathEffect {
    /// Asks whether it is there.
    LookedUp,
    /// Hands it on.
    Value,
}
