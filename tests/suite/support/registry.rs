//! A registry of this machine, as its distribution has it, and a proxy in front of it that makes faults.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::caller::find_program;
use super::outcome::eventually;
use super::{Image, Scratch, program_exists};

/// Whom registries know that want to know who asks.
pub(crate) const USER: &str = "user:secret";
/// The same, as such registries have it: `htpasswd -B` made it.
const PASSWORDS: &str = "user:$2y$05$5TO4J4zAXPQFkR4NIAYJ.uedBTEy0NmzeIKHofnUBpmNoKd937x9O\n";

/// How a registry answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Guard {
    /// To anybody, without encryption.
    Open,
    /// To [`USER`] alone, without encryption.
    Password,
    /// To anybody, with a certificate of its own.
    Certificate,
    /// To anybody, with a certificate of its own that calls itself an authority.
    Authority,
    /// To whoever shows that very certificate.
    Mutual,
}

/// A registry that runs until it is dropped.
pub(crate) struct Registry {
    child: Child,
    pub(crate) port: u16,
    guard: Guard,
}

/// Whether there are the programs that the tests about registries need.
pub(crate) fn has_registry() -> bool {
    program_exists("docker-registry") && program_exists("skopeo") && program_exists("openssl")
}

impl Registry {
    /// Starts one whose files lie in `scratch`.
    pub(crate) fn start(scratch: &Scratch, guard: Guard) -> Self {
        // Nobody else gets the port as long as it was somebody's a moment ago.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let directory = scratch.directory(&format!("registry-{port}"));
        let mut config = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp:\n  addr: 127.0.0.1:{port}\n",
            directory.join("data").display()
        );
        match guard {
            Guard::Open => {}
            Guard::Password => {
                fs::write(directory.join("passwords"), PASSWORDS).unwrap();
                let path = directory.join("passwords");
                let path = path.display();
                let auth = format!("auth: {{htpasswd: {{realm: tests, path: {path}}}}}\n");
                config.push_str(&auth);
            }
            Guard::Certificate | Guard::Authority | Guard::Mutual => {
                certify(&directory, if guard == Guard::Authority { "TRUE" } else { "FALSE" });
                let directory = directory.display();
                let clients = match guard {
                    Guard::Mutual => format!(", clientcas: [{directory}/tls.crt]"),
                    Guard::Open | Guard::Password | Guard::Certificate | Guard::Authority => String::new(),
                };
                let tls = format!(
                    "  tls: {{certificate: {directory}/tls.crt, key: {directory}/tls.key{clients}}}\n"
                );
                config.push_str(&tls);
            }
        }
        let file = directory.join("config.yml");
        fs::write(&file, config).unwrap();
        let child = Command::new(find_program("docker-registry").unwrap())
            .arg("serve")
            .arg(&file)
            // It takes variables of such names for a part of its configuration.
            .env_remove("REGISTRY_AUTH_FILE")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        eventually("the registry answers", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        Self { child, port, guard }
    }

    /// What its images are called: `127.0.0.1:PORT/NAME`.
    pub(crate) fn name(&self, image: &str) -> String {
        format!("127.0.0.1:{}/{image}", self.port)
    }

    /// The directory of its certificate.
    pub(crate) fn certificates(&self, scratch: &Scratch) -> String {
        scratch.text(&format!("registry-{}", self.port))
    }

    /// Puts an image into it.
    #[track_caller]
    pub(crate) fn fill(&self, scratch: &Scratch, image: &Image, name: &str) {
        let layout = scratch.path("layout-to-push");
        image.write_layout(&layout, "image");
        self.copy(&format!("oci:{}:image", layout.display()), name);
        fs::remove_dir_all(layout).unwrap();
    }

    /// The digest of the manifest that it has under a name.
    #[track_caller]
    pub(crate) fn digest(&self, name: &str) -> String {
        let mut command = Command::new(find_program("skopeo").unwrap());
        command.args(["inspect", "--no-tags", "--tls-verify=false", "--format", "{{.Digest}}"]);
        match self.guard {
            Guard::Password => command.args(["--creds", USER]),
            Guard::Open | Guard::Certificate | Guard::Authority | Guard::Mutual => command.arg("--no-creds"),
        };
        let output = command.arg(format!("docker://{}", self.name(name))).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Has `skopeo` bring an image into the layout `directory`, as `image`, and verify it on the way.
    #[track_caller]
    pub(crate) fn copy_out(&self, name: &str, directory: &str) {
        let mut command = Command::new(find_program("skopeo").unwrap());
        command.args(["--insecure-policy", "copy", "-q", "--src-tls-verify=false", "--src-no-creds"]);
        let (from, to) = (format!("docker://{}", self.name(name)), format!("oci:{directory}:image"));
        let output = command.args([from, to]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Puts what `skopeo` finds at `source` into it.
    #[track_caller]
    pub(crate) fn copy(&self, source: &str, name: &str) {
        let mut command = Command::new(find_program("skopeo").unwrap());
        command.args(["--insecure-policy", "copy", "-q", "--dest-tls-verify=false"]);
        match self.guard {
            Guard::Password => command.args(["--dest-creds", USER]),
            // Nor are there any in the files of whoever runs the tests.
            Guard::Open | Guard::Certificate | Guard::Authority | Guard::Mutual => {
                command.arg("--dest-no-creds")
            }
        };
        let output = command.args([source, &format!("docker://{}", self.name(name))]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Makes a key and a certificate for 127.0.0.1, which is an authority's or not.
fn certify(directory: &std::path::Path, is_authority: &str) {
    let constraints = format!("basicConstraints=critical,CA:{is_authority}");
    let output = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"])
        .args(["-addext", "subjectAltName=IP:127.0.0.1", "-addext", &constraints])
        .arg("-keyout")
        .arg(directory.join("tls.key"))
        .arg("-out")
        .arg(directory.join("tls.crt"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// What goes wrong on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Each connection breaks after so many bytes of a blob.
    Cut(usize),
    /// The same, and the rest cannot be asked for.
    CutWithoutRanges(usize),
    /// A byte in the middle of each blob is another one.
    WrongByte,
    /// Each blob is said to be a byte longer.
    WrongLength,
    /// So many requests are answered with this status first.
    Status(u16, usize),
    /// Blobs are at this port of another name of this machine.
    Elsewhere(u16),
    /// Blobs are to be sent to this port of another name of this machine.
    UploadElsewhere(u16),
    /// Blobs are at an address that is not followed, and has secrets in it.
    Nowhere,
    /// Each manifest is this.
    Manifest(&'static str),
    /// Whoever asks for tags is told this document, and where the next page is; the second time, that there is none.
    Tags(&'static str, &'static str),
    /// Each blob ends after so many bytes, and then there is none.
    Loses(usize),
    /// So many bytes come in a tenth of a second.
    Slow(usize),
    /// Who asks is known by a token, which the proxy gives to [`USER`] alone; behind it, anybody may ask.
    Token,
    /// The same, and the token is behind a redirect; to this port of another name of this machine, if it is not 0.
    TokenElsewhere(u16),
    /// The first blob breaks off after so many bytes, and a part of one is never given.
    CutUnsatisfiable(usize),
    /// So many times, the connection breaks when so many bytes of a blob were sent.
    CutUpload(usize, usize),
}

/// A proxy that makes faults.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    /// The heads of all requests.
    heads: Arc<Mutex<Vec<String>>>,
    is_over: Arc<AtomicBool>,
}

impl Proxy {
    /// Begins to hand requests on to `to`.
    pub(crate) fn start(to: u16, fault: Fault) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (heads, is_over) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (seen, over, count) = (Arc::clone(&heads), Arc::clone(&is_over), Arc::new(AtomicUsize::new(0)));
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                let (seen, count) = (Arc::clone(&seen), Arc::clone(&count));
                std::thread::spawn(move || {
                    // Who breaks off breaks off: that is what this is for.
                    let _ = connection.and_then(|client| hand_on(client, to, fault, (&seen, &count)));
                });
            }
        });
        Self { port, heads, is_over }
    }

    /// What images behind it are called.
    pub(crate) fn name(&self, image: &str) -> String {
        format!("127.0.0.1:{}/{image}", self.port)
    }

    /// How many requests so far were of this method, about something whose address has `part` in it.
    pub(crate) fn count(&self, method: &str, part: &str) -> usize {
        let begin = format!("{} ", method.to_lowercase());
        let is_such = |head: &&String| {
            let first = head.lines().next().unwrap_or_default();
            first.starts_with(&begin) && first.contains(part)
        };
        self.heads.lock().unwrap().iter().filter(is_such).count()
    }

    /// The heads of all requests so far, in lower case.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// Answers one request.
fn hand_on(
    mut client: TcpStream,
    to: u16,
    fault: Fault,
    (seen, count): (&Mutex<Vec<String>>, &AtomicUsize),
) -> std::io::Result<()> {
    let mut first = [0];
    client.peek(&mut first)?;
    if !first[0].is_ascii_alphabetic() {
        // Encryption, which is not for a proxy.
        return client.shutdown(Shutdown::Both);
    }
    let mut reader = BufReader::new(client.try_clone()?);
    let head = read_head(&mut reader)?;
    seen.lock().unwrap().push(head.to_lowercase());
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let is_blob = path.contains("/blobs/");
    if let Some(answer) = own_answer(fault, (&head, &path), client.local_addr()?.port(), count) {
        return client.write_all(answer.as_bytes());
    }
    let mut upstream = TcpStream::connect(("127.0.0.1", to))?;
    let is_dropped = |line: &str| {
        let line = line.to_lowercase();
        line.starts_with("connection:")
            || (matches!(fault, Fault::CutWithoutRanges(_)) && line.starts_with("range:"))
    };
    let lines: Vec<&str> = head.lines().filter(|line| !is_dropped(line) && !line.is_empty()).collect();
    write!(upstream, "{}\r\nConnection: close\r\n\r\n", lines.join("\r\n"))?;
    if let Fault::CutUpload(bytes, times) = fault
        && head.starts_with("PATCH")
        && count.fetch_add(1, Ordering::SeqCst) < times
    {
        std::io::copy(&mut reader.take(bytes as u64), &mut upstream)?;
        upstream.shutdown(Shutdown::Both)?;
        return client.shutdown(Shutdown::Both);
    }
    let mut sink = upstream.try_clone()?;
    // Until one of them hangs up.
    std::thread::spawn(move || std::io::copy(&mut reader, &mut sink));
    let mut answer = BufReader::new(upstream);
    let mut answer_head = read_head(&mut answer)?;
    let mut body = Vec::new();
    answer.read_to_end(&mut body)?;
    if is_blob {
        match fault {
            Fault::Cut(bytes) | Fault::CutWithoutRanges(bytes) | Fault::Loses(bytes) => body.truncate(bytes),
            Fault::WrongByte => {
                if let Some(byte) = body.len().checked_sub(1).and_then(|last| body.get_mut(last / 2)) {
                    *byte ^= 1;
                }
            }
            Fault::CutUnsatisfiable(bytes) if count.fetch_add(1, Ordering::SeqCst) == 0 => {
                body.truncate(bytes);
            }
            Fault::WrongLength => {
                let length = format!("Content-Length: {}", body.len());
                let wrong = format!("Content-Length: {}", body.len() + 1);
                answer_head = answer_head.replace(&length, &wrong);
            }
            Fault::UploadElsewhere(port) => {
                let own = format!("http://127.0.0.1:{}/", client.local_addr()?.port());
                answer_head = answer_head.replace(&own, &format!("http://localhost:{port}/"));
            }
            Fault::Status(..)
            | Fault::Elsewhere(_)
            | Fault::CutUpload(..)
            | Fault::Slow(_)
            | Fault::Nowhere
            | Fault::Manifest(_)
            | Fault::Tags(..)
            | Fault::TokenElsewhere(_)
            | Fault::CutUnsatisfiable(_)
            | Fault::Token => {}
        }
    }
    client.write_all(answer_head.as_bytes())?;
    match fault {
        Fault::Slow(bytes) => {
            for piece in body.chunks(bytes) {
                client.write_all(piece)?;
                std::thread::sleep(std::time::Duration::from_millis(100));
            }
        }
        _ => client.write_all(&body)?,
    }
    client.shutdown(Shutdown::Both)
}

/// What the proxy at `own` says itself to a request, in the place of whom it stands for.
fn own_answer(fault: Fault, (head, path): (&str, &str), own: u16, count: &AtomicUsize) -> Option<String> {
    let answer = |status: &str, headers: &str, body: &str| {
        let length = body.len();
        let ends = format!("Content-Length: {length}\r\nConnection: close");
        Some(format!("HTTP/1.1 {status}\r\n{headers}{ends}\r\n\r\n{body}"))
    };
    let moved = |place: &str| answer("307 Elsewhere", &format!("Location: {place}\r\n"), "");
    let is_blob = path.contains("/blobs/");
    let is_part = head.to_lowercase().contains("\r\nrange:");
    match fault {
        Fault::Status(status, times) if count.fetch_add(1, Ordering::SeqCst) < times => {
            answer(&format!("{status} No"), "Retry-After: 1\r\n", "")
        }
        Fault::Token => token_answer(head, own),
        Fault::TokenElsewhere(port) => match (path, port) {
            // Relative first, and then to the other host.
            ("/token/again", 0) => token_answer(head, own),
            ("/token/again", port) => moved(&format!("http://localhost:{port}/token/there")),
            _ if path.starts_with("/token") => moved("token/again"),
            _ => token_answer(head, own),
        },
        Fault::Elsewhere(port) if is_blob => moved(&format!("http://localhost:{port}{path}")),
        Fault::Nowhere if is_blob => moved("ftp://user:secret@nowhere.test/x?signature=secret"),
        Fault::CutUnsatisfiable(_) if is_blob && is_part => answer("416 No", "", ""),
        Fault::Loses(bytes) if is_blob && (is_part || bytes == 0) => answer("404 No", "", ""),
        Fault::Manifest(document) if path.contains("/manifests/") => {
            answer("200 OK", "Content-Type: application/vnd.oci.image.manifest.v1+json\r\n", document)
        }
        Fault::Tags(document, next) if path.contains("/tags/list") => {
            let is_first = count.fetch_add(1, Ordering::SeqCst) == 0;
            let link = if is_first { format!("Link: <{next}>; rel=\"next\"\r\n") } else { String::new() };
            answer("200 OK", &link, document)
        }
        _ => None,
    }
}

/// What is said to a request that has not the right token, and to one for a token.
fn token_answer(head: &str, port: u16) -> Option<String> {
    const TOKEN: &str = "a-token.of-the_test";
    let close = "Connection: close\r\n";
    let path = head.split(' ').nth(1).unwrap_or_default();
    let said = head.lines().find(|line| line.to_lowercase().starts_with("authorization:"));
    if path.starts_with("/token") {
        if said.is_none_or(|line| !line.ends_with("Basic dXNlcjpzZWNyZXQ=")) {
            return Some(format!("HTTP/1.1 401 No\r\nContent-Length: 0\r\n{close}\r\n"));
        }
        let document = format!("{{\"token\": \"{TOKEN}\"}}");
        let length = document.len();
        return Some(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n{close}\r\n{document}"));
    }
    if said.is_some_and(|line| line.ends_with(&format!("Bearer {TOKEN}"))) {
        return None;
    }
    let repository = path.trim_start_matches("/v2/").split('/').next().unwrap_or_default();
    let scope = format!("scope=\"repository:{repository}:pull\"");
    let challenge = format!("Bearer realm=\"http://127.0.0.1:{port}/token\",service=\"tests\",{scope}");
    Some(format!("HTTP/1.1 401 Who\r\nWWW-Authenticate: {challenge}\r\nContent-Length: 0\r\n{close}\r\n"))
}

fn read_head(reader: &mut impl BufRead) -> std::io::Result<String> {
    let mut head = String::new();
    while reader.read_line(&mut head)? > 2 {}
    Ok(head)
}
