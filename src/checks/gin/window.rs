//! Rates over the time that the counters have run for.

use crate::model::observation::Context;
use crate::model::{Gap, GapReason, Policy, Threshold, Unit};

/// Seconds the counters must have run for before a rate is one.
pub(super) static RATE_WINDOW_S_MIN: Threshold = Threshold {
    name: "rate_window_s_min",
    default: 300.0,
    unit: Unit::S,
    reason: "over less than five minutes one burst passes for a rate",
};

/// Seconds that the counters of the database have run for.
///
/// # Errors
/// They are not known, or too few.
pub(super) fn seconds(context: &Context, policy: &Policy) -> Result<f64, Gap> {
    at_least(context, policy.get(&RATE_WINDOW_S_MIN))
}

/// The same, of which there must be so many.
pub(super) fn at_least(context: &Context, least: f64) -> Result<f64, Gap> {
    let gap = |detail| Gap::new("counters", GapReason::NotEnoughHistory, detail);
    let seconds = context
        .counting_days()
        .map(|days| days * 86_400.0)
        .ok_or_else(|| gap("the server does not say since when its counters count".to_owned()))?;
    if seconds < least {
        let (now, needed) = (duration(seconds), duration(least));
        return Err(gap(format!("the counters have run for {now}; a rate needs {needed}"))
            .lifted_by(format!("analyse again when they have run for {needed}")));
    }
    Ok(seconds)
}

/// A time in the unit that a person would say it in.
pub(super) fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 120.0 => format!("{s:.0} seconds"),
        s if s < 7200.0 => format!("{:.0} minutes", s / 60.0),
        s if s < 172_800.0 => format!("{:.0} hours", s / 3600.0),
        s => format!("{:.0} days", s / 86_400.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_reads_in_its_own_unit() {
        assert_eq!(duration(61.0), "61 seconds");
        assert_eq!(duration(600.0), "10 minutes");
        assert_eq!(duration(7300.0), "2 hours");
        assert_eq!(duration(604_800.0), "7 days");
    }
}
