//! Codes for keys: at most three bytes, each different, and as much like the key as that allows.

use std::collections::{BTreeMap, BTreeSet};

/// Bytes of a code at most; a key that is no longer needs none.
pub const CODE_BYTES_MAX: usize = 3;
/// Letters of a key that a code is made of: what comes behind them no one would guess.
const LETTERS_MAX: usize = 24;
/// What the letters of a code are drawn from where its key has none left.
const ALPHABET: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";

/// A code for each key that is longer than a code, of all keys with how often each occurs.
///
/// The same keys get the same codes, in whatever order they were met. Where several would like the same code, it is
/// the most frequent one's, by powers of ten, so that neither a rare newcomer nor another sample's counts make
/// others change theirs. No code is a key that is there already.
pub fn dictionary<'a>(keys: impl IntoIterator<Item = (&'a str, u64)>) -> BTreeMap<String, String> {
    let mut instances: BTreeMap<&str, u64> = BTreeMap::new();
    for (key, count) in keys {
        *instances.entry(key).or_default() += count;
    }
    let is_long = |key: &&str| key.len() > CODE_BYTES_MAX;
    let mut taken: BTreeSet<String> =
        instances.keys().filter(|key| !is_long(key)).map(|key| (*key).to_owned()).collect();
    let most = instances.values().copied().max().unwrap_or(0);
    let mut long: Vec<(u32, usize, &str)> = instances
        .iter()
        .filter(|(key, _)| is_long(key))
        .map(|(key, count)| (rarity(*count, most), key.len(), *key))
        .collect();
    long.sort_unstable();
    let mut codes = BTreeMap::new();
    for (_, _, key) in long {
        // There are thirty thousand codes for a few thousand keys; one that finds none stays as it is.
        if let Some(code) = candidates(key).find(|code| !taken.contains(code)) {
            taken.insert(code.clone());
            codes.insert(key.to_owned(), code);
        }
    }
    codes
}

/// How many powers of ten a key is rarer than the most frequent.
fn rarity(count: u64, most: u64) -> u32 {
    (most / count.max(1)).max(1).ilog10()
}

/// Codes for a key, the one that resembles it most first.
fn candidates(key: &str) -> impl Iterator<Item = String> {
    let words = words(key);
    let letters: Vec<u8> = words.concat().into_iter().take(LETTERS_MAX).collect();
    let first = letters[0];
    let two = letters.clone();
    let pairs = (1..letters.len()).flat_map(move |a| (a + 1..two.len()).map(move |b| (a, b)));
    let drawn = pairs.map(move |(a, b)| vec![first, letters[a], letters[b]]);
    let ending = || ALPHABET.iter().flat_map(|a| ALPHABET.iter().map(move |b| (*a, *b)));
    let padded = ending().map(move |(a, b)| vec![first, a, b]);
    let starts = ALPHABET.iter().filter(|letter| letter.is_ascii_lowercase());
    let any = starts.flat_map(move |start| ending().map(move |(a, b)| vec![*start, a, b]));
    let codes = mnemonics(&words).into_iter().chain(drawn).chain(padded).chain(any);
    codes.filter_map(|code| String::from_utf8(code).ok())
}

/// `uid` of `user_id`, `usi` of `user_session_id`, `tim` or `tms` of `timestamp`.
fn mnemonics(words: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let head = |word: &[u8], length: usize| word[..length.min(word.len())].to_vec();
    match words {
        [word] => {
            let is_vowel = |letter: &&u8| b"aeiou".contains(letter);
            let consonants = word[1..].iter().filter(|letter| !is_vowel(letter)).take(2);
            vec![head(word, 3), [word[0]].iter().chain(consonants).copied().collect()]
        }
        [one, two] => {
            vec![[head(one, 1), head(two, 2)].concat(), [head(one, 2), head(two, 1)].concat()]
        }
        [one, two, .., last] => vec![
            [head(one, 1), head(two, 1), head(last, 1)].concat(),
            [head(one, 1), head(last, 2)].concat(),
        ],
        [] => Vec::new(),
    }
}

/// The key's words in lower-case ASCII, none of them empty, the first beginning with a letter.
fn words(key: &str) -> Vec<Vec<u8>> {
    let mut words: Vec<Vec<u8>> = Vec::new();
    let mut before = None;
    for letter in key.chars() {
        let is_letter = letter.is_ascii_lowercase() || letter.is_ascii_uppercase();
        if is_letter || letter.is_ascii_digit() && !words.is_empty() {
            let continues = before.is_some_and(|before: char| {
                let begins = letter.is_ascii_uppercase() && !before.is_ascii_uppercase();
                before.is_ascii_alphanumeric() && !begins
            });
            let lower = u8::try_from(letter.to_ascii_lowercase()).unwrap_or(b'k');
            match words.last_mut() {
                Some(word) if continues => word.push(lower),
                _ => words.push(vec![lower]),
            }
        }
        before = Some(letter);
    }
    if words.is_empty() { vec![vec![b'k']] } else { words }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn codes(keys: &[&str]) -> BTreeMap<String, String> {
        dictionary(keys.iter().map(|key| (*key, 100)))
    }

    #[test]
    fn a_code_resembles_its_key() {
        for (key, code) in [
            ("user_id", "uid"),
            ("userId", "uid"),
            ("timestamp", "tim"),
            ("score", "sco"),
            ("event_time", "eti"),
            ("user_session_id", "usi"),
            ("sessionBehaviourStartTime", "sbt"),
            ("HTTPStatus", "htt"),
            ("2fa_code", "fco"),
            ("été d'avant", "tda"),
            ("日本語のキー", "k"),
            ("'\"\\%$", "k"),
        ] {
            assert_eq!(codes(&[key])[key], code, "{key}");
        }
    }

    #[test]
    fn of_keys_that_would_like_the_same_code_the_most_frequent_gets_it() {
        let both = dictionary([("timeline", 5000), ("timestamp", 400), ("tim", 0)]);
        assert_eq!((both["timeline"].as_str(), both["timestamp"].as_str()), ("tml", "tms"));
        let both = dictionary([("timeline", 400), ("timestamp", 5000)]);
        assert_eq!((both["timeline"].as_str(), both["timestamp"].as_str()), ("tml", "tim"));
    }

    #[test]
    fn short_keys_need_no_code_and_keep_theirs() {
        let all = codes(&["id", "uid", "user_id", "été"]);
        assert_eq!(all.keys().collect::<Vec<_>>(), ["user_id", "été"]);
        assert_ne!(all["user_id"], "uid");
    }

    #[test]
    fn thousands_of_keys_that_look_alike_all_get_a_code() {
        let keys: Vec<String> = (0..5000).map(|n| format!("feature_{n:05}")).collect();
        let all = dictionary(keys.iter().map(|key| (key.as_str(), 7)));
        assert_eq!(all.len(), keys.len());
        let different: BTreeSet<&String> = all.values().collect();
        assert_eq!(different.len(), keys.len());
    }

    fn keys() -> impl Strategy<Value = BTreeMap<String, u64>> {
        let key = prop_oneof!["[a-c]{0,3}", "[a-c_]{4,6}", "[A-Za-z_]{4,20}", ".{0,12}"];
        prop::collection::btree_map(key, 10..100_000_u64, 0..80)
    }

    fn of(keys: &BTreeMap<String, u64>) -> BTreeMap<String, String> {
        dictionary(keys.iter().map(|(key, count)| (key.as_str(), *count)))
    }

    proptest! {
        #[test]
        fn codes_are_short_and_stand_for_one_key_each(keys in keys()) {
            let codes = of(&keys);
            let long = keys.keys().filter(|key| key.len() > CODE_BYTES_MAX).count();
            prop_assert_eq!(codes.len(), long);
            let different: BTreeSet<&String> = codes.values().collect();
            prop_assert_eq!(different.len(), long);
            for code in codes.values() {
                prop_assert!((1..=CODE_BYTES_MAX).contains(&code.len()), "{}", code);
                prop_assert!(!keys.contains_key(code), "{} is a key", code);
            }
        }

        #[test]
        fn the_order_in_which_keys_are_met_does_not_matter(keys in keys(), cut in 0..80_usize) {
            let mut met: Vec<(&str, u64)> = keys.iter().map(|(k, n)| (k.as_str(), *n)).collect();
            met.reverse();
            let length = met.len().max(1);
            met.rotate_left(cut % length);
            prop_assert_eq!(dictionary(met), of(&keys));
        }

        #[test]
        fn a_rare_newcomer_changes_nobody_s_code(keys in keys(), newcomer in "[a-c_]{4,8}") {
            let before = of(&keys);
            let mut more: Vec<(&str, u64)> = keys.iter().map(|(k, n)| (k.as_str(), n * 100)).collect();
            if !keys.contains_key(&newcomer) {
                more.push((&newcomer, 1));
            }
            let mut after = dictionary(more);
            if !keys.contains_key(&newcomer) {
                after.remove(&newcomer);
            }
            prop_assert_eq!(after, before);
        }
    }
}
