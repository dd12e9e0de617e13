//! Where an image comes from: the store, or straight from where it lies.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::reference::{ImageName, ReferenceError};

/// What to do about a path that is not there, where it is an address of the web.
#[must_use]
pub fn fetch_hint(path: &Path) -> Option<String> {
    let text = path.to_str()?;
    let start = ["https://", "http://"].iter().find_map(|scheme| text.find(scheme))?;
    Some(format!("fetch it before: curl -fLO {}", text.get(start..)?))
}

/// Why a text names no image.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum SourceError {
    /// A prefix with nothing behind it.
    #[error("there is no path behind `{0}`")]
    NoPath(&'static str),
    /// The path holds a NUL byte.
    #[error("the path behind `{0}` holds a NUL byte")]
    Nul(&'static str),
    /// Neither a prefix nor a reference.
    #[error("`{text}` names no image")]
    Name {
        /// The text.
        text: String,
        /// Why it is no reference.
        #[source]
        source: ReferenceError,
    },
}

impl SourceError {
    /// What the user could do instead.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let Self::Name { text, .. } = self else { return None };
        let is_path = text.starts_with(['/', '.', '~']);
        is_path.then(|| {
            format!(
                "for an image on disk say what it is: `oci:{text}`, `oci-archive:{text}`, `docker-archive:{text}` \
                 or `rootfs:{text}`"
            )
        })
    }
}

/// What `IMAGE` on the command line means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageSource {
    /// An image of the store.
    Stored(ImageName),
    /// `oci:DIR[:TAG]`, an OCI image layout.
    OciLayout(Located),
    /// `oci-archive:FILE[:TAG]`, an OCI image layout in a tar.
    OciArchive(Located),
    /// `docker-archive:FILE[:REF]`, what `docker save` writes.
    DockerArchive(Located),
    /// `rootfs:DIR`, a root filesystem.
    RootfsDirectory(PathBuf),
    /// `host`, this machine's own root filesystem.
    Host,
}

/// A path and perhaps a name behind it. Both may hold colons, so only who can look at the disk knows which is which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    text: OsString,
}

impl Located {
    /// The text behind the prefix, for messages.
    #[must_use]
    pub fn as_os_str(&self) -> &OsStr {
        &self.text
    }

    /// What path and name could be, to be tried in this order: first the whole text as a path, then split at
    /// each colon from the left. Never empty.
    #[must_use]
    pub fn candidates(&self) -> Vec<(PathBuf, Option<String>)> {
        let bytes = self.text.as_bytes();
        let mut candidates = vec![(PathBuf::from(&self.text), None)];
        let colons = bytes.iter().enumerate().filter(|(_, byte)| **byte == b':').map(|(at, _)| at);
        candidates.extend(colons.filter_map(|at| {
            let (path, name) = bytes.split_at_checked(at)?;
            let name = std::str::from_utf8(name.get(1..)?).ok()?;
            let is_split = !path.is_empty() && !name.is_empty();
            is_split.then(|| (PathBuf::from(OsString::from_vec(path.to_vec())), Some(name.to_owned())))
        }));
        candidates
    }
}

impl ImageSource {
    /// Reads `IMAGE`. A prefix decides; a stored image whose repository is called like one is reached by its full
    /// name, `docker.io/library/oci:1`.
    ///
    /// # Errors
    /// Nothing behind a prefix, or no image reference.
    pub fn parse(text: &OsStr) -> Result<Self, SourceError> {
        let bytes = text.as_bytes();
        if bytes == b"host" {
            return Ok(Self::Host);
        }
        if let Some(path) = behind(bytes, "oci:")? {
            return Ok(Self::OciLayout(Located { text: path }));
        }
        if let Some(path) = behind(bytes, "oci-archive:")? {
            return Ok(Self::OciArchive(Located { text: path }));
        }
        if let Some(path) = behind(bytes, "docker-archive:")? {
            return Ok(Self::DockerArchive(Located { text: path }));
        }
        if let Some(path) = behind(bytes, "rootfs:")? {
            return Ok(Self::RootfsDirectory(PathBuf::from(path)));
        }
        let text = text.to_string_lossy();
        match registry_name(&text).parse() {
            Ok(name) => Ok(Self::Stored(name)),
            Err(source) => Err(SourceError::Name { text: text.into_owned(), source }),
        }
    }
}

/// A name as other tools write it for an image of a registry: `docker://NAME`. There is no other place for a name.
#[must_use]
pub fn registry_name(text: &str) -> &str {
    text.strip_prefix("docker://").unwrap_or(text)
}

fn behind(text: &[u8], prefix: &'static str) -> Result<Option<OsString>, SourceError> {
    match text.strip_prefix(prefix.as_bytes()) {
        Some([]) => Err(SourceError::NoPath(prefix)),
        Some(path) if path.contains(&0) => Err(SourceError::Nul(prefix)),
        Some(path) => Ok(Some(OsString::from_vec(path.to_vec()))),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<ImageSource, SourceError> {
        ImageSource::parse(OsStr::new(text))
    }

    #[test]
    fn an_address_is_no_file() {
        for (path, address) in [
            ("https://a.test/b.tar", Some("https://a.test/b.tar")),
            ("/home/me/http://a.test/b.tar", Some("http://a.test/b.tar")),
            ("/home/me/https", None),
        ] {
            let hint = address.map(|address| format!("fetch it before: curl -fLO {address}"));
            assert_eq!(fetch_hint(Path::new(path)), hint, "{path}");
        }
    }

    #[test]
    fn prefixes_decide() {
        let located = |text: &str| Located { text: text.into() };
        assert_eq!(parse("host"), Ok(ImageSource::Host));
        assert_eq!(parse("oci:d"), Ok(ImageSource::OciLayout(located("d"))));
        assert_eq!(parse("oci-archive:f:t"), Ok(ImageSource::OciArchive(located("f:t"))));
        assert_eq!(parse("docker-archive:f:a/b:t"), Ok(ImageSource::DockerArchive(located("f:a/b:t"))));
        assert_eq!(parse("rootfs:/a:b"), Ok(ImageSource::RootfsDirectory("/a:b".into())));
        for text in ["busybox", "hosts", "host:1", "oci", "cafe", "docker.io/library/oci:1"] {
            assert_eq!(parse(text), Ok(ImageSource::Stored(text.parse().unwrap())), "{text}");
        }
        for bad in ["", "oci:", "rootfs:", "oci:\0", "/a", "./a", "A"] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
        assert!(parse("./a.tar").unwrap_err().hint().unwrap().contains("oci-archive:./a.tar"));
        let raw = ImageSource::parse(OsStr::from_bytes(b"rootfs:/\xff")).unwrap();
        assert_eq!(raw, ImageSource::RootfsDirectory(PathBuf::from(OsStr::from_bytes(b"/\xff"))));
    }

    #[test]
    fn candidates_go_from_the_left() {
        let candidates = |text: &[u8]| {
            let shown = |(path, name): (PathBuf, Option<String>)| (path.to_string_lossy().into_owned(), name);
            Located { text: OsStr::from_bytes(text).into() }
                .candidates()
                .into_iter()
                .map(shown)
                .collect::<Vec<_>>()
        };
        let pair = |path: &str, name: Option<&str>| (path.to_owned(), name.map(str::to_owned));
        assert_eq!(candidates(b"d"), [pair("d", None)]);
        assert_eq!(
            candidates(b"d:r:5/x:t"),
            [
                pair("d:r:5/x:t", None),
                pair("d", Some("r:5/x:t")),
                pair("d:r", Some("5/x:t")),
                pair("d:r:5/x", Some("t"))
            ]
        );
        assert_eq!(candidates(b":t:"), [pair(":t:", None)]);
        assert_eq!(candidates(b"a:\xff").len(), 1);
    }
}
