//! Tables that hold rows on their way elsewhere, recognised by their names.

/// Words that name what is loaded, transformed and emptied again.
const WORDS: [&str; 8] =
    ["staging", "stage", "stg", "landing", "scratch", "tmp", "temp", "incoming"];

/// Whether one of a name's words says so; the name of a schema or a table, or both.
pub fn names_staging(name: &str) -> bool {
    let words = name.split(|c: char| !c.is_alphanumeric());
    words.map(str::to_lowercase).any(|word| WORDS.contains(&word.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_the_name_tells_and_not_a_part_of_one() {
        assert!(
            names_staging("ml.orders_stg") && names_staging("Landing") && names_staging("tmp-x")
        );
        assert!(!names_staging("ml.templates") && !names_staging("stages_of_life"));
    }
}
