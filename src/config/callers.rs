//! Which names the service answers to, and which sites may call it: what keeps web pages of strangers out.

use std::net::Ipv6Addr;

use axum::http::uri::Authority;

/// What a browser on this machine may call the service, beside what the operator allows.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Hosts by which the service may be called while no API key exists, in lower case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HttpHosts(Vec<String>);

impl HttpHosts {
    /// A comma list of host names and addresses; an IPv6 address may have its brackets.
    pub(super) fn parse(list: &str) -> Option<Self> {
        let items = list.split(',').map(str::trim).filter(|item| !item.is_empty());
        items.map(http_host).collect::<Option<_>>().map(Self)
    }

    /// Whether the operator allows that host, written without a port.
    pub fn allow(&self, host: &str) -> bool {
        self.0.iter().any(|allowed| allowed.eq_ignore_ascii_case(host))
    }
}

/// Whether a host, written without a port, is this machine to everybody. `localhost.` and `127.1` are not: no page of
/// ours is reached by them.
pub fn is_loopback_name(host: &str) -> bool {
    LOOPBACK.iter().any(|name| name.eq_ignore_ascii_case(host))
}

fn http_host(item: &str) -> Option<String> {
    if let Ok(address) = item.trim_matches(['[', ']']).parse::<Ipv6Addr>() {
        return Some(format!("[{address}]"));
    }
    let authority: Authority = item.parse().ok()?;
    // Neither a port nor a user: a host is compared, and nothing else.
    let plain = authority.host() == item && item.bytes().all(is_of_a_name);
    plain.then(|| item.to_ascii_lowercase())
}

fn is_of_a_name(c: u8) -> bool {
    c.is_ascii_alphanumeric() || b".-_".contains(&c)
}

/// Origins of other sites whose pages may call the API, as browsers write them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedOrigins(Vec<String>);

impl AllowedOrigins {
    /// A comma list of schemes and hosts, with a port where it is not the scheme's own.
    pub(super) fn parse(list: &str) -> Option<Self> {
        let items = list.split(',').map(str::trim).filter(|item| !item.is_empty());
        items.map(origin).collect::<Option<_>>().map(Self)
    }

    /// Whether pages of that origin may call.
    pub fn allow(&self, origin: &[u8]) -> bool {
        self.0.iter().any(|allowed| allowed.as_bytes() == origin)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// The origin as a browser sends it: in lower case, without its scheme's own port.
fn origin(item: &str) -> Option<String> {
    let lower = item.to_ascii_lowercase();
    let (scheme, rest) = lower.split_once("://")?;
    let own_port = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => return None,
    };
    let rest = rest.strip_suffix(own_port).unwrap_or(rest);
    let authority: Authority = rest.parse().ok()?;
    http_host(authority.host())?;
    let port = rest.strip_prefix(authority.host())?;
    let plain = port.is_empty() || (port.starts_with(':') && authority.port_u16().is_some());
    plain.then(|| format!("{scheme}://{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_compared_whole_and_without_regard_to_case() {
        let hosts = HttpHosts::parse("DBopt.example, 10.0.0.7,fd00::7,[fd00::8]").unwrap();
        for host in ["dbopt.example", "DBOPT.EXAMPLE", "10.0.0.7", "[fd00::7]", "[fd00::8]"] {
            assert!(hosts.allow(host), "{host}");
        }
        for host in ["", "example", "x.dbopt.example", "dbopt.example.", "10.0.0.70", "fd00::7"] {
            assert!(!hosts.allow(host), "{host}");
        }
        assert!(!HttpHosts::default().allow("localhost") && is_loopback_name("LocalHost"));
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for list in ["a:80", "http://a", "u@a", "a b", "*.a", "*", "a/b", "[a]", "ok.example,a:1"] {
            assert_eq!(HttpHosts::parse(list), None, "{list}");
        }
    }

    #[test]
    fn origins_are_written_as_browsers_send_them() {
        let list = "https://App.example:443,http://localhost:3000, http://[::1]:5173,http://a:80";
        let origins = AllowedOrigins::parse(list).unwrap();
        let expected =
            ["https://app.example", "http://localhost:3000", "http://[::1]:5173", "http://a"];
        assert_eq!(origins.iter().collect::<Vec<_>>(), expected);
        assert!(origins.allow(b"http://a") && !origins.allow(b"https://a"));
        assert!(!origins.allow(b"http://localhost") && !origins.allow(b"null"));
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for list in [
            "*",
            "null",
            "app.example",
            "ftp://a",
            "https://a/",
            "https://u@a",
            "https://a:x",
            "https://*.a",
            "https://",
        ] {
            assert_eq!(AllowedOrigins::parse(list), None, "{list}");
        }
    }
}
