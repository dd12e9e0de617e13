//! The small part of Go's templates that people use with `--format`: `{{.Field.Sub}}`, `{{json .Field}}`, text.

use serde_json::Value;
use thiserror::Error;

/// Why a template cannot be used.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum TemplateError {
    /// No end.
    #[error("`{0}` in the template has no `}}}}`")]
    Open(String),
    /// Something that Go has and this program does not.
    #[error("`{{{{{0}}}}}` in the template is not one that minirun has")]
    Unknown(String),
    /// The object has no such field.
    #[error("there is no field `{field}`; there are {legal}")]
    NoField {
        /// As typed.
        field: String,
        /// The fields at that place.
        legal: String,
    },
}

impl TemplateError {
    /// Whether the template cannot be read at all.
    pub(crate) fn is_syntax(&self) -> bool {
        match self {
            Self::Open(_) | Self::Unknown(_) => true,
            Self::NoField { .. } => false,
        }
    }

    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown(_) => Some("there are {{.Field}}, {{.Field.Field}} and {{json .Field}}".to_owned()),
            Self::Open(_) | Self::NoField { .. } => None,
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Form {
    Plain,
    Json,
}

#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Field { path: Vec<String>, form: Form },
}

/// A template, read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Template(Vec<Piece>);

impl Template {
    pub(crate) fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (action, after) =
                after.split_once("}}").ok_or_else(|| TemplateError::Open(rest.to_owned()))?;
            pieces.push(Piece::Text(unescape(before)));
            pieces.push(field(action)?);
            rest = after;
        }
        pieces.push(Piece::Text(unescape(rest)));
        pieces.retain(|piece| *piece != Piece::Text(String::new()));
        Ok(Self(pieces))
    }

    /// The template with the fields of `object`.
    pub(crate) fn render(&self, object: &Value) -> Result<String, TemplateError> {
        let mut text = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(piece) => text.push_str(piece),
                Piece::Field { path, form } => {
                    let value = look_up(object, path)?;
                    match form {
                        Form::Plain => text.push_str(&plain(value)),
                        Form::Json => text.push_str(&value.to_string()),
                    }
                }
            }
        }
        Ok(text)
    }
}

/// `\t` and `\n`, which a shell passes on as two characters.
fn unescape(text: &str) -> String {
    text.replace("\\t", "\t").replace("\\n", "\n")
}

fn field(action: &str) -> Result<Piece, TemplateError> {
    // A dash trims the blanks around it; where it stands there are hardly any.
    let words: Vec<&str> = action.split_whitespace().filter(|word| *word != "-").collect();
    let (form, path) = match words[..] {
        [path] => (Form::Plain, path),
        ["json", path] => (Form::Json, path),
        _ => return Err(TemplateError::Unknown(action.to_owned())),
    };
    let names = path.strip_prefix('.').ok_or_else(|| TemplateError::Unknown(action.to_owned()))?;
    let path: Vec<String> = match names {
        "" => Vec::new(),
        names => names.split('.').map(str::to_owned).collect(),
    };
    let is_name =
        |name: &String| !name.is_empty() && name.chars().all(|char| char.is_alphanumeric() || char == '_');
    if !path.iter().all(is_name) {
        return Err(TemplateError::Unknown(action.to_owned()));
    }
    Ok(Piece::Field { path, form })
}

fn look_up<'a>(object: &'a Value, path: &[String]) -> Result<&'a Value, TemplateError> {
    let mut value = object;
    for name in path {
        value = value
            .get(name)
            .ok_or_else(|| TemplateError::NoField { field: path.join("."), legal: fields(value) })?;
    }
    Ok(value)
}

fn fields(value: &Value) -> String {
    match value.as_object() {
        Some(object) if !object.is_empty() => object.keys().map(String::as_str).collect::<Vec<_>>().join(" "),
        _ => "none".to_owned(),
    }
}

/// A value as Go prints it.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => "<no value>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(values) => {
            format!("[{}]", values.iter().map(plain).collect::<Vec<_>>().join(" "))
        }
        Value::Object(object) => {
            let pairs: Vec<_> =
                object.iter().map(|(name, value)| format!("{name}:{}", plain(value))).collect();
            format!("map[{}]", pairs.join(" "))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn render(text: &str) -> Result<String, TemplateError> {
        let object =
            json!({"Name": "x", "State": {"ExitCode": 7, "Dead": false}, "Env": ["A=1", "B"], "No": null});
        Template::parse(text)?.render(&object)
    }

    #[test]
    fn fields_are_filled_in() {
        for (text, wanted) in [
            ("", ""),
            ("plain", "plain"),
            ("{{.Name}}", "x"),
            ("{{ .Name }}:{{.State.ExitCode}}", "x:7"),
            ("{{.Name}}\\t{{.State.Dead}}\\n", "x\tfalse\n"),
            ("{{json .Env}}", r#"["A=1","B"]"#),
            ("{{.Env}} {{.State}}", "[A=1 B] map[Dead:false ExitCode:7]"),
            ("{{.No}}", "<no value>"),
            ("{{json .Name}}}", "\"x\"}"),
        ] {
            assert_eq!(render(text).as_deref(), Ok(wanted), "{text}");
        }
        assert!(render("{{json .}}").unwrap().starts_with(r#"{"Env":"#));
    }

    #[test]
    fn what_makes_no_sense_is_said() {
        for (text, wanted) in [
            ("{{.Name", "`{{.Name` in the template has no `}}`"),
            ("{{range .Env}}", "`{{range .Env}}` in the template is not one that minirun has"),
            ("{{Name}}", "`{{Name}}` in the template is not one that minirun has"),
            ("{{.}}{{.Nam}}", "there is no field `Nam`; there are Env Name No State"),
            ("{{.Name.x}}", "there is no field `Name.x`; there are none"),
            ("{{}}", "`{{}}` in the template is not one that minirun has"),
        ] {
            assert_eq!(render(text).unwrap_err().to_string(), wanted, "{text}");
        }
    }
}
