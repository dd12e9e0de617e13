//! `--filter` of the verbs about volumes.

use minirun::container::VolumeSummary;
use minirun::plan::name::Label;
use regex::Regex;

use crate::failure::Failure;
use crate::time;

const LS_LEGAL: &str = "name, driver, label, label!, dangling, until, since, after, anonymous, scope and opt";
const PRUNE_LEGAL: &str = "label, label!, all, until, since, after and anonymous";

/// Which verb the filters are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Ls,
    Prune,
}

impl Verb {
    fn legal(self) -> &'static str {
        match self {
            Self::Ls => LS_LEGAL,
            Self::Prune => PRUNE_LEGAL,
        }
    }

    fn knows(self, key: &str) -> bool {
        !key.is_empty() && key != "and" && self.legal().split([',', ' ']).any(|legal| legal == key)
    }
}

/// `KEY` or `KEY=VALUE`, to be found among labels or options.
#[derive(Debug)]
pub(crate) struct Pair {
    key: String,
    value: Option<String>,
}

impl Pair {
    pub(crate) fn parse(text: &str) -> Self {
        match text.split_once('=') {
            Some((key, value)) => Self { key: key.to_owned(), value: Some(value.to_owned()) },
            None => Self { key: text.to_owned(), value: None },
        }
    }

    pub(crate) fn fits(&self, key: &str, value: &str) -> bool {
        self.key == key && self.value.as_ref().is_none_or(|wanted| wanted == value)
    }

    pub(crate) fn is_among(&self, labels: &[Label]) -> bool {
        labels.iter().any(|label| self.fits(&label.key, &label.value))
    }
}

/// All filters of one command.
#[derive(Debug)]
pub(crate) struct Filters {
    verb: Verb,
    /// The text itself, and the expression that it is.
    names: Vec<(String, Regex)>,
    drivers: Vec<String>,
    scopes: Vec<String>,
    labels: Vec<Pair>,
    excluded: Vec<Pair>,
    options: Vec<Pair>,
    dangling: Option<bool>,
    anonymous: Option<bool>,
    all: Option<bool>,
    /// Made before this moment.
    until: Vec<i64>,
    /// Made after this moment.
    since: Vec<(i64, u32)>,
}

impl Filters {
    /// Reads `KEY=VALUE`s; `volumes` are all that there are.
    pub(crate) fn parse(texts: &[String], verb: Verb, volumes: &[VolumeSummary]) -> Result<Self, Failure> {
        let mut filters = Self {
            verb,
            names: Vec::new(),
            drivers: Vec::new(),
            scopes: Vec::new(),
            labels: Vec::new(),
            excluded: Vec::new(),
            options: Vec::new(),
            dangling: None,
            anonymous: None,
            all: None,
            until: Vec::new(),
            since: Vec::new(),
        };
        for text in texts {
            filters.add(text, volumes)?;
        }
        Ok(filters)
    }

    fn add(&mut self, text: &str, volumes: &[VolumeSummary]) -> Result<(), Failure> {
        let error = || Failure::Filter { text: text.to_owned(), legal: self.verb.legal() };
        let (key, value) = text.split_once('=').ok_or_else(error)?;
        let (key, value) = (key.trim().to_lowercase(), value.trim());
        if !self.verb.knows(&key) {
            return Err(error());
        }
        let bad = |legal| Failure::FilterValue { text: text.to_owned(), legal };
        match key.as_str() {
            "name" => {
                let regex = Regex::new(value).map_err(|_| bad("a name or a regular expression"))?;
                self.names.push((value.to_owned(), regex));
            }
            "driver" => self.drivers.push(value.to_owned()),
            "scope" => self.scopes.push(value.to_owned()),
            "label" => self.labels.push(Pair::parse(value)),
            "label!" => self.excluded.push(Pair::parse(value)),
            "opt" => self.options.push(Pair::parse(value)),
            "dangling" => self.dangling = Some(truth(value, self.dangling).ok_or_else(|| bad(TRUTHS))?),
            "anonymous" => self.anonymous = Some(truth(value, self.anonymous).ok_or_else(|| bad(TRUTHS))?),
            "all" => self.all = Some(truth(value, self.all).ok_or_else(|| bad(TRUTHS))?),
            "until" => self.until.push(time::moment(value).ok_or_else(|| bad(time::MOMENTS))?),
            _ => {
                let volume = volumes.iter().find(|volume| volume.record.name.as_str() == value);
                let record = &volume.ok_or_else(|| bad("the name of a volume"))?.record;
                self.since.push((record.created, record.nanoseconds));
            }
        }
        Ok(())
    }

    /// What `all=` says.
    pub(crate) fn all(&self) -> Option<bool> {
        self.all
    }

    /// Whether a volume is one that is asked for.
    pub(crate) fn fit(&self, volume: &VolumeSummary) -> bool {
        let record = &volume.record;
        let name = record.name.as_str();
        let is_one_of = |wanted: &[String]| wanted.is_empty() || wanted.iter().any(|one| one == "local");
        (self.names.is_empty() || self.names.iter().any(|(text, regex)| text == name || regex.is_match(name)))
            && is_one_of(&self.drivers)
            && is_one_of(&self.scopes)
            && self.labels.iter().all(|pair| pair.is_among(&record.labels))
            && !self.excludes(&record.labels)
            && self.options.iter().all(|pair| record.options.iter().any(|(key, value)| pair.fits(key, value)))
            && self.dangling.is_none_or(|dangling| dangling == volume.users.is_empty())
            && self.anonymous.is_none_or(|anonymous| anonymous == record.anonymous)
            && self.until.iter().all(|until| record.created < *until)
            && self.since.iter().all(|since| (record.created, record.nanoseconds) > *since)
    }

    /// `label!=`: with Docker, whose it is in `prune`, a volume must have all of them to be spared.
    fn excludes(&self, labels: &[Label]) -> bool {
        let mut found = self.excluded.iter().map(|pair| pair.is_among(labels));
        match self.verb {
            Verb::Ls => found.any(|fits| fits),
            Verb::Prune => !self.excluded.is_empty() && found.all(|fits| fits),
        }
    }
}

/// What [`truth`] takes.
pub(crate) const TRUTHS: &str = "true, false, 1 or 0, and the same each time";

/// A truth that does not contradict the one before.
pub(crate) fn truth(text: &str, before: Option<bool>) -> Option<bool> {
    let value = match text {
        "true" | "1" => true,
        "false" | "0" => false,
        _ => return None,
    };
    before.is_none_or(|before| before == value).then_some(value)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use minirun::store::volume::VolumeRecord;

    use super::*;

    fn volume(name: &str, labels: &[&str], users: &[&str]) -> VolumeSummary {
        VolumeSummary {
            record: VolumeRecord {
                name: name.parse().unwrap(),
                anonymous: name.len() == 64,
                labels: labels.iter().map(|label| label.parse().unwrap()).collect(),
                created: 1000 + i64::try_from(name.len()).unwrap(),
                nanoseconds: 0,
                options: BTreeMap::from([("type".to_owned(), "none".to_owned())]),
            },
            users: users.iter().map(|name| name.parse().unwrap()).collect(),
            mountpoint: "/x".into(),
        }
    }

    fn fitting(verb: Verb, texts: &[&str]) -> Result<Vec<String>, Failure> {
        let volumes = [
            volume("data", &["a=1", "b"], &["web"]),
            volume("data2", &["a=2"], &[]),
            volume("other", &[], &[]),
        ];
        let texts: Vec<String> = texts.iter().map(|&text| text.to_owned()).collect();
        let filters = Filters::parse(&texts, verb, &volumes)?;
        let fitting = volumes.iter().filter(|volume| filters.fit(volume));
        Ok(fitting.map(|volume| volume.record.name.to_string()).collect())
    }

    #[test]
    fn filters_of_ls() {
        for (texts, wanted) in [
            (&[][..], "data data2 other"),
            (&["name=data"], "data data2"),
            (&["name=^data$"], "data"),
            (&["name=^d", "name=other"], "data data2 other"),
            (&["NAME = oth.r "], "other"),
            (&["label=a"], "data data2"),
            (&["label=a=1"], "data"),
            (&["label=a", "label=b"], "data"),
            (&["label=a=1", "label=a=2"], ""),
            (&["label!=a=1"], "data2 other"),
            (&["label!=a=1", "label!=a=2"], "other"),
            (&["dangling=true"], "data2 other"),
            (&["dangling=0", "dangling=false"], "data"),
            (&["driver=local", "driver=x"], "data data2 other"),
            (&["driver=loc"], ""),
            (&["scope=global"], ""),
            (&["opt=type"], "data data2 other"),
            (&["opt=type=tmpfs"], ""),
            (&["anonymous=false", "name=o"], "other"),
            (&["until=1005"], "data"),
            (&["since=data"], "data2 other"),
            (&["after=data2"], ""),
            (&["until=1h"], "data data2 other"),
        ] {
            assert_eq!(fitting(Verb::Ls, texts).unwrap().join(" "), wanted, "{texts:?}");
        }
    }

    #[test]
    fn filters_of_prune() {
        for (texts, wanted) in [
            (&["label!=a"][..], "other"),
            (&["label!=a=1", "label!=b"], "data2 other"),
            (&["label!=a=1", "label!=a=2"], "data data2 other"),
            (&["all=true", "label=a"], "data data2"),
        ] {
            assert_eq!(fitting(Verb::Prune, texts).unwrap().join(" "), wanted, "{texts:?}");
        }
    }

    #[test]
    fn what_is_no_filter() {
        for text in ["", "name", "dangling", "nonsense=1", "=x", "and=x", "all=1", "label"] {
            assert!(matches!(fitting(Verb::Ls, &[text]), Err(Failure::Filter { .. })), "{text}");
        }
        for text in ["dangling=yes", "dangling=", "dangling=TRUE", "name=(", "until=soon", "since=nobody"] {
            assert!(matches!(fitting(Verb::Ls, &[text]), Err(Failure::FilterValue { .. })), "{text}");
        }
        assert!(fitting(Verb::Ls, &["dangling=1", "dangling=0"]).is_err());
        for text in ["name=x", "dangling=true", "driver=local", "all=2"] {
            assert!(fitting(Verb::Prune, &[text]).is_err(), "{text}");
        }
    }
}
