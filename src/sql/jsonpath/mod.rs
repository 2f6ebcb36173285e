//! The keys that a jsonpath names: a small reader of the part of its grammar that leads to values.

mod lexer;

use lexer::Token;

use super::understood::Step;

/// As deep may filters and parentheses stand in one another.
const DEPTH_MAX: usize = 64;

/// What a jsonpath reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reading {
    /// Where its value is; none where it computes one: a comparison, an arithmetic expression.
    pub(super) result: Option<Vec<Step>>,
    /// What it reads beside: in filters, in conditions.
    pub(super) beside: Vec<Vec<Step>>,
}

/// What a jsonpath reads. What cannot be read may read anything.
pub(super) fn read(text: &str) -> Reading {
    lexer::tokens(text)
        .and_then(|tokens| Reader { tokens, position: 0, beside: Vec::new(), depth: 0 }.whole())
        .unwrap_or_else(|| Reading { result: Some(vec![Step::Any]), beside: Vec::new() })
}

struct Reader {
    tokens: Vec<Token>,
    position: usize,
    beside: Vec<Vec<Step>>,
    depth: usize,
}

/// Where an expression's value is: a way from the document, if it is one.
type Way = Option<Vec<Step>>;

impl Reader {
    fn whole(mut self) -> Option<Reading> {
        if matches!(self.peek(), Some(Token::Word(mode)) if mode == "lax" || mode == "strict") {
            self.position += 1;
        }
        let result = self.expression(&Vec::new())?;
        let done = self.position == self.tokens.len();
        done.then_some(Reading { result, beside: self.beside })
    }

    /// Operands between operators. Which operator binds tighter is of no matter: all of them read all operands.
    fn expression(&mut self, current: &Vec<Step>) -> Option<Way> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return None;
        }
        let mut way = self.operand(current)?;
        while self.operator() {
            self.note(way.take());
            if self.ended_operator() {
                continue;
            }
            let next = self.operand(current)?;
            self.note(next);
        }
        self.depth -= 1;
        Some(way)
    }

    /// Step over a binary operator, if one is next. Those of words are stepped over with what follows them.
    fn operator(&mut self) -> bool {
        match self.peek() {
            Some(Token::Operator | Token::Sign('*' | '+' | '-')) => self.position += 1,
            Some(Token::Word(word)) if word == "starts" => self.position += 1,
            Some(Token::Word(word)) => return word == "like_regex" || word == "is",
            _ => return false,
        }
        true
    }

    /// Step over the rest of an operator that has no operand behind it that could name a key.
    fn ended_operator(&mut self) -> bool {
        let Some(Token::Word(word)) = self.peek() else { return false };
        match word.as_str() {
            "is" | "with" => self.position += 2,
            "like_regex" => {
                self.position += 2;
                if matches!(self.peek(), Some(Token::Word(flag)) if flag == "flag") {
                    self.position += 2;
                }
            }
            _ => return false,
        }
        true
    }

    fn operand(&mut self, current: &Vec<Step>) -> Option<Way> {
        while matches!(self.peek(), Some(Token::Sign('!' | '+' | '-'))) {
            self.position += 1;
        }
        let start = match self.next()? {
            Token::Sign('$') => Some(Vec::new()),
            Token::Sign('@') => Some(current.clone()),
            Token::Sign('(') => {
                let way = self.expression(current)?;
                self.expect(')')?;
                way
            }
            Token::Word(word) if word == "exists" => {
                self.expect('(')?;
                let way = self.expression(current)?;
                self.note(way);
                self.expect(')')?;
                None
            }
            Token::Word(word) if ["true", "false", "null", "last"].contains(&word.as_str()) => None,
            Token::Variable | Token::Number(_) | Token::Text(_) => None,
            _ => return None,
        };
        self.accessors(start)
    }

    /// The steps behind an operand. Those behind a variable or a constant lead into no document.
    fn accessors(&mut self, mut way: Way) -> Option<Way> {
        loop {
            match self.peek() {
                Some(Token::Sign('.')) => {
                    self.position += 1;
                    let steps = self.member()?;
                    if let Some(way) = &mut way {
                        way.extend(steps);
                    }
                }
                Some(Token::Sign('[')) => {
                    self.position += 1;
                    let step = self.subscript(way.as_ref())?;
                    if let Some(way) = &mut way {
                        way.push(step);
                    }
                }
                Some(Token::Sign('?')) => {
                    self.position += 1;
                    self.expect('(')?;
                    let condition = self.expression(&way.clone().unwrap_or_default())?;
                    self.note(condition);
                    self.expect(')')?;
                }
                _ => return Some(way),
            }
        }
    }

    /// What follows a dot: a key, `*`, `**`, or a method.
    fn member(&mut self) -> Option<Vec<Step>> {
        let step = match self.next()? {
            Token::Sign('*') => Step::Any,
            Token::Descent => {
                if self.peek() == Some(&Token::Sign('{')) {
                    self.skip_to('}')?;
                }
                Step::Any
            }
            Token::Word(method) if self.peek() == Some(&Token::Sign('(')) => {
                self.skip_to(')')?;
                if method != "keyvalue" {
                    return Some(Vec::new());
                }
                // Of its keys and values, any may be read.
                Step::Any
            }
            Token::Word(key) | Token::Text(key) => Step::Key(key),
            _ => return None,
        };
        Some(vec![step])
    }

    /// What stands in brackets: `*`, a position, or several and ranges of them.
    fn subscript(&mut self, way: Option<&Vec<Step>>) -> Option<Step> {
        let all = self.peek() == Some(&Token::Sign('*'));
        if all {
            self.position += 1;
            self.expect(']')?;
            return Some(Step::Elements);
        }
        let mut step = Step::Index;
        loop {
            let position = self.expression(&way.cloned().unwrap_or_default())?;
            self.note(position);
            match self.next()? {
                Token::Sign(']') => return Some(step),
                Token::Sign(',') => step = Step::Elements,
                Token::Word(word) if word == "to" => step = Step::Elements,
                _ => return None,
            }
        }
    }

    fn skip_to(&mut self, end: char) -> Option<()> {
        while self.next()? != Token::Sign(end) {}
        Some(())
    }

    fn expect(&mut self, sign: char) -> Option<()> {
        (self.next()? == Token::Sign(sign)).then_some(())
    }

    /// Remember what is read beside the result.
    fn note(&mut self, way: Way) {
        if let Some(way) = way
            && !self.beside.contains(&way)
        {
            self.beside.push(way);
        }
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.position)
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.position).cloned();
        self.position += 1;
        token
    }
}

#[cfg(test)]
mod tests;
