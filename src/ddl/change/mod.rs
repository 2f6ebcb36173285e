//! Title, statements, locks and undo of the changes that several superpowers make.

pub(super) mod drain;
pub(super) mod index;
pub(super) mod maintenance;
pub(super) mod options;
pub(super) mod persistence;
pub(super) mod setting;
pub(super) mod slot;
