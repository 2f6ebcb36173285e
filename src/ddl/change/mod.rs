//! Title, statements, locks and undo of the changes that several superpowers make.

mod drain;
mod index;
mod maintenance;
mod options;
mod persistence;
mod setting;
mod slot;

pub(super) use drain::drain;
pub(super) use index::{build, built_on, drop, rebuild, replace};
pub(super) use maintenance::maintain;
pub(super) use options::set_options;
pub(super) use persistence::set_persistence;
pub(super) use setting::set;
pub(super) use slot::drop_slot;
