//! What actions carry. Their titles, statements, locks and undo stand in `ddl::change`, in files of the same names.

mod storage;

pub use storage::*;

macro_rules! declare_changes {
    ($($module:ident { $($actions:tt)* })*) => {
        $(mod $module;)*
        $(pub use $module::*;)*
    };
}

actions!(declare_changes);
