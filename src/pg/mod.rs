//! Connections to targets: a small pool each, and sessions that cannot harm what they visit.

mod connect;
mod dsn;
mod environment;
mod error;
mod lease;
mod opening;
mod retired;
mod row;
mod service_file;
mod session;
mod target;
mod text_parameter;
mod text_value;
mod tls;
mod trial;
mod wire;

pub use dsn::Dsn;
pub use environment::{NO_DATABASE, completed, with_database};
pub use error::{ConnectFailure, Error};
pub use row::{ResultRow, UnreadableColumn};
pub use session::{Failure, QueryParameters, QueryResult, Question, RowTaken, Session};
pub use target::{ServerFacts, Target};
pub(crate) use tls::connector;
pub use trial::{TrialError, TrialTransaction};
