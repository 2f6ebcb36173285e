//! Changes we know how to make. `ddl` writes them as SQL; a check only names them.

use serde::{Deserialize, Serialize};

use super::{Object, change};

/// What an action is about.
pub(super) trait Change {
    /// What it changes.
    fn object(&self) -> &Object;

    /// What distinguishes it from the other actions of its kind on the same object. No number that a later visit
    /// might estimate otherwise: recommendations keep their identity.
    #[expect(clippy::unnecessary_literal_bound, reason = "others have a name of their own here")]
    fn alternative(&self) -> &str {
        ""
    }

    /// Whether it changes what each server has of its own, which replication does not carry.
    fn is_of_server(&self) -> bool {
        false
    }
}

macro_rules! define_action {
    ($($module:ident {
        $($(#[$doc:meta])* $variant:ident($change:ident) = $name:literal, $written:ident, $proved:ident;)*
    })*) => {
        /// A change we know how to make.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "action")]
        pub enum Action {
            $($($(#[$doc])* #[serde(rename = $name)] $variant(change::$change),)*)*
        }

        impl Action {
            /// The name in the contract.
            pub fn as_str(&self) -> &'static str {
                match self {
                    $($(Self::$variant(_) => $name,)*)*
                }
            }

            fn change(&self) -> &dyn Change {
                match self {
                    $($(Self::$variant(change) => change,)*)*
                }
            }
        }
    };
}

actions!(define_action);

impl Action {
    /// What it changes.
    pub fn object(&self) -> &Object {
        self.change().object()
    }

    /// What distinguishes it from the other actions of its kind on the same object.
    pub fn alternative(&self) -> &str {
        self.change().alternative()
    }

    /// Whether it changes what each server has of its own, which replication does not carry.
    pub fn is_of_server(&self) -> bool {
        self.change().is_of_server()
    }
}
