//! Values of keywords.

use serde_json::{Number, Value};

use super::{At, Bounds, Compiler, JsonObject, below};

impl Compiler<'_> {
    /// A subschema under a keyword.
    pub(super) fn one(&mut self, schema: &JsonObject, keyword: &str, place: &str) -> Option<At> {
        schema.get(keyword)?;
        Some(self.at(below(place, keyword)))
    }

    /// Subschemas in a list under a keyword.
    pub(super) fn list(&mut self, schema: &JsonObject, keyword: &str, place: &str) -> Vec<At> {
        let of = below(place, keyword);
        match schema.get(keyword) {
            None => Vec::new(),
            Some(Value::Array(schemas)) if !schemas.is_empty() => {
                (0..schemas.len()).map(|position| self.at(format!("{of}/{position}"))).collect()
            }
            Some(_) => {
                self.fault(&of, "must be a list of schemas, and not empty");
                Vec::new()
            }
        }
    }

    /// Subschemas by name under a keyword.
    pub(super) fn named(
        &mut self,
        schema: &JsonObject,
        keyword: &str,
        place: &str,
    ) -> Vec<(String, At)> {
        let of = below(place, keyword);
        match schema.get(keyword) {
            None => Vec::new(),
            Some(Value::Object(schemas)) => {
                let names = schemas.keys();
                names.map(|name| (name.clone(), self.at(below(&of, name)))).collect()
            }
            Some(_) => {
                self.fault(&of, "must be an object of schemas");
                Vec::new()
            }
        }
    }

    /// The values of `min` and `max` of what is counted: `minItems` and `maxItems`.
    pub(super) fn bounds(&mut self, schema: &JsonObject, counted: &str, place: &str) -> Bounds {
        Bounds {
            min: self.count(schema, &format!("min{counted}"), place),
            max: self.count(schema, &format!("max{counted}"), place),
        }
    }

    pub(super) fn count(&mut self, schema: &JsonObject, keyword: &str, place: &str) -> Option<u64> {
        let value = schema.get(keyword)?;
        let count = value.as_u64();
        if count.is_none() {
            self.fault(&below(place, keyword), "must be a whole number, 0 or more");
        }
        count
    }

    pub(super) fn number(
        &mut self,
        schema: &JsonObject,
        keyword: &str,
        place: &str,
    ) -> Option<f64> {
        self.bound(schema, keyword, place)?.as_f64()
    }

    pub(super) fn bound(
        &mut self,
        schema: &JsonObject,
        keyword: &str,
        place: &str,
    ) -> Option<Number> {
        let Value::Number(number) = schema.get(keyword)? else {
            self.fault(&below(place, keyword), "must be a number");
            return None;
        };
        Some(number.clone())
    }

    pub(super) fn text<'s>(
        &mut self,
        schema: &'s JsonObject,
        keyword: &str,
        place: &str,
    ) -> Option<&'s str> {
        let text = schema.get(keyword)?.as_str();
        if text.is_none() {
            self.fault(&below(place, keyword), "must be text");
        }
        text
    }

    pub(super) fn names(&mut self, schema: &JsonObject, keyword: &str, place: &str) -> Vec<String> {
        let Some(value) = schema.get(keyword) else { return Vec::new() };
        let names = value.as_array().and_then(|names| {
            names.iter().map(|name| name.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
        });
        if names.is_none() {
            self.fault(&below(place, keyword), "must be a list of names");
        }
        names.unwrap_or_default()
    }
}
