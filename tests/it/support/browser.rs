//! A real browser, driven through its pipes by the protocol of its developer tools: messages of JSON, each ended by a NUL.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::skipped;

/// A page that a browser has open.
pub struct Browser {
    process: Child,
    requests: File,
    answers: BufReader<File>,
    session: Value,
    last: u64,
    _home: TempDir,
}

/// The browser's command; none, which is noted, where it is not installed.
pub fn command() -> Option<&'static str> {
    let is_there = |name: &&str| {
        let version = Command::new(name).arg("--version").stdout(Stdio::null()).status();
        version.is_ok_and(|status| status.success())
    };
    let found = ["chromium", "chromium-browser", "google-chrome"].into_iter().find(is_there);
    if found.is_none() {
        skipped("no chromium to open a page with");
    }
    found
}

impl Browser {
    /// Opens a page; blocks until the browser is there.
    pub fn open(address: &str) -> Option<Self> {
        let browser = command()?;
        let home = tempfile::tempdir().unwrap();
        let pipes = ["requests", "answers"].map(|name| home.path().join(name));
        assert!(Command::new("mkfifo").args(&pipes).status().unwrap().success());
        let process = Command::new("sh")
            .args(["-c", r#"exec "$3" --headless --no-sandbox --disable-gpu --no-first-run --remote-debugging-pipe --user-data-dir="$4" about:blank 3<"$1" 4>"$2""#, "sh"])
            .args(&pipes)
            .args([browser.as_ref(), home.path().join("profile").as_os_str()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Each waits until the shell opens the other end.
        let requests = OpenOptions::new().write(true).open(&pipes[0]).unwrap();
        let answers = BufReader::new(File::open(&pipes[1]).unwrap());
        let session = Value::Null;
        let mut browser = Self { process, requests, answers, session, last: 0, _home: home };
        let target = browser.call("Target.createTarget", &json!({"url": "about:blank"}));
        let of = json!({"targetId": target["targetId"], "flatten": true});
        browser.session = browser.call("Target.attachToTarget", &of)["sessionId"].clone();
        // It answers once the new page has taken the place of the blank one.
        browser.call("Page.navigate", &json!({"url": address}));
        Some(browser)
    }

    /// What an asynchronous function of JavaScript returns in the page. `until(what, find)` waits for an element.
    pub fn run(&mut self, body: &str) -> Value {
        let expression = format!(
            "(async () => {{
                const until = async (what, find) => {{
                    for (let i = 0; i < 300; i++) {{
                        const found = find();
                        if (found) return found;
                        await new Promise(done => setTimeout(done, 100));
                    }}
                    throw new Error('no ' + what + ' in: ' + document.body.innerText.slice(0, 500));
                }};
                {body}
            }})()"
        );
        let asked = json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let answer = self.call("Runtime.evaluate", &asked);
        assert!(answer.get("exceptionDetails").is_none(), "{answer:#}");
        answer["result"]["value"].clone()
    }

    fn call(&mut self, method: &str, parameters: &Value) -> Value {
        self.last += 1;
        let mut request = json!({"id": self.last, "method": method, "params": parameters});
        if !self.session.is_null() {
            request["sessionId"] = self.session.clone();
        }
        self.requests.write_all(format!("{request}\0").as_bytes()).unwrap();
        loop {
            let mut message = Vec::new();
            self.answers.read_until(0, &mut message).unwrap();
            message.pop();
            let answer: Value = serde_json::from_slice(&message).unwrap();
            if answer["id"] == self.last {
                assert!(answer.get("error").is_none(), "{method}: {answer:#}");
                return answer["result"].clone();
            }
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
