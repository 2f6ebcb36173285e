//! Functions that read documents, and all others, which consume their arguments.

use pg_query::NodeEnum;
use pg_query::protobuf::{AIndirection, FuncCall, Node};

use super::operator::{Asked, jsonpath_of};
use super::reader::Reader;
use super::understood::{Access, Comparison, Place, Step};
use super::value::{Reached, Value};
use super::{literal, tree};

/// Whether a type is JSON.
pub(super) fn is_json(of_type: &str) -> bool {
    matches!(of_type, "json" | "jsonb")
}

/// Whether a function unnests an array: its column is called `value`.
pub(super) fn is_array_elements(name: &str) -> bool {
    name.starts_with("json") && name.contains("_array_elements")
}

impl Reader<'_> {
    /// What a function's call stands for.
    pub(super) fn call(&mut self, call: &FuncCall, place: Place) -> Value {
        self.aggregate(call);
        let arguments: Vec<&Node> = call.args.iter().map(tree::argument).collect();
        let name = tree::last_name(&call.funcname);
        let [document, rest @ ..] = arguments.as_slice() else { return Value::Unknown };
        // The type json has the same functions.
        let bare = name.strip_prefix("jsonb_").or_else(|| name.strip_prefix("json_"));
        match bare.or(name.strip_prefix("to_").filter(|to| is_json(to))).unwrap_or_default() {
            "extract_path" => self.extract(call, Reached::json(Access::Function), place),
            "extract_path_text" => self.extract(call, Reached::text(Access::Function), place),
            "array_elements" => self.elements(document, Reached::json(Access::Expand), place),
            "array_elements_text" => self.elements(document, Reached::text(Access::Expand), place),
            "each" => self.each(document, Reached::json(Access::Expand), place),
            "each_text" => self.each(document, Reached::text(Access::Expand), place),
            "object_keys" => {
                let value = self.value(document, place);
                self.each_of(&value, Reached::json(Access::Expand), place);
                value.keys()
            }
            "path_exists" | "path_match" | "path_exists_tz" | "path_match_tz" => {
                self.jsonpath(&arguments, Found::Asked, place)
            }
            "path_query"
            | "path_query_array"
            | "path_query_first"
            | "path_query_tz"
            | "path_query_array_tz"
            | "path_query_first_tz" => self.jsonpath(&arguments, Found::Value, place),
            "set" | "set_lax" | "insert" => self.change(&arguments, place),
            "exists" | "exists_any" | "exists_all" => self.exists_call(name, &arguments, place),
            "json" | "jsonb" | "strip_nulls" => self.value(document, place).indirect(),
            "populate_record" | "populate_recordset" if !rest.is_empty() => {
                self.populated(document, rest[0], place)
            }
            other => {
                self.read_all(arguments.iter().copied(), place);
                // What is made anew is no stored document.
                if other.starts_with("build_") { Value::Plain } else { Value::Unknown }
            }
        }
    }

    fn extract(&mut self, call: &FuncCall, reached: Reached, place: Place) -> Value {
        let arguments: Vec<&Node> = call.args.iter().map(tree::argument).collect();
        let Some((document, keys)) = arguments.split_first() else { return Value::Plain };
        let value = self.value(document, place);
        self.read_all(keys.iter().copied(), place);
        let steps = match keys {
            [array] if call.func_variadic => literal::path(array),
            keys => keys.iter().map(|key| literal::path_element(key)).collect(),
        };
        self.within(&value, &steps, reached)
    }

    fn elements(&mut self, document: &Node, reached: Reached, place: Place) -> Value {
        let value = self.value(document, place);
        self.within(&value, &[Step::Elements], reached)
    }

    fn each(&mut self, document: &Node, reached: Reached, place: Place) -> Value {
        let value = self.value(document, place);
        self.each_of(&value, reached, place)
    }

    /// All keys are read, whatever becomes of them. The value handed on is that of any key.
    pub(super) fn each_of(&mut self, value: &Value, reached: Reached, place: Place) -> Value {
        let all = self.within(value, &[], Reached::json(Access::Expand));
        self.take(&all, place, None);
        if matches!(value, Value::Unknown) {
            return Value::Plain;
        }
        self.within(value, &[Step::Any], reached)
    }

    /// The keys that a record of a type takes from a document, each by the name of a column; unknown ones where the type is
    /// not known.
    fn populated(&mut self, base: &Node, document: &Node, place: Place) -> Value {
        self.read(base, place);
        let value = self.value(document, place);
        let steps = match self.row_type_of(base) {
            Some(columns) => columns.into_iter().map(Step::Key).collect(),
            None => vec![Step::Bound],
        };
        for step in steps {
            let of_key = self.within(&value, &[step], Reached::json(Access::Record));
            self.take(&of_key, place, None);
        }
        Value::Unknown
    }

    /// `(jsonb_populate_record(…, data)).k`: the key of that name alone.
    pub(super) fn populated_field(&mut self, within: &AIndirection, place: Place) -> Option<Value> {
        let NodeEnum::FuncCall(call) = tree::inner(within.arg.as_deref()?)? else { return None };
        let name = tree::last_name(&call.funcname);
        let [base, document] = call.args.as_slice() else { return None };
        let field = tree::name(within.indirection.first()?)?;
        if !matches!(name, "jsonb_populate_record" | "json_populate_record") {
            return None;
        }
        self.read(tree::argument(base), place);
        let value = self.value(tree::argument(document), place);
        let step = Step::Key(field.to_owned());
        Some(self.within(&value, &[step], Reached::text(Access::Record)))
    }

    fn jsonpath(&mut self, arguments: &[&Node], found: Found, place: Place) -> Value {
        let [document, rest @ ..] = arguments else { return Value::Plain };
        let value = self.value(document, place);
        self.read_all(rest.iter().copied(), place);
        let reading = rest.first().and_then(|path| jsonpath_of(path));
        let (result, beside) = match reading {
            Some(reading) => (reading.result, reading.beside),
            None => (Some(vec![Step::Bound]), Vec::new()),
        };
        let unknown = matches!(value, Value::Unknown);
        match (found, result) {
            (Found::Value, Some(path)) => {
                self.ask_beside(&value, &beside, &Asked::plainly(Access::JsonPath, place));
                self.within(&value, &path, Reached::json(Access::JsonPath))
            }
            (_, result) => {
                let paths: Vec<_> = result.into_iter().chain(beside).collect();
                if !paths.is_empty() || unknown {
                    self.ask(&value, &paths, &Asked::plainly(Access::JsonPath, place));
                }
                Value::Plain
            }
        }
    }

    /// What a path reads beside its result. A document that cannot be followed is counted with the result.
    pub(super) fn ask_beside(&mut self, document: &Value, beside: &[Vec<Step>], how: &Asked) {
        if !matches!(document, Value::Unknown) {
            self.ask(document, beside, how);
        }
    }

    /// `jsonb_set` and `jsonb_insert`: the document with one value changed.
    fn change(&mut self, arguments: &[&Node], place: Place) -> Value {
        let [document, rest @ ..] = arguments else { return Value::Plain };
        let value = self.value(document, place);
        self.read_all(rest.iter().copied(), place);
        if let Some(path) = rest.first() {
            self.ask(&value, &[literal::path(path)], &Asked::plainly(Access::Change, place));
        }
        if matches!(value, Value::Unknown) { Value::Plain } else { value.indirect() }
    }

    /// The functions behind `?`, `?|` and `?&`, as drivers call them that have another use for the sign.
    fn exists_call(&mut self, name: &str, arguments: &[&Node], place: Place) -> Value {
        let [document, rest @ ..] = arguments else { return Value::Plain };
        let value = self.value(document, place);
        self.read_all(rest.iter().copied(), place);
        let Some(keys) = rest.first() else { return Value::Plain };
        let (operator, steps) = match name {
            "jsonb_exists_any" => ("?|", literal::keys(keys)),
            "jsonb_exists_all" => ("?&", literal::keys(keys)),
            _ => ("?", vec![literal::step(keys)]),
        };
        let with = literal::operand(keys);
        let comparison = Some(Comparison { operator: operator.to_owned(), with });
        let paths: Vec<_> = steps.into_iter().map(|step| vec![step]).collect();
        self.ask(&value, &paths, &Asked { access: Access::Exists, place, comparison });
        Value::Plain
    }
}

/// What a function does with what a jsonpath finds.
#[derive(Clone, Copy)]
enum Found {
    /// Asks whether it is there.
    Asked,
    /// Hands it on.
    Value,
}
