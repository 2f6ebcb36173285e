//! Certificates of `localhost`, made by openssl.

use std::fs;
use std::path::Path;
use std::process::Command;

/// A certificate authority and a certificate of `localhost` signed by it: (authority, certificate, key).
pub fn certificates(folder: &Path) -> (String, String, String) {
    let openssl = |arguments: &str| {
        let run = Command::new("openssl")
            .args(arguments.split_whitespace())
            .current_dir(folder)
            .output()
            .unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    };
    fs::write(folder.join("san"), "subjectAltName=DNS:localhost").unwrap();
    openssl(
        "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout ca.key -out ca.pem",
    );
    openssl("req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout server.key -out server.csr");
    openssl(
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile san -out server.pem",
    );
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    (read("ca.pem"), read("server.pem"), read("server.key"))
}
