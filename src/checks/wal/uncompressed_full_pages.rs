//! `wal/uncompressed-full-pages`, explained in the page beside this file.

use super::load::{of_primary, size, wal_rate};
use super::setting;
use crate::checks::Check;
use crate::checks::number::{float, whole};
use crate::model::observation::WalWritten;
use crate::model::rate::DAY_WINDOW_S_MIN;
use crate::model::toast::BLOCK_BYTES;
use crate::model::{
    Case, Confidence, Finding, Gap, Judgement, Object, Severity, Superpower, Threshold, Topic, Unit,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Wal,
    worst: Severity::Medium,
    needs: &[Topic::CONTEXT, Topic::SETTINGS, Topic::WAL_SERVER],
    uses: &[],
    requires: &[],
    thresholds: &[&FULL_PAGE_SHARE_MIN, &WAL_BYTES_PER_DAY_MIN, &DAY_WINDOW_S_MIN],
    page: include_str!("uncompressed_full_pages.md"),
    judge,
};

const ID: &str = "wal/uncompressed-full-pages";

static FULL_PAGE_SHARE_MIN: Threshold = Threshold {
    name: "full_page_share_min",
    default: 0.3,
    unit: Unit::Ratio,
    reason: "compression acts on full-page images alone: below a third of the WAL it saves little",
};

static WAL_BYTES_PER_DAY_MIN: Threshold = Threshold {
    name: "wal_bytes_per_day_min",
    default: 1_073_741_824.0,
    unit: Unit::Bytes,
    reason: "less than 1 GiB a day is not worth the processor time",
};

/// The share of a page that the hole in its middle leaves, which is not counted before 19: a page after a split is half
/// full, one that is filled by inserts is full. Rather too little: under pgbench 19 counted 64 % where this says 40 %.
const PAGE_FILLED: f64 = 0.6;
/// WAL a second from which on shipping it costs more than compressing it.
const SHIPPED_BYTES_PER_S: f64 = 1_048_576.0;

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let mut judgement = Judgement::default();
    of_primary(case)?;
    let compression = setting::seen(case, "wal_compression")?;
    let writes_them = setting::seen(case, "full_page_writes")?.is_on();
    if compression.value() != "off" || !writes_them {
        return Ok(judgement);
    }
    let (rate, wal) = wal_rate(case, &DAY_WINDOW_S_MIN)?;
    let (share, is_counted) = share(wal);
    if share < case.policy.get(&FULL_PAGE_SHARE_MIN)
        || rate.per_day() < case.policy.get(&WAL_BYTES_PER_DAY_MIN)
    {
        return Ok(judgement);
    }
    let shipped = case.snapshot.wal.senders.get().is_ok_and(|senders| !senders.is_empty())
        || case.snapshot.common.setting("archive_mode").is_some_and(|mode| mode.value() != "off");
    let costly = shipped && rate.per_second >= SHIPPED_BYTES_PER_S;
    let severity = if costly { Severity::Medium } else { Severity::Low };
    let about = if is_counted { "" } else { "at least " };
    let message = format!(
        "`wal_compression` is off and {about}{} of the WAL is full-page images, {} a day over {}",
        crate::model::percent(share),
        size(rate.per_day()),
        rate.window
    );
    let object = Object::Setting { name: compression.name.clone() };
    let finding = Finding::new(ID, object, severity, message)
        .confidence(if is_counted { Confidence::High } else { Confidence::Medium })
        .statistic("wal_written.full_page_share", share, Unit::Ratio)
        .statistic("wal_written.full_pages", wal.full_pages, Unit::Count)
        .statistic("wal_written.bytes", wal.bytes, Unit::Bytes)
        .statistic("wal_written.window_s", whole(rate.window.seconds()), Unit::S);
    let caveats = vec![
        "each full-page image costs processor time; what is saved depends on the data".to_owned(),
        "acts on full-page images alone, not on bulk inserts into new pages".to_owned(),
    ];
    let value = method(&compression.choices).to_owned();
    let wanted = setting::WantedSetting { setting: compression, value, caveats };
    let (finding, declined) = setting::advise(case, finding, wanted);
    judgement.findings.push(finding);
    judgement.declined.extend(declined);
    Ok(judgement)
}

/// The share of the WAL that is full-page images, and whether their bytes were counted.
fn share(wal: &WalWritten) -> (f64, bool) {
    let all = float(wal.bytes).max(1.0);
    match wal.full_page_bytes {
        Some(bytes) => (float(bytes) / all, true),
        None => ((float(wal.full_pages * BLOCK_BYTES) * PAGE_FILLED / all).min(1.0), false),
    }
}

/// The method by its name: what `on` means differs between servers. Before 15 there is no other word.
fn method(choices: &[String]) -> &str {
    let built_in = |method: &&str| choices.iter().any(|choice| choice == method);
    ["lz4", "pglz"].into_iter().find(built_in).unwrap_or("on")
}

#[cfg(test)]
mod tests {
    use super::super::testing::{case, edit, set, setting, short, snapshot};
    use super::*;
    use crate::model::{Policy, Snapshot};

    fn sparse() -> Snapshot {
        let mut seen = snapshot();
        let wal = edit(&mut seen.wal.written);
        (wal.bytes, wal.full_pages) = (100 << 30, 12_000_000);
        seen
    }

    fn sql(snapshot: &Snapshot) -> Option<String> {
        let judgement = CHECK.run(&case(snapshot, &Policy::default())).unwrap_or_default();
        let finding = judgement.findings.first()?;
        Some(short(&finding.actions[0]))
    }

    #[test]
    fn the_method_is_named_and_never_one_that_the_server_was_built_without() {
        let mut seen = sparse();
        assert_eq!(sql(&seen).as_deref(), Some("wal_compression = lz4"));
        setting(&mut seen, "wal_compression").choices = vec!["pglz".to_owned(), "off".to_owned()];
        assert_eq!(sql(&seen).as_deref(), Some("wal_compression = pglz"));
        setting(&mut seen, "wal_compression").choices = Vec::new();
        assert_eq!(sql(&seen).as_deref(), Some("wal_compression = on"));
    }

    #[test]
    fn where_it_compresses_or_has_little_to_compress_nothing_is_found() {
        let mut seen = sparse();
        set(&mut seen, "wal_compression", "zstd");
        assert_eq!(sql(&seen), None);
        let mut bulk = sparse();
        edit(&mut bulk.wal.written).full_pages = 1_000_000;
        assert_eq!(sql(&bulk), None, "4 % at most");
        let mut off = sparse();
        set(&mut off, "full_page_writes", "off");
        assert_eq!(sql(&off), None);
    }

    #[test]
    fn less_than_an_hour_says_nothing_of_a_day() {
        let mut seen = sparse();
        let now = edit(&mut seen.context).now;
        edit(&mut seen.wal.written).counting_since = Some(now - std::time::Duration::from_mins(40));
        let gap = CHECK.run(&case(&seen, &Policy::default())).unwrap_err();
        assert!(gap.detail.contains("60 minutes are needed"), "{gap:?}");
    }

    #[test]
    fn bytes_that_the_server_counts_are_believed() {
        let mut seen = sparse();
        edit(&mut seen.wal.written).full_page_bytes = Some(10 << 30);
        assert_eq!(sql(&seen), None, "a tenth, however many pages");
        edit(&mut seen.wal.written).full_page_bytes = Some(60 << 30);
        let judgement = CHECK.run(&case(&seen, &Policy::default())).unwrap_or_default();
        assert_eq!(judgement.findings[0].confidence, Confidence::High);
    }
}
