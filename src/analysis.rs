//! Observe, judge, prove, advise: the only place where the steps meet.

mod account;
mod decoding;
mod documents;
mod drift;
mod explained;
mod explaining;
mod gathered;
mod logged;
mod pool_plan;
mod request;
mod reviewing;
mod shapes;
mod spelling;
mod staging;
#[cfg(test)]
mod thresholds;
mod unmatched;
mod workload;

use std::time::Duration;

use tokio::time::timeout;

use self::unmatched::unmatched;
use crate::advise::{RunContext, advise};
use crate::checks;
use crate::contract::Registered;
use crate::model::{
    Analysis, Capabilities, Case, CheckReadiness, DocumentReport, Finding, Gap, Judgement,
    Observation, Proposal, ProveMode, Review, Snapshot, Topic,
};
use crate::observe::{self, Interest, Observed};
use crate::pg::{self, Session, Target};
use crate::prove::{self, Proofs};
use crate::review::TargetTables;

pub use crate::checks::SCHEMA_DRIFT;
pub use crate::observe::{ExplainRefusal, SampledColumn, Unmatched};
pub use crate::pg::{ConnectFailure as TargetCause, Error as TargetError};
pub use crate::prove::BUDGET as PROOF_TIME_MAX;
pub use crate::review::{RULES as REVIEW_RULES, ReviewRule, Runner, SqlFile};
pub use crate::workload::{Ledger, LinePrefix, NO_FORMAT, Read, SourceFormat, StatementUse};
pub use decoding::{DecodeError, FINDINGS_MAX, PlanText, decode};
pub use drift::{ContractObservation, DriftFound, contract_thresholds};
pub use explaining::{ExplainError, StatementText, explain};
pub use pool_plan::pool_plan;
pub use request::Request;
pub use staging::staging;
pub use workload::{WorkloadIntake, workload};

/// How long a visit may take in all. Each of its queries has a shorter limit of its own on the server;
/// this one is for a server that has stopped answering.
const VISIT_TIMEOUT: Duration = Duration::from_secs(45);

/// Why there is no analysis at all. What could not be seen of a target that answers is a gap instead.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The target could not be used.
    #[error(transparent)]
    Target(pg::Error),
    /// No column answers to what was asked for.
    #[error(transparent)]
    Unmatched(Unmatched),
    /// The context of the server could not be read, so nothing can be said of what else can be.
    #[error("target `{target}` does not say what can be seen of it: {detail}")]
    Unseen {
        /// The target.
        target: String,
        /// The gap.
        detail: String,
    },
}

/// Everything one analysis made.
#[derive(Debug)]
pub struct Run {
    /// What the visit saw, the workload beside it.
    pub snapshot: Snapshot,
    /// What the checks said of it, whatever severities were asked for.
    pub judgement: Judgement,
    /// What experiments said of what they propose.
    pub proofs: Proofs,
    /// What is answered.
    pub analysis: Analysis,
}

impl Run {
    /// What was seen of the columns that have a contract.
    pub fn contract_observations(&self) -> Vec<ContractObservation> {
        drift::observations(&self.analysis.target, &self.snapshot, &self.judgement.findings)
    }
}

/// Analyse a target once.
///
/// # Errors
/// Only where the target cannot be used at all.
pub async fn analyse(target: &Target, request: &Request) -> Result<Analysis, Error> {
    Ok(run(target, request).await?.analysis)
}

/// Analyse a target once, and keep everything that was made on the way.
///
/// # Errors
/// Only where the target cannot be used at all.
pub async fn run(target: &Target, request: &Request) -> Result<Run, Error> {
    if let (Some(lab), ProveMode::Full) = (target.lab(), request.prove) {
        // Experiments that were to run elsewhere never run on the target instead.
        lab.session().await.map_err(Error::Target)?.finish();
    }
    let Observed { mut snapshot, texts, explained } = visit(target, request).await?;
    explained::add(&mut snapshot, explained);
    let sent = request.workload.clone();
    snapshot.workload = gathered::known_workload(sent, texts, snapshot.workload).await;
    spelling::spell(&mut snapshot);
    let judgement = judge(&snapshot, request);
    let proposals = proposals(target.name(), &judgement);
    let proofs = prove::prove(target, &snapshot, proposals, request.prove).await;
    snapshot.cost += proofs.cost;
    let context = context(target.name(), request, &snapshot);
    let mut analysis = advise(&context, judgement.clone(), &proofs.by_key, &proofs.options);
    analysis.is_passing =
        proofs.is_passing || analysis.gaps.iter().any(|gap| gap.reason.is_passing());
    Ok(Run { snapshot, judgement, proofs, analysis })
}

/// Judge a snapshot that was kept, without a server: nothing is proved.
pub fn judge_snapshot(name: &str, request: &Request, snapshot: &Snapshot) -> Analysis {
    let judgement = judge(snapshot, request);
    let proofs = prove::unproved(&proposals(name, &judgement), ProveMode::None);
    let context = context(name, request, snapshot);
    advise(&context, judgement, &proofs.by_key, &proofs.options)
}

/// The actions of all findings, under the ids that their recommendations will have.
fn proposals(target: &str, judgement: &Judgement) -> Vec<Proposal> {
    let of_finding = |finding: &Finding| {
        let check = finding.check;
        let proposals = finding.actions.iter().cloned();
        proposals.map(|action| Proposal::new(target, check, action)).collect::<Vec<_>>()
    };
    judgement.findings.iter().flat_map(of_finding).collect()
}

fn context<'a>(target: &'a str, request: &'a Request, snapshot: &'a Snapshot) -> RunContext<'a> {
    let (scope, policy) = (&request.scope, &request.policy);
    RunContext { target, superpower: request.superpower_name(), snapshot, scope, policy }
}

/// What can be seen and done on a target.
///
/// # Errors
/// Where the target cannot be used at all, or does not even say what it is.
pub async fn capabilities(target: &Target) -> Result<Capabilities, Error> {
    let mut session = target.session().await.map_err(Error::Target)?;
    let context = within(target, observe::context(&mut session)).await?;
    let facts = session.facts().clone();
    session.finish();
    let context = context.get().map_err(|gap| Error::Unseen {
        target: target.name().to_owned(),
        detail: gap.detail.clone(),
    })?;
    let in_recovery = facts.in_recovery;
    let readiness = |check: &checks::Check| {
        let mut gaps = check.gaps(context, in_recovery);
        Gap::name_role(&mut gaps, Some(&context.role));
        CheckReadiness { check: check.id.to_owned(), ready: gaps.is_empty(), gaps }
    };
    Ok(Capabilities {
        target: target.name().to_owned(),
        server: facts.into(),
        platform: context.platform.clone(),
        privileges: context.privileges.clone(),
        extensions: context.extensions.clone(),
        settings: context.settings.clone(),
        checks: checks::all().map(readiness).collect(),
    })
}

/// What the documents of a JSONB column hold.
///
/// # Errors
/// Where the target cannot be used at all, or has no such column.
pub async fn documents(target: &Target, subject: &SampledColumn) -> Result<DocumentReport, Error> {
    let mut session = target.session().await.map_err(Error::Target)?;
    let seen = within(target, observe::documents(&mut session, subject)).await?;
    let (server, cost) = (session.facts().clone().into(), session.cost());
    session.finish();
    match seen {
        Observation::Seen(Ok(seen)) => {
            let mut report = documents::report(target.name(), server, cost, seen);
            Gap::name_role(&mut report.gaps, target.user());
            Ok(report)
        }
        Observation::Seen(Err(unmatched)) => Err(Error::Unmatched(unmatched)),
        Observation::Unseen(gap) => {
            Err(Error::Unseen { target: target.name().to_owned(), detail: gap.detail })
        }
    }
}

/// Review migrations, with what the target's tables are where one is given.
///
/// # Errors
/// Where the target cannot be used at all.
pub async fn review(
    target: Option<&Target>,
    files: Vec<SqlFile>,
    runner: Runner,
) -> Result<Review, Error> {
    let (tables, unseen) = match target {
        None => (TargetTables::default(), Vec::new()),
        Some(target) => reviewing::target_tables(target, &files).await?,
    };
    let mut reviewed = reviewing::reviewed(files, tables, runner).await;
    reviewed.gaps.extend(unseen);
    Gap::name_role(&mut reviewed.gaps, target.and_then(Target::user));
    Ok(reviewed)
}

/// Judge a snapshot, wherever it came from.
pub fn judge(snapshot: &Snapshot, request: &Request) -> Judgement {
    let mut all = Judgement::default();
    let (policy, scope) = (&request.policy, &request.scope);
    let case = Case::new(snapshot, policy, scope);
    let in_scope = case.wants_object();
    let mut uses_workload = false;
    for check in request.checks() {
        uses_workload |=
            check.topics().any(|topic| [Topic::WORKLOAD, Topic::STATEMENTS].contains(&topic));
        all.merge(check.run(&case).unwrap_or_else(Judgement::from));
    }
    if let Ok(workload) = snapshot.workload.get() {
        all.merge(checks::in_logs(workload, request.checks()));
    }
    all.findings.retain(|finding| in_scope(&finding.object));
    all.declined.retain(|declined| in_scope(&declined.object));
    if let Ok(relations) = snapshot.relations.get() {
        all.gaps.extend(unmatched(relations, scope));
    }
    if let (true, Ok(workload)) = (uses_workload, snapshot.workload.get()) {
        all.gaps.extend(workload.not_read.iter().cloned());
    }
    all
}

async fn visit(target: &Target, request: &Request) -> Result<Observed, Error> {
    let topics = request.checks().flat_map(checks::Check::topics);
    let interest = Interest {
        scope: request.scope.clone(),
        // Whether what was named exists is asked for in any case.
        topics: topics.chain(request.scope.is_narrowed().then_some(Topic::RELATIONS)).collect(),
        policy: request.policy.clone(),
        contracts: contracts_in_scope(request),
        statements: explained::from_workload(request),
    };
    look(target, &interest).await
}

/// The contracts of what was asked for; none where no one judges by them.
fn contracts_in_scope(request: &Request) -> Vec<Registered> {
    if !request.judges_documents() {
        return Vec::new();
    }
    let in_scope = |of: &&Registered| request.scope.holds(&of.schema, &of.table);
    request.contracts.iter().filter(in_scope).cloned().collect()
}

async fn look(target: &Target, interest: &Interest) -> Result<Observed, Error> {
    let mut session: Session = target.session().await.map_err(Error::Target)?;
    let seen = within(target, observe::observe(&mut session, interest)).await?;
    session.finish();
    Ok(seen)
}

/// Dropping the session when time is up cancels what runs on the server.
async fn within<T>(
    target: &Target,
    work: impl Future<Output = Result<T, pg::Error>>,
) -> Result<T, Error> {
    match timeout(VISIT_TIMEOUT, work).await {
        Ok(outcome) => outcome.map_err(Error::Target),
        Err(_) => Err(Error::Target(pg::Error::NoAnswer {
            target: target.name().to_owned(),
            seconds: VISIT_TIMEOUT.as_secs(),
        })),
    }
}
