//! A property that is a list or an object, put together as a value of JSON.

use serde_json::{Map, Value};

use super::error::StopReason;
use super::scalar::Scalar;
use super::{EXTRA_DEPTH_MAX, EXTRA_VALUES_MAX};

/// What is open of a property, the outermost first, each with its name.
#[derive(Default)]
pub(super) struct Collect {
    open: Vec<(String, Value)>,
    values: usize,
}

impl Collect {
    pub(super) fn is_open(&self) -> bool {
        !self.open.is_empty()
    }

    pub(super) fn object(&mut self, key: Option<&str>) -> Result<(), StopReason> {
        self.push(key, Value::Object(Map::new()))
    }

    pub(super) fn list(&mut self, key: Option<&str>) -> Result<(), StopReason> {
        self.push(key, Value::Array(Vec::new()))
    }

    pub(super) fn value(&mut self, key: Option<&str>, value: &Scalar) -> Result<(), StopReason> {
        self.count()?;
        self.add(key.unwrap_or_default().to_owned(), value.to_value());
        Ok(())
    }

    /// What was opened last closes. The property with its name, where it was the outermost.
    pub(super) fn end(&mut self) -> Option<(String, Value)> {
        let (key, value) = self.open.pop()?;
        if self.open.is_empty() {
            return Some((key, value));
        }
        self.add(key, value);
        None
    }

    fn push(&mut self, key: Option<&str>, value: Value) -> Result<(), StopReason> {
        self.count()?;
        if self.open.len() >= EXTRA_DEPTH_MAX {
            return Err(StopReason::TooDeep);
        }
        self.open.push((key.unwrap_or_default().to_owned(), value));
        Ok(())
    }

    fn count(&mut self) -> Result<(), StopReason> {
        self.values += 1;
        if self.values > EXTRA_VALUES_MAX { Err(StopReason::TooDeep) } else { Ok(()) }
    }

    fn add(&mut self, key: String, value: Value) {
        match self.open.last_mut() {
            // XML repeats an element where other formats have two names.
            Some((_, Value::Object(map))) => match map.get_mut(&key) {
                None => _ = map.insert(key, value),
                Some(Value::Array(list)) => list.push(value),
                Some(before) => *before = Value::Array(vec![std::mem::take(before), value]),
            },
            Some((_, Value::Array(list))) => list.push(value),
            _ => (),
        }
    }
}
