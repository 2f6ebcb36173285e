//! The hosts a target may be on.

use std::net::IpAddr;
use std::path::{Component, Path, PathBuf};

use ipnet::IpNet;
use tokio_postgres::Config;
use tokio_postgres::config::Host;

/// Hosts a target may be on; the default allows all.
///
/// Names are compared as written, never resolved: a list of addresses alone refuses every name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedHosts {
    /// `None` allows all.
    patterns: Option<Vec<HostPattern>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum HostPattern {
    /// This host name, in lower case.
    Name(String),
    /// Every name that ends in this, which starts with a dot.
    Suffix(String),
    /// Every address of this network.
    Network(IpNet),
    /// Sockets in this directory.
    Directory(PathBuf),
}

/// Why a DSN is refused. Names neither the host nor anything else of the DSN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It names no host, so it is not known where it leads.
    #[error("the DSN names no host")]
    NoHost,
    /// One of its hosts is not allowed.
    #[error("a host of the DSN is not in DBOPT_ALLOWED_HOSTS")]
    Host,
}

/// A list that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{item}` is not a host name, *.suffix, address, CIDR or absolute socket directory")]
pub struct MalformedHosts {
    /// The item.
    pub item: String,
}

impl AllowedHosts {
    /// A comma list of host names, `*.suffix`, addresses, CIDRs and absolute socket directories.
    pub fn parse(list: &str) -> Result<Self, MalformedHosts> {
        let items = list.split(',').map(str::trim).filter(|item| !item.is_empty());
        let pattern =
            |item: &str| pattern(item).ok_or_else(|| MalformedHosts { item: item.to_owned() });
        Ok(Self { patterns: Some(items.map(pattern).collect::<Result<_, _>>()?) })
    }

    /// Whether every host and hostaddr is allowed of what the driver would connect with: it is the
    /// driver's own reading of the DSN that is judged, not a second one.
    pub fn check(&self, driver: &Config) -> Result<(), Refused> {
        let (hosts, addresses) = (driver.get_hosts(), driver.get_hostaddrs());
        let Some(patterns) = &self.patterns else { return Ok(()) };
        if hosts.is_empty() && addresses.is_empty() {
            return Err(Refused::NoHost);
        }
        let allowed = hosts.iter().all(|host| match host {
            Host::Tcp(name) => allows_name(patterns, name),
            Host::Unix(path) => allows_directory(patterns, path),
        }) && addresses.iter().all(|address| allows_address(patterns, *address));
        if allowed { Ok(()) } else { Err(Refused::Host) }
    }
}

fn pattern(item: &str) -> Option<HostPattern> {
    if item.starts_with('/') {
        return is_plain(Path::new(item)).then(|| HostPattern::Directory(item.into()));
    }
    if let Ok(address) = item.parse::<IpAddr>() {
        return Some(HostPattern::Network(address.to_canonical().into()));
    }
    if let Ok(network) = item.parse::<IpNet>() {
        return Some(HostPattern::Network(network));
    }
    let lower = item.to_ascii_lowercase();
    match lower.strip_prefix('*') {
        Some(suffix) => (suffix.starts_with('.') && is_name(&suffix[1..]))
            .then(|| HostPattern::Suffix(suffix.into())),
        None => is_name(&lower).then_some(HostPattern::Name(lower)),
    }
}

/// Whether `name` is a host name. A last label that starts with a digit is not: resolvers read
/// `0x7f.1` and `2130706433` as addresses.
fn is_name(name: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty() && label.bytes().all(|c| c.is_ascii_alphanumeric() || b"-_".contains(&c))
    };
    let last = name.rsplit('.').next().unwrap_or_default();
    name.split('.').all(label) && !last.starts_with(|c: char| c.is_ascii_digit())
}

fn allows_name(patterns: &[HostPattern], name: &str) -> bool {
    if let Ok(address) = name.parse::<IpAddr>() {
        return allows_address(patterns, address);
    }
    let lower = name.to_ascii_lowercase();
    let lower = lower.strip_suffix('.').unwrap_or(&lower);
    is_name(lower)
        && patterns.iter().any(|pattern| match pattern {
            HostPattern::Name(allowed) => allowed == lower,
            HostPattern::Suffix(suffix) => lower.len() > suffix.len() && lower.ends_with(suffix),
            _ => false,
        })
}

fn allows_address(patterns: &[HostPattern], address: IpAddr) -> bool {
    // An IPv4 address in IPv6 clothes leads to the IPv4 host.
    let address = address.to_canonical();
    patterns.iter().any(
        |pattern| matches!(pattern, HostPattern::Network(network) if network.contains(&address)),
    )
}

fn allows_directory(patterns: &[HostPattern], path: &Path) -> bool {
    is_plain(path)
        && patterns
            .iter()
            .any(|pattern| matches!(pattern, HostPattern::Directory(allowed) if allowed == path))
}

/// Whether a path is absolute and leads nowhere else by `..`.
fn is_plain(path: &Path) -> bool {
    path.is_absolute() && path.components().all(|part| part != Component::ParentDir)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "db.example.com, *.rds.example.com,10.1.0.0/16,192.0.2.7,fd00::/8,/run/pg";

    fn check(dsn: &str) -> Result<(), Refused> {
        AllowedHosts::parse(LIST).unwrap().check(&dsn.parse().unwrap())
    }

    #[test]
    fn what_is_listed_is_allowed_in_every_spelling() {
        for dsn in [
            "postgresql://u:p@db.example.com/d",
            "postgres://DB.Example.COM:6432/d",
            "host=db.example.com. user=u",
            "postgresql://a.rds.example.com,b.c.rds.example.com:5433/d",
            "postgresql://10.1.255.255/d",
            "postgresql://[fd00::1]:5432/d",
            "postgresql://[::ffff:10.1.2.3]/d",
            "host=192.0.2.7",
            "host=db.example.com hostaddr=10.1.0.9",
            "hostaddr=10.1.0.9 user=u",
            "host=/run/pg",
            "host=/run//pg/ dbname=d",
            "postgresql://%2Frun%2Fpg/d",
            "postgresql:///d?host=/run/pg",
            "postgresql://db.example.com/d?sslmode=require",
        ] {
            assert_eq!(check(dsn), Ok(()), "{dsn}");
        }
    }

    #[test]
    fn one_host_that_is_not_listed_refuses_the_dsn() {
        for dsn in [
            "postgresql://evil.com/d",
            "postgresql://db.example.com,evil.com/d",
            "postgresql://evil.com,db.example.com/d",
            "host=db.example.com,evil.com",
            "host=db.example.com host=evil.com",
            "postgresql://db.example.com/d?host=evil.com",
            "postgresql://db.example.com/d?hostaddr=203.0.113.9",
            "host=db.example.com hostaddr=203.0.113.9",
            "host=evil.com hostaddr=10.1.0.9",
            "host=db.example.com,db.example.com hostaddr=10.1.0.9,203.0.113.9",
            "postgresql://db.example.com@evil.com/d",
            "postgresql://u:p@evil.com@db.example.com/d",
            "postgresql://u@evil.com/d?user=@db.example.com",
        ] {
            assert_eq!(check(dsn), Err(Refused::Host), "{dsn}");
        }
    }

    #[test]
    fn names_that_only_resemble_listed_ones_are_refused() {
        for host in [
            "rds.example.com",
            ".rds.example.com",
            "xrds.example.com",
            "rds.example.com.evil.com",
            "db.example.com.evil.com",
            "evildb.example.com",
            "db.example.com%00.evil.com",
            "db.example.com%20",
            "db.example.com..",
            "db%2eexample%2ecom%2eevil.com",
            "xn--db.example.com",
        ] {
            let dsn = format!("postgresql://{host}/d");
            assert_eq!(check(&dsn), Err(Refused::Host), "{dsn}");
        }
        assert_eq!(check("postgresql://%64b.example.com/d"), Ok(()));
    }

    #[test]
    fn addresses_in_odd_clothes_are_refused_unless_they_lie_in_a_listed_network() {
        for host in [
            "10.2.0.1",
            "0.0.0.0",
            "127.0.0.1",
            "10.1.1",
            "012.1.0.1",
            "0x0a.1.0.1",
            "167837697",
            "[::ffff:10.2.0.1]",
            "[::1]",
            "[fd00::1%25eth0]",
            "[::10.1.0.1]",
        ] {
            let dsn = format!("postgresql://{host}/d");
            assert_eq!(check(&dsn), Err(Refused::Host), "{dsn}");
        }
    }

    #[test]
    fn socket_directories_must_be_listed_and_lead_nowhere_else() {
        for dsn in [
            "host=/tmp",
            "host=/run/pg/../../tmp",
            "host=/run/pg/sub",
            "host=/run",
            "postgresql://%2Frun%2Fpg%2F..%2Fevil/d",
            "host=@/run/pg",
            "host=run/pg",
        ] {
            assert_eq!(check(dsn), Err(Refused::Host), "{dsn}");
        }
    }

    #[test]
    fn a_dsn_without_a_host_leads_nobody_knows_where() {
        assert_eq!(check("postgresql:///d"), Err(Refused::NoHost));
        assert_eq!(check("user=u dbname=d"), Err(Refused::NoHost));
        assert_eq!(check("host='' user=u"), Err(Refused::Host));
        assert_eq!(check("postgresql://,db.example.com/d"), Err(Refused::Host));
    }

    #[test]
    fn no_list_allows_all_and_a_list_of_nothing_allows_none() {
        let check = |hosts: AllowedHosts, dsn: &str| hosts.check(&dsn.parse().unwrap());
        assert_eq!(check(AllowedHosts::default(), "host=anything.at.all"), Ok(()));
        assert_eq!(check(AllowedHosts::default(), "user=u"), Ok(()));
        assert_eq!(check(AllowedHosts::parse(" , ").unwrap(), "host=h"), Err(Refused::Host));
    }

    #[test]
    fn a_list_that_cannot_be_meant_is_an_error_that_names_the_item() {
        for item in
            ["*", "*.", "*.1", "a b", "relative/path", "/run/../tmp", "10.0.0.0/99", "*x.com"]
        {
            let error = AllowedHosts::parse(&format!("ok.example.com,{item}")).unwrap_err();
            assert_eq!(error.item, item);
        }
    }
}
