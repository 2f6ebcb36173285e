//! The groups of checks.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::UnknownName;

macro_rules! define_superpower {
    ($(#[doc = $summary:literal] $variant:ident, $folder:ident = $name:literal, $title:literal;)*) => {
        /// A group of checks, named after what it looks into.
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
        )]
        // The document of the API does not see a name that a macro passes on.
        #[serde(rename_all = "kebab-case")]
        pub enum Superpower {
            $(#[doc = $summary] $variant,)*
        }

        impl Superpower {
            /// Every superpower, in the order of the public contract.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name in paths, ids and keys.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// The name of its operation in the API's document.
            pub fn operation_id(self) -> &'static str {
                match self {
                    $(Self::$variant => stringify!($folder),)*
                }
            }

            /// What the superpower is called in prose.
            pub fn title(self) -> &'static str {
                match self {
                    $(Self::$variant => $title,)*
                }
            }

            /// What it looks into, in one line.
            pub fn summary(self) -> &'static str {
                match self {
                    $(Self::$variant => $summary.trim_ascii(),)*
                }
            }
        }
    };
}

superpowers!(define_superpower);

impl std::fmt::Display for Superpower {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Superpower {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        Self::ALL.iter().copied().find(|superpower| superpower.as_str() == name).ok_or_else(|| {
            UnknownName::new("superpower", name, Self::ALL.iter().map(|s| s.as_str()))
        })
    }
}
