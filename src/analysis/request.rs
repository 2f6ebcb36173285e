//! What a caller asks for, whether by HTTP or on the command line.

use serde::Serialize;

use crate::checks;
use crate::contract::Registered;
use crate::model::observation::Workload;
use crate::model::{Policy, ProveMode, Scope, Superpower, Threshold, UnknownName};

/// What to analyse, and how far to go.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Request {
    /// The superpower to run; absent runs all of them, in one visit.
    pub superpower: Option<Superpower>,
    /// What to narrow it to.
    pub scope: Scope,
    /// How far to go in proving.
    pub prove: ProveMode,
    /// Thresholds that differ from the defaults.
    pub policy: Policy,
    /// What the application runs, where a workload was sent. Not part of what is asked: the target's revision changes
    /// with it.
    #[serde(skip)]
    pub workload: Option<Workload>,
    /// What documents are judged by, where contracts are registered. Not part of what is asked either.
    #[serde(skip)]
    pub contracts: Vec<Registered>,
}

impl Request {
    /// Everything about a superpower, or about all of them, proved as far as is cheap.
    pub fn new(superpower: Option<Superpower>) -> Self {
        Self {
            superpower,
            scope: Scope::default(),
            prove: ProveMode::default(),
            policy: Policy::default(),
            workload: None,
            contracts: Vec::new(),
        }
    }

    /// What the contract calls it: the superpower's name, or `all`.
    pub fn superpower_name(&self) -> &'static str {
        self.superpower.map_or("all", Superpower::as_str)
    }

    /// Whether the superpower was asked for.
    pub fn covers(&self, superpower: Superpower) -> bool {
        self.superpower.is_none_or(|only| only == superpower)
    }

    /// The checks that were asked for.
    pub fn checks(&self) -> impl Iterator<Item = &'static checks::Check> {
        checks::all().filter(|check| self.covers(check.superpower) && self.scope.wants(check.id))
    }

    /// Whether documents are judged by contracts, where there are any.
    pub fn judges_documents(&self) -> bool {
        self.checks().any(checks::Check::judges_contracts)
    }

    /// Narrow it to this check, and those it was narrowed to before.
    ///
    /// # Errors
    /// What to write instead.
    pub fn add_check(&mut self, id: &str) -> Result<(), String> {
        let check = checks::find(id).map_err(|error| error.to_string())?;
        if !self.covers(check.superpower) {
            return Err(format!("`{id}` is a check of `{}`", check.superpower));
        }
        self.scope.checks.push(check.id.to_owned());
        Ok(())
    }

    /// Narrow it to this check, or to the checks of this superpower, and those it was narrowed to before.
    ///
    /// # Errors
    /// What to write instead.
    pub fn add_checks(&mut self, name: &str) -> Result<(), String> {
        match name.parse::<Superpower>() {
            Ok(superpower) if self.covers(superpower) => {
                self.scope.checks.extend(ids(|check| check.superpower == superpower));
                Ok(())
            }
            Ok(superpower) => Err(format!("`{superpower}` is another superpower")),
            Err(_) => self.add_check(name),
        }
    }

    /// Leave out this check, or the checks of this superpower.
    ///
    /// # Errors
    /// What to write instead; that no check would be left.
    pub fn drop_checks(&mut self, name: &str) -> Result<(), String> {
        let dropped = match name.parse::<Superpower>() {
            Ok(superpower) => ids(|check| check.superpower == superpower),
            Err(_) => vec![checks::find(name).map_err(|error| error.to_string())?.id.to_owned()],
        };
        if self.scope.checks.is_empty() {
            self.scope.checks = ids(|check| self.covers(check.superpower));
        }
        self.scope.checks.retain(|id| !dropped.contains(id));
        if self.scope.checks.is_empty() {
            return Err(format!("without `{name}` no check is left"));
        }
        Ok(())
    }

    /// Thresholds of the superpowers asked for, each once, by name.
    pub fn thresholds(&self) -> Vec<&'static Threshold> {
        let of_these = checks::all().filter(|check| self.covers(check.superpower));
        let mut thresholds: Vec<_> = of_these.flat_map(|check| check.thresholds).copied().collect();
        thresholds.sort_unstable_by_key(|threshold| threshold.name);
        thresholds.dedup_by_key(|threshold| threshold.name);
        thresholds
    }

    /// That policy without values that are the defaults: it is the same as none.
    pub fn without_defaults(mut policy: Policy) -> Policy {
        let known = checks::thresholds();
        policy.0.retain(|name, value| {
            let default = known.get(name.as_str()).map(|threshold| threshold.default);
            default.is_none_or(|default| default.to_bits() != value.to_bits())
        });
        policy
    }

    /// Give a threshold another value.
    ///
    /// # Errors
    /// What to write instead.
    pub fn set_threshold(&mut self, name: &str, value: &str) -> Result<(), String> {
        let thresholds = self.thresholds();
        let Some(threshold) = thresholds.iter().find(|threshold| threshold.name == name) else {
            let known = thresholds.iter().map(|threshold| threshold.name);
            return Err(UnknownName::new("threshold", name, known).to_string());
        };
        let number = value.parse::<f64>().ok();
        let number = number.filter(|number| number.is_finite() && *number >= 0.0);
        let number = number.ok_or_else(|| format!("`{name}` must be a number, 0 or more"))?;
        if let Some(most) = threshold.most().filter(|most| number > *most) {
            return Err(format!("`{name}` is a share: give a number from 0 to {most}"));
        }
        self.policy.0.insert(threshold.name.to_owned(), number);
        Ok(())
    }
}

/// The ids of the checks that `wanted` holds for.
fn ids(wanted: impl Fn(&checks::Check) -> bool) -> Vec<String> {
    checks::all().filter(|check| wanted(check)).map(|check| check.id.to_owned()).collect()
}
