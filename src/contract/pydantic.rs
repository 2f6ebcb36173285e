//! A Python module with models of Pydantic 2.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::shape::PathShape;
use super::{identifier, preamble};
use crate::model::{DocumentReport, Object};

/// What every module imports. What is not used there does no harm.
const IMPORTS: &str = "from typing import Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, RootModel
";
/// Keys that no document of the sample had are kept, and fields may be given by their names.
const CONFIG: &str = r#"ConfigDict(extra="allow", populate_by_name=True, protected_namespaces=())"#;

/// The module's text. It needs Python 3.10.
pub(super) fn write(shape: &PathShape, report: &DocumentReport) -> String {
    let name = match &report.object {
        Object::Column { table, column, .. } => format!("{table}_{column}"),
        other => other.to_string(),
    };
    let mut module = Module { classes: BTreeSet::new(), text: String::new() };
    // The top has the plain name, whatever stands below it.
    let top = identifier::class(&name, &mut module.classes);
    if shape.types.len() == 1 && shape.has("object") && shape.map.is_none() {
        module.class(&top, shape);
    } else {
        let of = module.annotation(shape, &name);
        let _ = write!(module.text, "\n\nclass {top}(RootModel[{of}]):\n    pass\n");
    }
    // A table may be called whatever ends a docstring.
    let about = preamble(report).replace(['\\', '"'], "'");
    format!("\"\"\"{about}\"\"\"\n\n{IMPORTS}{}", module.text)
}

struct Module {
    /// Names of classes that are given away.
    classes: BTreeSet<String>,
    text: String,
}

impl Module {
    /// A class for an object, after those that it uses.
    fn class(&mut self, name: &str, shape: &PathShape) {
        let mut given = BTreeSet::new();
        let mut fields = String::new();
        for field in &shape.fields {
            let identifier = identifier::field(&field.long, &mut given);
            let annotation = self.annotation(field, &field.long);
            let alias = (identifier != field.key).then(|| format!("alias={}", literal(&field.key)));
            let (annotation, value) = match (field.required, alias) {
                (true, None) => (annotation, String::new()),
                (true, Some(alias)) => (annotation, format!(" = Field({alias})")),
                (false, None) => (or_none(annotation), " = None".to_owned()),
                (false, Some(alias)) => {
                    (or_none(annotation), format!(" = Field(default=None, {alias})"))
                }
            };
            let _ = writeln!(fields, "    {identifier}: {annotation}{value}");
        }
        let _ = write!(
            self.text,
            "\n\nclass {name}(BaseModel):\n    model_config = {CONFIG}\n\n{fields}"
        );
    }

    /// What takes every value of the sample.
    fn annotation(&mut self, shape: &PathShape, name: &str) -> String {
        let fits = shape.fits.as_deref();
        let number = match fits {
            Some("bigint") => "int",
            Some("numeric") => "float",
            _ => "int | float",
        };
        let string = match fits {
            Some("uuid") => "UUID",
            Some("timestamp with time zone") => "AwareDatetime",
            _ => "str",
        };
        let scalars = [("boolean", "bool"), ("number", number), ("string", string)];
        let seen = scalars.into_iter().filter(|(json_type, _)| shape.has(json_type));
        let mut types: Vec<String> = seen.map(|(_, annotation)| annotation.to_owned()).collect();
        if shape.has("array") {
            let items = shape.items.as_ref().map(|items| self.annotation(items, name));
            types.push(format!("list[{}]", items.unwrap_or_else(|| "Any".to_owned())));
        }
        if shape.has("object") {
            types.push(self.object(shape, name));
        }
        if shape.has("null") {
            types.push("None".to_owned());
        }
        if types.is_empty() { "Any".to_owned() } else { types.join(" | ") }
    }

    fn object(&mut self, shape: &PathShape, name: &str) -> String {
        match (&shape.map, shape.fields.as_slice()) {
            (Some(map), []) => format!("dict[str, {}]", self.annotation(map, name)),
            // Names and data side by side: no model distinguishes them.
            (Some(_), _) | (None, []) => "dict[str, Any]".to_owned(),
            (None, _) => {
                let class = identifier::class(name, &mut self.classes);
                self.class(&class, shape);
                class
            }
        }
    }
}

fn or_none(annotation: String) -> String {
    let takes_none = annotation == "Any" || annotation == "None" || annotation.ends_with(" | None");
    if takes_none { annotation } else { format!("{annotation} | None") }
}

/// A string literal: what JSON escapes, Python reads.
fn literal(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
