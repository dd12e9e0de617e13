//! From words to nodes.

use std::iter::Peekable;
use std::vec::IntoIter;

use serde_json::Value;

use super::lex::{Kind, Part, Word};
use super::{TemplateError, function};

/// A part of a template that is understood.
#[derive(Debug, PartialEq)]
pub(super) enum Node {
    Text(String),
    /// Prints its value, unless it gives it to a variable.
    Output(Pipeline),
    /// The first body whose condition holds; one without condition always does.
    If(Vec<(Option<Pipeline>, Vec<Node>)>),
    Range {
        over: Pipeline,
        body: Vec<Node>,
        otherwise: Vec<Node>,
    },
    With {
        dot: Pipeline,
        body: Vec<Node>,
        otherwise: Vec<Node>,
    },
    Break,
    Continue,
}

/// Commands of which each hands its value to the next.
#[derive(Debug, PartialEq)]
pub(super) struct Pipeline {
    /// The variables that get the value.
    pub(super) variables: Vec<String>,
    /// Whether they are new.
    pub(super) assignment: Assignment,
    pub(super) commands: Vec<Vec<Operand>>,
}

/// How a variable gets its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Assignment {
    /// `:=`.
    Declare,
    /// `=`.
    Change,
}

/// A word of a command: a value, and the fields that are taken of it.
#[derive(Debug, PartialEq)]
pub(super) struct Operand {
    pub(super) base: Base,
    pub(super) fields: Vec<String>,
}

#[derive(Debug, PartialEq)]
pub(super) enum Base {
    Dot,
    Variable(String),
    Literal(Value),
    Function(String),
    Nested(Pipeline),
}

/// What ends a body.
#[derive(Debug, PartialEq)]
enum Stop {
    End,
    Else(Vec<Word>),
    Nothing,
}

struct Parser {
    parts: Peekable<IntoIter<Part>>,
    /// The variables that are known where the parser is.
    variables: Vec<String>,
    /// How many loops are around it.
    loops: usize,
}

/// Parses a whole template.
pub(super) fn parse(parts: Vec<Part>) -> Result<Vec<Node>, TemplateError> {
    let variables = vec!["$".to_owned()];
    let mut parser = Parser { parts: parts.into_iter().peekable(), variables, loops: 0 };
    match parser.body()? {
        (nodes, Stop::Nothing) => Ok(nodes),
        (_, Stop::End) => Err(TemplateError::Unknown("end".to_owned())),
        (_, Stop::Else(_)) => Err(TemplateError::Unknown("else".to_owned())),
    }
}

impl Parser {
    fn body(&mut self) -> Result<(Vec<Node>, Stop), TemplateError> {
        let mut nodes = Vec::new();
        while let Some(part) = self.parts.next() {
            let (text, words) = match part {
                Part::Text(text) => {
                    nodes.push(Node::Text(text));
                    continue;
                }
                Part::Action { text, words } => (text, words),
            };
            let keyword = match words.first().map(|word| &word.kind) {
                Some(Kind::Name(name)) => name.as_str(),
                _ => "",
            };
            let rest = || words[1..].to_vec();
            match keyword {
                "end" if words.len() == 1 => return Ok((nodes, Stop::End)),
                "else" => return Ok((nodes, Stop::Else(rest()))),
                "if" => nodes.push(self.conditions(&text, rest())?),
                "range" | "with" => nodes.push(self.block(&text, (keyword, rest()))?),
                "break" if words.len() == 1 && self.loops > 0 => nodes.push(Node::Break),
                "continue" if words.len() == 1 && self.loops > 0 => nodes.push(Node::Continue),
                _ => nodes.push(Node::Output(self.pipeline(&text, words)?)),
            }
        }
        Ok((nodes, Stop::Nothing))
    }

    fn conditions(&mut self, text: &str, words: Vec<Word>) -> Result<Node, TemplateError> {
        let known = self.variables.len();
        let mut branches = Vec::new();
        let mut condition = Some(self.pipeline(text, words)?);
        loop {
            let is_last = condition.is_none();
            let (body, stop) = self.body()?;
            branches.push((condition, body));
            condition = match stop {
                Stop::End => break,
                Stop::Else(words) if is_last => return Err(unknown_else(&words)),
                Stop::Else(words) if words.is_empty() => None,
                Stop::Else(words) => match words.first().map(|word| &word.kind) {
                    Some(Kind::Name(name)) if name == "if" => Some(self.pipeline(text, words[1..].to_vec())?),
                    _ => return Err(unknown_else(&words)),
                },
                Stop::Nothing => return Err(TemplateError::NoEnd(text.to_owned())),
            };
        }
        self.variables.truncate(known);
        Ok(Node::If(branches))
    }

    fn block(&mut self, text: &str, (keyword, words): (&str, Vec<Word>)) -> Result<Node, TemplateError> {
        let known = self.variables.len();
        let head = self.pipeline(text, words)?;
        let is_loop = keyword == "range";
        if head.variables.len() > 1 && !is_loop {
            return Err(TemplateError::Unknown(text.to_owned()));
        }
        self.loops += usize::from(is_loop);
        let (body, stop) = self.body()?;
        self.loops -= usize::from(is_loop);
        let otherwise = match stop {
            Stop::End => Vec::new(),
            Stop::Else(words) if words.is_empty() => match self.body()? {
                (nodes, Stop::End) => nodes,
                (_, Stop::Else(words)) => return Err(unknown_else(&words)),
                (_, Stop::Nothing) => return Err(TemplateError::NoEnd(text.to_owned())),
            },
            Stop::Else(words) => return Err(unknown_else(&words)),
            Stop::Nothing => return Err(TemplateError::NoEnd(text.to_owned())),
        };
        self.variables.truncate(known);
        Ok(if is_loop {
            Node::Range { over: head, body, otherwise }
        } else {
            Node::With { dot: head, body, otherwise }
        })
    }

    /// A pipeline that is the whole of `words`.
    fn pipeline(&mut self, text: &str, words: Vec<Word>) -> Result<Pipeline, TemplateError> {
        let unknown = || TemplateError::Unknown(text.to_owned());
        let (variables, assignment, words) = declaration(words);
        if assignment == Assignment::Change {
            self.check(variables.iter())?;
        }
        let mut words = words.into_iter().peekable();
        let commands = self.commands(&mut words).map_err(|error| error.unwrap_or_else(unknown))?;
        if words.next().is_some() {
            return Err(unknown());
        }
        if assignment == Assignment::Declare {
            self.variables.extend(variables.iter().cloned());
        }
        Ok(Pipeline { variables, assignment, commands })
    }

    fn check<'a>(&self, mut names: impl Iterator<Item = &'a String>) -> Result<(), TemplateError> {
        match names.find(|name| !self.variables.contains(name)) {
            Some(name) => Err(TemplateError::NoVariable(name.clone())),
            None => Ok(()),
        }
    }

    /// Commands up to the end or a closing parenthesis. The error without content is that the words make no sense.
    fn commands(
        &self,
        words: &mut Peekable<IntoIter<Word>>,
    ) -> Result<Vec<Vec<Operand>>, Option<TemplateError>> {
        let mut commands = vec![Vec::new()];
        while let Some(word) = words.peek() {
            match word.kind {
                Kind::Mark(')') => break,
                Kind::Mark('|') => {
                    words.next();
                    commands.push(Vec::new());
                }
                _ => {
                    let operand = self.operand(words)?;
                    commands.last_mut().ok_or(None)?.push(operand);
                }
            }
        }
        let is_callable = |command: &[Operand]| match command {
            [] => false,
            [only] => !matches!(only.base, Base::Literal(_)) || commands.len() == 1,
            [first, ..] => matches!(first.base, Base::Function(_)) || !first.fields.is_empty(),
        };
        if commands.iter().all(|command| is_callable(command)) { Ok(commands) } else { Err(None) }
    }

    fn operand(&self, words: &mut Peekable<IntoIter<Word>>) -> Result<Operand, Option<TemplateError>> {
        let word = words.next().ok_or(None)?;
        let (base, mut fields) = match word.kind {
            Kind::Dot => (Base::Dot, Vec::new()),
            Kind::Fields(fields) => (Base::Dot, fields),
            Kind::Variable(name) => {
                self.check(std::iter::once(&name))?;
                (Base::Variable(name), Vec::new())
            }
            Kind::Literal(value) => (Base::Literal(value), Vec::new()),
            Kind::Name(name) => (named(name)?, Vec::new()),
            Kind::Mark('(') => {
                let commands = self.commands(words)?;
                match words.next().map(|word| word.kind) {
                    Some(Kind::Mark(')')) => {}
                    _ => return Err(None),
                }
                let nested = Pipeline { variables: Vec::new(), assignment: Assignment::Declare, commands };
                (Base::Nested(nested), Vec::new())
            }
            Kind::Mark(_) | Kind::Declare => return Err(None),
        };
        let takes_fields = matches!(base, Base::Variable(_) | Base::Nested(_));
        while takes_fields && words.peek().is_some_and(|word| word.glued) {
            match words.peek().map(|word| &word.kind) {
                Some(Kind::Fields(more)) => fields.extend(more.clone()),
                _ => break,
            }
            words.next();
        }
        Ok(Operand { base, fields })
    }
}

fn named(name: String) -> Result<Base, TemplateError> {
    match name.as_str() {
        "true" => Ok(Base::Literal(Value::Bool(true))),
        "false" => Ok(Base::Literal(Value::Bool(false))),
        "nil" => Ok(Base::Literal(Value::Null)),
        known if function::NAMES.contains(&known) => Ok(Base::Function(name)),
        _ => Err(TemplateError::NoFunction(name)),
    }
}

fn unknown_else(words: &[Word]) -> TemplateError {
    TemplateError::Unknown(if words.is_empty() { "else" } else { "else …" }.to_owned())
}

/// `$a :=`, `$a, $b :=` or `$a =` in front of a pipeline.
fn declaration(words: Vec<Word>) -> (Vec<String>, Assignment, Vec<Word>) {
    let kind = |at: usize| words.get(at).map(|word| &word.kind);
    let (names, mark) = match (kind(0), kind(1), kind(2)) {
        (Some(Kind::Variable(one)), Some(Kind::Mark(',')), Some(Kind::Variable(two))) => {
            (vec![one.clone(), two.clone()], 3)
        }
        (Some(Kind::Variable(one)), _, _) => (vec![one.clone()], 1),
        _ => return (Vec::new(), Assignment::Declare, words),
    };
    match kind(mark) {
        Some(Kind::Declare) => (names, Assignment::Declare, words[mark + 1..].to_vec()),
        Some(Kind::Mark('=')) => (names, Assignment::Change, words[mark + 1..].to_vec()),
        _ => (Vec::new(), Assignment::Declare, words),
    }
}
