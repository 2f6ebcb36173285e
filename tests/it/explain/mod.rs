//! Output of EXPLAIN as servers print it and as people paste it.
#![expect(clippy::format_push_string, clippy::format_collect, reason = "texts of tests are small")]

mod corpus;
mod figures;
mod framing;
mod hostile;
mod printed;
mod walk;
