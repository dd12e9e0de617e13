//! `minirun events`: what has happened and what happens, a line each, in the shape that Docker gives it.

mod filter;

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use minirun::container::{Engine, OccurrenceRequest};
use minirun::plan::occurrence::{Occurrence, Subject};
use serde::Serialize;
use serde_json::{Value, json};

use self::filter::Filters;
use crate::arguments::events::EventsArgs;
use crate::failure::Failure;
use crate::logs::moment;
use crate::output::Output;
use crate::template::Template;

const SECOND: i64 = 1_000_000_000;
/// Nothing here is in any other scope.
const SCOPE: &str = "local";

/// An event as Docker writes it in JSON, its fields in that order.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'a str>,
    #[serde(rename = "Type")]
    kind: &'static str,
    #[serde(rename = "Action")]
    action: &'a str,
    #[serde(rename = "Actor")]
    actor: Actor<'a>,
    scope: &'static str,
    time: i64,
    #[serde(rename = "timeNano")]
    nanoseconds: i64,
}

#[derive(Serialize)]
struct Actor<'a> {
    #[serde(rename = "ID")]
    id: &'a str,
    #[serde(rename = "Attributes")]
    attributes: &'a BTreeMap<String, String>,
}

impl<'a> Line<'a> {
    fn of(one: &'a Occurrence) -> Self {
        let is_old = match one.subject {
            Subject::Container | Subject::Image => true,
            Subject::Volume => false,
        };
        Self {
            // What only those have that Docker knew before the others came.
            status: is_old.then_some(one.action.as_str()),
            id: Some(one.id.as_str()).filter(|id| is_old && !id.is_empty()),
            from: one.attributes.get("image").map(String::as_str).filter(|_| is_old),
            kind: one.subject.word(),
            action: &one.action,
            actor: Actor { id: &one.id, attributes: &one.attributes },
            scope: SCOPE,
            time: one.nanoseconds.div_euclid(SECOND),
            nanoseconds: one.nanoseconds,
        }
    }

    fn json(&self) -> String {
        // Texts and numbers under text keys: all of that can become JSON.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The same with the names that templates have for the fields.
    fn fields(&self) -> Value {
        json!({
            "Status": self.status.unwrap_or_default(),
            "ID": self.id.unwrap_or_default(),
            "From": self.from.unwrap_or_default(),
            "Type": self.kind,
            "Action": self.action,
            "Actor": { "ID": self.actor.id, "Attributes": self.actor.attributes },
            "Scope": self.scope,
            "Time": self.time,
            "TimeNano": self.nanoseconds,
        })
    }
}

/// How an event is shown.
enum Style {
    Json,
    Template(Template),
}

impl Style {
    fn parse(format: Option<&str>) -> Result<Self, Failure> {
        match format.map(str::trim) {
            None | Some("json" | "{{json .}}" | "{{ json . }}") => Ok(Self::Json),
            Some(format) => Ok(Self::Template(Template::parse(format)?)),
        }
    }

    fn show(&self, one: &Occurrence) -> Result<String, Failure> {
        let line = Line::of(one);
        match self {
            Self::Json => Ok(line.json()),
            Self::Template(template) => Ok(template.render(&line.fields())?),
        }
    }
}

/// Prints events until their end; the exit code.
pub(crate) fn events(engine: &Engine, arguments: &EventsArgs, output: &mut Output) -> Result<u8, Failure> {
    let request = OccurrenceRequest {
        since: arguments.since.as_deref().map(moment).transpose()?,
        until: arguments.until.as_deref().map(moment).transpose()?,
    };
    let filters = Filters::parse(&arguments.filters)?;
    let style = Style::parse(arguments.format.as_deref())?;
    let mut printed = Ok(());
    engine.occurrences(&request, &mut |one| {
        printed = match one {
            Some(one) if filters.fit(one) => style.show(one).and_then(|line| output.line(line)),
            Some(_) => Ok(()),
            None => output.flush(),
        };
        if printed.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    printed.map(|()| 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn occurrence(subject: Subject, attributes: &[(&str, &str)]) -> Occurrence {
        let attributes = attributes.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        Occurrence {
            subject,
            action: "create".to_owned(),
            id: "0a".to_owned(),
            attributes: attributes.collect(),
            nanoseconds: 7_000_000_001,
        }
    }

    #[test]
    fn lines_are_as_docker_writes_them() {
        let container = occurrence(Subject::Container, &[("image", "x"), ("name", "web")]);
        assert_eq!(
            Line::of(&container).json(),
            r#"{"status":"create","id":"0a","from":"x","Type":"container","Action":"create","Actor":{"ID":"0a","Attributes":{"image":"x","name":"web"}},"scope":"local","time":7,"timeNano":7000000001}"#
        );
        let volume = occurrence(Subject::Volume, &[("driver", "local")]);
        assert_eq!(
            Line::of(&volume).json(),
            r#"{"Type":"volume","Action":"create","Actor":{"ID":"0a","Attributes":{"driver":"local"}},"scope":"local","time":7,"timeNano":7000000001}"#
        );
    }

    #[test]
    fn templates_have_names_of_their_own() {
        let container = occurrence(Subject::Container, &[("image", "x")]);
        let show = |format| Style::parse(Some(format)).unwrap().show(&container).unwrap();
        assert_eq!(
            show("{{.Type}} {{.ID}} {{.Actor.Attributes.image}} {{.TimeNano}}"),
            "container 0a x 7000000001"
        );
        assert_eq!(show("{{.Actor.Attributes.nothing}}"), "<no value>");
        assert_eq!(show("{{json .}}"), Line::of(&container).json());
    }
}
