use super::*;

fn one(address: Option<&str>, host: HostPort, number: u16, protocol: Protocol) -> Vec<PortRequest> {
    let address = address.map(|address| address.parse().unwrap());
    vec![PortRequest { address, host, container: Port { number, protocol } }]
}

#[test]
fn single_ports() {
    use HostPort::{Among, Any, Exactly};
    use Protocol::{Tcp, Udp};
    for (text, wanted) in [
        ("80", one(None, Any, 80, Tcp)),
        ("80/udp", one(None, Any, 80, Udp)),
        ("80/UDP", one(None, Any, 80, Udp)),
        ("80/", one(None, Any, 80, Tcp)),
        (":80", one(None, Any, 80, Tcp)),
        ("0:80", one(None, Any, 80, Tcp)),
        ("8080:80", one(None, Exactly(8080), 80, Tcp)),
        ("127.0.0.1:8080:80", one(Some("127.0.0.1"), Exactly(8080), 80, Tcp)),
        ("127.0.0.1::80", one(Some("127.0.0.1"), Any, 80, Tcp)),
        ("127.0.0.1:0:80/udp", one(Some("127.0.0.1"), Any, 80, Udp)),
        ("[::1]:8080:80", one(Some("::1"), Exactly(8080), 80, Tcp)),
        ("[::1]::80", one(Some("::1"), Any, 80, Tcp)),
        ("8000-8010:80", one(None, Among(8000..=8010), 80, Tcp)),
        ("1-1:1", one(None, Exactly(1), 1, Tcp)),
        ("65535:65535", one(None, Exactly(65535), 65535, Tcp)),
        ("target=80", one(None, Any, 80, Tcp)),
        ("target=80,published=8080", one(None, Exactly(8080), 80, Tcp)),
        ("published=8080,target=80,protocol=udp,mode=host", one(None, Exactly(8080), 80, Udp)),
    ] {
        assert_eq!(parse_publish(text), Ok(wanted), "{text}");
    }
}

#[test]
fn ranges_are_equally_long() {
    let parsed = parse_publish("127.0.0.1:8000-8002:80-82/udp").unwrap();
    let shown: Vec<_> = parsed.iter().map(|port| (port.host.clone(), port.container.to_string())).collect();
    let wanted = [(8000, "80/udp"), (8001, "81/udp"), (8002, "82/udp")];
    assert_eq!(shown, wanted.map(|(host, port)| (HostPort::Exactly(host), port.to_owned())));
    let any = parse_publish("80-81").unwrap();
    assert!(any.iter().all(|port| port.host == HostPort::Any) && any.len() == 2, "{any:?}");
    for bad in ["8000:80-81", "8000-8002:80-81", "8000-8001:80-89"] {
        assert_eq!(parse_publish(bad), Err(PortError::Ranges(bad.into())), "{bad}");
    }
}

#[test]
fn what_is_no_port() {
    for bad in [
        "",
        ":",
        "/tcp",
        "8080:",
        "127.0.0.1:80:",
        "127.0.0.1:80",
        "::1:80:80",
        "1.2.3:80:80",
        "[1.2.3.4]:80:80",
        "[::1:80:80",
        "a:80",
        "80:a",
        "0",
        "80:0",
        "65536",
        "80-79",
        "80-",
        "-80",
        "+80",
        "80 ",
        "8-0x9",
        "80/icmp",
        "80/sctp",
        "80/tcp/udp",
        "1-2-3",
        "published=80",
        "target=80,mode=swarm",
        "target=80,name=web",
        "target=",
        "a=b",
    ] {
        assert!(parse_publish(bad).is_err(), "{bad:?}");
    }
    assert_eq!(parse_publish("80:80/sctp"), Err(PortError::Sctp("80:80/sctp".into())));
    assert_eq!(parse_publish("8080:/tcp"), Err(PortError::Missing("8080:/tcp".into())));
}

#[test]
fn exposed_ports() {
    let shown = |text: &str| {
        let ports = parse_exposed(text)?;
        Ok::<_, PortError>(ports.iter().map(Port::to_string).collect::<Vec<_>>().join(" "))
    };
    assert_eq!(shown("80"), Ok("80/tcp".into()));
    assert_eq!(shown("80-82/udp"), Ok("80/udp 81/udp 82/udp".into()));
    assert!(shown("80:80").is_err() && shown("").is_err() && shown("80/x").is_err());
}

#[test]
fn a_port_of_the_host_is_published_once() {
    use Protocol::{Tcp, Udp};
    let published = |address: Option<&str>, host: u16, protocol| PublishedPort {
        container: Port { number: 80, protocol },
        address: address.map(|address| address.parse().unwrap()),
        host,
    };
    for (ports, fits) in [
        ([published(None, 1, Tcp), published(None, 2, Tcp)], true),
        ([published(None, 1, Tcp), published(None, 1, Udp)], true),
        ([published(Some("127.0.0.1"), 1, Tcp), published(Some("127.0.0.2"), 1, Tcp)], true),
        ([published(None, 1, Tcp), published(None, 1, Tcp)], false),
        ([published(None, 1, Udp), published(Some("127.0.0.2"), 1, Udp)], false),
        ([published(Some("::1"), 1, Tcp), published(Some("::1"), 1, Tcp)], false),
    ] {
        assert_eq!(check_once(&ports).is_ok(), fits, "{ports:?}");
    }
}
