//! Vector Navigator on real servers.

mod advised;
mod bad_input;
mod cases;
mod limits;
mod searches;
