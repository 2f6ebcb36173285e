//! From what was measured to a verdict on what was promised. Pure.

use std::fmt::Write as _;

use super::copy::is_too_small;
use super::engine::{Outcome, ROUNDS, Runs};
use super::trial::{Name, Promise, Remark, TrialPlan};
use crate::model::{Grade, Measurement, Proof, ProofMethod, Unit, Verdict};

/// A gain below this is not worth a lock, however certain.
pub(super) const GAIN_MIN: f64 = 0.05;

/// What an arm of a trial proves.
pub(super) fn proof(trial: &TrialPlan, outcome: &Outcome, arm: usize) -> Proof {
    let runs = ArmComparison { today: &outcome.arms[0], arm: &outcome.arms[arm] };
    let Judged { verdict, mut reason } = if is_too_small(&outcome.sample) {
        Judged::new(Verdict::Inconclusive, "too few rows could be copied")
    } else {
        runs.judge(&trial.arms[arm].promise)
    };
    for remark in &trial.arms[arm].remarks {
        reason.extend(runs.remark(remark, &outcome.arms));
    }
    let place =
        if outcome.on_lab { "on the lab database" } else { "in a temporary table on the target" };
    let reported = trial.reported.iter();
    Proof {
        grade: Grade::Measured,
        method: ProofMethod::SampledCopy,
        verdict,
        reason: Some(format!("{reason}; measured {place}")),
        measurements: reported.filter_map(|(name, unit)| runs.measurement(name, *unit)).collect(),
        sample: Some(outcome.sample.clone()),
    }
}

/// A verdict with its reason.
#[derive(Debug, Clone, PartialEq)]
struct Judged {
    verdict: Verdict,
    reason: String,
}

impl Judged {
    fn new(verdict: Verdict, reason: impl Into<String>) -> Self {
        Self { verdict, reason: reason.into() }
    }

    /// Nothing stands against it, and nothing is to be said.
    fn holds(holds: bool, otherwise: &str) -> Self {
        if holds {
            Self::new(Verdict::Confirmed, "")
        } else {
            Self::new(Verdict::Refuted, otherwise)
        }
    }

    fn is_confirmed(&self) -> bool {
        self.verdict == Verdict::Confirmed
    }

    fn rank(&self) -> u8 {
        match self.verdict {
            Verdict::Confirmed => 3,
            Verdict::Inconclusive => 2,
            Verdict::Refuted | Verdict::NotRun => 1,
        }
    }
}

/// What was measured of an arm, beside today's.
struct ArmComparison<'a> {
    today: &'a Runs,
    arm: &'a Runs,
}

impl ArmComparison<'_> {
    fn judge(&self, promise: &Promise) -> Judged {
        match promise {
            Promise::All(all) => {
                let mut last = Judged::new(Verdict::Confirmed, "");
                for promise in all {
                    last = self.judge(promise);
                    if !last.is_confirmed() {
                        break;
                    }
                }
                last
            }
            Promise::Any(any) => {
                let judged = any.iter().map(|promise| self.judge(promise));
                let best =
                    judged.reduce(|best, one| if one.rank() > best.rank() { one } else { best });
                best.unwrap_or_else(|| Judged::new(Verdict::Refuted, "nothing is promised"))
            }
            Promise::Faster { metric, what, gain_min, says_minimum } => {
                let mut faster = self.faster(metric, what, *gain_min);
                if faster.verdict == Verdict::Refuted && *says_minimum {
                    let minimum = gain_min * 100.0;
                    let _ = write!(faster.reason, "; the minimum is {minimum:.0} % less");
                }
                faster
            }
            Promise::NotSlower { metrics, otherwise } => {
                let slower = metrics.iter().filter_map(|name| self.measurement(name, Unit::Ms));
                Judged::holds(!slower.into_iter().any(|time| is_worse(&time)), otherwise)
            }
            Promise::Saves { metrics, what, gain_min } => {
                let saved = 0.0 - self.growth(metrics);
                let said = format!("it saves {:.0} % of {what}", saved * 100.0);
                if saved >= *gain_min {
                    Judged::new(Verdict::Confirmed, said)
                } else {
                    let reason = format!("{said}, less than {:.0} %", gain_min * 100.0);
                    Judged::new(Verdict::Refuted, reason)
                }
            }
            Promise::Room { metrics, growth_max } => {
                let growth = self.growth(metrics);
                let otherwise = format!("it takes {:.0} % more space", growth * 100.0);
                Judged::holds(growth <= *growth_max, &otherwise)
            }
            Promise::IndexUseShare { name, of_today, share, otherwise } => {
                let of = if *of_today { self.today } else { self.arm };
                let fact = of.get(name).and_then(|numbers| numbers.first());
                Judged::holds(fact.is_none_or(|fact| share.holds(*fact)), otherwise)
            }
        }
    }

    /// Whether the gain is there, and wider than the runs spread.
    fn faster(&self, metric: Name, what: &str, gain_min: f64) -> Judged {
        let times = self.measurement(metric, Unit::Ms).filter(|times| !gain(times).is_nan());
        let Some(times) = times else {
            return Judged::new(Verdict::Inconclusive, "the server gave no times");
        };
        let (gain, spread) = (gain(&times), times.spread);
        let word = if gain >= 0.0 { "less" } else { "more" };
        let said = format!("{what} takes {:.0} % {word} time", gain.abs() * 100.0);
        if gain >= gain_min && gain > spread {
            Judged::new(Verdict::Confirmed, said)
        } else if gain >= gain_min || spread > gain_min.max(gain.abs()) {
            let hidden = format!("{said}, which the spread of {:.0} % hides", spread * 100.0);
            Judged::new(Verdict::Inconclusive, hidden)
        } else {
            Judged::new(Verdict::Refuted, said)
        }
    }

    /// By which share these bytes together are more than today.
    fn growth(&self, metrics: &[Name]) -> f64 {
        let sizes = metrics.iter().filter_map(|name| self.measurement(name, Unit::Bytes));
        let (today, then) = sizes.fold((0.0, 0.0), |(today, then), bytes| {
            (today + bytes.baseline, then + bytes.candidate)
        });
        then / today.max(1.0) - 1.0
    }

    fn remark(&self, remark: &Remark, arms: &[Runs]) -> Option<String> {
        match remark {
            Remark::NoBetterThan { arm, metric, what } => {
                let other = ArmComparison { today: self.today, arm: arms.get(*arm)? };
                let other = other.measurement(metric, Unit::Ms)?;
                let better = self.measurement(metric, Unit::Ms)?.is_clearly_less_than(&other);
                (!better).then(|| format!(", no better than {what}"))
            }
            Remark::Dearer { metric, what } => {
                let times = self.measurement(metric, Unit::Ms).filter(is_worse)?;
                let longer = times.candidate / times.baseline;
                Some(format!(", {what} takes {longer:.1} times as long"))
            }
        }
    }

    /// A metric today and in the arm; none where today's arm has it not.
    fn measurement(&self, name: Name, unit: Unit) -> Option<Measurement> {
        let today = self.today.get(name)?;
        let (baseline, spread_today) = median_and_spread(today.clone());
        let arm = self.arm.get(name).cloned().filter(|runs| runs.len() == today.len());
        let (candidate, spread) = arm.map_or((f64::NAN, 0.0), median_and_spread);
        Some(Measurement {
            name: name.to_owned(),
            baseline,
            candidate,
            unit,
            runs: ROUNDS,
            spread: (spread_today.max(spread) * 1e4).round() / 1e4,
        })
    }
}

fn gain(times: &Measurement) -> f64 {
    (times.baseline - times.candidate) / times.baseline
}

fn is_worse(times: &Measurement) -> bool {
    -gain(times) > 2.0 * GAIN_MIN + times.spread
}

/// The median, and half the range of the middle runs over it: the fastest and the slowest run are left out,
/// for other work on the machine disturbs one of five.
fn median_and_spread(mut runs: Vec<f64>) -> (f64, f64) {
    runs.sort_by(f64::total_cmp);
    let median = runs[runs.len() / 2];
    let middle = if runs.len() >= 5 { &runs[1..runs.len() - 1] } else { &runs[..] };
    let range = middle[middle.len() - 1] - middle[0];
    (median, if median > 0.0 { range / 2.0 / median } else { 0.0 })
}

#[cfg(test)]
mod tests;
