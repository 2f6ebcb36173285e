//! Reads YAML.

use std::borrow::Cow;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError};

use super::build::Build;
use super::error::StopReason;
use super::outcome::{ReadOutcome, Stopped};
use super::plan::PlanFormat;
use super::scalar::Scalar;
use super::text;

/// Reads a document.
pub(super) fn read(input: &str) -> ReadOutcome {
    let mut parser = Parser::new_from_str(input);
    let mut reader = YamlReader { build: Build::new(PlanFormat::Yaml), open: Vec::new() };
    let mut place = (1, 1);
    loop {
        let step = match parser.next_event() {
            None => break ReadOutcome::ended(reader.build, input.len()),
            Some(Ok((event, span))) => {
                place = (span.start.line(), span.start.col() + 1);
                reader.event(event)
            }
            Some(Err(error)) => Err(reason(&error, input)).inspect_err(|_| {
                place = (error.marker().line(), error.marker().col() + 1);
            }),
        };
        match step {
            Ok(false) => (),
            Ok(true) => {
                let outcome = ReadOutcome::ended(reader.build, input.len());
                // A document that is cut at the end of a line is still one.
                let stopped = text::cut(&outcome.plans).map(|reason| Stopped {
                    line: input.lines().count().max(1),
                    column: 1,
                    reason,
                });
                break ReadOutcome { stopped, ..outcome };
            }
            Err(reason) => {
                let (line, column) = place;
                break ReadOutcome::stopped(reader.build, Stopped { line, column, reason });
            }
        }
    }
}

/// What was expected; a document that ends in the middle of a value was cut.
fn reason(error: &ScanError, input: &str) -> StopReason {
    if error.marker().line() >= input.lines().count() {
        return StopReason::CutOff;
    }
    StopReason::Expected("`Name: value`")
}

/// What is open.
enum Open {
    List,
    /// An object, and the name of the value that comes next.
    Object(Option<String>),
}

struct YamlReader {
    build: Build,
    open: Vec<Open>,
}

impl YamlReader {
    /// Reads an event; true at the end of the document.
    fn event(&mut self, event: Event) -> Result<bool, StopReason> {
        match event {
            Event::MappingStart(..) => {
                let key = self.key()?;
                self.build.object(key.as_deref())?;
                self.open.push(Open::Object(None));
            }
            Event::SequenceStart(..) => {
                let key = self.key()?;
                self.build.list(key.as_deref())?;
                self.open.push(Open::List);
            }
            Event::MappingEnd | Event::SequenceEnd => {
                self.open.pop();
                self.build.end();
            }
            Event::Scalar(text, style, ..) => self.scalar(text, style)?,
            Event::Alias(_) => self.scalar(Cow::Borrowed(""), ScalarStyle::Plain)?,
            Event::DocumentEnd | Event::StreamEnd => return Ok(true),
            Event::Nothing | Event::StreamStart | Event::DocumentStart(_) => (),
        }
        Ok(false)
    }

    /// The name of the value that starts; an object or a list is no name.
    fn key(&mut self) -> Result<Option<String>, StopReason> {
        match self.open.last_mut() {
            Some(Open::Object(key)) => match key.take() {
                Some(key) => Ok(Some(key)),
                None => Err(StopReason::Expected("a name")),
            },
            _ => Ok(None),
        }
    }

    fn scalar(&mut self, text: Cow<str>, style: ScalarStyle) -> Result<(), StopReason> {
        if let Some(Open::Object(key @ None)) = self.open.last_mut() {
            *key = Some(text.into_owned());
            return Ok(());
        }
        let key = self.key()?;
        let value = match (style, text.as_ref()) {
            (ScalarStyle::Plain, "" | "~" | "null") => Scalar::Null,
            (ScalarStyle::Plain, _) => Scalar::Untyped(text),
            _ => Scalar::Text(text),
        };
        self.build.value(key.as_deref(), &value)
    }
}
