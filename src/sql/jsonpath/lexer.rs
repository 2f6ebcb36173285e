//! The words of a jsonpath.

use std::iter::Peekable;
use std::str::Chars;

/// A jsonpath longer than this is taken to read anything, in bytes.
const BYTES_MAX: usize = 4 * 1024;

/// A word of a jsonpath.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum JsonpathToken {
    /// A key, a method, a keyword.
    Word(String),
    /// In quotes.
    Text(String),
    /// A number, as it is written.
    Number(String),
    /// `$name`
    Variable,
    /// `**`
    Descent,
    /// A sign that has more than one meaning, or stands alone.
    Sign(char),
    /// A sign that can only stand between two operands.
    Operator,
}

/// All words; none where something is no word.
pub(super) fn tokens(text: &str) -> Option<Vec<JsonpathToken>> {
    if text.len() > BYTES_MAX {
        return None;
    }
    let mut chars = text.chars().peekable();
    let mut tokens = Vec::new();
    while let Some(c) = chars.next() {
        match c {
            c if c.is_whitespace() => {}
            '/' if chars.peek() == Some(&'*') => comment(&mut chars)?,
            '"' => tokens.push(JsonpathToken::Text(quoted(&mut chars)?)),
            '$' => tokens.push(dollar(&mut chars)?),
            '0'..='9' => tokens.push(number(c, &mut chars)),
            '*' if chars.next_if_eq(&'*').is_some() => tokens.push(JsonpathToken::Descent),
            '!' if chars.peek() == Some(&'=') => tokens.push(operator(&mut chars)),
            '&' | '|' | '=' | '<' | '>' | '/' | '%' => tokens.push(operator(&mut chars)),
            '@' | '.' | '*' | '[' | ']' | '(' | ')' | '{' | '}' | '?' | ',' | '!' | '+' | '-' => {
                tokens.push(JsonpathToken::Sign(c));
            }
            c => tokens.push(JsonpathToken::Word(word(c, &mut chars)?)),
        }
    }
    Some(tokens)
}

type CharStream<'a> = Peekable<Chars<'a>>;

fn operator(chars: &mut CharStream) -> JsonpathToken {
    chars.next_if(|c| matches!(c, '&' | '|' | '=' | '>'));
    JsonpathToken::Operator
}

fn dollar(chars: &mut CharStream) -> Option<JsonpathToken> {
    if chars.next_if_eq(&'"').is_some() {
        quoted(chars)?;
        return Some(JsonpathToken::Variable);
    }
    let mut variable = false;
    while chars.next_if(|c| is_of_word(*c)).is_some() {
        variable = true;
    }
    Some(if variable { JsonpathToken::Variable } else { JsonpathToken::Sign('$') })
}

fn number(first: char, chars: &mut CharStream) -> JsonpathToken {
    let mut text = String::from(first);
    loop {
        let dot =
            chars.peek() == Some(&'.') && chars.clone().nth(1).is_some_and(|c| c.is_ascii_digit());
        let sign = text.ends_with(['e', 'E']) && !text.starts_with("0x");
        let next = chars.next_if(|c| {
            c.is_ascii_alphanumeric() || *c == '_' || dot || (sign && matches!(c, '+' | '-'))
        });
        match next {
            Some(c) => text.push(c),
            None => return JsonpathToken::Number(text),
        }
    }
}

fn word(first: char, chars: &mut CharStream) -> Option<String> {
    let mut word = String::new();
    let mut next = Some(first);
    while let Some(c) = next {
        match c {
            '\\' => word.push(escaped(chars)?),
            c => word.push(c),
        }
        next = chars.next_if(|c| is_of_word(*c) || *c == '\\');
    }
    Some(word)
}

/// Whether a character may stand in a key without quotes: all that have no meaning of their own.
fn is_of_word(c: char) -> bool {
    !c.is_whitespace() && !"?%$.[]{}()|&!=<>@#,*:-+/\\\"".contains(c)
}

fn quoted(chars: &mut CharStream) -> Option<String> {
    let mut text = String::new();
    loop {
        match chars.next()? {
            '"' => return Some(text),
            '\\' => text.push(escaped(chars)?),
            c => text.push(c),
        }
    }
}

/// The character that a backslash begins.
fn escaped(chars: &mut CharStream) -> Option<char> {
    Some(match chars.next()? {
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        'x' => hexadecimal(chars, 2)?,
        'u' if chars.next_if_eq(&'{').is_some() => {
            let digits: String = std::iter::from_fn(|| chars.next_if(|c| *c != '}')).collect();
            chars.next_if_eq(&'}')?;
            char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?
        }
        'u' => hexadecimal(chars, 4)?,
        c => c,
    })
}

/// A character by so many digits; half of a pair of UTF-16 is none, and leaves the path unread.
fn hexadecimal(chars: &mut CharStream, digits: usize) -> Option<char> {
    let digits: String = chars.by_ref().take(digits).collect();
    char::from_u32(u32::from_str_radix(&digits, 16).ok()?)
}

fn comment(chars: &mut CharStream) -> Option<()> {
    let mut before = chars.next()?;
    loop {
        let c = chars.next()?;
        if before == '*' && c == '/' {
            return Some(());
        }
        before = c;
    }
}
