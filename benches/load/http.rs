//! HTTP/1.1 over one connection that stays open: as little client as possible, because it shares the cores with the
//! service it measures.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Longer than any answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Whether it says when to come again.
    pub(crate) retry_after: bool,
    pub(crate) body: Vec<u8>,
}

/// A connection, opened by the first request and again after an error.
pub(crate) struct Connection {
    address: SocketAddr,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
}

impl Connection {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, stream: None, buffer: Vec::new() }
    }

    pub(crate) async fn get(&mut self, path: &str) -> io::Result<Answer> {
        self.send("GET", path, "", b"").await
    }

    pub(crate) async fn post_json(&mut self, path: &str, body: &str) -> io::Result<Answer> {
        self.send("POST", path, "Content-Type: application/json\r\n", body.as_bytes()).await
    }

    /// `headers` are whole lines.
    pub(crate) async fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &str,
        body: &[u8],
    ) -> io::Result<Answer> {
        let length = body.len();
        let head =
            format!("{method} {path} HTTP/1.1\r\nHost: load\r\nContent-Length: {length}\r\n{headers}\r\n");
        let answer = match tokio::time::timeout(PATIENCE, self.exchange(head.into_bytes(), body)).await {
            Ok(answer) => answer,
            Err(_) => Err(ErrorKind::TimedOut.into()),
        };
        if answer.is_err() {
            self.stream = None;
        }
        answer
    }

    async fn exchange(&mut self, mut head: Vec<u8>, body: &[u8]) -> io::Result<Answer> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            none => {
                let stream = TcpStream::connect(self.address).await?;
                stream.set_nodelay(true)?;
                none.insert(stream)
            }
        };
        // One packet where it fits in one.
        if body.len() <= 1 << 16 {
            head.extend_from_slice(body);
            stream.write_all(&head).await?;
        } else {
            stream.write_all(&head).await?;
            stream.write_all(body).await?;
        }
        self.buffer.clear();
        let body_at = loop {
            if let Some(at) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            more(stream, &mut self.buffer).await?;
        };
        let head = Head::parse(&self.buffer[..body_at])?;
        while self.buffer.len() < body_at + head.length {
            more(stream, &mut self.buffer).await?;
        }
        let body = self.buffer[body_at..body_at + head.length].to_vec();
        Ok(Answer { status: head.status, retry_after: head.retry_after, body })
    }
}

async fn more(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<()> {
    match stream.read_buf(buffer).await? {
        0 => Err(ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}

struct Head {
    status: u16,
    length: usize,
    retry_after: bool,
}

impl Head {
    fn parse(head: &[u8]) -> io::Result<Self> {
        let text = str::from_utf8(head).map_err(|_| ErrorKind::InvalidData)?;
        let mut lines = text.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
        let status = status.ok_or(ErrorKind::InvalidData)?;
        let (mut length, mut retry_after) = (None, false);
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse().ok(),
                "retry-after" => retry_after = true,
                _ => {}
            }
        }
        match length {
            Some(length) => Ok(Self { status, length, retry_after }),
            None if status == 204 => Ok(Self { status, length: 0, retry_after }),
            None => Err(io::Error::new(ErrorKind::InvalidData, "an answer without Content-Length")),
        }
    }
}
