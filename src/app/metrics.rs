//! What the service measures of itself and of its targets, for Prometheus.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use metrics::gauge;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use metrics_util::MetricKindMask;

use super::{App, process};
use crate::model::{Analysis, Severity, Superpower};

/// Bounds of the buckets of durations, in seconds: from a cached answer to a long experiment.
const SECONDS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0];

/// For how long a gauge is shown that is not set any more: that of a target that was deleted. Longer than any usual interval
/// between two scrapes, each of which sets those that are in use.
const GAUGE_IDLE: Duration = Duration::from_mins(10);

const SEVERITIES: [Severity; 5] =
    [Severity::Critical, Severity::High, Severity::Medium, Severity::Low, Severity::Info];

/// Keep what is counted and timed in this process, once for all who ask. To be called before there is an [`App`].
pub fn metrics() -> Result<PrometheusHandle, BuildError> {
    static KEPT: Mutex<Option<PrometheusHandle>> = Mutex::new(None);
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = &*kept {
        return Ok(handle.clone());
    }
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?
        .idle_timeout(MetricKindMask::GAUGE, Some(GAUGE_IDLE));
    let handle = kept.insert(recorder.install_recorder()?).clone();
    describe();
    Ok(handle)
}

/// What each family of metrics says.
fn describe() {
    use metrics::{describe_counter, describe_gauge, describe_histogram};
    describe_counter!("dbopt_http_requests_total", "Requests answered, by route and status.");
    describe_histogram!("dbopt_http_request_seconds", "Time until a request was answered.");
    describe_counter!("dbopt_source_reads_total", "Queries on targets, by source and outcome.");
    describe_histogram!("dbopt_source_read_seconds", "Time that queries on targets took.");
    describe_counter!("dbopt_webhook_events_total", "Events sent to the webhook, by outcome.");
    describe_gauge!("dbopt_cache_entries", "Answers that are held in process.");
    describe_gauge!("dbopt_cache_bytes", "Bytes of the answers that are held in process.");
    describe_gauge!("dbopt_target_connections", "Connections to a target, by state.");
    describe_gauge!("dbopt_build_info", "The version that runs; always 1.");
    describe_gauge!("dbopt_findings", "Findings of the last whole analysis, by severity.");
    describe_gauge!("dbopt_gaps", "What the last whole analysis could not see.");
    describe_gauge!(
        "dbopt_analysis_timestamp_seconds",
        "When the target was last analysed as a whole, in seconds since 1970; its age is time() minus this."
    );
}

/// Of each target and superpower, what its last whole analysis said.
#[derive(Default)]
pub(super) struct LastAnalyses(Mutex<BTreeMap<(String, Superpower), AnalysisCounts>>);

/// What an analysis says in numbers.
#[derive(Clone, Copy)]
struct AnalysisCounts {
    observed_at: Timestamp,
    findings: [u32; SEVERITIES.len()],
    gaps: u32,
}

impl LastAnalyses {
    /// Remember an analysis that was narrowed to nothing. One of all superpowers counts for each of them; which of them a
    /// gap belongs to is not known then.
    pub(super) fn remember(&self, superpower: Option<Superpower>, analysis: &Analysis) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all = superpower.as_ref().map_or(Superpower::ALL, std::slice::from_ref);
        for one in all {
            let prefix = format!("{one}/");
            let count = |severity| {
                let of = analysis.findings.iter();
                of.filter(|f| f.severity == severity && f.check.starts_with(&prefix)).count()
            };
            let key = (analysis.target.clone(), *one);
            let gaps = match superpower {
                Some(_) => u32::try_from(analysis.gaps.len()).unwrap_or(u32::MAX),
                None => kept.get(&key).map_or(0, |counted: &AnalysisCounts| counted.gaps),
            };
            let findings = SEVERITIES.map(|s| u32::try_from(count(s)).unwrap_or(u32::MAX));
            let observed_at = analysis.observed_at;
            kept.insert(key, AnalysisCounts { observed_at, findings, gaps });
        }
    }

    /// Forget a target.
    pub(super) fn forget(&self, target: &str) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(name, _), _| name != target);
    }

    /// Set the gauges of every target that is known.
    fn show(&self) {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for ((target, superpower), counted) in &*kept {
            let labels =
                [("target", target.clone()), ("superpower", superpower.as_str().to_owned())];
            for (severity, count) in SEVERITIES.iter().zip(counted.findings) {
                let [of, kind] = labels.clone();
                let labels = [of, kind, ("severity", severity.as_str().to_owned())];
                gauge!("dbopt_findings", &labels).set(count);
            }
            gauge!("dbopt_gaps", &labels).set(counted.gaps);
            let at = counted.observed_at.as_duration().as_secs_f64();
            gauge!("dbopt_analysis_timestamp_seconds", &labels).set(at);
        }
    }
}

impl App {
    /// Everything measured so far, in Prometheus' text format.
    pub fn metrics(&self) -> String {
        let (entries, bytes) = self.inner.cache.local_size();
        #[expect(clippy::cast_precision_loss, reason = "gauges are floating point")]
        {
            gauge!("dbopt_cache_entries").set(entries as f64);
            gauge!("dbopt_cache_bytes").set(bytes as f64);
        }
        gauge!("dbopt_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1);
        for (target, (in_use, idle)) in self.pools() {
            for (state, connections) in [("in_use", in_use), ("idle", idle)] {
                let labels = [("target", target.clone()), ("state", state.to_owned())];
                gauge!("dbopt_target_connections", &labels).set(connections);
            }
        }
        self.inner.last.show();
        self.tidy();
        let mut text = self.inner.metrics.render();
        text.push_str(&process::rendered());
        text
    }

    /// Take measured durations into their histograms. Until then each one is kept by itself, so this is to be
    /// done every few seconds, whether anyone reads the metrics or not.
    pub fn tidy(&self) {
        self.inner.metrics.run_upkeep();
    }

    fn pools(&self) -> Vec<(String, (u32, u32))> {
        let opened = self.inner.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.iter().map(|(name, (_, target))| (name.clone(), target.connections())).collect()
    }
}
