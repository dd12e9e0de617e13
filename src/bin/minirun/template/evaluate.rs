//! Nodes and a value become text.

use std::ops::ControlFlow;

use serde_json::Value;

use super::parse::{Assignment, Base, Node, Operand, Pipeline};
use super::shape::{LISTS, Shape};
use super::show::{is_true, plain};
use super::{LABEL_METHOD, TemplateError, function};

/// Fields that Docker's types have and its JSON leaves out where they are empty, each behind one that is always there.
const OMITTED: [(&str, &str); 2] = [("Propagation", "Name"), ("Propagation", "Driver")];

/// Fields that are maps: any key may be asked for.
const MAPS: [&str; 12] = [
    "Annotations",
    "Attributes",
    "Data",
    "ExposedPorts",
    "Labels",
    "Networks",
    "Options",
    "Ports",
    "Sysctls",
    "Tmpfs",
    "Volumes",
    "DriverOpts",
];

/// Where labels come from.
#[derive(Debug)]
pub(super) enum Labels {
    /// The object's, by key.
    Of(Value),
    /// A heading is made: the key is the title.
    Titles,
}

/// A value, and what kind of object it is.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) value: Value,
    /// Whether a key that is not there is as good as one without value.
    pub(super) shape: Shape,
}

impl From<Value> for Item {
    fn from(value: Value) -> Self {
        Self { value, shape: Shape::Struct }
    }
}

/// What leaves a loop.
type Flow = ControlFlow<Leave>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leave {
    Loop,
    Round,
}

/// The values that names stand for.
#[derive(Debug)]
pub(super) struct Scope {
    dot: Item,
    variables: Vec<(String, Item)>,
    labels: Labels,
}

impl Scope {
    pub(super) fn new(object: Value, labels: Labels) -> Self {
        let dot = Item::from(object);
        Self { variables: vec![("$".to_owned(), dot.clone())], dot, labels }
    }

    /// Whether a heading is made, where functions leave titles as they are.
    pub(super) fn makes_titles(&self) -> bool {
        matches!(self.labels, Labels::Titles)
    }

    pub(super) fn run(&mut self, nodes: &[Node], text: &mut String) -> Result<Flow, TemplateError> {
        for node in nodes {
            let flow = self.node(node, text)?;
            if flow.is_break() {
                return Ok(flow);
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn node(&mut self, node: &Node, text: &mut String) -> Result<Flow, TemplateError> {
        let known = self.variables.len();
        let flow = match node {
            Node::Text(plain) => {
                text.push_str(plain);
                ControlFlow::Continue(())
            }
            // What it declares is known from here on.
            Node::Output(pipeline) => {
                let item = self.pipeline(pipeline)?;
                if pipeline.variables.is_empty() {
                    text.push_str(&show(&item));
                }
                return Ok(ControlFlow::Continue(()));
            }
            Node::If(branches) => self.conditions(branches, text)?,
            Node::With { dot, body, otherwise } => {
                let item = self.pipeline(dot)?;
                if is_true(&item.value) { self.below(item, body, text)? } else { self.run(otherwise, text)? }
            }
            Node::Range { over, body, otherwise } => {
                let item = self.pipeline_value(over)?;
                match self.range(&item, (over, body), text)? {
                    0 => self.run(otherwise, text)?,
                    _ => ControlFlow::Continue(()),
                }
            }
            Node::Break => ControlFlow::Break(Leave::Loop),
            Node::Continue => ControlFlow::Break(Leave::Round),
        };
        self.variables.truncate(known);
        Ok(flow)
    }

    fn conditions(
        &mut self,
        branches: &[(Option<Pipeline>, Vec<Node>)],
        text: &mut String,
    ) -> Result<Flow, TemplateError> {
        for (condition, body) in branches {
            let holds = match condition {
                Some(condition) => is_true(&self.pipeline(condition)?.value),
                None => true,
            };
            if holds {
                return self.run(body, text);
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Runs a body with another dot; what it declares is forgotten.
    fn below(&mut self, dot: Item, body: &[Node], text: &mut String) -> Result<Flow, TemplateError> {
        let known = self.variables.len();
        let before = std::mem::replace(&mut self.dot, dot);
        let flow = self.run(body, text);
        self.dot = before;
        self.variables.truncate(known);
        flow
    }

    /// Runs the body for each element; how many there were.
    fn range(
        &mut self,
        item: &Item,
        (head, body): (&Pipeline, &[Node]),
        text: &mut String,
    ) -> Result<usize, TemplateError> {
        let elements = elements(&item.value)?;
        for (key, element) in &elements {
            let known = self.variables.len();
            let element = Item::from(element.clone());
            match &head.variables[..] {
                [] => {}
                [one] => self.variables.push((one.clone(), element.clone())),
                [index, value, ..] => {
                    self.variables.push((index.clone(), key.clone().into()));
                    self.variables.push((value.clone(), element.clone()));
                }
            }
            let flow = self.below(element, body, text)?;
            self.variables.truncate(known);
            if flow == ControlFlow::Break(Leave::Loop) {
                break;
            }
        }
        Ok(elements.len())
    }

    fn pipeline(&mut self, pipeline: &Pipeline) -> Result<Item, TemplateError> {
        let item = self.pipeline_value(pipeline)?;
        for name in &pipeline.variables {
            let old = self.variables.iter_mut().rev().find(|(known, _)| known == name);
            match (pipeline.assignment, old) {
                (Assignment::Change, Some((_, value))) => *value = item.clone(),
                (Assignment::Declare, _) | (Assignment::Change, None) => {
                    self.variables.push((name.clone(), item.clone()));
                }
            }
        }
        Ok(item)
    }

    fn pipeline_value(&self, pipeline: &Pipeline) -> Result<Item, TemplateError> {
        let mut last = None;
        for command in &pipeline.commands {
            last = Some(self.command(command, last)?);
        }
        Ok(last.unwrap_or_else(|| Value::Null.into()))
    }

    fn command(&self, words: &[Operand], piped: Option<Item>) -> Result<Item, TemplateError> {
        let Some((first, rest)) = words.split_first() else { return Ok(Value::Null.into()) };
        if let Base::Function(name) = &first.base {
            return function::call(name, (rest, piped), self);
        }
        let mut arguments: Vec<Item> =
            rest.iter().map(|word| self.operand(word)).collect::<Result<_, _>>()?;
        arguments.extend(piped);
        match &arguments[..] {
            [] => self.operand(first),
            [key] if first.fields == [LABEL_METHOD] => Ok(self.label(&plain(&key.value)).into()),
            _ => Err(TemplateError::Argument {
                function: format!(".{}", first.fields.join(".")),
                got: "arguments".to_owned(),
            }),
        }
    }

    fn label(&self, key: &str) -> Value {
        match &self.labels {
            Labels::Of(labels) => labels.get(key).cloned().unwrap_or_else(|| "".into()),
            // As Docker heads such a column: what is behind the last dot of the key.
            Labels::Titles => key.rsplit('.').next().unwrap_or(key).replace(['-', '_'], " ").into(),
        }
    }

    /// The value of a word.
    pub(super) fn operand(&self, operand: &Operand) -> Result<Item, TemplateError> {
        let base = match &operand.base {
            Base::Dot => self.dot.clone(),
            Base::Variable(name) => {
                let found = self.variables.iter().rev().find(|(known, _)| known == name);
                found.map(|(_, item)| item.clone()).ok_or_else(|| TemplateError::NoVariable(name.clone()))?
            }
            Base::Literal(value) => value.clone().into(),
            Base::Function(name) => return function::call(name, (&[], None), self),
            Base::Nested(pipeline) => self.pipeline_value(pipeline)?,
        };
        let field = |item, name: &String| field(item, name, &operand.fields);
        operand.fields.iter().try_fold(base, field)
    }
}

fn field(item: Item, name: &str, path: &[String]) -> Result<Item, TemplateError> {
    let shape = match name {
        _ if MAPS.contains(&name) => Shape::Map,
        _ if LISTS.contains(&name) => Shape::List,
        _ => Shape::Struct,
    };
    match (item.value, item.shape) {
        (Value::Object(mut object), _) if object.contains_key(name) => {
            Ok(Item { value: object.remove(name).unwrap_or_default(), shape })
        }
        (Value::Object(_) | Value::Null, Shape::Map) => Ok(Value::Null.into()),
        (Value::Object(object), Shape::Struct | Shape::List) if is_omitted(&object, name) => {
            Ok(Value::from("").into())
        }
        (value, _) => Err(TemplateError::NoField { field: path.join("."), legal: fields(&value) }),
    }
}

fn show(item: &Item) -> String {
    match (&item.value, item.shape) {
        (Value::Null, Shape::Map) => "map[]".to_owned(),
        (Value::Null, Shape::List) => "[]".to_owned(),
        (value, _) => plain(value),
    }
}

/// Whether JSON leaves out a field because it is empty.
fn is_omitted(object: &serde_json::Map<String, Value>, name: &str) -> bool {
    OMITTED.iter().any(|(sign, field)| *field == name && object.contains_key(*sign))
}

fn fields(value: &Value) -> String {
    match value.as_object() {
        Some(object) if !object.is_empty() => object.keys().map(String::as_str).collect::<Vec<_>>().join(" "),
        _ => "none".to_owned(),
    }
}

/// What `range` goes through: keys or places, and values.
fn elements(value: &Value) -> Result<Vec<(Value, Value)>, TemplateError> {
    Ok(match value {
        Value::Null => Vec::new(),
        Value::Array(values) => {
            values.iter().enumerate().map(|(at, value)| (at.into(), value.clone())).collect()
        }
        Value::Object(object) => {
            object.iter().map(|(key, value)| (key.as_str().into(), value.clone())).collect()
        }
        Value::Number(number) if number.is_u64() => {
            (0..number.as_u64().unwrap_or_default()).map(|at| (at.into(), at.into())).collect()
        }
        Value::Number(_) | Value::Bool(_) | Value::String(_) => {
            return Err(TemplateError::Argument { function: "range".to_owned(), got: plain(value) });
        }
    })
}
