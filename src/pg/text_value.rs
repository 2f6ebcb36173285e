//! Values of text and JSON as they come.

use std::error::Error;

use tokio_postgres::types::{FromSql, Type};

/// A value of text, or one of JSON, which the server sends as the text it is: that need not be copied into a text first.
#[derive(Debug, Clone, Copy)]
pub(super) struct TextValue<'a>(pub(super) &'a str);

impl<'a> FromSql<'a> for TextValue<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(std::str::from_utf8(raw)?))
    }

    fn accepts(of: &Type) -> bool {
        *of == Type::JSON || <&str as FromSql>::accepts(of)
    }
}
