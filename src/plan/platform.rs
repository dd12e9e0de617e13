//! Platforms: `OS[/ARCHITECTURE[/VARIANT]]` in the words of Go, which image documents use.
//!
//! The many spellings are made one when a [`Platform`] is made, so that comparing is comparing text.
//! Source: OCI image specification, image-index.md, "Platform Variants".

use std::fmt;

use thiserror::Error;

/// A text that is no platform.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("`{0}` is not a platform (OS, OS/ARCHITECTURE or OS/ARCHITECTURE/VARIANT, such as linux/arm64)")]
pub struct PlatformError(String);

/// What an image runs on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Platform {
    os: String,
    architecture: String,
    variant: Option<String>,
}

impl Platform {
    /// A platform from the parts of an image document, or from `linux` and what `uname(2)` calls the machine.
    /// Spellings become one; the usual variant of an architecture becomes none.
    #[must_use]
    pub fn new(os: &str, architecture: &str, variant: Option<&str>) -> Self {
        let os = match os.to_lowercase().as_str() {
            "macos" => "darwin".to_owned(),
            other => other.to_owned(),
        };
        let variant = variant.unwrap_or_default().to_lowercase();
        let (architecture, implied) = canonical(&architecture.to_lowercase());
        let variant = if variant.is_empty() { implied.unwrap_or_default().to_owned() } else { variant };
        let is_number = variant.starts_with(|char: char| char.is_ascii_digit());
        let variant = if is_number { format!("v{variant}") } else { variant };
        let usual = usual_variant(&architecture);
        let variant = (!variant.is_empty() && usual != Some(variant.as_str())).then_some(variant);
        Self { os, architecture, variant }
    }

    /// Reads the value of `--platform`; what it does not say is as on `machine`. A lone architecture is taken for
    /// one of Linux.
    ///
    /// # Errors
    /// An empty part, more than three, or characters that no part has.
    pub fn parse(text: &str, machine: &Self) -> Result<Self, PlatformError> {
        let parts: Vec<&str> = text.split('/').collect();
        let inside = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        if parts.iter().any(|part| part.is_empty() || !part.bytes().all(inside)) {
            return Err(PlatformError(text.to_owned()));
        }
        match parts[..] {
            [only] if is_architecture(only) => Ok(Self::new("linux", only, None)),
            [os] => Ok(Self { os: Self::new(os, "", None).os, ..machine.clone() }),
            [os, architecture] => Ok(Self::new(os, architecture, None)),
            [os, architecture, variant] => Ok(Self::new(os, architecture, Some(variant))),
            _ => Err(PlatformError(text.to_owned())),
        }
    }

    /// The operating system, `linux`.
    #[must_use]
    pub fn os(&self) -> &str {
        &self.os
    }

    /// The architecture, `amd64`.
    #[must_use]
    pub fn architecture(&self) -> &str {
        &self.architecture
    }

    /// The variant, `v6`; `None` for the usual one, which is v7 for `arm`, v8 for `arm64`, v1 for `amd64`.
    #[must_use]
    pub fn variant(&self) -> Option<&str> {
        self.variant.as_deref()
    }

    /// Whether this platform runs what was built for `image`.
    #[must_use]
    pub fn runs(&self, image: &Self) -> bool {
        self.distance(image).is_some()
    }

    /// Which of `images` this platform runs best: its own variant, else the nearest below; the first of equals.
    #[must_use]
    pub fn choose(&self, images: &[Self]) -> Option<usize> {
        let distances = images.iter().enumerate().filter_map(|(at, image)| Some((self.distance(image)?, at)));
        distances.min().map(|(_, at)| at)
    }

    /// How many versions of the architecture `image` is behind; `None` if it does not run.
    fn distance(&self, image: &Self) -> Option<u32> {
        if (&self.os, &self.architecture) != (&image.os, &image.architecture) {
            return None;
        }
        if self.variant == image.variant {
            return Some(0);
        }
        self.version()?.checked_sub(image.version()?)
    }

    /// The number of the variant, for architectures whose later versions run what was built for earlier ones.
    fn version(&self) -> Option<u32> {
        let usual = usual_variant(&self.architecture)?;
        self.variant().unwrap_or(usual).strip_prefix('v')?.parse().ok()
    }
}

/// One name for each architecture, and the variant that a spelling implies.
fn canonical(architecture: &str) -> (String, Option<&'static str>) {
    let (name, variant) = match architecture {
        "x86_64" | "x86-64" => ("amd64", None),
        "aarch64" => ("arm64", None),
        "i386" | "i486" | "i586" | "i686" | "x86" => ("386", None),
        "armhf" | "armv7" | "armv7l" => ("arm", Some("v7")),
        "armel" | "armv6" | "armv6l" => ("arm", Some("v6")),
        "armv5" | "armv5l" | "armv5tel" => ("arm", Some("v5")),
        // A 64-bit processor whose kernel is asked by a 32-bit process.
        "armv8l" => ("arm", Some("v8")),
        "powerpc64le" => ("ppc64le", None),
        "loongarch64" => ("loong64", None),
        other => (other, None),
    };
    (name.to_owned(), variant)
}

fn usual_variant(architecture: &str) -> Option<&'static str> {
    match architecture {
        "amd64" => Some("v1"),
        "arm" => Some("v7"),
        "arm64" => Some("v8"),
        _ => None,
    }
}

fn is_architecture(text: &str) -> bool {
    let known = [
        "386", "amd64", "arm", "arm64", "loong64", "mips64le", "mipsle", "ppc64", "ppc64le", "riscv64",
        "s390x",
    ];
    known.contains(&canonical(&text.to_lowercase()).0.as_str())
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant.iter().try_for_each(|variant| write!(f, "/{variant}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn platform(text: &str) -> Platform {
        Platform::parse(text, &Platform::new("linux", "x86_64", None)).unwrap()
    }

    #[test]
    fn spellings_become_one() {
        for (text, shown) in [
            ("linux", "linux/amd64"),
            ("Linux", "linux/amd64"),
            ("arm64", "linux/arm64"),
            ("linux/x86_64", "linux/amd64"),
            ("linux/amd64/v1", "linux/amd64"),
            ("linux/amd64/3", "linux/amd64/v3"),
            ("linux/aarch64", "linux/arm64"),
            ("linux/arm64/v8", "linux/arm64"),
            ("linux/arm", "linux/arm"),
            ("linux/arm/7", "linux/arm"),
            ("linux/armhf", "linux/arm"),
            ("linux/armel", "linux/arm/v6"),
            ("linux/arm/v5", "linux/arm/v5"),
            ("linux/i686", "linux/386"),
            ("linux/S390X", "linux/s390x"),
            ("windows/amd64", "windows/amd64"),
            ("macos/arm64", "darwin/arm64"),
        ] {
            assert_eq!(platform(text).to_string(), shown, "{text}");
        }
        let machine = platform("linux");
        for bad in ["", "/", "linux/", "/amd64", "linux//v8", "linux/arm/v7/x", "linux amd64", "linux/ä"] {
            assert_eq!(Platform::parse(bad, &machine), Err(PlatformError(bad.into())));
        }
    }

    #[test]
    fn the_nearest_variant_below_is_best() {
        for (wanted, images, best) in [
            ("linux/amd64", &["linux/arm64", "linux/amd64"][..], Some(1)),
            ("linux/amd64", &["linux/amd64/v2"], None),
            ("linux/amd64/v3", &["linux/amd64", "linux/amd64/v2", "linux/amd64/v4"], Some(1)),
            ("linux/arm", &["linux/arm/v5", "linux/arm/v6", "linux/arm/v8"], Some(1)),
            ("linux/arm/v7", &["linux/arm/v6", "linux/arm/v7", "linux/arm"], Some(1)),
            ("linux/arm/v6", &["linux/arm/v7", "linux/arm/v5"], Some(1)),
            ("linux/arm64", &["linux/arm64/v9", "linux/arm64/v8"], Some(1)),
            ("linux/arm64", &["linux/arm"], None),
            ("linux/riscv64/x", &["linux/riscv64"], None),
            ("linux/amd64", &["unknown/unknown", "windows/amd64"], None),
            ("linux/amd64", &[], None),
        ] {
            let images: Vec<Platform> = images.iter().map(|text| platform(text)).collect();
            assert_eq!(platform(wanted).choose(&images), best, "{wanted}");
        }
        assert!(platform("linux").runs(&Platform::new("linux", "amd64", Some(""))));
    }
}
