//! Changes that several superpowers know how to make. Their titles, statements, locks and undo stand in `ddl::change`.

mod document;
mod drain;
mod index;
mod maintenance;
mod options;
mod persistence;
mod setting;
mod slot;
mod storage;
mod toast;

pub use document::*;
pub use drain::*;
pub use index::*;
pub use maintenance::*;
pub use options::*;
pub use persistence::*;
pub use setting::*;
pub use slot::*;
pub use storage::*;
pub use toast::*;
