//! Query parameters, read strictly: one that no one knows is a fault, not ignored.

use std::collections::BTreeSet;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use utoipa::IntoParams;

use super::problem::{self, Fault, Problem};
use crate::analysis::{LinePrefix, Request, SampledColumn};
use crate::app::{ContractExport, Inquiry};
use crate::config::is_model_version;
use crate::contract::ContractFormat;
use crate::model::{ProveMode, Severity, Superpower, UnknownName};

/// The parameter that says what `log_line_prefix` is.
const PREFIX: &str = "log_line_prefix";

/// Parameters as they were sent, in order.
pub(super) struct Pairs(Vec<(String, String)>);

impl<S: Sync> FromRequestParts<S> for Pairs {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        let pairs: Vec<(String, String)> =
            form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let unheard_of =
            |(name, value): &&(String, String)| name.contains('\0') || value.contains('\0');
        match pairs.iter().find(unheard_of) {
            Some((name, _)) => Err(problem::invalid(vec![Fault::new(
                format!("/query/{}", name.replace('\0', "")),
                "no text may hold the character U+0000",
            )])),
            None => Ok(Self(pairs)),
        }
    }
}

/// Whether the proofs that take long were asked for.
pub(super) fn wants_full_proof(query: &str) -> bool {
    !query.is_empty()
        && form_urlencoded::parse(query.as_bytes())
            .any(|pair| pair == ("prove".into(), "full".into()))
}

/// What every analysis can be asked, beside the thresholds of its checks.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by hand, so that what is unknown is a fault; documented here")]
pub(super) struct AnalysisParameters {
    /// Only this schema; repeatable.
    schema: Option<Vec<String>>,
    /// Only this table, `name` or `schema.name`; repeatable.
    table: Option<Vec<String>>,
    /// Only this check, or all checks of this superpower; repeatable.
    check: Option<Vec<String>>,
    /// The least severity to report.
    severity_min: Option<Severity>,
    /// Compute again instead of reading the cache. Requests that arrive within a second of each other share one computation.
    refresh: Option<bool>,
    /// File the answer under this model version instead of the target's.
    model_version: Option<String>,
    /// How far to go in proving; `full` needs a key with the scope `probe`.
    prove: Option<ProveMode>,
}

/// Names of [`AnalysisParameters`].
const PARAMETERS: [&str; 7] =
    ["schema", "table", "check", "severity_min", "refresh", "model_version", "prove"];

/// Those of them that may be given several times.
const REPEATABLE: [&str; 3] = ["schema", "table", "check"];

impl Pairs {
    /// What is asked of a superpower, or of all.
    pub(super) fn inquiry(self, superpower: Option<Superpower>) -> Result<Inquiry, Problem> {
        let request = Request::new(superpower);
        let mut inquiry = Inquiry { request, model_version: None, refresh: false };
        let mut faults = Vec::new();
        let mut given = BTreeSet::new();
        for (name, value) in self.0 {
            let again = !given.insert(name.clone()) && !REPEATABLE.contains(&name.as_str());
            let outcome =
                if again { Err(repeated(&name)) } else { set(&mut inquiry, &name, &value) };
            if let Err(detail) = outcome {
                faults.push(Fault::new(format!("/query/{name}"), detail));
            }
        }
        if faults.is_empty() { Ok(inquiry) } else { Err(problem::invalid(faults)) }
    }

    /// What is asked of plans: checks, the least severity and thresholds. Nothing of them is cached or narrowed by table.
    pub(super) fn of_plans(self) -> Result<Request, Problem> {
        let unfit = |(name, _): &&(String, String)| {
            PARAMETERS.contains(&name.as_str())
                && !["check", "severity_min"].contains(&name.as_str())
        };
        if let Some((name, _)) = self.0.iter().find(unfit) {
            return Err(fault(name, format!("`{name}` is not a parameter of plans")));
        }
        Ok(self.inquiry(Some(Superpower::Plan))?.request)
    }

    /// The one parameter `refresh`.
    pub(super) fn refresh(self) -> Result<bool, Problem> {
        let [value] = self.only(["refresh"])?;
        let refresh = value.map_or(Ok(false), |value| boolean("refresh", &value));
        refresh.map_err(|detail| fault("refresh", detail))
    }

    /// How a log is sent: whether it replaces what was sent before, and its `log_line_prefix`.
    pub(super) fn options(self) -> Result<(bool, Option<LinePrefix>), Problem> {
        let [replace, prefix] = self.only(["replace", PREFIX])?;
        let replace = replace.map_or(Ok(false), |value| boolean("replace", &value));
        let replace = replace.map_err(|detail| fault("replace", detail))?;
        let prefix = prefix.map(|prefix| LinePrefix::parse(&prefix)).transpose();
        Ok((replace, prefix.map_err(|detail| fault(PREFIX, format!("`{PREFIX}`: {detail}")))?))
    }

    /// A column by `table` and, where it has several, `column`; and `refresh`.
    pub(super) fn column(self) -> Result<(SampledColumn, bool), Problem> {
        let [table, column, refresh] = self.only(["table", "column", "refresh"])?;
        column_of(table, column, refresh)
    }

    /// The same, and the format of its contract: JSON Schema where none is named.
    pub(super) fn contract(self) -> Result<(ContractExport, bool), Problem> {
        let [table, column, format, refresh] =
            self.only(["table", "column", "format", "refresh"])?;
        let format = format.map_or(Ok(ContractFormat::JsonSchema), |format| format.parse());
        let format = format.map_err(|error: UnknownName| fault("format", error.to_string()))?;
        let (subject, refresh) = column_of(table, column, refresh)?;
        Ok((ContractExport { subject, format }, refresh))
    }

    /// The value of each of `names`, once at most, and no other parameter.
    pub(super) fn only<const N: usize>(
        self,
        names: [&str; N],
    ) -> Result<[Option<String>; N], Problem> {
        let mut values = [const { None }; N];
        let mut faults = Vec::new();
        for (name, value) in self.0 {
            match names.iter().position(|known| *known == name) {
                Some(position) if values[position].is_some() => {
                    faults.push(Fault::new(format!("/query/{name}"), repeated(&name)));
                }
                Some(position) => values[position] = Some(value),
                None => faults.push(Fault::new(format!("/query/{name}"), unknown(&name, &names))),
            }
        }
        if faults.is_empty() { Ok(values) } else { Err(problem::invalid(faults)) }
    }
}

fn column_of(
    table: Option<String>,
    column: Option<String>,
    refresh: Option<String>,
) -> Result<(SampledColumn, bool), Problem> {
    let Some(table) = table.filter(|table| !table.is_empty()) else {
        return Err(fault("table", "`table` is needed: NAME or SCHEMA.NAME".to_owned()));
    };
    let refresh = refresh.map_or(Ok(false), |value| boolean("refresh", &value));
    let refresh = refresh.map_err(|detail| fault("refresh", detail))?;
    let (schema, table) = match table.split_once('.') {
        Some((schema, table)) => (Some(schema.to_owned()), table.to_owned()),
        None => (None, table),
    };
    Ok((SampledColumn { schema, table, column }, refresh))
}

fn fault(name: &str, detail: String) -> Problem {
    problem::invalid(vec![Fault::new(format!("/query/{name}"), detail)])
}

fn set(inquiry: &mut Inquiry, name: &str, value: &str) -> Result<(), String> {
    let request = &mut inquiry.request;
    match name {
        "schema" | "table" if value.is_empty() => {
            return Err(format!("`{name}` is empty: give a name, or leave it out"));
        }
        "schema" => request.scope.schemas.push(value.to_owned()),
        "table" => request.scope.tables.push(value.to_owned()),
        "check" => request.add_checks(value)?,
        "severity_min" => {
            let severity = value.parse::<Severity>().map_err(|error| error.to_string())?;
            request.scope.severity_min = Some(severity);
        }
        "refresh" => inquiry.refresh = boolean(name, value)?,
        "prove" => request.prove = value.parse::<ProveMode>().map_err(|error| error.to_string())?,
        "model_version" => inquiry.model_version = Some(model_version(value)?),
        _ => {
            let thresholds = request.thresholds().into_iter().map(|threshold| threshold.name);
            let known: Vec<&str> = PARAMETERS.into_iter().chain(thresholds).collect();
            if !known.contains(&name) {
                return Err(unknown(name, &known));
            }
            request.set_threshold(name, value)?;
        }
    }
    Ok(())
}

fn boolean(name: &str, value: &str) -> Result<bool, String> {
    value.parse().map_err(|_| format!("`{name}` must be true or false"))
}

fn model_version(value: &str) -> Result<String, String> {
    if is_model_version(value) {
        Ok(value.to_owned())
    } else {
        Err("`model_version` must be 1 to 63 letters, digits, dots, hyphens and underscores, a letter or digit first".to_owned())
    }
}

fn repeated(name: &str) -> String {
    format!("`{name}` is given more than once")
}

fn unknown(name: &str, known: &[&str]) -> String {
    UnknownName::new("parameter", name, known.iter().copied()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inquiry(query: &str) -> Result<Inquiry, Problem> {
        let pairs = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        Pairs(pairs).inquiry(Some(Superpower::Toast))
    }

    #[test]
    fn what_is_documented_is_read() {
        let documented = AnalysisParameters::into_params(|| None);
        let names: Vec<_> = documented.iter().map(|parameter| parameter.name.as_str()).collect();
        assert_eq!(names, PARAMETERS);
        let read = inquiry(
            "schema=a&schema=b&table=t&check=toast/bloated-toast&severity_min=high&refresh=true\
             &model_version=v8&prove=none&toast_share_max=0.15",
        )
        .unwrap();
        assert_eq!(read.request.scope.schemas, ["a", "b"]);
        assert_eq!(read.request.scope.checks, ["toast/bloated-toast"]);
        assert_eq!(read.request.prove, ProveMode::None);
        assert!(read.refresh && read.model_version.as_deref() == Some("v8"));
        assert_eq!(read.request.policy.0["toast_share_max"].to_string(), "0.15");
    }

    #[test]
    fn every_fault_of_a_request_is_named_at_once() {
        let problem =
            inquiry("toast_share_mx=1&toast_share_max=-1&refresh=yes&prove=&check=toast/x")
                .unwrap_err();
        let places: Vec<_> = problem.errors.iter().map(|fault| fault.pointer.as_str()).collect();
        let expected = ["toast_share_mx", "toast_share_max", "refresh", "prove", "check"];
        assert_eq!(places, expected.map(|name| format!("/query/{name}")));
        assert!(problem.errors[0].detail.contains("toast_share_max"), "{problem:?}");
    }

    #[test]
    fn what_can_be_given_once_is_not_given_twice() {
        assert!(inquiry("schema=a&schema=b&table=t&table=u").is_ok());
        for query in ["prove=none&prove=full", "toast_share_max=1&toast_share_max=1"] {
            let problem = inquiry(query).unwrap_err();
            assert!(problem.errors[0].detail.ends_with("more than once"), "{problem:?}");
        }
    }

    #[test]
    fn numbers_that_compare_with_nothing_are_refused() {
        for value in ["NaN", "inf", "-0.1", "", "1e999", "0x1"] {
            assert!(inquiry(&format!("toast_share_max={value}")).is_err(), "{value}");
        }
    }
}
