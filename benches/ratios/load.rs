//! Load from `wrk`, and single requests to see what is under load.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::process::Command;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Seconds of one measurement.
const SECONDS: u32 = 1;

/// A request that is sent over and over.
pub struct Shot {
    pub address: SocketAddr,
    pub path: String,
    pub headers: Vec<(&'static str, String)>,
}

impl Shot {
    /// How many requests were answered on that many kept-alive connections.
    pub fn rate(&self, connections: u32) -> Rate {
        let cpu = cpu_seconds();
        let mut wrk = Command::new("wrk");
        wrk.args(["-t", "1", "-c", &connections.to_string(), "-d", &format!("{SECONDS}s")]);
        for (name, value) in &self.headers {
            wrk.arg("-H").arg(format!("{name}: {value}"));
        }
        let output = wrk.arg(format!("http://{}{}", self.address, self.path)).output();
        let output = output.expect("wrk is there: scripts/bench installs it");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success() && !text.contains("Non-2xx") && !text.contains("Socket errors"),
            "{text}"
        );
        let rate = text.lines().find_map(|line| line.strip_prefix("Requests/sec:"));
        let per_second =
            rate.unwrap_or_else(|| panic!("no rate in {text}")).trim().parse().unwrap();
        let answered = text.lines().find_map(|line| line.split_once(" requests in "));
        let answered: f64 = answered.unwrap().0.trim().parse().unwrap();
        Rate { per_second, cpu_us: (cpu_seconds() - cpu) * 1e6 / answered }
    }

    /// The head and the body of one answer.
    pub async fn once(&self) -> (String, Vec<u8>) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let mut request =
            format!("GET {} HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n", self.path);
        for (name, value) in &self.headers {
            let _ = write!(request, "{name}: {value}\r\n");
        }
        stream.write_all(format!("{request}\r\n").as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        let body = answer.split_off(end + 4);
        (String::from_utf8(answer).unwrap(), body)
    }
}

/// What was answered under load.
#[derive(Clone, Copy)]
pub struct Rate {
    pub per_second: f64,
    /// Processor time of this process for each of them, which a busy machine changes less than their number.
    pub cpu_us: f64,
}

/// User and system time of this process so far.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let (_, rest) = stat.rsplit_once(") ").unwrap();
    let ticks: f64 = rest.split(' ').skip(11).take(2).map(|n| n.parse::<f64>().unwrap()).sum();
    // Linux reports times of processes in hundredths.
    ticks / 100.0
}

/// The value of a header in the head of an answer.
pub fn header<'a>(head: &'a str, name: &str) -> &'a str {
    let value = head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    value.unwrap_or_else(|| panic!("no `{name}` in {head}")).trim()
}
