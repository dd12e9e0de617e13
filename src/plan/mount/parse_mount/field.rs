//! One `KEY` or `KEY=VALUE` of `--mount`, and the values that it can have.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::plan::driver;
use crate::plan::limit::parse_size;
use crate::plan::mount::word;
use crate::plan::mount::{Problem, Propagation, Recursion, parse_tmpfs};
use crate::plan::path::Subpath;

/// One `KEY` or `KEY=VALUE`.
pub(super) struct Field {
    /// As typed; keys are the same in upper and lower case.
    pub(super) key: String,
    value: Option<Vec<u8>>,
}

impl Field {
    pub(super) fn split(field: &[u8]) -> Result<Self, Problem> {
        let shown = || String::from_utf8_lossy(field).into_owned();
        let mut parts = field.splitn(2, |&byte| byte == b'=');
        let (key, value) = (parts.next().unwrap_or_default(), parts.next());
        let blank = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_whitespace);
        if key.iter().any(u8::is_ascii_whitespace)
            || value.is_some_and(|value| blank(value.first()) || blank(value.last()))
        {
            return Err(Problem::Blank(shown()));
        }
        if key.is_empty() {
            return Err(Problem::EmptyWord);
        }
        let key = String::from_utf8_lossy(key).into_owned();
        if value.is_some_and(<[u8]>::is_empty) {
            return Err(Problem::NoValue { key, legal: "something behind the `=`" });
        }
        Ok(Self { key, value: value.map(<[u8]>::to_vec) })
    }

    pub(super) fn bytes(&self, legal: &'static str) -> Result<&[u8], Problem> {
        self.value.as_deref().ok_or_else(|| Problem::NoValue { key: self.key.clone(), legal })
    }

    pub(super) fn text(&self, legal: &'static str) -> Result<&str, Problem> {
        std::str::from_utf8(self.bytes(legal)?).map_err(|_| self.bad(legal))
    }

    pub(super) fn bad(&self, legal: &'static str) -> Problem {
        let value = String::from_utf8_lossy(self.value.as_deref().unwrap_or_default()).into_owned();
        Problem::BadValue { key: self.key.clone(), value, legal }
    }

    /// A text that `is_good`.
    fn checked(&self, legal: &'static str, is_good: impl Fn(&str) -> bool) -> Result<String, Problem> {
        let text = self.text(legal)?;
        if is_good(text) { Ok(text.to_owned()) } else { Err(self.bad(legal)) }
    }

    pub(super) fn truth(&self) -> Result<bool, Problem> {
        match self.value.as_deref() {
            None | Some(b"true" | b"1") => Ok(true),
            Some(b"false" | b"0") => Ok(false),
            Some(_) => Err(self.bad("true 1 false 0")),
        }
    }

    /// What a truth value stands for.
    pub(super) fn choose<T>(&self, yes: T, no: T) -> Result<T, Problem> {
        Ok(if self.truth()? { yes } else { no })
    }

    /// A word that says all there is to say.
    pub(super) fn flag<T>(&self, meaning: T) -> Result<T, Problem> {
        if self.value.is_some() { Err(Problem::TakesNoValue(self.key.clone())) } else { Ok(meaning) }
    }

    pub(super) fn propagation(&self) -> Result<Propagation, Problem> {
        let legal = "private rprivate shared rshared slave rslave unbindable runbindable";
        word::propagation(&self.text(legal)?.to_lowercase()).ok_or_else(|| self.bad(legal))
    }

    pub(super) fn recursion(&self) -> Result<Recursion, Problem> {
        let legal = "enabled disabled writable readonly";
        match self.text(legal)? {
            "enabled" => Ok(Recursion::Enabled),
            "disabled" => Ok(Recursion::Disabled),
            "writable" => Ok(Recursion::Writable),
            "readonly" => Ok(Recursion::ReadOnlyForced),
            _ => Err(self.bad(legal)),
        }
    }

    /// For `SELinux`, which rootless containers without it need not obey.
    pub(super) fn relabel(&self) -> Result<(), Problem> {
        self.checked("shared private", |value| value == "shared" || value == "private").map(drop)
    }

    pub(super) fn driver(&self) -> Result<(), Problem> {
        driver::check_driver(self.text("local")?).map_err(Problem::Driver)
    }

    /// A relative path.
    pub(super) fn subpath(&self) -> Result<Subpath, Problem> {
        let path = self.bytes("a relative path")?;
        let problem = |source| Problem::Subpath { key: self.key.clone(), source };
        Subpath::parse(OsStr::from_bytes(path)).map_err(problem)
    }

    /// A path from the root of the volume or image, with or without a slash at the beginning.
    pub(super) fn rooted_subpath(&self) -> Result<Subpath, Problem> {
        let path = self.bytes("a path")?;
        let slashes = path.iter().take_while(|&&byte| byte == b'/').count();
        let relative = match path.get(slashes..) {
            Some(b"") | None => b"./",
            Some(relative) => relative,
        };
        let relative = Self { key: self.key.clone(), value: Some(relative.to_vec()) };
        relative.subpath()
    }

    /// Bytes, or a percentage of the memory; none for 0, which Docker takes for "not given".
    pub(super) fn size(&self) -> Result<Option<String>, Problem> {
        let legal = "a number of bytes, also with k, m, g, t or p, or a percentage of the memory (`50%`)";
        let text = self.text(legal)?;
        if let Some(percent) = text.strip_suffix('%') {
            let number = percent.parse::<u32>().map_err(|_| self.bad(legal))?;
            return Ok((number > 0).then(|| format!("{number}%")));
        }
        let bytes = parse_size(text).map_err(|_| self.bad(legal))?;
        Ok((bytes > 0).then(|| bytes.to_string()))
    }

    /// Octal permissions; none for 0, which Docker takes for "not given".
    pub(super) fn mode(&self) -> Result<Option<String>, Problem> {
        let mode = self.octal()?;
        Ok((mode > 0).then(|| format!("{mode:04o}")))
    }

    /// Octal permissions.
    pub(super) fn octal(&self) -> Result<u32, Problem> {
        let legal = parse_tmpfs::MODE_LEGAL;
        parse_tmpfs::parse_mode(self.text(legal)?).ok_or_else(|| self.bad(legal))
    }

    /// A user or group of the container.
    pub(super) fn id(&self) -> Result<String, Problem> {
        self.checked(parse_tmpfs::ID_LEGAL, parse_tmpfs::is_id)
    }

    pub(super) fn number(&self) -> Result<String, Problem> {
        let is_number =
            |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u32>().is_ok();
        self.checked("a number below 4294967296", is_number)
    }
}
