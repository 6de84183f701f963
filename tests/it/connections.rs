//! Connections: how many there are, and how long one may be silent.

use crate::client::Client;
use fewer::api::connections::{self, Bounds};
use std::future::pending;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

const LONG: Duration = Duration::from_secs(20);

async fn serve(open: usize, head: Duration) -> (Client, SocketAddr) {
    let client = Client::new();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(connections::serve(listener, client.router(), Bounds { open, head }, pending()));
    (client, address)
}

fn connect(address: SocketAddr, sent: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream.write_all(sent.as_bytes()).unwrap();
    stream
}

fn rest(mut stream: TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

const HEALTH: &str = "GET /healthz HTTP/1.1\r\nhost: fewer\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_is_not_whole_in_time_ends_its_connection() {
    let (_client, address) = serve(10, Duration::from_millis(200)).await;
    let ends = move || {
        // The last has been answered once, and then says nothing more.
        let slow = ["", "GET /hea", HEALTH, &format!("{HEALTH}\r\n")].map(|sent| connect(address, sent));
        let [silent, line, head, idle] = slow.map(rest);
        assert_eq!([silent, line, head], [""; 3]);
        assert!(idle.starts_with("HTTP/1.1 200 ") && idle.ends_with(r#"{"status":"ok"}"#), "{idle}");
    };
    tokio::task::spawn_blocking(ends).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn more_connections_than_may_be_open_wait_until_one_ends() {
    let (_client, address) = serve(2, LONG).await;
    let wait = move || {
        let open = [connect(address, HEALTH), connect(address, "")];
        let mut third = connect(address, &format!("{HEALTH}connection: close\r\n\r\n"));
        third.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        let early = third.read(&mut [0; 1]).unwrap_err();
        assert_eq!(early.kind(), std::io::ErrorKind::WouldBlock);
        drop(open);
        third.set_read_timeout(Some(LONG)).unwrap();
        assert!(rest(third).starts_with("HTTP/1.1 200 "));
    };
    tokio::task::spawn_blocking(wait).await.unwrap();
}
