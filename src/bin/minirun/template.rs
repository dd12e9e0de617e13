//! Go templates as people type them behind `--format`: fields, pipelines, `if`, `range`, `with`, variables, and the
//! functions that Go and Docker have.
//!
//! Text is cut into [`lex`]emes, these are parsed into nodes ([`parse`]), and nodes are evaluated with a JSON value
//! ([`evaluate`]). Nothing here touches anything outside. A field that an object does not have is an error, as in Go;
//! but labels and their like are maps, where what is not there is `<no value>`.

mod evaluate;
mod function;
mod lex;
mod parse;
mod shape;
mod show;

use serde_json::Value;
use thiserror::Error;

use self::evaluate::{Labels, Scope};
use self::parse::Node;

/// The field of an object with the labels that `{{.Label "KEY"}}` asks for; nothing shows the field itself.
pub(crate) const LABEL_METHOD: &str = "Label";

/// Why a template cannot be used.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum TemplateError {
    /// No end.
    #[error("`{0}` in the template has no `}}}}`")]
    Open(String),
    /// Something that makes no sense, or that Go has and this program does not.
    #[error("`{{{{{0}}}}}` in the template is not one that minirun has")]
    Unknown(String),
    /// A block without its end.
    #[error("`{{{{{0}}}}}` in the template has no `{{{{end}}}}`")]
    NoEnd(String),
    /// No such function.
    #[error("there is no function `{0}` in templates")]
    NoFunction(String),
    /// A variable that nothing has declared.
    #[error("`{0}` in the template is no variable that was declared before")]
    NoVariable(String),
    /// The object has no such field.
    #[error("there is no field `{field}`; there are {legal}")]
    NoField {
        /// As typed.
        field: String,
        /// The fields at that place.
        legal: String,
    },
    /// A function cannot work with what it got.
    #[error("`{function}` in the template does not take {got}")]
    Argument {
        /// The function.
        function: String,
        /// What it got.
        got: String,
    },
}

impl TemplateError {
    /// Whether the template cannot be read at all.
    pub(crate) fn is_syntax(&self) -> bool {
        match self {
            Self::Open(_) | Self::Unknown(_) | Self::NoEnd(_) | Self::NoFunction(_) | Self::NoVariable(_) => {
                true
            }
            Self::NoField { .. } | Self::Argument { .. } => false,
        }
    }

    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown(_) => Some(
                "there are {{.Field}}, {{json .Field}}, {{index .Labels \"KEY\"}}, {{range .List}}…{{end}}, \
                 {{if .Field}}…{{else}}…{{end}}"
                    .to_owned(),
            ),
            Self::NoFunction(name) if name.starts_with(char::is_uppercase) => {
                Some(format!("a field begins with a dot: {{{{.{name}}}}}"))
            }
            Self::NoFunction(_) => Some(format!("there are {}", function::NAMES.join(" "))),
            Self::Open(_)
            | Self::NoEnd(_)
            | Self::NoVariable(_)
            | Self::NoField { .. }
            | Self::Argument { .. } => None,
        }
    }
}

/// A template, read.
#[derive(Debug, PartialEq)]
pub(crate) struct Template(Vec<Node>);

impl Template {
    pub(crate) fn parse(text: &str) -> Result<Self, TemplateError> {
        Ok(Self(parse::parse(lex::lex(text)?)?))
    }

    /// The template with the fields of `object`.
    pub(crate) fn render(&self, object: &Value) -> Result<String, TemplateError> {
        let mut object = object.clone();
        let labels = object.as_object_mut().and_then(|object| object.remove(LABEL_METHOD));
        self.evaluate(object, Labels::Of(labels.unwrap_or_default()))
    }

    /// The template as the heading of a table: `titles` holds the title of each field.
    pub(crate) fn render_titles(&self, titles: &Value) -> Result<String, TemplateError> {
        self.evaluate(titles.clone(), Labels::Titles)
    }

    fn evaluate(&self, object: Value, labels: Labels) -> Result<String, TemplateError> {
        let mut text = String::new();
        // `break` and `continue` stand in loops only, so nothing is left to leave here.
        let _ = Scope::new(object, labels).run(&self.0, &mut text)?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests;
