//! Output of EXPLAIN as servers print it and as people paste it.

mod corpus;
mod figures;
mod framing;
mod hostile;
mod printed;
mod walk;
