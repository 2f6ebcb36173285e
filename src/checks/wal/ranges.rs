//! Tables divided by ranges of time or ids, with the ranges of their partitions.

use std::collections::BTreeMap;

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use super::bound::{End, Range, RangeBound};
use crate::model::observation::{PartitionKey, PartmanSet, Relation};
use crate::model::{Case, Families, Family, Gap, RangeStep};

/// A partition with its range.
#[derive(Debug, Clone, Copy)]
pub(super) struct RangePartition<'a> {
    pub(super) relation: &'a Relation,
    pub(super) range: Range,
}

/// A table that is divided by ranges, the root of a hierarchy or a partition that is divided again.
#[derive(Debug)]
pub(super) struct Divided<'a> {
    pub(super) root: &'a Relation,
    pub(super) key: &'a PartitionKey,
    /// Its partitions, by where they end.
    pub(super) parts: Vec<RangePartition<'a>>,
    /// Whether the range of one could not be read.
    pub(super) unread: bool,
}

impl<'a> Divided<'a> {
    /// Every root that is divided by ranges; a gap where the keys or bounds were not seen.
    pub(super) fn all(case: &Case<'a>, families: &Families<'a>) -> Result<Vec<Self>, Gap> {
        let wal = &case.snapshot.wal;
        let keys = wal.partition_keys.get()?;
        let bounds = wal.partition_bounds.get()?;
        let mut by_parent: BTreeMap<i64, Vec<(i64, &str)>> = BTreeMap::new();
        for bound in bounds {
            let text = bound.bound.as_deref().unwrap_or_default();
            by_parent.entry(bound.parent).or_default().push((bound.oid, text));
        }
        let mut all = Vec::new();
        for key in keys.iter().filter(|key| key.strategy == 'r') {
            // One that an extension owns, or that was made since, is in no family.
            let Some(family) = families.family(key.oid) else { continue };
            let Some(root) = family.members.iter().copied().find(|member| member.oid == key.oid)
            else {
                continue;
            };
            let parts = by_parent.remove(&key.oid).unwrap_or_default();
            all.push(Self::of(family, root, key, &parts));
        }
        Ok(all)
    }

    fn of(
        family: &Family<'a>,
        root: &'a Relation,
        key: &'a PartitionKey,
        bounds: &[(i64, &str)],
    ) -> Self {
        let by_oid: BTreeMap<i64, &'a Relation> =
            family.members.iter().map(|member| (member.oid, *member)).collect();
        let (mut parts, mut unread) = (Vec::new(), false);
        for (oid, text) in bounds {
            match (RangeBound::read(text), by_oid.get(oid)) {
                // Parts that differ in another column alone say nothing by their first.
                (RangeBound::Range(range), Some(_))
                    if range.from == range.to && key.key_columns > 1 =>
                {
                    unread = true;
                }
                (RangeBound::Range(range), Some(relation)) => {
                    parts.push(RangePartition { relation, range });
                }
                (RangeBound::Default, _) => {}
                _ => unread = true,
            }
        }
        parts.sort_by_key(|part| (part.range.to, part.relation.oid));
        Self { root, key, parts, unread }
    }

    /// Whether it is divided by time.
    pub(super) fn is_by_time(&self) -> bool {
        let is_time = |end: &End| matches!(end, End::Time(_));
        self.parts.iter().any(|part| is_time(&part.range.from) || is_time(&part.range.to))
    }

    /// From where on there is no partition, for what is there now and comes next: `Endless` where there always is one, and
    /// absent where there is none already.
    pub(super) fn covered_until(&self, now: End) -> Option<End> {
        let mut until = None;
        for part in &self.parts {
            let next = until.unwrap_or(now);
            if part.range.from <= next && next < part.range.to {
                until = Some(part.range.to);
            }
        }
        until
    }

    /// Where the ranges end that have no end on the other side: before the first, no row can be missing a partition, nor from
    /// the second on.
    pub(super) fn open_ends(&self) -> (Option<End>, Option<End>) {
        let ranges = || self.parts.iter().map(|part| part.range);
        let is_finite = |end: &End| matches!(end, End::Time(_) | End::Number(_));
        let below = ranges().filter(|range| range.from == End::Unbounded).map(|range| range.to);
        let above = ranges().filter(|range| range.to == End::Endless).map(|range| range.from);
        (below.filter(is_finite).max(), above.filter(is_finite).min())
    }

    /// What `pg_partman` says of it, where it maintains it.
    pub(super) fn partman<'b>(&self, case: &Case<'b>) -> Option<&'b PartmanSet> {
        let sets = case.snapshot.wal.partman_sets.get().ok()?;
        let name = format!("{}.{}", self.root.schema, self.root.name);
        sets.iter().find(|set| set.parent_table == name)
    }

    /// How its ranges follow each other; absent where they differ in length, or have other keys.
    pub(super) fn step(&self) -> Option<RangeStep> {
        if self.unread || self.key.key_columns != 1 {
            return None;
        }
        let bounded: Vec<Range> = self
            .parts
            .iter()
            .map(|part| part.range)
            .filter(|range| range.from != End::Unbounded && range.to != End::Endless)
            .collect();
        let step = step_of(&bounded)?;
        (!follows_a_calendar(step, self.key.first_type.as_deref())).then_some(step)
    }

    /// Whether it has a partition for what no other takes.
    pub(super) fn has_default(&self) -> bool {
        self.key.default_partition.is_some()
    }
}

/// Calendar years and months first: January is as long as 31 days, and no other month need be there.
fn step_of(ranges: &[Range]) -> Option<RangeStep> {
    let first = ranges.first()?;
    if let (End::Time(_), End::Time(_)) = (first.from, first.to) {
        let times: Option<Vec<(Timestamp, Timestamp)>> = ranges
            .iter()
            .map(|range| match (range.from, range.to) {
                (End::Time(from), End::Time(to)) => Some((from, to)),
                _ => None,
            })
            .collect();
        let times = times?;
        if times.iter().all(|(from, to)| years(*from, *to)) {
            return Some(RangeStep::Year);
        }
        if times.iter().all(|(from, to)| months(*from, *to)) {
            return Some(RangeStep::Month);
        }
        let seconds = times.iter().map(|(from, to)| (from.as_second(), to.as_second()));
        let (origin, width) = evenly(seconds)?;
        return (width >= HOUR_S).then_some(RangeStep::Seconds { width, origin });
    }
    let numbers: Option<Vec<(i64, i64)>> = ranges
        .iter()
        .map(|range| match (range.from, range.to) {
            (End::Number(from), End::Number(to)) => {
                Some((i64::try_from(from).ok()?, i64::try_from(to).ok()?))
            }
            _ => None,
        })
        .collect();
    let (origin, width) = evenly(numbers?.into_iter())?;
    Some(RangeStep::Numbers { width, origin })
}

const HOUR_S: i64 = 3600;
const DAY_S: i64 = 86_400;
/// February, which is the shortest month.
const MONTH_S_MIN: i64 = 28 * DAY_S;

/// Whether what looks like one length of time may be a unit of a calendar: a month or a quarter, or a day of a time zone that
/// has summer time. The next range would then be longer or shorter, and overlap those that are made by that calendar.
fn follows_a_calendar(step: RangeStep, type_name: Option<&str>) -> bool {
    let RangeStep::Seconds { width, origin } = step else { return false };
    let is_local_day =
        type_name == Some("timestamptz") && width % DAY_S == 0 && origin % DAY_S != 0;
    width >= MONTH_S_MIN || is_local_day
}

/// Where one range begins and how long each is, where all are as long and lie on one grid.
fn evenly(mut ranges: impl Iterator<Item = (i64, i64)>) -> Option<(i64, i64)> {
    let (origin, to) = ranges.next()?;
    let width = to.checked_sub(origin).filter(|width| *width > 0)?;
    let fits = |(from, to): (i64, i64)| {
        to.checked_sub(from) == Some(width)
            && from.checked_sub(origin).is_some_and(|away| away % width == 0)
    };
    ranges.all(fits).then_some((origin.rem_euclid(width), width))
}

fn years(from: Timestamp, to: Timestamp) -> bool {
    let (Some(from), Some(to)) = (day_of(from), day_of(to)) else { return false };
    from == date(from.year(), 1, 1) && from.checked_add(1.year()).is_ok_and(|next| next == to)
}

fn months(from: Timestamp, to: Timestamp) -> bool {
    let (Some(from), Some(to)) = (day_of(from), day_of(to)) else { return false };
    from.day() == 1 && from.checked_add(1.month()).is_ok_and(|next| next == to)
}

/// The day that begins then, in UTC.
fn day_of(time: Timestamp) -> Option<Date> {
    let there = TimeZone::UTC.to_datetime(time);
    (there.date().to_datetime(jiff::civil::Time::midnight()) == there).then(|| there.date())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(bounds: &[&str]) -> Option<RangeStep> {
        let ranges: Vec<Range> = bounds
            .iter()
            .map(|text| match RangeBound::read(text) {
                RangeBound::Range(range) => range,
                other => unreachable!("{other:?}"),
            })
            .collect();
        step_of(&ranges)
    }

    #[test]
    fn ranges_of_one_calendar_unit_or_of_one_length_have_a_step() {
        let year = "FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')";
        let february = "FOR VALUES FROM ('2026-02-01 00:00:00+00') TO ('2026-03-01 00:00:00+00')";
        let march = "FOR VALUES FROM ('2026-03-01') TO ('2026-04-01')";
        assert_eq!(step(&[year]), Some(RangeStep::Year));
        assert_eq!(step(&[february, march]), Some(RangeStep::Month));
        assert_eq!(step(&[year, march]), None, "years and months");
        let day = "FOR VALUES FROM ('2026-03-02') TO ('2026-03-03')";
        assert_eq!(step(&[day]), Some(RangeStep::Seconds { width: 86_400, origin: 0 }));
        let local = "FOR VALUES FROM ('2026-03-02 23:00:00+00') TO ('2026-03-03 23:00:00+00')";
        assert_eq!(step(&[local]), Some(RangeStep::Seconds { width: 86_400, origin: 82_800 }));
        assert_eq!(step(&[day, local]), None, "two grids");
        let summer = "FOR VALUES FROM ('2026-03-28 23:00:00+00') TO ('2026-03-29 22:00:00+00')";
        assert_eq!(step(&[local, summer]), None, "a day of 23 hours");
    }

    #[test]
    fn what_may_be_a_month_a_quarter_or_a_day_of_a_time_zone_follows_a_calendar() {
        let days = |days: i64, hours: i64| RangeStep::Seconds {
            width: days * DAY_S,
            origin: hours * HOUR_S,
        };
        for (step, type_name, expected) in [
            (days(28, 0), "timestamp", true),
            (days(90, 0), "date", true),
            (days(1, 0), "timestamptz", false),
            (days(1, 23), "timestamptz", true),
            (days(1, 23), "timestamp", false),
            (days(7, 96), "timestamptz", false),
            (days(7, 95), "timestamptz", true),
            (RangeStep::Seconds { width: HOUR_S, origin: 0 }, "timestamptz", false),
            (RangeStep::Month, "timestamptz", false),
        ] {
            assert_eq!(follows_a_calendar(step, Some(type_name)), expected, "{step:?} {type_name}");
        }
    }

    #[test]
    fn ranges_of_numbers_have_a_step_where_all_are_as_many() {
        let first = "FOR VALUES FROM (1) TO (1001)";
        let then = "FOR VALUES FROM (2001) TO (3001)";
        assert_eq!(step(&[first, then]), Some(RangeStep::Numbers { width: 1000, origin: 1 }));
        assert_eq!(step(&[first, "FOR VALUES FROM (5000) TO (6000)"]), None);
        assert_eq!(
            step(&["FOR VALUES FROM ('-1000') TO (0)"]),
            Some(RangeStep::Numbers { width: 1000, origin: 0 })
        );
        assert_eq!(step(&[]), None);
    }
}
