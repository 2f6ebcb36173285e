//! Questions of one round trip, each with what takes its rows.

use serde::de::DeserializeOwned;

use super::gaps;
use super::source::Source;
use crate::model::{Gap, GapReason, Observation};
use crate::pg::{Answer, Error, Question, Session};

/// A question and what takes its rows as they come.
pub(super) struct Ask<'a> {
    pub(super) question: Question,
    pub(super) on_row: OnRow<'a>,
}

type OnRow<'a> = Box<dyn FnMut(&str) + Send + 'a>;

/// Ask all in one round trip.
///
/// # Errors
/// Only a lost connection; what fails alone fails alone.
pub(super) async fn ask(session: &mut Session, asks: Vec<Ask<'_>>) -> Result<Vec<Answer>, Error> {
    let (questions, mut takers) = apart(asks);
    session.ask(&questions, |position, row| takers[position](row)).await
}

/// The same, and the end of the visit with it.
///
/// # Errors
/// Only a lost connection; what fails alone fails alone.
pub(super) async fn ask_finally(
    session: &mut Session,
    asks: Vec<Ask<'_>>,
) -> Result<Vec<Answer>, Error> {
    let (questions, mut takers) = apart(asks);
    session.ask_finally(&questions, |position, row| takers[position](row)).await
}

fn apart(asks: Vec<Ask<'_>>) -> (Vec<Question>, Vec<OnRow<'_>>) {
    asks.into_iter().map(|ask| (ask.question, ask.on_row)).unzip()
}

/// A question without parameters.
pub(super) fn question(source: &Source, major: u32) -> Question {
    Question { source: source.name, sql: source.sql_for(major), parameters: Vec::new() }
}

/// Rows of one source, decoded as they come.
pub(super) struct Rows<T> {
    pub(super) source: &'static str,
    pub(super) decoded: Vec<T>,
    unreadable: Option<String>,
}

impl<T: DeserializeOwned + Send> Rows<T> {
    pub(super) fn new(source: &Source) -> Self {
        Self { source: source.name, decoded: Vec::new(), unreadable: None }
    }

    /// Its question, with what takes the rows.
    pub(super) fn asked(&mut self, question: Question) -> Ask<'_> {
        Ask { question, on_row: Box::new(|row| self.add(row)) }
    }

    fn add(&mut self, row: &str) {
        match serde_json::from_str(row) {
            Ok(row) => self.decoded.push(row),
            Err(error) => {
                self.unreadable = Some(format!("{:?} at {}", error.classify(), error.column()));
            }
        }
    }

    pub(super) fn seen(self, answer: &Answer) -> Observation<Vec<T>> {
        match (answer, self.unreadable) {
            (Err(failure), _) => Observation::Unseen(gaps::failed(self.source, failure)),
            (Ok(()), Some(how)) => Observation::Unseen(Gap::new(
                self.source,
                GapReason::NotVisibleInSql,
                format!("the server's answer has another shape than expected ({how})"),
            )),
            (Ok(()), None) => Observation::Seen(self.decoded),
        }
    }

    pub(super) fn one(self, answer: &Answer) -> Observation<T> {
        let source = self.source;
        match self.seen(answer) {
            Observation::Seen(rows) => match rows.into_iter().next() {
                Some(row) => Observation::Seen(row),
                None => Observation::Unseen(Gap::new(
                    source,
                    GapReason::NotVisibleInSql,
                    "no row came back",
                )),
            },
            Observation::Unseen(gap) => Observation::Unseen(gap),
        }
    }
}
