//! Rows as the server sends them in the binary format, decoded by serde.

use std::fmt;

use serde::de::{
    DeserializeOwned, DeserializeSeed, Error as _, IntoDeserializer, SeqAccess, Visitor,
};
use serde::{Deserializer, forward_to_deserialize_any};
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Kind, Type};

use super::text_value::TextValue;

/// A row of an answer.
#[derive(Clone, Copy)]
pub struct ResultRow<'a>(&'a Row);

impl<'a> ResultRow<'a> {
    pub(super) fn new(row: &'a Row) -> Self {
        Self(row)
    }

    /// Its first column, of text or JSON.
    ///
    /// # Errors
    /// What is no text, or not in UTF-8.
    pub fn text(self) -> Result<&'a str, tokio_postgres::Error> {
        self.0.try_get::<_, TextValue<'_>>(0).map(|value| value.0)
    }

    /// A struct whose fields are its columns, in their order.
    ///
    /// # Errors
    /// A column of another type than the field.
    pub fn decode<T: DeserializeOwned>(self) -> Result<T, UnreadableColumn> {
        T::deserialize(RowColumns { row: self.0, position: 0 })
    }

    /// Bytes of its values.
    pub(super) fn bytes(self) -> u64 {
        self.0.raw_size_bytes() as u64
    }
}

/// Which column has another type or value than the field that it is read as; empty for none. The value is not shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableColumn(String);

impl fmt::Display for UnreadableColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column \"{}\"", self.0)
    }
}

impl std::error::Error for UnreadableColumn {}

impl serde::de::Error for UnreadableColumn {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self(String::new())
    }
}

/// The columns of a row, from one position on.
struct RowColumns<'a> {
    row: &'a Row,
    position: usize,
}

impl<'de> Deserializer<'de> for RowColumns<'de> {
    type Error = UnreadableColumn;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_seq(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> SeqAccess<'de> for RowColumns<'de> {
    type Error = UnreadableColumn;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Self::Error> {
        let Some(column) = self.row.columns().get(self.position) else { return Ok(None) };
        let unreadable = || UnreadableColumn(column.name().to_owned());
        let value: Option<Value<'_>> = self.row.try_get(self.position).map_err(|_| unreadable())?;
        self.position += 1;
        seed.deserialize(Nullable(value)).map(Some).map_err(|_| unreadable())
    }
}

/// A value or NULL.
struct Nullable<'a>(Option<Value<'a>>);

impl<'de> Deserializer<'de> for Nullable<'de> {
    type Error = UnreadableColumn;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self.0 {
            Some(value) => value.visited(visitor),
            None => visitor.visit_unit(),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self.0 {
            Some(value) if value.is_json() => {
                value.json()?.deserialize_option(visitor).map_err(Self::Error::custom)
            }
            Some(_) => visitor.visit_some(self),
            None => visitor.visit_none(),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        match self.0 {
            Some(value) if value.is_json() => {
                let read = value.json()?.deserialize_enum(name, variants, visitor);
                read.map_err(Self::Error::custom)
            }
            Some(value) => visitor.visit_enum(value.text()?.into_deserializer()),
            None => Err(Self::Error::custom("")),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

/// A value with its type.
struct Value<'a> {
    of: Type,
    raw: &'a [u8],
}

impl<'a> FromSql<'a> for Value<'a> {
    fn from_sql(
        of: &Type,
        raw: &'a [u8],
    ) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self { of: of.clone(), raw })
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

impl<'a> Value<'a> {
    fn is_json(&self) -> bool {
        self.of == Type::JSON
    }

    fn text(&self) -> Result<&'a str, UnreadableColumn> {
        std::str::from_utf8(self.raw).map_err(UnreadableColumn::custom)
    }

    fn json(
        &self,
    ) -> Result<serde_json::Deserializer<serde_json::de::StrRead<'a>>, UnreadableColumn> {
        self.text().map(serde_json::Deserializer::from_str)
    }

    fn as_sql<T: FromSql<'a>>(&self) -> Result<T, UnreadableColumn> {
        T::from_sql(&self.of, self.raw).map_err(UnreadableColumn::custom)
    }

    /// By its type: those that queries of ours return.
    fn visited<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, UnreadableColumn> {
        match &self.of {
            of if *of == Type::BOOL => visitor.visit_bool(self.as_sql()?),
            of if *of == Type::INT2 => visitor.visit_i16(self.as_sql()?),
            of if *of == Type::INT4 => visitor.visit_i32(self.as_sql()?),
            of if *of == Type::INT8 => visitor.visit_i64(self.as_sql()?),
            of if *of == Type::FLOAT4 => visitor.visit_f64(as_printed(self.as_sql()?)?),
            of if *of == Type::FLOAT8 => visitor.visit_f64(finite(self.as_sql()?)?),
            of if *of == Type::TIMESTAMPTZ => {
                visitor.visit_string(self.as_sql::<jiff::Timestamp>()?.to_string())
            }
            of if *of == Type::JSON => {
                self.json()?.deserialize_any(visitor).map_err(UnreadableColumn::custom)
            }
            of if *of == Type::CHAR || <&str as FromSql>::accepts(of) => {
                visitor.visit_borrowed_str(self.text()?)
            }
            of if matches!(of.kind(), Kind::Array(_)) => {
                let elements: Vec<Option<Value<'_>>> = self.as_sql()?;
                visitor.visit_seq(Elements(elements.into_iter()))
            }
            _ => Err(UnreadableColumn::custom("a type that no query of ours returns")),
        }
    }
}

/// With the digits that the server prints: 0.1 and not 0.100000001490116.
fn as_printed(value: f32) -> Result<f64, UnreadableColumn> {
    value.to_string().parse().map_err(UnreadableColumn::custom).and_then(finite)
}

/// No judgement is made of NaN and infinity.
fn finite(value: f64) -> Result<f64, UnreadableColumn> {
    if value.is_finite() { Ok(value) } else { Err(UnreadableColumn::custom("not finite")) }
}

/// Elements of an array.
struct Elements<'a>(std::vec::IntoIter<Option<Value<'a>>>);

impl<'de> SeqAccess<'de> for Elements<'de> {
    type Error = UnreadableColumn;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Self::Error> {
        self.0.next().map(|element| seed.deserialize(Nullable(element))).transpose()
    }
}
