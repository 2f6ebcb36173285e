//! Connections to targets: a small pool each, and sessions that cannot harm what they visit.

mod connect;
mod dsn;
mod environment;
mod error;
mod held;
mod opening;
mod retired;
mod session;
mod target;
mod text_parameter;
mod tls;
mod trial;
mod wire;

pub use dsn::Dsn;
pub use environment::{completed, with_database};
pub use error::{Cause, Error};
pub use session::{Answer, Failure, Question, Session};
pub use target::{ServerFacts, Target};
pub(crate) use tls::connector;
pub use trial::{Trial, TrialError};
