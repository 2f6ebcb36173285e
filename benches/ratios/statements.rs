//! What a client sends to a server, written down on the way, as statements that psql understands.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// A way to a server on which everything that is asked is written down.
pub struct Recorder {
    pub port: u16,
    heard: Arc<Mutex<Heard>>,
}

#[derive(Default)]
struct Heard {
    statements: Vec<String>,
    /// A query whose parameters are still to come.
    parsed: String,
}

impl Recorder {
    /// A way to the port of this machine.
    pub async fn start(to: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::new(Mutex::new(Heard::default()));
        let shared = Arc::clone(&heard);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
                let (client_read, mut client_write) = client.into_split();
                let (mut server_read, server_write) = server.into_split();
                tokio::spawn(listen(client_read, server_write, Arc::clone(&shared)));
                tokio::spawn(
                    async move { tokio::io::copy(&mut server_read, &mut client_write).await },
                );
            }
        });
        Self { port, heard }
    }

    /// A script that asks the same.
    pub fn script(&self) -> String {
        self.heard.lock().unwrap().statements.join(";\n") + ";\n"
    }
}

/// Forward message by message. The first one, the startup packet, has no type.
async fn listen(
    mut client: OwnedReadHalf,
    mut server: OwnedWriteHalf,
    heard: Arc<Mutex<Heard>>,
) -> std::io::Result<()> {
    let mut kind = None;
    loop {
        let length = client.read_u32().await?;
        let mut body = vec![0; length as usize - 4];
        client.read_exact(&mut body).await?;
        if let Some(kind) = kind {
            heard.lock().unwrap().hear(kind, &body);
            server.write_u8(kind).await?;
        }
        server.write_u32(length).await?;
        server.write_all(&body).await?;
        kind = Some(client.read_u8().await?);
    }
}

impl Heard {
    fn hear(&mut self, kind: u8, body: &[u8]) {
        match kind {
            b'Q' => {
                let (sql, _) = text(body);
                self.statements.push(sql.trim_end_matches(';').to_owned());
            }
            b'P' => {
                let (_name, rest) = text(body);
                text(rest).0.clone_into(&mut self.parsed);
            }
            b'B' => {
                let (_portal, rest) = text(body);
                let (_statement, rest) = text(rest);
                self.statements.push(bound(&self.parsed, rest));
            }
            _ => {}
        }
    }
}

/// The query with its parameters written into it.
fn bound(sql: &str, rest: &[u8]) -> String {
    let (formats, rest) = rest.split_first_chunk::<2>().unwrap();
    let rest = &rest[usize::from(u16::from_be_bytes(*formats)) * 2..];
    let (count, mut rest) = rest.split_first_chunk::<2>().unwrap();
    let mut sql = sql.to_owned();
    for number in 1..=u16::from_be_bytes(*count) {
        let value = value(&mut rest);
        sql = sql.replace(&format!("${number}"), &format!("'{}'", literal(value)));
    }
    sql
}

/// A parameter in binary: an int8, or an array of them.
fn literal(value: &[u8]) -> String {
    if let Ok(number) = value.try_into() {
        return i64::from_be_bytes(number).to_string();
    }
    // Dimensions, flags, type, length and lower bound come first.
    let mut rest = &value[20..];
    let mut items = Vec::new();
    while !rest.is_empty() {
        items.push(literal(self::value(&mut rest)));
    }
    format!("{{{}}}", items.join(","))
}

fn value<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let (length, tail) = rest.split_first_chunk::<4>().unwrap();
    let (value, tail) = tail.split_at(u32::from_be_bytes(*length) as usize);
    *rest = tail;
    value
}

fn text(body: &[u8]) -> (&str, &[u8]) {
    let end = body.iter().position(|byte| *byte == 0).unwrap();
    (std::str::from_utf8(&body[..end]).unwrap(), &body[end + 1..])
}
