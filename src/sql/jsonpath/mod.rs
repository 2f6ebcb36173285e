//! The keys that a jsonpath names: a small reader of the part of its grammar that leads to values.

mod lexer;

use lexer::JsonpathToken;

use super::understood::JsonStep;

/// As deep may filters and parentheses stand in one another.
const DEPTH_MAX: usize = 64;

/// What a jsonpath reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct JsonpathReads {
    /// Where its value is; none where it computes one: a comparison, an arithmetic expression.
    pub(super) result: Option<Vec<JsonStep>>,
    /// What it reads beside: in filters, in conditions.
    pub(super) beside: Vec<Vec<JsonStep>>,
}

/// What a jsonpath reads. What cannot be read may read anything.
pub(super) fn read(text: &str) -> JsonpathReads {
    lexer::tokens(text)
        .and_then(|tokens| {
            JsonpathReader { tokens, position: 0, beside: Vec::new(), depth: 0 }.whole()
        })
        .unwrap_or_else(|| JsonpathReads { result: Some(vec![JsonStep::Any]), beside: Vec::new() })
}

struct JsonpathReader {
    tokens: Vec<JsonpathToken>,
    position: usize,
    beside: Vec<Vec<JsonStep>>,
    depth: usize,
}

/// Where an expression's value is: a way from the document, if it is one.
type DocumentPath = Option<Vec<JsonStep>>;

impl JsonpathReader {
    fn whole(mut self) -> Option<JsonpathReads> {
        if matches!(self.peek(), Some(JsonpathToken::Word(mode)) if mode == "lax" || mode == "strict")
        {
            self.position += 1;
        }
        let result = self.expression(&Vec::new())?;
        let done = self.position == self.tokens.len();
        done.then_some(JsonpathReads { result, beside: self.beside })
    }

    /// Operands between operators. Which operator binds tighter is of no matter: all of them read all operands.
    fn expression(&mut self, current: &Vec<JsonStep>) -> Option<DocumentPath> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return None;
        }
        let mut path = self.operand(current)?;
        while self.operator() {
            self.note(path.take());
            if self.ended_operator() {
                continue;
            }
            let next = self.operand(current)?;
            self.note(next);
        }
        self.depth -= 1;
        Some(path)
    }

    /// Step over a binary operator, if one is next. Those of words are stepped over with what follows them.
    fn operator(&mut self) -> bool {
        match self.peek() {
            Some(JsonpathToken::Operator | JsonpathToken::Sign('*' | '+' | '-')) => {
                self.position += 1;
            }
            Some(JsonpathToken::Word(word)) if word == "starts" => self.position += 1,
            Some(JsonpathToken::Word(word)) => return word == "like_regex" || word == "is",
            _ => return false,
        }
        true
    }

    /// Step over the rest of an operator that has no operand behind it that could name a key.
    fn ended_operator(&mut self) -> bool {
        let Some(JsonpathToken::Word(word)) = self.peek() else { return false };
        match word.as_str() {
            "is" | "with" => self.position += 2,
            "like_regex" => {
                self.position += 2;
                if matches!(self.peek(), Some(JsonpathToken::Word(flag)) if flag == "flag") {
                    self.position += 2;
                }
            }
            _ => return false,
        }
        true
    }

    fn operand(&mut self, current: &Vec<JsonStep>) -> Option<DocumentPath> {
        while matches!(self.peek(), Some(JsonpathToken::Sign('!' | '+' | '-'))) {
            self.position += 1;
        }
        let start = match self.next()? {
            JsonpathToken::Sign('$') => Some(Vec::new()),
            JsonpathToken::Sign('@') => Some(current.clone()),
            JsonpathToken::Sign('(') => {
                let path = self.expression(current)?;
                self.expect(')')?;
                path
            }
            JsonpathToken::Word(word) if word == "exists" => {
                self.expect('(')?;
                let path = self.expression(current)?;
                self.note(path);
                self.expect(')')?;
                None
            }
            JsonpathToken::Word(word)
                if ["true", "false", "null", "last"].contains(&word.as_str()) =>
            {
                None
            }
            JsonpathToken::Variable | JsonpathToken::Number(_) | JsonpathToken::Text(_) => None,
            _ => return None,
        };
        self.accessors(start)
    }

    /// The steps behind an operand. Those behind a variable or a constant lead into no document.
    fn accessors(&mut self, mut path: DocumentPath) -> Option<DocumentPath> {
        loop {
            match self.peek() {
                Some(JsonpathToken::Sign('.')) => {
                    self.position += 1;
                    let steps = self.member()?;
                    if let Some(path) = &mut path {
                        path.extend(steps);
                    }
                }
                Some(JsonpathToken::Sign('[')) => {
                    self.position += 1;
                    let step = self.subscript(path.as_ref())?;
                    if let Some(path) = &mut path {
                        path.push(step);
                    }
                }
                Some(JsonpathToken::Sign('?')) => {
                    self.position += 1;
                    self.expect('(')?;
                    let condition = self.expression(&path.clone().unwrap_or_default())?;
                    self.note(condition);
                    self.expect(')')?;
                }
                _ => return Some(path),
            }
        }
    }

    /// What follows a dot: a key, `*`, `**`, or a method.
    fn member(&mut self) -> Option<Vec<JsonStep>> {
        let step = match self.next()? {
            JsonpathToken::Sign('*') => JsonStep::Any,
            JsonpathToken::Descent => {
                if self.peek() == Some(&JsonpathToken::Sign('{')) {
                    self.skip_to('}')?;
                }
                JsonStep::Any
            }
            JsonpathToken::Word(method) if self.peek() == Some(&JsonpathToken::Sign('(')) => {
                self.skip_to(')')?;
                if method != "keyvalue" {
                    return Some(Vec::new());
                }
                // Of its keys and values, any may be read.
                JsonStep::Any
            }
            JsonpathToken::Word(key) | JsonpathToken::Text(key) => JsonStep::Key(key),
            _ => return None,
        };
        Some(vec![step])
    }

    /// What stands in brackets: `*`, a position, or several and ranges of them.
    fn subscript(&mut self, path: Option<&Vec<JsonStep>>) -> Option<JsonStep> {
        let all = self.peek() == Some(&JsonpathToken::Sign('*'));
        if all {
            self.position += 1;
            self.expect(']')?;
            return Some(JsonStep::Elements);
        }
        let mut step = JsonStep::Index;
        loop {
            let position = self.expression(&path.cloned().unwrap_or_default())?;
            self.note(position);
            match self.next()? {
                JsonpathToken::Sign(']') => return Some(step),
                JsonpathToken::Sign(',') => step = JsonStep::Elements,
                JsonpathToken::Word(word) if word == "to" => step = JsonStep::Elements,
                _ => return None,
            }
        }
    }

    fn skip_to(&mut self, end: char) -> Option<()> {
        while self.next()? != JsonpathToken::Sign(end) {}
        Some(())
    }

    fn expect(&mut self, sign: char) -> Option<()> {
        (self.next()? == JsonpathToken::Sign(sign)).then_some(())
    }

    /// Remember what is read beside the result.
    fn note(&mut self, path: DocumentPath) {
        if let Some(path) = path
            && !self.beside.contains(&path)
        {
            self.beside.push(path);
        }
    }

    fn peek(&self) -> Option<&JsonpathToken> {
        self.tokens.get(self.position)
    }

    fn next(&mut self) -> Option<JsonpathToken> {
        let token = self.tokens.get(self.position).cloned();
        self.position += 1;
        token
    }
}

#[cfg(test)]
mod tests;
