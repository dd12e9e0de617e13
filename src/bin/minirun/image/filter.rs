//! `--filter` of `images`.

use std::ffi::OsStr;
use std::path::Path;

use minirun::plan::pattern::{self, Part};
use minirun::store::list::ImageSummary;

use super::Row;
use crate::failure::Failure;
use crate::time;
use crate::volume::filter::{Pair, TRUTHS, truth};

const LEGAL: &str =
    "dangling=BOOL, label=KEY[=VALUE], reference=PATTERN, before=IMAGE, since=IMAGE and until=TIME";

/// All filters of one command.
#[derive(Debug, Default)]
pub(super) struct Filters {
    dangling: Option<bool>,
    labels: Vec<Pair>,
    /// Patterns of names, part by part between the slashes; one that fits is enough.
    references: Vec<Vec<Part>>,
    /// Made before these moments.
    before: Vec<i64>,
    /// Made after these moments.
    since: Vec<i64>,
}

impl Filters {
    /// Reads `KEY=VALUE`s; `images` are all that there are.
    pub(super) fn parse(texts: &[String], images: &[ImageSummary]) -> Result<Self, Failure> {
        let mut filters = Self::default();
        for text in texts {
            let error = || Failure::Filter { text: text.clone(), legal: LEGAL };
            let bad = |legal| Failure::FilterValue { text: text.clone(), legal };
            let (key, value) = text.split_once('=').ok_or_else(error)?;
            let value = value.trim();
            let made = || made(value, images).ok_or_else(|| bad("an image of the store"));
            match key.trim().to_lowercase().as_str() {
                "dangling" => {
                    filters.dangling = Some(truth(value, filters.dangling).ok_or_else(|| bad(TRUTHS))?);
                }
                "label" => filters.labels.push(Pair::parse(value)),
                "reference" => {
                    let parts = pattern::parse(OsStr::new(value), Path::new("/"));
                    let legal = "a name or a pattern of names, such as alpine:3.* or example.com/*/tool";
                    filters.references.push(parts.map_err(|_| bad(legal))?);
                }
                "before" => filters.before.push(made()?),
                "since" => filters.since.push(made()?),
                "until" => filters.before.push(time::moment(value).ok_or_else(|| bad(time::MOMENTS))?),
                _ => return Err(error()),
            }
        }
        Ok(filters)
    }

    pub(super) fn fit(&self, row: &Row<'_>) -> bool {
        let created = row.created();
        self.dangling.is_none_or(|dangling| dangling == row.reference.is_none())
            && self.labels.iter().all(|pair| pair.is_among(&row.image.labels))
            && (self.references.is_empty() || self.references.iter().any(|parts| is_called(row, parts)))
            && self.before.iter().all(|before| created.is_some_and(|created| created < *before))
            && self.since.iter().all(|since| created.is_some_and(|created| created > *since))
    }
}

/// When an image was made that has this name, or an ID that begins so.
fn made(text: &str, images: &[ImageSummary]) -> Option<i64> {
    let digits = text.strip_prefix("sha256:").unwrap_or(text);
    let is_it = |image: &&ImageSummary| {
        super::rows(image).iter().any(|row| row.is_called(text) || row.is_called(&format!("{text}:latest")))
            || (!digits.is_empty() && image.id.hex().starts_with(digits))
    };
    let image = images.iter().find(is_it)?;
    Row { image, reference: None }.created()
}

/// Whether the name, with its tag or without, fits a pattern. As with Docker it is the short name that has to, and `*` is
/// no slash.
fn is_called(row: &Row<'_>, parts: &[Part]) -> bool {
    let fits = |name: String| {
        let names: Vec<&str> = name.split('/').collect();
        let fits_part = |(part, name): (&Part, &&str)| match part {
            Part::Name(text) => text.as_os_str() == OsStr::new(name),
            Part::Any(pattern) => pattern.matches(OsStr::new(name)),
        };
        names.len() == parts.len() && parts.iter().zip(&names).all(fits_part)
    };
    row.reference.is_some_and(|reference| fits(reference.familiar()) || fits(reference.familiar_name()))
}

#[cfg(test)]
mod tests {
    use minirun::plan::reference::Reference;

    use super::*;

    fn image(digit: char, names: &[&str], (created, label): (&str, &str)) -> ImageSummary {
        ImageSummary {
            id: format!("sha256:{}", digit.to_string().repeat(64)).parse().unwrap(),
            references: names.iter().map(|name| name.parse().unwrap()).collect(),
            digests: Vec::new(),
            created: Some(created.to_owned()),
            labels: vec![label.parse().unwrap()],
            size: 1,
        }
    }

    fn fitting(texts: &[&str]) -> Result<String, Failure> {
        let images = [
            image('1', &["alpine:3.19", "alpine:latest"], ("2024-01-01T00:00:00Z", "a=1")),
            image('2', &["example.com/team/tool:1"], ("2024-02-01T00:00:00Z", "b")),
            image('3', &[], ("2024-03-01T00:00:00Z", "a=2")),
        ];
        let texts: Vec<String> = texts.iter().map(|&text| text.to_owned()).collect();
        let filters = Filters::parse(&texts, &images)?;
        let rows = images.iter().flat_map(super::super::rows).filter(|row| filters.fit(row));
        let shown = |row: Row<'_>| row.reference.map_or_else(|| row.id(false), Reference::familiar);
        Ok(rows.map(shown).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn what_fits() {
        let (alpine, tool, untagged) =
            ("alpine:3.19 alpine:latest", "example.com/team/tool:1", "333333333333");
        for (texts, wanted) in [
            (&[][..], format!("{alpine} {tool} {untagged}")),
            (&["dangling=true"], untagged.to_owned()),
            (&["dangling=false", "label=a"], alpine.to_owned()),
            (&["label=a", "label=a=2"], untagged.to_owned()),
            (&["reference=alpine"], alpine.to_owned()),
            (&["reference=al*:3*"], "alpine:3.19".to_owned()),
            (&["reference=*:latest", "reference=example.com/*/tool"], format!("alpine:latest {tool}")),
            (&["reference=example.com/*"], String::new()),
            (&["before=example.com/team/tool:1"], alpine.to_owned()),
            (&["since=alpine"], format!("{tool} {untagged}")),
            (&["since=1111"], format!("{tool} {untagged}")),
            (&["until=2024-02-15"], format!("{alpine} {tool}")),
        ] {
            assert_eq!(fitting(texts).unwrap(), wanted, "{texts:?}");
        }
        for text in ["", "name=x", "dangling", "dangling=maybe", "since=nowhere", "until=soon", "reference=["]
        {
            assert!(fitting(&[text]).is_err(), "{text}");
        }
    }
}
