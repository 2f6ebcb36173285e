//! Shares as people read them.

use super::grouped;

/// A share as a percentage with the digits it takes: what is there is never printed as `0 %`, and what is missing never
/// as `100 %`.
pub fn percent(share: f64) -> String {
    let value = share * 100.0;
    if value >= 1000.0 {
        return format!("{} %", grouped(value));
    }
    let nearest = if value > 50.0 && value < 100.0 { 100.0 - value } else { value.abs() };
    let digits = (0..DIGITS_MAX).find(|digits| {
        let step = 10_f64.powi(-i32::from(*digits));
        nearest == 0.0 || nearest >= step / 2.0 && (nearest >= step || *digits > 0)
    });
    let digits = digits.unwrap_or(DIGITS_MAX);
    format!("{value:.*} %", usize::from(digits))
}

/// Digits printed behind the point at most.
const DIGITS_MAX: u8 = 9;

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn a_share_has_the_digits_that_it_needs_and_no_more() {
        for (share, text) in [
            (0.0, "0 %"),
            (1.0, "100 %"),
            (0.976, "98 %"),
            (0.5, "50 %"),
            (0.014, "1 %"),
            (0.0034, "0.3 %"),
            (0.0001, "0.01 %"),
            (0.000_003, "0.0003 %"),
            (0.9996, "99.96 %"),
            (0.995, "99.5 %"),
            (1.7, "170 %"),
            (2616.12, "261,612 %"),
        ] {
            assert_eq!(percent(share), text);
        }
    }
}
