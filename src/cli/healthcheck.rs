//! `fewer healthcheck`: for container images, which have no other HTTP client.

use crate::config::{Effective, Flags};
use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(2);

#[derive(Debug, clap::Args)]
pub(super) struct HealthcheckArgs {
    /// The service's file of settings
    #[arg(long, env = "FEWER_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Address the service listens on [env: FEWER_SERVER__LISTEN] [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
}

pub(super) fn run(args: &HealthcheckArgs) -> Result<(), Box<dyn Error>> {
    let flags = Flags::of_address(args.config.clone(), args.listen.clone());
    ask(Effective::address(&flags, std::env::vars_os())?)
}

fn ask(address: SocketAddr) -> Result<(), Box<dyn Error>> {
    let agent = ureq::Agent::new_with_config(
        ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).proxy(None).build(),
    );
    let url = format!("http://{}/healthz", reachable(address));
    agent.get(&url).call().map_err(|error| format!("{url}: {error}"))?;
    Ok(())
}

/// A service that listens on every address is asked on the loopback one.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        });
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;

    /// A server of one answer.
    fn answering(status: &'static str) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 1024];
            assert!(stream.read(&mut request).unwrap() > 0);
            let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).unwrap();
        });
        address
    }

    #[test]
    fn the_answer_of_the_service_is_the_answer() {
        assert!(ask(answering("200 OK")).is_ok());
        assert!(ask(answering("503 Service Unavailable")).is_err());
    }

    #[test]
    fn nobody_there_is_not_healthy() {
        let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        assert!(ask(gone).is_err());
    }

    #[test]
    fn a_service_on_every_address_is_asked_on_loopback() {
        assert_eq!(reachable("0.0.0.0:80".parse().unwrap()), "127.0.0.1:80".parse().unwrap());
        assert_eq!(reachable("[::]:80".parse().unwrap()), "[::1]:80".parse().unwrap());
        assert_eq!(reachable("10.0.0.1:80".parse().unwrap()), "10.0.0.1:80".parse().unwrap());
    }
}
