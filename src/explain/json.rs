//! Reads JSON, value by value.

use std::borrow::Cow;

use jiter::{Jiter, JiterError, JiterErrorType, JsonErrorType, Peek};

use super::build::Build;
use super::error::StopReason;
use super::outcome::{ReadOutcome, Stopped};
use super::plan::PlanFormat;
use super::scalar::Scalar;

/// Reads a document; what follows it is not looked at.
pub(super) fn read(input: &str) -> ReadOutcome {
    let mut reader = JsonReader {
        json: Jiter::new(input.as_bytes()),
        build: Build::new(PlanFormat::Json),
        key: PropertyName::default(),
        open: Vec::new(),
    };
    let (at, reason) = match reader.document() {
        Ok(()) => return ReadOutcome::ended(reader.build, reader.json.current_index()),
        Err(JsonStop::Syntax(error)) => (error.index, reason(&error.error_type)),
        Err(JsonStop::Limit(reason)) => (reader.json.current_index(), reason),
    };
    ReadOutcome::stopped(reader.build, Stopped::at_byte(input, at, reason))
}

enum JsonStop {
    Syntax(JiterError),
    Limit(StopReason),
}

impl From<JiterError> for JsonStop {
    fn from(error: JiterError) -> Self {
        JsonStop::Syntax(error)
    }
}

impl From<StopReason> for JsonStop {
    fn from(reason: StopReason) -> Self {
        JsonStop::Limit(reason)
    }
}

/// The name of the next value. Kept in one buffer: a plan has thousands of them.
#[derive(Default)]
struct PropertyName {
    text: String,
    named: bool,
}

impl PropertyName {
    /// Keeps a name, or that there is none. Returns whether there is one.
    fn keep(&mut self, name: Option<&str>) -> bool {
        self.text.clear();
        self.text.push_str(name.unwrap_or_default());
        self.named = name.is_some();
        self.named
    }

    fn name(&self) -> Option<&str> {
        self.named.then_some(self.text.as_str())
    }
}

struct JsonReader<'i> {
    json: Jiter<'i>,
    build: Build,
    key: PropertyName,
    /// What is open: true for a list, false for an object.
    open: Vec<bool>,
}

impl JsonReader<'_> {
    fn document(&mut self) -> Result<(), JsonStop> {
        let mut next = Some(self.json.peek()?);
        loop {
            next = if let Some(peek) = next {
                self.value(peek)?
            } else {
                self.open.pop();
                self.build.end();
                None
            };
            if next.is_some() {
                continue;
            }
            // What follows the value that ended: the next of the list or the object around it.
            next = match self.open.last() {
                None => return Ok(()),
                Some(true) => {
                    self.key.keep(None);
                    self.json.array_step()?
                }
                Some(false) if self.key.keep(self.json.next_key()?) => Some(self.json.peek()?),
                Some(false) => None,
            };
        }
    }

    /// Reads a value that starts with `peek`; the first value in it, where it is a list or an object that is not empty.
    fn value(&mut self, peek: Peek) -> Result<Option<Peek>, JsonStop> {
        let name = self.key.name();
        let scalar = match peek {
            Peek::Object => return self.object(),
            Peek::Array => return self.list(),
            Peek::String => Scalar::Text(Cow::Borrowed(self.json.known_str()?)),
            Peek::True | Peek::False => Scalar::Bool(self.json.known_bool(peek)?),
            Peek::Null => {
                self.json.known_null()?;
                Scalar::Null
            }
            number => {
                let number = self.json.known_number_bytes(number)?;
                Scalar::Number(String::from_utf8_lossy(number))
            }
        };
        self.build.value(name, &scalar)?;
        Ok(None)
    }

    fn object(&mut self) -> Result<Option<Peek>, JsonStop> {
        self.build.object(self.key.name())?;
        if self.key.keep(self.json.known_object()?) {
            self.open.push(false);
            return Ok(Some(self.json.peek()?));
        }
        self.build.end();
        Ok(None)
    }

    fn list(&mut self) -> Result<Option<Peek>, JsonStop> {
        self.build.list(self.key.name())?;
        let first = self.json.known_array()?;
        self.key.keep(None);
        if first.is_some() {
            self.open.push(true);
        } else {
            self.build.end();
        }
        Ok(first)
    }
}

fn reason(error: &JiterErrorType) -> StopReason {
    let JiterErrorType::JsonError(error) = error else { return StopReason::Expected("a value") };
    match error {
        JsonErrorType::EofWhileParsingList
        | JsonErrorType::EofWhileParsingObject
        | JsonErrorType::EofWhileParsingString
        | JsonErrorType::EofWhileParsingValue
        | JsonErrorType::UnexpectedEndOfHexEscape => StopReason::CutOff,
        JsonErrorType::ExpectedColon => StopReason::Expected("`:`"),
        JsonErrorType::ExpectedListCommaOrEnd => StopReason::Expected("`,` or `]`"),
        JsonErrorType::ExpectedObjectCommaOrEnd => StopReason::Expected("`,` or `}`"),
        JsonErrorType::KeyMustBeAString => StopReason::Expected("a name in double quotes"),
        JsonErrorType::InvalidNumber | JsonErrorType::NumberOutOfRange => {
            StopReason::Expected("a number")
        }
        JsonErrorType::TrailingComma => StopReason::Expected("another value after the comma"),
        JsonErrorType::TrailingCharacters => StopReason::Expected("the end of the input"),
        JsonErrorType::ControlCharacterWhileParsingString => {
            StopReason::Expected("`\"` before the end of the line")
        }
        JsonErrorType::InvalidEscape
        | JsonErrorType::InvalidUnicodeCodePoint
        | JsonErrorType::LoneLeadingSurrogateInHexEscape => StopReason::Expected("a valid escape"),
        _ => StopReason::Expected("a value"),
    }
}
