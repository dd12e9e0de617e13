//! The functions of Go's templates, and those that Docker adds.

use std::cmp::Ordering;

use serde_json::Value;

use super::TemplateError;
use super::evaluate::{Item, Scope};
use super::parse::Operand;
use super::shape::Shape;
use super::show::{is_true, plain, print, printf};

/// The most blanks that `pad` puts at an end.
const WIDEST: usize = 10_000;

/// All of them.
pub(super) const NAMES: [&str; 26] = [
    "and", "eq", "ge", "gt", "html", "index", "join", "js", "json", "le", "len", "lower", "lt", "ne", "not",
    "or", "pad", "print", "printf", "println", "slice", "split", "title", "truncate", "upper", "urlquery",
];

/// Calls a function with words and the value of the command before.
pub(super) fn call(
    name: &str,
    (words, piped): (&[Operand], Option<Item>),
    scope: &Scope,
) -> Result<Item, TemplateError> {
    if let "and" | "or" = name {
        return choose(name, (words, piped), scope);
    }
    let mut items: Vec<Item> = words.iter().map(|word| scope.operand(word)).collect::<Result<_, _>>()?;
    items.extend(piped);
    if name == "index" {
        return index(&items);
    }
    let values: Vec<&Value> = items.iter().map(|item| &item.value).collect();
    // A title is no value: it stays as it is, in whatever form the values below it are shown.
    if scope.makes_titles()
        && let "json" | "truncate" | "pad" | "upper" | "lower" | "title" | "split" | "join" = name
    {
        return Ok(values.first().map_or(Value::Null, |title| (*title).clone()).into());
    }
    let value = texts(name, &values).or_else(|| comparison(name, &values)).or_else(|| parts(name, &values));
    value.map(Item::from).ok_or_else(|| wrong(name, &values))
}

fn wrong(name: &str, values: &[&Value]) -> TemplateError {
    let got = values.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
    let got = if got.is_empty() { "nothing".to_owned() } else { got };
    TemplateError::Argument { function: name.to_owned(), got }
}

/// `and` gives the first value that is not true, `or` the first that is; what is behind it is not looked at.
fn choose(
    name: &str,
    (words, piped): (&[Operand], Option<Item>),
    scope: &Scope,
) -> Result<Item, TemplateError> {
    let mut last = None;
    for word in words {
        let item = scope.operand(word)?;
        if is_true(&item.value) == (name == "or") {
            return Ok(item);
        }
        last = Some(item);
    }
    piped.or(last).ok_or_else(|| wrong(name, &[]))
}

/// Functions that make texts.
fn texts(name: &str, values: &[&Value]) -> Option<Value> {
    let text = match (name, values) {
        ("json", [value]) => value.to_string(),
        ("print", values) => print(values),
        ("println", values) => values.iter().map(|value| plain(value)).collect::<Vec<_>>().join(" ") + "\n",
        ("printf", [Value::String(format), rest @ ..]) => printf(format, rest),
        ("lower", [value]) => plain(value).to_lowercase(),
        ("upper", [value]) => plain(value).to_uppercase(),
        ("title", [value]) => title(&plain(value)),
        ("join", [Value::Array(values), Value::String(between)]) => {
            values.iter().map(plain).collect::<Vec<_>>().join(between)
        }
        ("join", [Value::Null, Value::String(_)]) => String::new(),
        ("pad", [Value::String(text), before, after]) => {
            let blanks =
                |value: &Value| number(value).filter(|&count| count <= WIDEST).map(|count| " ".repeat(count));
            if text.is_empty() { String::new() } else { blanks(before)? + text + &blanks(after)? }
        }
        ("truncate", [value, length]) => plain(value).chars().take(number(length)?).collect(),
        ("html", values) => escape(
            &print(values),
            &[('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;"), ('"', "&#34;"), ('\'', "&#39;")],
        ),
        ("js", values) => escape(
            &print(values),
            &[
                ('\\', "\\\\"),
                ('\'', "\\'"),
                ('"', "\\\""),
                ('<', "\\u003C"),
                ('>', "\\u003E"),
                ('&', "\\u0026"),
                ('=', "\\u003D"),
            ],
        ),
        ("urlquery", values) => query(&print(values)),
        _ => return None,
    };
    Some(text.into())
}

fn title(text: &str) -> String {
    let mut begins = true;
    let capital = |char: char| {
        let shown = if begins { char.to_uppercase().collect() } else { char.to_string() };
        begins = !char.is_alphanumeric() && char != '\'' && char != '_';
        shown
    };
    text.chars().map(capital).collect()
}

fn escape(text: &str, replacements: &[(char, &str)]) -> String {
    let escaped = |char: char| {
        let found = replacements.iter().find(|(plain, _)| *plain == char);
        found.map_or_else(|| char.to_string(), |(_, escaped)| (*escaped).to_owned())
    };
    text.chars().map(escaped).collect()
}

fn query(text: &str) -> String {
    let escaped = |byte: u8| match byte {
        b' ' => "+".to_owned(),
        b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(escaped).collect()
}

/// Functions that compare.
fn comparison(name: &str, values: &[&Value]) -> Option<Value> {
    let truth = match (name, values) {
        ("not", [value]) => !is_true(value),
        ("eq", [first, others @ ..]) if !others.is_empty() => {
            others.iter().any(|other| is_same(first, other))
        }
        ("ne", [one, other]) => !is_same(one, other),
        ("lt", [one, other]) => order(one, other)?.is_lt(),
        ("le", [one, other]) => order(one, other)?.is_le(),
        ("gt", [one, other]) => order(one, other)?.is_gt(),
        ("ge", [one, other]) => order(one, other)?.is_ge(),
        _ => return None,
    };
    Some(truth.into())
}

fn is_same(one: &Value, other: &Value) -> bool {
    one == other || order(one, other) == Some(Ordering::Equal)
}

fn order(one: &Value, other: &Value) -> Option<Ordering> {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => match (one.as_i64(), other.as_i64()) {
            (Some(one), Some(other)) => Some(one.cmp(&other)),
            _ => one.as_f64()?.partial_cmp(&other.as_f64()?),
        },
        (Value::String(one), Value::String(other)) => Some(one.cmp(other)),
        _ => None,
    }
}

/// Functions that look into values.
fn parts(name: &str, values: &[&Value]) -> Option<Value> {
    match (name, values) {
        ("len", [Value::String(text)]) => Some(text.len().into()),
        ("len", [Value::Array(values)]) => Some(values.len().into()),
        ("len", [Value::Object(object)]) => Some(object.len().into()),
        ("len", [Value::Null]) => Some(0.into()),
        ("split", [Value::String(text), Value::String(between)]) => {
            Some(text.split(between.as_str()).map(Value::from).collect::<Vec<_>>().into())
        }
        ("slice", [Value::String(text), ends @ ..]) => {
            let (from, to) = span(ends, text.len())?;
            text.get(from..to).map(Value::from)
        }
        ("slice", [Value::Array(values), ends @ ..]) => {
            let (from, to) = span(ends, values.len())?;
            values.get(from..to).map(Value::from)
        }
        _ => None,
    }
}

fn span(ends: &[&Value], length: usize) -> Option<(usize, usize)> {
    match ends {
        [] => Some((0, length)),
        [from] => Some((number(from)?, length)),
        [from, to] => Some((number(from)?, number(to)?)),
        _ => None,
    }
}

fn number(value: &Value) -> Option<usize> {
    usize::try_from(value.as_u64()?).ok()
}

/// `index`: of a map by key, where what is not there is empty; of a list by place.
fn index(items: &[Item]) -> Result<Item, TemplateError> {
    let error = || wrong("index", &items.iter().map(|item| &item.value).collect::<Vec<_>>());
    let Some((first, keys)) = items.split_first() else { return Err(error()) };
    let mut value = &first.value;
    let mut shape = first.shape;
    let empty = Value::from("");
    for key in keys {
        value = match (value, &key.value) {
            (Value::Object(object), Value::String(name)) => object.get(name).unwrap_or(&empty),
            (Value::Null, Value::String(_)) if shape == Shape::Map => &empty,
            (Value::Array(values), place) => {
                number(place).and_then(|place| values.get(place)).ok_or_else(error)?
            }
            _ => return Err(error()),
        };
        shape = Shape::Struct;
    }
    Ok(Item { value: value.clone(), shape })
}
