//! `--filter` of `events`: several values of one key, any of which may fit, and all keys must.

use minirun::plan::occurrence::{Occurrence, Subject};

use crate::failure::Failure;
use crate::volume::filter::Pair;

const LEGAL: &str = "type, event, container, image, volume, label and scope";
const SUBJECTS: [Subject; 3] = [Subject::Container, Subject::Image, Subject::Volume];

/// All filters of one command.
#[derive(Debug, Default)]
pub(super) struct Filters {
    kinds: Vec<String>,
    actions: Vec<String>,
    containers: Vec<String>,
    images: Vec<String>,
    volumes: Vec<String>,
    scopes: Vec<String>,
    labels: Vec<Pair>,
}

impl Filters {
    pub(super) fn parse(texts: &[String]) -> Result<Self, Failure> {
        let mut filters = Self::default();
        for text in texts {
            let error = || Failure::Filter { text: text.clone(), legal: LEGAL };
            let (key, value) = text.split_once('=').ok_or_else(error)?;
            let (key, value) = (key.trim().to_lowercase(), value.trim());
            let list = match key.as_str() {
                "type" if SUBJECTS.iter().all(|subject| subject.word() != value) => {
                    let legal = "container, image or volume";
                    return Err(Failure::FilterValue { text: text.clone(), legal });
                }
                "type" => &mut filters.kinds,
                "event" => &mut filters.actions,
                "container" => &mut filters.containers,
                "image" => &mut filters.images,
                "volume" => &mut filters.volumes,
                "scope" => &mut filters.scopes,
                "label" => {
                    filters.labels.push(Pair::parse(value));
                    continue;
                }
                _ => return Err(error()),
            };
            list.push(value.to_owned());
        }
        Ok(filters)
    }

    /// Whether an event is one of those that are asked for.
    pub(super) fn fit(&self, one: &Occurrence) -> bool {
        any(&self.kinds, |kind| one.subject.word() == kind)
            && any(&self.actions, |action| is_action(&one.action, action))
            && any(&self.containers, |name| is_of(one, Subject::Container, name))
            && any(&self.volumes, |name| is_of(one, Subject::Volume, name))
            && any(&self.images, |name| is_of_image(one, name))
            && any(&self.scopes, |scope| scope == super::SCOPE)
            && self.labels.iter().all(|pair| one.attributes.iter().any(|(key, value)| pair.fits(key, value)))
    }
}

fn any(wanted: &[String], fits: impl Fn(&str) -> bool) -> bool {
    wanted.is_empty() || wanted.iter().any(|one| fits(one))
}

/// `exec_start` is also `exec_start: sh -c ls`.
fn is_action(action: &str, wanted: &str) -> bool {
    action == wanted || action.split_once(": ").is_some_and(|(word, _)| word == wanted)
}

/// Whether it is about the thing with that name or ID, or a beginning of one.
fn is_of(one: &Occurrence, subject: Subject, name: &str) -> bool {
    let named = one.attributes.get("name").is_some_and(|own| own.starts_with(name.trim_start_matches('/')));
    one.subject == subject && (named || one.id.starts_with(name))
}

/// Whether it is about the image, or a container of it; a tag may be left out.
fn is_of_image(one: &Occurrence, name: &str) -> bool {
    let attribute = match one.subject {
        Subject::Container => "image",
        Subject::Image => "name",
        Subject::Volume => return false,
    };
    let is_so = |own: &str| own == name || own.rsplit_once(':').is_some_and(|(own, _)| own == name);
    one.attributes.get(attribute).is_some_and(|own| is_so(own))
        || (one.subject == Subject::Image
            && (one.id == name || one.id.trim_start_matches("sha256:").starts_with(name)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn fits(texts: &[&str], one: &Occurrence) -> bool {
        let texts: Vec<String> = texts.iter().map(|&text| text.to_owned()).collect();
        Filters::parse(&texts).unwrap().fit(one)
    }

    fn occurrence(subject: Subject, action: &str, attributes: &[(&str, &str)]) -> Occurrence {
        let attributes = attributes.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let attributes = attributes.collect::<BTreeMap<_, _>>();
        Occurrence { subject, action: action.to_owned(), id: "0a1b".to_owned(), attributes, nanoseconds: 0 }
    }

    #[test]
    fn what_fits() {
        let exec = occurrence(
            Subject::Container,
            "exec_start: sh",
            &[("image", "localhost:5000/a:1"), ("name", "web"), ("tier", "b")],
        );
        for texts in [
            &[][..],
            &["type=container"],
            &["type=image", "type=container"],
            &["event=exec_start"],
            &["event=die", "event=exec_start: sh"],
            &["container=we"],
            &["container=/web"],
            &["container=0a"],
            &["image=localhost:5000/a"],
            &["image=localhost:5000/a:1", "label=tier", "label=tier=b"],
            &["scope=local"],
        ] {
            assert!(fits(texts, &exec), "{texts:?}");
        }
        for texts in [
            &["type=image"][..],
            &["event=exec"],
            &["container=b"],
            &["volume=web"],
            &["image=localhost"],
            &["label=tier", "label=other"],
            &["scope=swarm"],
        ] {
            assert!(!fits(texts, &exec), "{texts:?}");
        }
        assert!(fits(&["volume=0a1b"], &occurrence(Subject::Volume, "create", &[])));
        assert!(fits(&["image=0a1"], &occurrence(Subject::Image, "load", &[("name", "x:1")])));
    }

    #[test]
    fn what_is_no_filter() {
        for bad in ["", "type", "type=network", "colour=red"] {
            assert!(Filters::parse(&[bad.to_owned()]).is_err(), "{bad}");
        }
    }
}
