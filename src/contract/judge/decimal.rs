//! Decimals as Pydantic reads them. Its own pattern, which 2.12 writes into schemas, leaves out what `str(Decimal)` writes for
//! very small and very large numbers: `1E-7`.

/// What every pattern of a `Decimal` of Pydantic begins with.
const PATTERN: &str = r"^(?!^[-+.]*$)[+-]?0*";

/// What a `Decimal` may be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Decimal {
    /// Digits before the point.
    whole: Option<usize>,
    /// Digits behind it, without zeros at the end.
    places: Option<usize>,
    /// Both.
    digits: Option<usize>,
}

impl Decimal {
    /// What Pydantic means by this pattern; none where it is not one of a decimal.
    pub(super) fn of_pattern(pattern: &str) -> Option<Self> {
        let rest = pattern.strip_prefix(PATTERN)?;
        let limits = limits(rest);
        match limits.as_slice() {
            [] if rest == r"\d*\.?\d*$" => Some(Self::default()),
            [places] if rest.starts_with(r"\d*\.?\d{0,") => {
                Some(Self { places: Some(*places), ..Self::default() })
            }
            [digits, more] if rest.starts_with("(?:") && *more == digits + 1 => {
                Some(Self { digits: Some(*digits), ..Self::default() })
            }
            [whole, more, again, places] if rest.starts_with("(?:") && whole == again => {
                Some(Self {
                    whole: Some(*whole),
                    places: Some(*places),
                    digits: more.checked_sub(1),
                })
            }
            _ => None,
        }
    }

    /// Whether it is a number, and has no more digits than it may.
    pub(super) fn admits(self, text: &str) -> bool {
        let Some((whole, places)) = digits(text.trim()) else { return false };
        let within = |count: usize, most: Option<usize>| most.is_none_or(|most| count <= most);
        within(whole, self.whole)
            && within(places, self.places)
            && within(whole + places, self.digits)
    }
}

/// The upper ends of `{0,n}` and `{1,n}`, in order.
fn limits(pattern: &str) -> Vec<usize> {
    let parts = pattern.split(['{', '}']).skip(1).step_by(2);
    parts.filter_map(|part| part.split_once(',')?.1.parse().ok()).collect()
}

/// Digits that count before and behind the point.
fn digits(text: &str) -> Option<(usize, usize)> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (unsigned, 0),
    };
    let (whole, behind) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = [whole, behind].concat();
    if all.is_empty() || !all.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let significant = all.trim_end_matches('0');
    let zeros =
        i64::try_from(significant.len() - significant.trim_start_matches('0').len()).ok()?;
    let last = i64::try_from(significant.len()).ok()?;
    // Where the point is, counted from the first digit.
    let point = i64::try_from(whole.len()).ok()?.checked_add(exponent)?;
    let before = if significant.is_empty() { 0 } else { (point - zeros).max(0) };
    let after = (last - point).max(0);
    Some((usize::try_from(before).ok()?, usize::try_from(after).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As 2.12.0 writes them, for no limit, `max_digits=10, decimal_places=2`, `max_digits=5` and `decimal_places=2`.
    const WRITTEN: [&str; 4] = [
        r"^(?!^[-+.]*$)[+-]?0*\d*\.?\d*$",
        r"^(?!^[-+.]*$)[+-]?0*(?:\d{0,8}|(?=[\d.]{1,11}0*$)\d{0,8}\.\d{0,2}0*$)",
        r"^(?!^[-+.]*$)[+-]?0*(?:\d{0,5}|(?=[\d.]{1,6}0*$)\d*\.\d*0*$)",
        r"^(?!^[-+.]*$)[+-]?0*\d*\.?\d{0,2}0*$",
    ];

    #[test]
    fn what_pydantic_writes_and_reads_is_admitted() {
        let [any, both, digits, places] =
            WRITTEN.map(|pattern| Decimal::of_pattern(pattern).unwrap());
        for text in
            ["0", "-12.50", "+7", ".5", "1E-7", "1E+3", "0E-8", "-0", "12345678901234567890.1"]
        {
            assert!(any.admits(text), "{text}");
        }
        for text in ["", "-", ".", "12.50 EUR", "1e", "NaN", "Infinity", "1,5", "0x10"] {
            assert!(!any.admits(text), "{text}");
        }
        for (text, of_both, of_digits, of_places) in [
            ("12345678.90", true, false, true),
            ("123456789", false, false, true),
            ("1.234", false, true, false),
            ("1.200000", true, true, true),
            ("1E+3", true, true, true),
            ("1E-3", false, true, false),
            ("000012.5", true, true, true),
        ] {
            let admitted = (both.admits(text), digits.admits(text), places.admits(text));
            assert_eq!(admitted, (of_both, of_digits, of_places), "{text}");
        }
    }

    #[test]
    fn other_patterns_are_none_of_a_decimal() {
        for pattern in [r"^\d+$", r"^(?!^[-+.]*$)[+-]?0*\d{3}$", r"^(?!^[-+.]*$)[+-]?0*x"] {
            assert_eq!(Decimal::of_pattern(pattern), None, "{pattern}");
        }
    }
}
