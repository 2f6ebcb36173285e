//! The program itself, as a person or a pipeline runs it.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Output, Stdio};

/// The binary, with nothing of the environment that could steer it.
pub fn dbopt(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dbopt"));
    command.args(arguments).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
    command.env("HOME", "/nonexistent").stdin(Stdio::null());
    command
}

pub struct Said {
    pub status: i32,
    pub out: String,
    pub err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            status: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Run to the end, on a thread that may block.
pub async fn said(mut command: Command) -> Said {
    let ran = tokio::task::spawn_blocking(move || command.output().unwrap());
    ran.await.unwrap().into()
}

/// A running service, killed when the test fails.
pub struct Running {
    pub child: Child,
    pub address: String,
}

impl Running {
    /// Start it, and wait for the line that says where it listens.
    pub fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let line = lines.find(|line| line.as_ref().is_ok_and(|line| line.contains("http://")));
        let line = line.unwrap_or_else(|| panic!("it ended before it listened")).unwrap();
        // What else it says is read, or it would wait for us.
        std::thread::spawn(move || lines.for_each(drop));
        let address = line.split("http://").nth(1).unwrap().trim_end_matches("/docs/").to_owned();
        Self { child, address }
    }

    /// Start the demo, and wait for the line that says where it listens.
    pub fn demo(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.find(|line| line.as_ref().is_ok_and(|line| line.starts_with("Swagger")));
        let line = line.unwrap_or_else(|| panic!("it ended before it listened")).unwrap();
        std::thread::spawn(move || lines.for_each(drop));
        let address = line.split("http://").nth(1).unwrap().trim_end_matches("/docs/").to_owned();
        Self { child, address }
    }

    pub fn stop(mut self, signal: &str) -> i32 {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        self.child.wait().unwrap().code().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}
