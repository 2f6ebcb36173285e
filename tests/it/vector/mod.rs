//! Vector Navigator on real servers.

mod cases;
mod trial;
