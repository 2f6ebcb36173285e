//! Vector Navigator on real servers.

mod bad_input;
mod cases;
