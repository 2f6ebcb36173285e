//! Parts of short texts. Most characters of a plan have one byte, and are found sooner by bytes than by characters.

/// A text without the blanks around it.
pub(super) fn trim(text: &str) -> &str {
    let text = text.trim_ascii();
    match (text.as_bytes().first(), text.as_bytes().last()) {
        (Some(first), Some(last)) if first.is_ascii_graphic() && last.is_ascii_graphic() => text,
        _ => text.trim(),
    }
}

/// What stands before and behind the first ASCII character that is this one.
pub(super) fn split_once(text: &str, sign: u8) -> Option<(&str, &str)> {
    debug_assert!(sign.is_ascii());
    let at = text.bytes().position(|byte| byte == sign)?;
    Some((&text[..at], &text[at + 1..]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn texts_are_trimmed_and_split_as_the_standard_library_does(text in "[ \\t\u{b}\u{a0}a=é]{0,8}") {
            prop_assert_eq!(super::trim(&text), text.trim());
            prop_assert_eq!(super::split_once(&text, b'='), text.split_once('='));
        }
    }
}
