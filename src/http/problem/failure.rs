//! Which failure is which problem.

use std::sync::Arc;

use axum::http::StatusCode;

use super::{Fault, Problem, invalid, panicked, unknown_target};
use crate::analysis::{
    DecodeError, Error as AnalysisError, ExplainError, ExplainRefusal, TargetCause, TargetError,
    Unmatched,
};
use crate::app;
use crate::store::Error as StoreError;

impl From<Arc<app::Error>> for Problem {
    fn from(error: Arc<app::Error>) -> Self {
        Self::from(&*error)
    }
}

impl From<&app::Error> for Problem {
    fn from(error: &app::Error) -> Self {
        match error {
            // The caller of an analysis did not write the DSN.
            app::Error::Store(error) if error.is_of_a_dsn() => misconfigured(error),
            app::Error::Store(error) => error.into(),
            app::Error::Analysis(AnalysisError::Target(error)) => error.into(),
            app::Error::Analysis(AnalysisError::Unmatched(unmatched)) => unmatched.into(),
            app::Error::Analysis(error @ AnalysisError::Unseen { .. }) => {
                let title = "The target cannot be looked at";
                Self::new(StatusCode::BAD_GATEWAY, "target-unseen", title, error.to_string())
            }
            app::Error::Render { .. } => internal(error),
        }
    }
}

impl From<DecodeError> for Problem {
    fn from(error: DecodeError) -> Self {
        use StatusCode as S;
        let text = error.to_string();
        match error {
            DecodeError::Unreadable { .. } | DecodeError::Several { .. } => {
                let pointer = format!("/{}", error.field().unwrap_or_default());
                let title = "The plan cannot be read";
                let problem =
                    Self::new(S::UNPROCESSABLE_ENTITY, "unreadable-plan", title, text.clone());
                Self { errors: vec![Fault::new(pointer, text)], ..problem }
            }
            DecodeError::NotOfPlans { .. } => invalid(vec![Fault::new("/query/check", text)]),
            DecodeError::Failed => internal(&error),
        }
    }
}

impl From<app::NotExplained> for Problem {
    fn from(error: app::NotExplained) -> Self {
        match error {
            app::NotExplained::Service(error) => Self::from(&error),
            app::NotExplained::Statement(error) => error.into(),
        }
    }
}

impl From<ExplainError> for Problem {
    fn from(error: ExplainError) -> Self {
        use StatusCode as S;
        let text = error.to_string();
        let field = error.field();
        match error {
            ExplainError::Decode(error) => error.into(),
            ExplainError::Refused(ExplainRefusal::Target(error)) => Self::from(&error),
            ExplainError::Refused(_) => {
                let title = "The statement is not explained";
                Self::new(S::UNPROCESSABLE_ENTITY, "statement-refused", title, text)
            }
            _ => invalid(vec![Fault::new(format!("/{}", field.unwrap_or_default()), text)]),
        }
    }
}

impl From<&Unmatched> for Problem {
    fn from(unmatched: &Unmatched) -> Self {
        let text = unmatched.to_string();
        match unmatched {
            Unmatched::Table { .. } => {
                Self::new(StatusCode::NOT_FOUND, "unknown-table", "No such table", text)
            }
            Unmatched::Column { .. } => {
                Self::new(StatusCode::NOT_FOUND, "unknown-column", "No such column", text)
            }
            Unmatched::Ambiguous { .. } => invalid(vec![Fault::new("/query/table", text)]),
        }
    }
}

impl From<&TargetError> for Problem {
    fn from(error: &TargetError) -> Self {
        use StatusCode as S;
        use TargetError as E;
        let (status, kind, title) = match error {
            E::MalformedDsn { .. } | E::RootCertificates { .. } | E::StatementPooling { .. } => {
                (S::BAD_GATEWAY, "target-misconfigured", "The target's DSN cannot be used")
            }
            E::Unreachable { .. } | E::Tls { .. } => {
                (S::BAD_GATEWAY, "target-unreachable", "The target cannot be reached")
            }
            E::ConnectionLost { .. } | E::TooMuch { .. } => {
                (S::BAD_GATEWAY, "target-lost", "The connection to the target was lost")
            }
            E::LoginRefused { .. } | E::NoSuchDatabase { .. } => {
                (S::BAD_GATEWAY, "target-login", "The target does not let the service in")
            }
            E::ServerTooOld { .. } => {
                (S::UNPROCESSABLE_ENTITY, "server-too-old", "The target's version is not supported")
            }
            E::NoAnswer { .. } => {
                (S::GATEWAY_TIMEOUT, "target-timeout", "The target did not answer in time")
            }
            E::NotAccepting { .. } | E::Busy { .. } => {
                (S::SERVICE_UNAVAILABLE, "target-busy", "The target is busy")
            }
        };
        let cause = error.cause();
        let problem = Self { cause, ..Self::new(status, kind, title, error.to_string()) };
        let code = error.sqlstate().map(|code| format!(" (SQLSTATE {code})")).unwrap_or_default();
        let logged = cause.map_or(kind, TargetCause::as_str);
        let problem = problem.because(format!("target `{}`: {logged}{code}", error.target()));
        if status == S::SERVICE_UNAVAILABLE { problem.later() } else { problem }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::from(&error)
    }
}

impl From<&StoreError> for Problem {
    fn from(error: &StoreError) -> Self {
        use StoreError as E;
        let text = error.to_string();
        let at = |pointer: &str| invalid(vec![Fault::new(pointer, text.clone())]);
        if error.is_of_the_store() {
            let title = "The service's own database does not answer";
            return Self::new(StatusCode::SERVICE_UNAVAILABLE, "store-unavailable", title, text)
                .later();
        }
        match error {
            E::UnknownTarget { name } => unknown_target(name),
            E::NameTaken { .. } => {
                Self::new(StatusCode::CONFLICT, "name-taken", "The name is taken", text)
            }
            E::TooManyContracts { .. } => {
                let title = "The target has too many contracts";
                Self::new(StatusCode::CONFLICT, "too-many-contracts", title, text)
            }
            E::InvalidName { .. } => at("/name"),
            E::InvalidModelVersion { .. } => at("/model_version"),
            E::DsnMalformed { field, .. } | E::DsnRefused { field, .. } => at(&format!("/{field}")),
            E::NoKey => at("/dsn"),
            E::DsnEnv { .. } | E::DsnEnvReserved { .. } => at("/dsn_env"),
            E::DsnFile { .. } | E::DsnFileRelative { .. } | E::DsnFileReserved { .. } => {
                at("/dsn_file")
            }
            E::Decrypt { .. } => misconfigured(error),
            // Those of the store itself were answered above.
            _ => internal(error),
        }
    }
}

/// The target's DSN, as it is kept, cannot be used.
fn misconfigured(error: &StoreError) -> Problem {
    let title = "The target's DSN cannot be used";
    Problem::new(StatusCode::BAD_GATEWAY, "target-misconfigured", title, error.to_string())
}

/// What no one outside can correct. SQLSTATEs and the like stay in the log.
fn internal(error: &dyn std::error::Error) -> Problem {
    panicked().because(error.to_string())
}
