//! `log_line_prefix` as the server has it, where someone says what it is: then nothing has to be inferred.

use super::prefix::time;
use super::session::identity;

/// A prefix is no longer.
const BYTES_MAX: usize = 1024;

/// Places tried for what stands between at most; hostile prefixes have many.
const STEPS_MAX: u32 = 10_000;

/// What `log_line_prefix` is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinePrefix(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    /// The same in each line.
    Text(Vec<u8>),
    /// An escape, by its letter.
    Field(u8),
    /// `%q`: processes without a session write nothing behind it.
    End,
}

/// What a line's prefix shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct PrefixFields<'a> {
    process: Option<&'a [u8]>,
    session_id: Option<&'a [u8]>,
    pub(super) database: Option<&'a str>,
}

impl PrefixFields<'_> {
    /// What distinguishes its session from others.
    pub(super) fn session(&self) -> Option<u64> {
        self.session_id.or(self.process).map(identity)
    }
}

impl LinePrefix {
    /// From the setting's value.
    ///
    /// # Errors
    /// Where it holds an escape that no server knows, what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > BYTES_MAX {
            return Err(format!("longer than {BYTES_MAX} bytes"));
        }
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('%') {
            push(&mut pieces, before);
            // `%-10p` pads its value.
            let escape =
                behind.trim_start_matches(['-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
            let letter = escape.bytes().next().filter(u8::is_ascii).unwrap_or(0);
            match letter {
                b'%' => push(&mut pieces, "%"),
                b'q' => pieces.push(Piece::End),
                b'a' | b'b' | b'c' | b'd' | b'e' | b'h' | b'i' | b'l' | b'L' | b'm' | b'n'
                | b'p' | b'P' | b'Q' | b'r' | b's' | b't' | b'u' | b'v' | b'x' => {
                    pieces.push(Piece::Field(letter));
                }
                _ => {
                    let shown: String = escape.chars().take(1).collect();
                    return Err(format!("`%{shown}` is no escape of log_line_prefix"));
                }
            }
            rest = &escape[1..];
        }
        push(&mut pieces, rest);
        Ok(Self(pieces))
    }

    /// What a line shows that begins with this; none where it does not look like this prefix.
    pub(super) fn fields<'a>(&self, prefix: &'a [u8]) -> Option<PrefixFields<'a>> {
        // An application's name often holds blanks, a user's or a database's seldom does.
        [false, true].into_iter().find_map(|names_hold_blanks| {
            let mut fields = PrefixFields::default();
            let mut tried = PrefixSearch { steps: STEPS_MAX, names_hold_blanks };
            matches(&self.0, prefix, &mut fields, &mut tried).then_some(fields)
        })
    }
}

/// How a prefix is read.
struct PrefixSearch {
    /// Places that may still be tried.
    steps: u32,
    /// Whether names of users, databases and hosts may hold blanks.
    names_hold_blanks: bool,
}

fn push(pieces: &mut Vec<Piece>, text: &str) {
    match pieces.last_mut() {
        Some(Piece::Text(before)) => before.extend_from_slice(text.as_bytes()),
        _ if text.is_empty() => {}
        _ => pieces.push(Piece::Text(text.as_bytes().to_vec())),
    }
}

/// Whether a text is what these pieces write. Values are as short as the text between them allows.
fn matches<'a>(
    pieces: &[Piece],
    text: &'a [u8],
    fields: &mut PrefixFields<'a>,
    tried: &mut PrefixSearch,
) -> bool {
    let Some((first, rest)) = pieces.split_first() else { return text.is_empty() };
    match first {
        Piece::Text(same) => {
            let behind = text.strip_prefix(&**same);
            behind.is_some_and(|behind| matches(rest, behind, fields, tried))
        }
        Piece::End => text.is_empty() || matches(rest, text, fields, tried),
        Piece::Field(letter) => {
            let least = match letter {
                b't' | b'm' | b's' => time(text).unwrap_or(0),
                _ => 0,
            };
            let is_name = matches!(letter, b'u' | b'd' | b'h' | b'r');
            let may_hold = |byte: &&u8| match **byte {
                b' ' if is_name => tried.names_hold_blanks,
                byte => may_hold(*letter, byte),
            };
            let most = text.iter().take_while(may_hold).count();
            for length in least..=most.max(least) {
                tried.steps = tried.steps.saturating_sub(1);
                if tried.steps == 0 {
                    return false;
                }
                if matches(rest, &text[length..], fields, tried) {
                    fields.keep(*letter, text[..length].trim_ascii());
                    return true;
                }
            }
            false
        }
    }
}

/// Whether a value of this escape may hold this byte, or what pads it.
fn may_hold(letter: u8, byte: u8) -> bool {
    byte == b' '
        || match letter {
            b'p' | b'P' | b'l' | b'x' => byte.is_ascii_digit(),
            b'c' => byte.is_ascii_hexdigit() || byte == b'.',
            b'n' => byte.is_ascii_digit() || byte == b'.',
            b'v' => byte.is_ascii_digit() || byte == b'/',
            b'Q' => byte.is_ascii_digit() || byte == b'-',
            b'e' => byte.is_ascii_alphanumeric(),
            _ => true,
        }
}

impl<'a> PrefixFields<'a> {
    fn keep(&mut self, letter: u8, value: &'a [u8]) {
        let known = (!value.is_empty()).then_some(value);
        match letter {
            b'p' => self.process = known,
            b'c' => self.session_id = known,
            b'd' => self.database = known.and_then(|name| std::str::from_utf8(name).ok()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told<'a>(prefix: &str, line: &'a str) -> Option<(Option<u64>, Option<&'a str>)> {
        let fields = LinePrefix::parse(prefix).unwrap().fields(line.as_bytes())?;
        Some((fields.session(), fields.database))
    }

    #[test]
    fn a_prefix_tells_the_session_and_the_database_wherever_they_stand() {
        let of = |text: &str| Some(identity(text.as_bytes()));
        for (prefix, line, session, database) in [
            ("%m [%p] ", "2026-11-25 00:44:19.973 UTC [812] ", of("812"), None),
            ("%t %a %u %d", "2026-11-25 00:44:19 UTC my app 7 app shop", None, Some("shop")),
            ("%x %p %l ", "0 812 3 ", of("812"), None),
            ("%l %x %-6p|%d|", "3 0 812   |shop|", of("812"), Some("shop")),
            ("%p-%c-%d", "812-6b062f63.2c28-a-b", of("6b062f63.2c28"), Some("a-b")),
            ("%m [%p] %q%u@%d ", "2026-11-25 00:44:19.973 UTC [7] ", of("7"), None),
            ("100%% %d:%p:", "100% shop:8:", of("8"), Some("shop")),
            ("", "", None, None),
        ] {
            assert_eq!(told(prefix, line), Some((session, database)), "{prefix}");
        }
    }

    #[test]
    fn a_line_of_another_prefix_tells_nothing_and_no_escape_is_made_up() {
        assert_eq!(told("%m [%p] ", "812 "), None);
        assert_eq!(told("%p", "x"), None);
        assert!(LinePrefix::parse("%m %z").unwrap_err().contains("`%z`"));
        assert!(LinePrefix::parse("%m %").is_err());
        assert!(LinePrefix::parse("%é").is_err());
        // So many ways to read a line are not tried.
        assert_eq!(told(&("%a".repeat(40) + "!"), &"x".repeat(200)), None);
    }
}
