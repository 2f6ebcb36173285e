//! Thresholds and the values a request or a target gives them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Unit;

/// A number a check compares with: named, with a default and the reason for it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Threshold {
    /// Name in requests, policies and on the check's page.
    pub name: &'static str,
    /// Value unless the request or the target sets another.
    pub default: f64,
    /// Its unit.
    pub unit: Unit,
    /// Why the default is what it is.
    pub reason: &'static str,
}

impl Threshold {
    /// The largest value that makes sense. A share of a whole is at most 1; TOAST is compared with its heap and turnover is
    /// counted per day, and both may exceed it.
    pub fn most(&self) -> Option<f64> {
        let open = ["toast_share_max", "_per_day_", "_times_"];
        let is_share = self.unit == Unit::Ratio
            && self.default <= 1.0
            && !open.iter().any(|part| self.name.contains(part));
        is_share.then_some(1.0)
    }
}

#[cfg(test)]
thread_local! {
    /// Names of the thresholds that were read.
    pub(crate) static READ: std::cell::RefCell<std::collections::BTreeSet<&'static str>> =
        std::cell::RefCell::default();
}

/// Threshold values that replace the defaults, by name.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(example = json!({"toast_share_max": 0.15}))]
pub struct Policy(pub BTreeMap<String, f64>);

impl Policy {
    /// The value in force.
    pub fn get(&self, threshold: &Threshold) -> f64 {
        #[cfg(test)]
        READ.with_borrow_mut(|read| read.insert(threshold.name));
        self.0.get(threshold.name).copied().unwrap_or(threshold.default)
    }

    /// This policy with `over`'s values on top.
    #[must_use]
    pub fn overridden_by(&self, over: &Self) -> Self {
        let both = self.0.iter().chain(&over.0);
        Self(both.map(|(name, value)| (name.clone(), *value)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHARE_MAX: Threshold =
        Threshold { name: "share_max", default: 0.1, unit: Unit::Ratio, reason: "a test" };

    #[test]
    fn an_override_beats_the_default_and_the_later_one_wins() {
        let target = Policy(BTreeMap::from([("share_max".to_owned(), 0.2)]));
        let request = Policy(BTreeMap::from([("share_max".to_owned(), 0.3)]));
        let value = |policy: &Policy| policy.get(&SHARE_MAX).to_string();

        assert_eq!(value(&Policy::default()), "0.1");
        assert_eq!(value(&target), "0.2");
        assert_eq!(value(&target.overridden_by(&request)), "0.3");
    }
}
