//! Rates of cumulative counters: how much, over which window. The window of one visit is the time since the counters
//! were reset; the window between two visits is the time between them. A mean over the window says nothing of its peaks.

use jiff::Timestamp;

use super::observation::Context;
use super::{Gap, GapReason, Policy, Threshold, Unit};

/// The shortest window over which a counter is a rate.
pub static WINDOW_S_MIN: Threshold = Threshold {
    name: "window_s_min",
    default: 300.0,
    unit: Unit::S,
    reason: "a checkpoint comes every five minutes; over less, one burst is all that was counted",
};

/// The shortest window over which a counter is extrapolated to a day.
pub static DAY_WINDOW_S_MIN: Threshold = Threshold {
    name: "day_window_s_min",
    default: 3600.0,
    unit: Unit::S,
    reason: "less than an hour says nothing of a day",
};

/// The shortest window after which something is called unused.
pub static UNUSED_WINDOW_S_MIN: Threshold = Threshold {
    name: "unused_window_s_min",
    default: 604_800.0,
    unit: Unit::S,
    reason: "what runs once a week is used",
};

/// Over which time counters counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    since: Timestamp,
    until: Timestamp,
    is_certain: bool,
}

/// So much a second, over a window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// How much a second, on average.
    pub per_second: f64,
    /// Over which time.
    pub window: Window,
}

impl Window {
    /// From one time to another, both known.
    pub fn between(since: Timestamp, until: Timestamp) -> Self {
        Self { since, until, is_certain: true }
    }

    /// Since the counters of a view were reset; a gap named `observation` where the server does not know when.
    ///
    /// # Errors
    /// The gap.
    pub fn since_reset(
        observation: &str,
        reset: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Self, Gap> {
        reset.map(|since| Self::between(since, now)).ok_or_else(|| {
            let detail = "the server does not say since when these counters count";
            Gap::new(observation, GapReason::NotEnoughHistory, detail)
        })
    }

    /// Since the counters of the database were reset. A database whose counters never were is younger than the
    /// cluster's counters or as old as they, which the server does not say: that window is uncertain.
    ///
    /// # Errors
    /// A gap where the server does not know it.
    pub fn of_database(context: &Context) -> Result<Self, Gap> {
        Self::since_reset("database_counters", context.counting_since, context.now)
            .map(Self::uncertain)
    }

    /// The counters may have begun later than the window does: a rate over it is the least it can have been.
    #[must_use]
    pub fn uncertain(self) -> Self {
        Self { is_certain: false, ..self }
    }

    /// The same for an index, whose counters can be reset alone, from PostgreSQL 19 on.
    ///
    /// # Errors
    /// A gap where the server does not know it.
    pub fn of_index(context: &Context, reset: Option<Timestamp>) -> Result<Self, Gap> {
        let all = Self::of_database(context)?;
        let own = reset.filter(|reset| *reset > all.since);
        Ok(own.map_or(all, |since| Self { since, is_certain: true, ..all }))
    }

    /// Its length; 0 where the clock was set back.
    #[expect(clippy::cast_precision_loss, reason = "milliseconds below 2^53")]
    pub fn seconds(self) -> f64 {
        let milliseconds = self.until.as_millisecond() - self.since.as_millisecond();
        milliseconds.max(0) as f64 / 1000.0
    }

    /// The window, where it is long enough for what `observation` is to be judged by.
    ///
    /// # Errors
    /// A gap with both lengths where it is not.
    pub fn at_least(
        self,
        observation: &str,
        least: &Threshold,
        policy: &Policy,
    ) -> Result<Self, Gap> {
        let needed = policy.get(least);
        if self.seconds() >= needed {
            return Ok(self);
        }
        let detail = format!("counters were reset {self} ago, {} are needed", duration(needed));
        let wait = format!("wait until they have counted for {}", duration(needed));
        Err(Gap::new(observation, GapReason::NotEnoughHistory, detail).lifted_by(wait))
    }

    /// The rate of what was counted over it. An empty window has none: it counts as a second.
    #[expect(clippy::cast_precision_loss, reason = "counters below 2^53")]
    pub fn rate(self, counted: i64) -> Rate {
        Rate { per_second: counted.max(0) as f64 / self.seconds().max(1.0), window: self }
    }
}

impl std::fmt::Display for Window {
    /// `12 minutes`; `at most 3 days` where it is uncertain.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let at_most = if self.is_certain { "" } else { "at most " };
        write!(f, "{at_most}{}", duration(self.seconds()))
    }
}

impl Rate {
    /// The same over so many seconds.
    pub fn over(self, seconds: f64) -> f64 {
        self.per_second * seconds
    }

    /// The same over a day: extrapolated where the window is shorter.
    pub fn per_day(self) -> f64 {
        self.over(86_400.0)
    }
}

/// A length of time as prose prints it: in the largest unit that keeps two digits or so.
pub fn duration(seconds: f64) -> String {
    let units = [(172_800.0, 86_400.0, "day"), (7200.0, 3600.0, "hour"), (600.0, 60.0, "minute")];
    let large = units.into_iter().find(|(from, ..)| seconds >= *from);
    let (_, unit, name) = large.unwrap_or((0.0, 1.0, "second"));
    let count = (seconds / unit).round();
    let plural = if (count - 1.0).abs() < 0.5 { "" } else { "s" };
    format!("{count} {name}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap_or_default()
    }

    fn window(seconds: i64) -> Window {
        Window::between(at(1_000_000), at(1_000_000 + seconds))
    }

    #[test]
    fn a_rate_is_what_was_counted_over_the_window_and_a_day_of_it() {
        let rate = window(600).rate(1200);
        assert!((rate.per_second - 2.0).abs() < 1e-9);
        assert!((rate.per_day() - 172_800.0).abs() < 1e-6);
        assert!((rate.over(300.0) - 600.0).abs() < 1e-9);
    }

    #[test]
    fn a_window_that_is_too_short_is_a_gap_with_both_lengths() {
        let policy = Policy::default();
        assert!(window(300).at_least("wal", &WINDOW_S_MIN, &policy).is_ok());
        let gap = window(299).at_least("wal", &WINDOW_S_MIN, &policy);
        let Err(gap) = gap else { unreachable!("299 s are too few") };
        assert_eq!(gap.reason, GapReason::NotEnoughHistory);
        assert_eq!(gap.detail, "counters were reset 299 seconds ago, 300 seconds are needed");
        assert!(window(3599).at_least("wal", &DAY_WINDOW_S_MIN, &policy).is_err());
        assert!(window(604_799).at_least("wal", &UNUSED_WINDOW_S_MIN, &policy).is_err());
    }

    #[test]
    fn counters_that_were_never_reset_as_far_as_the_server_knows_are_a_gap() {
        let gap = Window::since_reset("checkpoints", None, at(5));
        assert!(
            matches!(gap, Err(gap) if gap.reason == GapReason::NotEnoughHistory && gap.observation == "checkpoints")
        );
    }

    #[test]
    fn a_clock_that_was_set_back_makes_an_empty_window_and_no_infinite_rate() {
        let back = Window::between(at(100), at(50));
        assert!(back.seconds() < 0.1 && back.rate(7).per_second <= 7.0);
        assert!(window(60).rate(-5).per_second.abs() < 1e-9, "a counter that was reset meanwhile");
    }

    #[test]
    fn windows_print_in_the_unit_that_fits_and_say_where_they_are_uncertain() {
        let printed = [1, 90, 7200, 7_000_000].map(|seconds| window(seconds).to_string());
        assert_eq!(printed, ["1 second", "90 seconds", "2 hours", "81 days"]);
        assert_eq!(window(7200).uncertain().to_string(), "at most 2 hours");
    }
}
