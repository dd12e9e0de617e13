//! Who the user is to registries: files, programs that know passwords, tokens.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::pull::{call, pull};
use crate::support::{Call, Scratch};

/// What is asked of nobody: the credentials are looked for before.
const NOBODY: &str = "127.0.0.1:1/x";

/// A registry without images: it takes whoever shows the token `good`, or anybody if that is said.
struct Server {
    port: u16,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start(guard: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                // Who breaks off breaks off.
                let _ = connection.and_then(|client| answer(client, (port, guard), &seen));
            }
        });
        Self { port, requests }
    }

    fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    fn requests(&self) -> String {
        self.requests.lock().unwrap().join("\n")
    }
}

fn answer(
    mut client: TcpStream,
    (port, guard): (u16, &str),
    seen: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    if !reader.fill_buf()?.first().is_some_and(u8::is_ascii_alphabetic) {
        return client.shutdown(std::net::Shutdown::Both);
    }
    let mut head = String::new();
    while reader.read_line(&mut head)? > 2 {}
    let lower = head.to_lowercase();
    let length = lower.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body)?;
    seen.lock().unwrap().push(head.clone() + &String::from_utf8_lossy(&body));
    let is_known = guard == "open" || lower.contains("authorization: bearer good");
    let (status, header, text) = match () {
        () if head.contains(" /token") => ("200 OK", String::new(), "{\"access_token\": \"good\"}"),
        () if !is_known => {
            let challenge = format!("Bearer realm=\"http://127.0.0.1:{port}/token\",service=\"tests\"");
            ("401 Who", format!("WWW-Authenticate: {challenge}\r\n"), "")
        }
        () if head.contains("/manifests/") => ("404 No", String::new(), ""),
        () => ("200 OK", String::new(), "{}"),
    };
    let length = text.len();
    write!(client, "HTTP/1.1 {status}\r\n{header}Content-Length: {length}\r\nConnection: close\r\n\r\n{text}")
}

/// A program that knows passwords, as a script.
fn helper(scratch: &Scratch, script: &str) {
    let path = scratch.directory("bin").join("docker-credential-t");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// The same call, with such a program where programs are.
fn beside(scratch: &Scratch, call: Call) -> Call {
    call.env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", scratch.directory("bin").display()))
}

/// Has the file of credentials say this.
fn credentials(scratch: &Scratch, text: &str) {
    fs::write(scratch.directory("home").join("auth.json"), text).unwrap();
}

#[test]
fn messages_have_no_secrets() {
    let scratch = Scratch::new();
    credentials(&scratch, "{\"auths\":\n {\"127.0.0.1:1\": \"dTpodW50ZXIy\"}}");
    let said = pull(&scratch, &[NOBODY]).run();
    assert!(said.fails(1).contains("home/auth.json") && said.stderr().contains("line 2, column"), "{said}");
    assert!(!said.stderr().contains("dTpo"), "{said}");
    credentials(&scratch, r#"{"credsStore": "t"}"#);
    let said = beside(&scratch, pull(&scratch, &[NOBODY])).run();
    assert!(said.fails(1).contains("docker-credential-t") && said.stderr().contains("PATH"), "{said}");
    for (script, expected) in [
        ("echo '\"hunter2\"'", "line 1, column 1"),
        ("echo '{\"Username\": \"u\", \"Secret\": 47110815}'", "line 1, column"),
        ("echo '{\"Username\": \"u\", \"Secret\": \"hunter2\"}'; exit 1", "exit status: 1"),
        ("printf 'no\\033[31m key' >&2; echo hunter2; exit 3", "exit status: 3: no\\u{1b}[31m key"),
    ] {
        helper(&scratch, script);
        let said = beside(&scratch, pull(&scratch, &[NOBODY])).run();
        assert!(said.fails(1).contains("cannot get credentials from `docker-credential-t`"), "{said}");
        assert!(said.stderr().contains(expected), "{script}: {said}");
        assert!(!said.stderr().contains("hunter2") && !said.stderr().contains("47110815"), "{said}");
    }
    helper(&scratch, "echo 'credentials not found in native keychain'; exit 1");
    let said = beside(&scratch, pull(&scratch, &[NOBODY])).run();
    assert!(said.fails(1).contains("nobody listens there"), "{said}");
}

#[test]
fn identity_tokens_are_exchanged() {
    let scratch = Scratch::new();
    let from_file = |host: &str| format!(r#"{{"auths": {{"{host}": {{"identitytoken": "id-t"}}}}}}"#);
    let from_helper = |_: &str| r#"{"credsStore": "t"}"#.to_owned();
    helper(&scratch, "echo '{\"Username\": \"<token>\", \"Secret\": \"id-t\"}'");
    for document in [&from_file as &dyn Fn(&str) -> String, &from_helper] {
        let server = Server::start("token");
        credentials(&scratch, &document(&server.host()));
        let said = beside(&scratch, pull(&scratch, &[&format!("{}/a/x:1", server.host())])).run();
        assert!(said.fails(1).contains("the registry has no"), "{said}");
        let requests = server.requests();
        let form = "grant_type=refresh_token&client_id=minirun&refresh_token=id-t&service=tests\
                    &scope=repository:a/x:pull";
        assert!(requests.contains("POST /token HTTP") && requests.contains(form), "{requests}");
        assert!(!requests.to_lowercase().contains("authorization: basic"), "{requests}");
        assert_eq!(requests.matches("id-t").count(), 1, "{requests}");
    }
    let server = Server::start("token");
    let host = server.host();
    credentials(&scratch, &format!(r#"{{"auths": {{"{host}": {{"registrytoken": "good"}}}}}}"#));
    let said = pull(&scratch, &[&format!("{host}/a/x:1")]).run();
    assert!(said.fails(1).contains("the registry has no"), "{said}");
    assert!(!server.requests().contains("/token HTTP"), "{}", server.requests());
}

#[test]
fn login_wants_a_registry_and_somebody() {
    let scratch = Scratch::new();
    let login = |user: &str, password: &str, registry: &str| {
        call(&scratch, "login").args(["-u", user, "-p", password, registry]).run()
    };
    for (user, password, registry, expected) in [
        ("u", "p", "127.0.0.1:1/team", "it has a path"),
        ("u", "p", "x:hunter2@127.0.0.1:1", "it is not a registry"),
        ("u", "p", "127.0.0.1:1?x", "it is not a registry"),
        ("u", "p", "a b", "it is not a registry"),
        ("a:b", "p", "127.0.0.1:1", "a colon"),
        ("u", "", "127.0.0.1:1", "the password is empty"),
    ] {
        let said = login(user, password, registry);
        assert!(said.fails(1).contains("cannot log in to `"), "{said}");
        assert!(said.stderr().contains(expected) && !said.stderr().contains("hunter2"), "{said}");
    }
    let said = call(&scratch, "logout").args(["127.0.0.1:1/team"]).run();
    assert!(said.fails(1).contains("cannot log out of `127.0.0.1:1/team`"), "{said}");
    let server = Server::start("open");
    login("u", "p", &format!("HTTP://{}/", server.host())).success();
    let kept = fs::read_to_string(scratch.path("home/auth.json")).unwrap();
    assert!(kept.contains(&format!("\"{}\"", server.host())), "{kept}");
    call(&scratch, "logout").args([format!("https://{}", server.host())]).run().success();
}

#[test]
fn login_leaves_credentials_with_the_program() {
    let scratch = Scratch::new();
    let server = Server::start("open");
    let host = server.host();
    let own = format!(r#"{{"credHelpers": {{"{host}": "t"}}}}"#);
    let all = format!(r#"{{"credsStore": "t", "auths": {{"{host}": {{"auth": "dTpvbGQ="}}}}}}"#);
    let kept = scratch.path("kept");
    let script = format!(
        "case $1 in store) cat >{0};; erase) rm {0};;\n\
         get) cat {0} 2>/dev/null || {{ echo credentials not found; exit 1; }};; esac",
        kept.display()
    );
    for (document, named) in [(&own, false), (&all, false), (&own, true)] {
        let path = if named { scratch.file("named.json", document) } else { scratch.path("home/auth.json") };
        scratch.directory("home");
        fs::write(&path, document).unwrap();
        let path = path.to_str().unwrap();
        let flags: &[&str] = if named { &["--authfile", path] } else { &[] };
        let call = |verb: &str| beside(&scratch, call(&scratch, verb)).args(flags);
        let login = || call("login").args(["-u", "u", "-p", "hunter2", &host]).run();
        helper(&scratch, "echo locked >&2; exit 1");
        let said = login();
        assert!(said.fails(1).contains("cannot hand credentials to `docker-credential-t`"), "{said}");
        assert!(said.stderr().contains("locked"), "{said}");
        assert_eq!(fs::read_to_string(path).unwrap(), *document);
        helper(&scratch, &script);
        assert!(login().success().contains("kept by `docker-credential-t`"));
        let text = fs::read_to_string(&kept).unwrap();
        assert!(text.contains("\"Secret\":\"hunter2\"") && text.contains(&host), "{text}");
        assert!(!fs::read_to_string(path).unwrap().contains("auth\":"), "{document}");
        call("logout").args([&host]).run().success();
        assert!(!kept.exists());
        call("logout").args([&host]).run().fails(1);
    }
}

#[test]
fn files_that_are_named_have_to_be_there() {
    let scratch = Scratch::new();
    let none = scratch.text("none.json");
    let pipe = scratch.text("pipe");
    nix::unistd::mkfifo(pipe.as_str(), nix::sys::stat::Mode::S_IRWXU).unwrap();
    for (path, expected) in [(&none, "ENOENT"), (&pipe, "is a pipe")] {
        for said in [
            pull(&scratch, &["--authfile", path, NOBODY]).run(),
            pull(&scratch, &[NOBODY]).env("MINIRUN_REGISTRIES", path).run(),
        ] {
            assert!(said.fails(1).contains(path) && said.stderr().contains(expected), "{said}");
        }
    }
    // Where a login is to put it may be said before there is one.
    let said = pull(&scratch, &[NOBODY]).env("REGISTRY_AUTH_FILE", &none).run();
    assert!(said.fails(1).contains("nobody listens there"), "{said}");
    let said = pull(&scratch, &[NOBODY]).env("REGISTRY_AUTH_FILE", &pipe).run();
    assert!(said.fails(1).contains("is a pipe"), "{said}");
    let server = Server::start("open");
    let login = |path: &str| {
        call(&scratch, "login").args(["-u", "u", "-p", "p", "--authfile", path, &server.host()]).run()
    };
    assert!(login(&pipe).fails(1).contains("is a pipe"));
    login(&none).success();
    let said = pull(&scratch, &["--authfile", &none, NOBODY]).run();
    assert!(said.fails(1).contains("nobody listens there"), "{said}");
}

#[test]
fn a_program_that_hangs_is_stopped() {
    let scratch = Scratch::new();
    credentials(&scratch, r#"{"credsStore": "t"}"#);
    // What it leaves behind holds its output for longer than anybody waits.
    helper(&scratch, "sleep 40 & echo '{\"Username\": \"u\", \"Secret\": \"p\"}'");
    let began = Instant::now();
    let said = beside(&scratch, pull(&scratch, &[NOBODY])).run();
    assert!(said.fails(1).contains("nobody listens there"), "{said}");
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    helper(&scratch, "echo waiting >&2; exec sleep 100");
    let said = beside(&scratch, pull(&scratch, &[NOBODY])).within(Duration::from_secs(60)).run();
    assert!(said.fails(1).contains("it did not end within 30 seconds: waiting"), "{said}");
}
