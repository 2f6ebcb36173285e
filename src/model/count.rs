//! Counts as people read them.

use indicatif::HumanCount;

/// A whole number in groups of three digits.
pub fn grouped(count: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
    HumanCount(count.round() as u64).to_string()
}

/// So many of something, in the singular where it is one.
pub fn counted(count: impl TryInto<u64>, one: &str, several: &str) -> String {
    let count = count.try_into().unwrap_or_default();
    format!("{} {}", HumanCount(count), if count == 1 { one } else { several })
}

/// An estimate, a rate for instance: three digits count, the others are zero.
pub fn rounded(count: f64) -> String {
    let magnitude = count.abs().max(1.0).log10().floor();
    let step = 10_f64.powf((magnitude - 2.0).max(0.0));
    grouped((count / step).round() * step)
}

#[cfg(test)]
mod tests {
    use super::{grouped, rounded};

    #[test]
    fn digits_stand_in_groups_of_three_and_of_an_estimate_three_count() {
        for (count, exact, estimate) in [
            (0.0, "0", "0"),
            (7.4, "7", "7"),
            (999.0, "999", "999"),
            (4_050.0, "4,050", "4,050"),
            (63_183_297.0, "63,183,297", "63,200,000"),
            (1_045_161_290.0, "1,045,161,290", "1,050,000,000"),
            (999_900.0, "999,900", "1,000,000"),
        ] {
            assert_eq!((grouped(count), rounded(count)), (exact.to_owned(), estimate.to_owned()));
        }
    }
}
