//! What the caller knows of a service, and whether it can be so.

use serde::Deserialize;
use utoipa::ToSchema;

use crate::model::pooler::PoolerVersion;

/// What the caller knows. Nothing that is absent is invented.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PoolInputs {
    /// Cores of the database server, as its container is limited. SQL does not show them.
    #[schema(example = 16)]
    pub cores: Option<u32>,
    /// Disks that seek at the same time; 0 where the data is cached or on SSDs.
    pub spindles: Option<u32>,
    /// Standbys of this server. Their senders have slots of their own (`max_wal_senders`) and take no connection.
    pub replicas: Option<u32>,
    /// Pods of the service. Where it is absent, the different addresses of its sessions are counted.
    #[schema(example = 8)]
    pub pods: Option<u32>,
    /// Processes in each pod.
    #[schema(example = 2)]
    pub workers: Option<u32>,
    /// Requests per second of the whole service, at its busiest. Where it is absent, transactions of the database are counted.
    pub arrival_rate: Option<f64>,
    /// Time that a request holds a connection.
    pub service_time_ms: Option<f64>,
    /// How long a request may wait for a connection on average; 10 ms where it is absent.
    pub target_wait_ms: Option<f64>,
    /// The service's own role: sessions of other roles count for others. Where it is absent, all sessions of this database
    /// count for the service.
    pub role: Option<String>,
    /// Which `PgBouncer` there is or will be: the configuration has only what it knows.
    #[schema(example = "1.26.1")]
    pub pgbouncer_version: Option<String>,
    /// Where `PgBouncer` reaches the server; a name to be replaced where it is absent.
    #[schema(example = "db.example.com")]
    pub server_host: Option<String>,
    /// The same for its port; 5432 where it is absent.
    #[schema(example = 5432)]
    pub server_port: Option<u32>,
}

/// A value that cannot be: the field, and what it must be.
pub type InputFault = (&'static str, String);

impl PoolInputs {
    /// What cannot be so.
    pub fn faults(&self) -> Vec<InputFault> {
        let mut faults = Vec::new();
        for (name, value, (least, most)) in [
            ("cores", self.cores, (1, 4096)),
            ("spindles", self.spindles, (0, 4096)),
            ("replicas", self.replicas, (0, 1000)),
            ("pods", self.pods, (1, 100_000)),
            ("workers", self.workers, (1, 4096)),
            ("server_port", self.server_port, (1, 65_535)),
        ] {
            if value.is_some_and(|value| value < least || value > most) {
                faults.push((name, format!("must be from {least} to {most}")));
            }
        }
        for (name, value, most) in [
            ("arrival_rate", self.arrival_rate, 10_000_000.0),
            ("service_time_ms", self.service_time_ms, 3_600_000.0),
            ("target_wait_ms", self.target_wait_ms, 3_600_000.0),
        ] {
            if value.is_some_and(|value| !(value > 0.0 && value <= most)) {
                faults.push((name, format!("must be over 0 and at most {most}")));
            }
        }
        let version = self.pgbouncer_version.as_deref();
        if version.is_some_and(|version| PoolerVersion::parse(version).is_none()) {
            faults.push(("pgbouncer_version", "must be a release, as 1.26.1".to_owned()));
        }
        // It is printed into a file whose lines and quotes mean something.
        let is_host = |host: &str| {
            let is_of_name =
                |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '/');
            !host.is_empty() && host.len() <= 255 && host.chars().all(is_of_name)
        };
        if self.server_host.as_deref().is_some_and(|host| !is_host(host)) {
            faults.push(("server_host", "must be a host name, an address or a folder".to_owned()));
        }
        faults
    }

    /// The release of `PgBouncer`, where one is named.
    pub(super) fn pgbouncer(&self) -> Option<PoolerVersion> {
        PoolerVersion::parse(self.pgbouncer_version.as_deref()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faulty(request: &PoolInputs) -> Vec<&'static str> {
        request.faults().into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn numbers_that_cannot_be_are_named() {
        let odd = PoolInputs {
            cores: Some(0),
            workers: Some(5000),
            arrival_rate: Some(f64::NAN),
            service_time_ms: Some(-1.0),
            target_wait_ms: Some(0.0),
            ..PoolInputs::default()
        };
        let expected = ["cores", "workers", "arrival_rate", "service_time_ms", "target_wait_ms"];
        assert_eq!(faulty(&odd), expected);
        let sound = PoolInputs { cores: Some(16), spindles: Some(0), ..PoolInputs::default() };
        assert!(faulty(&sound).is_empty() && faulty(&PoolInputs::default()).is_empty());
    }

    #[test]
    fn what_is_printed_into_a_file_holds_no_line_of_its_own() {
        for host in ["db\nauth_type = any", "a b", "", "db'x"] {
            let request =
                PoolInputs { server_host: Some(host.to_owned()), ..PoolInputs::default() };
            assert_eq!(faulty(&request), ["server_host"], "{host:?}");
        }
        for host in ["db.example.com", "10.0.0.7", "fd00::1", "/var/run/postgresql"] {
            let request =
                PoolInputs { server_host: Some(host.to_owned()), ..PoolInputs::default() };
            assert!(faulty(&request).is_empty(), "{host}");
        }
    }
}
