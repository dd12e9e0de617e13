//! Values as Go prints them, and `printf`.

use std::fmt::Write as _;

use serde_json::Value;

/// A value as Go prints it.
pub(super) fn plain(value: &Value) -> String {
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

/// Whether Go takes a value for true: what is empty or nothing is not.
pub(super) fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(truth) => *truth,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(values) => !values.is_empty(),
        Value::Object(object) => !object.is_empty(),
    }
}

/// `print`: blanks stand between values of which none is a text.
pub(super) fn print(values: &[&Value]) -> String {
    let mut text = String::new();
    for (at, value) in values.iter().enumerate() {
        if at > 0 && !value.is_string() && !values[at - 1].is_string() {
            text.push(' ');
        }
        text.push_str(&plain(value));
    }
    text
}

/// What stands between `%` and the letter of a verb.
#[derive(Debug, Default)]
struct Directive {
    left: bool,
    zeros: bool,
    sign: bool,
    width: usize,
    precision: Option<usize>,
}

/// `printf`.
pub(super) fn printf(format: &str, values: &[&Value]) -> String {
    let mut text = String::new();
    let mut values = values.iter();
    let mut rest = format;
    while let Some((before, after)) = rest.split_once('%') {
        text.push_str(before);
        let (directive, after) = directive(after);
        let mut chars = after.chars();
        match chars.next() {
            None => text.push_str("%!(NOVERB)"),
            Some('%') => text.push('%'),
            Some(verb) => match values.next() {
                Some(value) => text.push_str(&padded(&converted(verb, value, &directive), &directive)),
                // Writing to a string does not fail.
                None => drop(write!(text, "%!{verb}(MISSING)")),
            },
        }
        rest = chars.as_str();
    }
    text + rest
}

fn directive(text: &str) -> (Directive, &str) {
    let mut directive = Directive::default();
    let flags = text.trim_start_matches(['-', '0', '+', ' ', '#']);
    for flag in text[..text.len() - flags.len()].chars() {
        directive.left |= flag == '-';
        directive.zeros |= flag == '0';
        directive.sign |= flag == '+';
    }
    let (width, rest) = digits(flags);
    directive.width = width.unwrap_or_default();
    match rest.strip_prefix('.') {
        Some(rest) => {
            let (precision, rest) = digits(rest);
            directive.precision = Some(precision.unwrap_or_default());
            (directive, rest)
        }
        None => (directive, rest),
    }
}

/// A number that is not beyond reason, and what is behind it.
fn digits(text: &str) -> (Option<usize>, &str) {
    let rest = text.trim_start_matches(|char: char| char.is_ascii_digit());
    let number = text[..text.len() - rest.len()].parse::<u16>();
    (number.ok().map(usize::from), rest)
}

fn converted(verb: char, value: &Value, directive: &Directive) -> String {
    let cut = |text: String| match directive.precision {
        Some(precision) => text.chars().take(precision).collect(),
        None => text,
    };
    match (verb, value) {
        ('s' | 'v', Value::String(text)) => cut(text.clone()),
        ('v', value) => plain(value),
        ('s', Value::Array(_) | Value::Object(_) | Value::Null) => plain(value),
        ('q', Value::String(text)) => format!("{:?}", cut(text.clone())),
        ('d', Value::Number(number)) if !number.is_f64() => {
            let is_plus = directive.sign && !number.to_string().starts_with('-');
            format!("{}{number}", if is_plus { "+" } else { "" })
        }
        ('t', Value::Bool(truth)) => truth.to_string(),
        ('x', Value::String(text)) => text.bytes().map(|byte| format!("{byte:02x}")).collect(),
        ('x', Value::Number(number)) if number.is_u64() => {
            format!("{:x}", number.as_u64().unwrap_or_default())
        }
        ('f' | 'g' | 'e', Value::Number(number)) => {
            format!("{:.*}", directive.precision.unwrap_or(6), number.as_f64().unwrap_or_default())
        }
        ('T', value) => kind(value).to_owned(),
        (verb, value) => format!("%!{verb}({}={})", kind(value), plain(value)),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

fn padded(text: &str, directive: &Directive) -> String {
    let missing = directive.width.saturating_sub(text.chars().count());
    if directive.left {
        return text.to_owned() + &" ".repeat(missing);
    }
    if directive.zeros {
        let digits = text.trim_start_matches(['-', '+']);
        let (sign, digits) = text.split_at(text.len() - digits.len());
        return format!("{sign}{}{digits}", "0".repeat(missing));
    }
    " ".repeat(missing) + text
}
