//! Names may hold anything. Characters that move the cursor, turn a line around or begin another are shown, and not obeyed:
//! terminals and the logs of pipelines act on them.

use std::borrow::Cow;

/// A text of one line.
pub(super) fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unseen) {
        return text.into();
    }
    let shown = text
        .chars()
        .map(|c| if is_unseen(c) { c.escape_default().to_string() } else { c.to_string() });
    shown.collect::<String>().into()
}

/// A whole output, whose line feeds, tabs and colours are ours.
pub(super) fn harmless(text: String) -> String {
    let is_ours = |c| c == '\n' || c == '\t';
    if !text.contains(|c| is_unseen(c) && !is_ours(c)) {
        return text;
    }
    let mut shown = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(c) = rest.chars().next() {
        let length = colour(rest).unwrap_or(c.len_utf8());
        let (this, behind) = rest.split_at(length);
        if length == c.len_utf8() && is_unseen(c) && !is_ours(c) {
            shown.extend(c.escape_default());
        } else {
            shown.push_str(this);
        }
        rest = behind;
    }
    shown
}

/// The length of the colour or style that the text begins with.
fn colour(text: &str) -> Option<usize> {
    let style = text.strip_prefix("\u{1b}[")?;
    let end = style.find(|c: char| !c.is_ascii_digit() && c != ';')?;
    style[end..].starts_with('m').then_some(end + 3)
}

fn is_unseen(c: char) -> bool {
    let turns_or_hides = ['\u{200b}', '\u{200e}', '\u{200f}', '\u{2028}', '\u{2029}', '\u{2060}'];
    c.is_control()
        || turns_or_hides.contains(&c)
        || ('\u{202a}'..='\u{202e}').contains(&c)
        || ('\u{2066}'..='\u{2069}').contains(&c)
        || c == '\u{feff}'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_terminals_and_pipelines_act_on_is_shown() {
        assert_eq!(visible("a\r\n::error::b\t\u{1b}[2J"), "a\\r\\n::error::b\\t\\u{1b}[2J");
        assert_eq!(visible("\u{202e}gnp.exe"), "\\u{202e}gnp.exe");
        assert_eq!(visible("Größe 名前 \u{200d}👩"), "Größe 名前 \u{200d}👩");
    }

    #[test]
    fn an_output_keeps_its_lines_and_colours_and_nothing_else_that_is_unseen() {
        let ours = "\u{1b}[1m\u{1b}[38;5;1mHIGH\u{1b}[0m\n\tselect 1\n";
        assert_eq!(harmless(ours.to_owned()), ours);
        for (hostile, shown) in [
            ("a\u{1b}[2Jb\n", "a\\u{1b}[2Jb\n"),
            ("\u{1b}]0;title\u{7}\n", "\\u{1b}]0;title\\u{7}\n"),
            ("a\rb\u{9b}c", "a\\rb\\u{9b}c"),
            ("\u{1b}[1", "\\u{1b}[1"),
            ("\u{1b}", "\\u{1b}"),
        ] {
            assert_eq!(harmless(hostile.to_owned()), shown);
        }
    }
}
