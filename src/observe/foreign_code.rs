//! Relations whose planning or reading would run code of the target's own with our role's rights. They are not sampled.

use super::batch::{Batch, Slot};
use super::{Interest, source};
use crate::model::observation::ForeignCode;
use crate::model::{Gap, GapReason, Observation, QualifiedName};
use crate::sql::Explainable;

/// What was asked of them: nothing where the target is trusted, or nothing is read.
pub(super) enum ForeignLook {
    Queried(Slot<ForeignCode>),
    Trusted,
}

/// Ask for them in the round trip before any of them may be read.
pub(super) fn query(batch: &mut Batch<'_>, trusted: bool, interest: &Interest) -> ForeignLook {
    match (trusted, interest.topics.is_empty()) {
        (true, _) => ForeignLook::Trusted,
        (false, true) => ForeignLook::Queried(Slot::unasked(&source::FOREIGN_CODE)),
        (false, false) => ForeignLook::Queried(batch.query(&source::FOREIGN_CODE, vec![])),
    }
}

/// The same before documents are read, whatever is of interest.
pub(super) fn query_always(batch: &mut Batch<'_>, trusted: bool) -> ForeignLook {
    if trusted {
        return ForeignLook::Trusted;
    }
    ForeignLook::Queried(batch.query(&source::FOREIGN_CODE, vec![]))
}

impl ForeignLook {
    pub(super) fn seen(self) -> Observation<Vec<ForeignCode>> {
        match self {
            Self::Queried(slot) => slot.rows(),
            Self::Trusted => Observation::Seen(Vec::new()),
        }
    }
}

/// Why a relation is neither planned nor read: it runs code of the target's own, or that is not known.
pub(super) fn refusal(
    foreign: &Observation<Vec<ForeignCode>>,
    oid: i64,
    name: &QualifiedName,
    observation: &str,
) -> Option<Gap> {
    let sql = name.to_sql();
    let gap = match foreign {
        Observation::Unseen(gap) => {
            let detail =
                format!("`{sql}` was not read: {}, so code that it runs is not known", gap.detail);
            Gap { lift: gap.lift.clone(), ..Gap::new(observation, gap.reason, detail) }
        }
        Observation::Seen(all) => {
            let ForeignCode { kind, object, .. } =
                all.iter().find(|code| code.oid == Some(oid) && !code.on_write)?;
            let object = object.as_ref().map(|name| format!(" `{name}`")).unwrap_or_default();
            let detail =
                format!("`{sql}` was not read: its {kind}{object} runs code of the database's own");
            Gap::new(observation, GapReason::ForeignCode, detail).lifted_by(TRUST)
        }
    };
    Some(gap)
}

/// What a statement names that runs code of the target's own when the statement is planned. Names are compared without their
/// schemas: a statement is rather not explained.
pub(super) fn named_in<'a>(
    foreign: &'a [ForeignCode],
    statement: &Explainable,
) -> Option<&'a ForeignCode> {
    let runs = |code: &&ForeignCode| !code.on_write || !statement.reads_only;
    foreign.iter().find(|code| statement.names.contains(&code.name) && runs(code))
}

/// What lets it be read all the same.
pub(super) const TRUST: &str = "review the functions that it calls, then trust the target: --trust-code, or its name in \
                     `trust_code` of the service";

#[cfg(test)]
mod tests {
    use super::*;

    fn name() -> QualifiedName {
        QualifiedName { schema: "app".to_owned(), name: "t".to_owned() }
    }

    #[test]
    fn a_relation_that_runs_code_is_refused_with_what_leads_to_it_and_others_are_not() {
        let code = |oid, object: Option<&str>| ForeignCode {
            oid: Some(oid),
            name: "t".to_owned(),
            kind: "index".to_owned(),
            object: object.map(str::to_owned),
            on_write: object.is_none(),
        };
        let seen = Observation::Seen(vec![code(1, Some("i")), code(3, None)]);
        let gap = refusal(&seen, 1, &name(), "documents").unwrap();
        assert_eq!(gap.reason, GapReason::ForeignCode);
        assert_eq!(
            gap.detail,
            "`app.t` was not read: its index `i` runs code of the database's own"
        );
        assert_eq!(refusal(&seen, 2, &name(), "documents"), None);
        assert_eq!(refusal(&seen, 3, &name(), "documents"), None, "only writes run it");
    }

    #[test]
    fn a_statement_is_refused_for_what_it_names_and_for_what_its_write_runs() {
        let code = |name: &str, on_write| ForeignCode {
            oid: None,
            name: name.to_owned(),
            kind: "default of column".to_owned(),
            object: None,
            on_write,
        };
        let foreign = [code("Kind", false), code("t", true)];
        let named = |sql| {
            let statement = crate::sql::explainable(sql).unwrap();
            named_in(&foreign, &statement).map(|code| code.name.clone())
        };
        assert_eq!(named("select id from t"), None);
        assert_eq!(named("insert into t (id) values (1)"), Some("t".to_owned()));
        assert_eq!(named("select '(1)'::\"Kind\""), Some("Kind".to_owned()));
        assert_eq!(named("select '(1)'::kind"), None);
    }

    #[test]
    fn where_it_is_not_known_nothing_is_read() {
        let gap = Gap::new("foreign_code", GapReason::TimedOut, "the query took too long");
        let gap = refusal(&Observation::Unseen(gap), 2, &name(), "documents").unwrap();
        assert_eq!(gap.reason, GapReason::TimedOut);
    }
}
