//! Titles, statements, locks and undo of actions. What they carry stands in `model::change`, in files of the same names.

macro_rules! declare_changes {
    ($($module:ident { $($actions:tt)* })*) => {
        $(pub(super) mod $module;)*
    };
}

actions!(declare_changes);
