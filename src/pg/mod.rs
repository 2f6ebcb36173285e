//! Connections to targets: a small pool each, and sessions that cannot harm what they visit.

mod dsn;
mod error;
mod session;
mod target;
mod tls;

pub use dsn::Dsn;
pub use error::Error;
pub use session::{Answer, Failure, Question, Session};
pub use target::{ServerFacts, Target};
pub(crate) use tls::connector;
