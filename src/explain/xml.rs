//! Reads XML. Its names hold no blank and its values have no type: both are restored here.

use std::borrow::Cow;

use quick_xml::Reader as Xml;
use quick_xml::errors::{Error, IllFormedError, SyntaxError};
use quick_xml::events::{BytesRef, Event};

use super::build::Build;
use super::error::StopReason;
use super::outcome::{ReadOutcome, Stopped};
use super::plan::PlanFormat;
use super::scalar::Scalar;

/// Reads a document; what follows it is not looked at.
pub(super) fn read(input: &str) -> ReadOutcome {
    let mut xml = Xml::from_str(input);
    let mut reader = XmlReader { build: Build::new(PlanFormat::Xml), open: Vec::new() };
    loop {
        let step = match xml.read_event() {
            Ok(event) => reader.event(&event),
            Err(error) => {
                let at = usize::try_from(xml.error_position()).unwrap_or(usize::MAX);
                break ReadOutcome::stopped(
                    reader.build,
                    Stopped::at_byte(input, at, reason(&error)),
                );
            }
        };
        let at = usize::try_from(xml.buffer_position()).unwrap_or(usize::MAX);
        match step {
            Ok(false) => (),
            Ok(true) => break ReadOutcome::ended(reader.build, at),
            Err(reason) => {
                break ReadOutcome::stopped(reader.build, Stopped::at_byte(input, at, reason));
            }
        }
    }
}

fn reason(error: &Error) -> StopReason {
    match error {
        Error::Syntax(
            SyntaxError::UnclosedTag
            | SyntaxError::UnclosedComment
            | SyntaxError::UnclosedCData
            | SyntaxError::UnclosedDoctype
            | SyntaxError::UnclosedPI,
        )
        | Error::IllFormed(IllFormedError::MissingEndTag(_)) => StopReason::CutOff,
        Error::IllFormed(IllFormedError::MismatchedEndTag { .. }) => {
            StopReason::Expected("the end tag of the element that is open")
        }
        Error::IllFormed(IllFormedError::UnmatchedEndTag(_)) => StopReason::Expected("a start tag"),
        _ => StopReason::Expected("an element"),
    }
}

/// An element that is open.
struct Element {
    name: String,
    content: Content,
}

/// What was found in an element so far.
enum Content {
    /// Text only.
    Text(String),
    List,
    Object,
}

struct XmlReader {
    build: Build,
    open: Vec<Element>,
}

impl XmlReader {
    /// Reads an event; true at the end of the document.
    fn event(&mut self, event: &Event) -> Result<bool, StopReason> {
        match event {
            Event::Start(tag) => self.start(name(tag.name().as_ref()))?,
            Event::Empty(tag) => {
                self.start(name(tag.name().as_ref()))?;
                self.end()?;
            }
            Event::End(_) => self.end()?,
            Event::Text(text) => self.text(text),
            Event::CData(text) => self.text(text),
            Event::GeneralRef(reference) => self.text(&resolved(reference)),
            Event::Eof if self.open.is_empty() => return Ok(true),
            Event::Eof => return Err(StopReason::CutOff),
            _ => return Ok(false),
        }
        Ok(self.open.is_empty() && matches!(event, Event::End(_) | Event::Empty(_)))
    }

    fn start(&mut self, name: String) -> Result<(), StopReason> {
        self.open_parent(&name)?;
        self.open.push(Element { name, content: Content::Text(String::new()) });
        Ok(())
    }

    /// The first element in an element says what that is.
    fn open_parent(&mut self, child: &str) -> Result<(), StopReason> {
        let Some(parent) = self.open.last() else { return Ok(()) };
        if !matches!(parent.content, Content::Text(_)) {
            return Ok(());
        }
        let list = is_list(&parent.name) || child == "Item" || child == "Query";
        let key = key(&self.open, self.open.len() - 1);
        if list {
            self.build.list(key)?;
        } else {
            self.build.object(key)?;
        }
        if let Some(parent) = self.open.last_mut() {
            parent.content = if list { Content::List } else { Content::Object };
        }
        Ok(())
    }

    fn text(&mut self, text: &str) {
        if let Some(Element { content: Content::Text(content), .. }) = self.open.last_mut() {
            content.push_str(text);
        }
    }

    fn end(&mut self) -> Result<(), StopReason> {
        let Some(at) = self.open.len().checked_sub(1) else { return Ok(()) };
        let key = key(&self.open, at);
        match &self.open[at].content {
            Content::Text(text) if is_list(&self.open[at].name) && text.trim().is_empty() => {
                self.build.list(key)?;
                self.build.end();
            }
            Content::Text(text) if self.open[at].name == "Settings" && text.trim().is_empty() => {
                self.build.object(key)?;
                self.build.end();
            }
            Content::Text(text) => {
                self.build.value(key, &Scalar::Untyped(Cow::Borrowed(text)))?;
            }
            Content::List | Content::Object => self.build.end(),
        }
        self.open.pop();
        Ok(())
    }
}

/// The name of an open element; none in a list.
fn key(open: &[Element], at: usize) -> Option<&str> {
    let parent = at.checked_sub(1).and_then(|parent| open.get(parent))?;
    matches!(parent.content, Content::Object).then(|| open[at].name.as_str())
}

/// The text of `&lt;` and `&#10;`.
fn resolved(reference: &BytesRef) -> Cow<'static, str> {
    if let Ok(Some(character)) = reference.resolve_char_ref() {
        return Cow::Owned(character.to_string());
    }
    Cow::Borrowed(match reference.as_ref() as &str {
        "lt" => "<",
        "gt" => ">",
        "amp" => "&",
        "quot" => "\"",
        "apos" => "'",
        _ => "",
    })
}

/// The name of a property, of which the tag shows `-` for each sign that a tag cannot hold.
fn name(tag: &str) -> String {
    let name = tag.replace('-', " ").replace("I O", "I/O");
    for (shown, printed) in
        [("Full sort ", "Full-sort "), ("Pre sorted ", "Pre-sorted "), ("One Time ", "One-Time ")]
    {
        if let Some(rest) = name.strip_prefix(shown) {
            return format!("{printed}{rest}");
        }
    }
    name
}

/// Lists of the server, which may be empty.
fn is_list(name: &str) -> bool {
    matches!(
        name,
        "Plans"
            | "Workers"
            | "Triggers"
            | "Target Tables"
            | "Grouping Sets"
            | "Group Keys"
            | "Hash Keys"
            | "Group Key"
            | "Hash Key"
            | "Sort Key"
            | "Presorted Key"
            | "Output"
            | "Conflict Arbiter Indexes"
            | "Sort Methods Used"
            | "Sampling Parameters"
    )
}
