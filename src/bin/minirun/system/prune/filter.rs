//! `--filter` of `system prune`, `image prune` and `container prune`.

use minirun::plan::name::Label;

use crate::failure::Failure;
use crate::time;
use crate::volume::filter::Pair;

const LEGAL: &str = "until=TIME, label=KEY[=VALUE] and label!=KEY[=VALUE]";

/// All filters of one command.
#[derive(Debug, Default)]
pub(crate) struct Filters {
    /// Made before this moment.
    until: Option<i64>,
    labels: Vec<Pair>,
    excluded: Vec<Pair>,
}

impl Filters {
    pub(crate) fn parse(texts: &[String]) -> Result<Self, Failure> {
        let mut filters = Self::default();
        for text in texts {
            let error = || Failure::Filter { text: text.clone(), legal: LEGAL };
            let (key, value) = text.split_once('=').ok_or_else(error)?;
            match (key.trim().to_lowercase().as_str(), value.trim()) {
                ("until", value) => {
                    let bad = || Failure::FilterValue { text: text.clone(), legal: time::MOMENTS };
                    filters.until = Some(time::moment(value).ok_or_else(bad)?);
                }
                ("label", value) => filters.labels.push(Pair::parse(value)),
                ("label!", value) => filters.excluded.push(Pair::parse(value)),
                _ => return Err(error()),
            }
        }
        Ok(filters)
    }

    /// Whether one of them is about time.
    pub(crate) fn has_until(&self) -> bool {
        self.until.is_some()
    }

    /// Whether something that was made then, with these labels, may go. As with Docker, all `label!=` must fit for it
    /// to be spared.
    pub(crate) fn fit(&self, created: i64, labels: &[Label]) -> bool {
        let is_excluded = !self.excluded.is_empty() && self.excluded.iter().all(|pair| pair.is_among(labels));
        self.until.is_none_or(|until| created < until)
            && self.labels.iter().all(|pair| pair.is_among(labels))
            && !is_excluded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_label_must_be_there_and_every_other_may_spare() {
        let labels: Vec<Label> = ["a=1", "b"].iter().map(|text| text.parse().unwrap()).collect();
        let fits = |texts: &[&str]| {
            let texts: Vec<String> = texts.iter().map(|&text| text.to_owned()).collect();
            Filters::parse(&texts).map(|filters| filters.fit(100, &labels))
        };
        for (texts, wanted) in [
            (&[][..], true),
            (&["label=a"], true),
            (&["label=a=1", "LABEL = b"], true),
            (&["label=a=2"], false),
            (&["label=a", "label=c"], false),
            (&["label!=a"], false),
            (&["label!=a", "label!=c"], true),
            (&["until=100"], false),
            (&["until=101"], true),
            (&["until=1h", "label=b"], true),
        ] {
            assert_eq!(fits(texts).unwrap(), wanted, "{texts:?}");
        }
        for bad in ["", "label", "name=x", "until", "until=soon"] {
            assert!(fits(&[bad]).is_err(), "{bad}");
        }
    }
}
