//! Lists: as Docker's tables, as JSON, by a template.

use serde_json::Value;

use crate::failure::Failure;
use crate::output::Output;
use crate::template::{LABEL_METHOD, Template};

/// The fewest characters of a column, with the gap behind it.
const COLUMN_MIN: usize = 10;
/// The fewest blanks between two columns.
const GAP: usize = 3;

/// What a list can show of each thing.
pub(crate) struct Column {
    /// The heading.
    pub(crate) title: &'static str,
    /// The field of a row.
    pub(crate) field: &'static str,
}

/// How a list is shown.
pub(crate) struct Style<'a> {
    /// The columns of the usual table.
    pub(crate) usual: &'a [&'static str],
    /// Every column there is.
    pub(crate) columns: &'a [Column],
    /// `--format`.
    pub(crate) format: Option<&'a str>,
}

/// Prints rows, each an object.
pub(crate) fn print(rows: &[Value], style: &Style<'_>, output: &mut Output) -> Result<(), Failure> {
    let usual = || style.usual.iter().map(|field| format!("{{{{.{field}}}}}")).collect::<Vec<_>>().join("\t");
    let format = style.format.map(str::trim).filter(|format| !format.is_empty()).unwrap_or("table");
    match format.strip_prefix("table") {
        Some("") => print_table(rows, &usual(), style, output),
        Some(rest) if rest.starts_with(char::is_whitespace) || rest.starts_with("\\t") => {
            print_table(rows, rest.trim_start(), style, output)
        }
        _ if format == "raw" => print_raw(rows, style, output),
        _ if format == "json" => rows.iter().try_for_each(|row| output.line(json(row))),
        _ => {
            let template = Template::parse(format)?;
            rows.iter().try_for_each(|row| output.line(template.render(row)?))
        }
    }
}

/// Prints rows without a heading, unless a template decides.
pub(crate) fn print_without_heading(
    rows: &[Value],
    style: &Style<'_>,
    output: &mut Output,
) -> Result<(), Failure> {
    let usual = style.usual.iter().map(|field| format!("{{{{.{field}}}}}")).collect::<Vec<_>>().join("\t");
    if !is_usual(style.format) {
        return print(rows, style, output);
    }
    let template = Template::parse(&usual)?;
    let lines = rows.iter().map(|row| template.render(row)).collect::<Result<Vec<_>, _>>()?;
    align(&lines).iter().try_for_each(|line| output.line(line))
}

/// Whether a format asks for no more than the usual table.
pub(crate) fn is_usual(format: Option<&str>) -> bool {
    format.is_none_or(|format| matches!(format.trim(), "" | "table"))
}

/// Prints the usual fields of each row on lines of their own, and a blank line behind them.
fn print_raw(rows: &[Value], style: &Style<'_>, output: &mut Output) -> Result<(), Failure> {
    for row in rows {
        for field in style.usual {
            output.line(format!("{}: {}", field.to_lowercase(), row[*field].as_str().unwrap_or_default()))?;
        }
        output.line("")?;
    }
    Ok(())
}

/// A row on one line, without what only templates ask for.
fn json(row: &Value) -> String {
    let mut row = row.clone();
    if let Some(object) = row.as_object_mut() {
        object.remove(LABEL_METHOD);
    }
    row.to_string()
}

fn print_table(
    rows: &[Value],
    template: &str,
    style: &Style<'_>,
    output: &mut Output,
) -> Result<(), Failure> {
    let template = Template::parse(template)?;
    let titles = style.columns.iter().map(|column| (column.field.to_owned(), Value::from(column.title)));
    let mut lines = vec![template.render_titles(&Value::Object(titles.collect()))?];
    for row in rows {
        lines.push(template.render(row)?);
    }
    align(&lines).iter().try_for_each(|line| output.line(line))
}

/// Makes columns of what tabs separate.
pub(crate) fn align(lines: &[String]) -> Vec<String> {
    let cells: Vec<Vec<&str>> = lines.iter().map(|line| line.split('\t').collect()).collect();
    let count = cells.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        let widest = cells.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max();
        (widest.unwrap_or_default() + GAP).max(COLUMN_MIN)
    };
    let widths: Vec<usize> = (0..count).map(width).collect();
    let aligned = |line: &Vec<&str>| {
        let cells = line.iter().zip(&widths).enumerate();
        let is_last = |at: usize| at + 1 == line.len();
        cells
            .map(
                |(at, (cell, width))| if is_last(at) { (*cell).to_owned() } else { format!("{cell:width$}") },
            )
            .collect()
    };
    cells.iter().map(aligned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let lines = ["A\tLONG TITLE\tC", "1234567890\tx\tläst", "ü\t\tz"].map(str::to_owned);
        let wanted =
            ["A            LONG TITLE   C", "1234567890   x            läst", "ü                         z"];
        assert_eq!(align(&lines), wanted);
        assert_eq!(align(&["A\tB".to_owned()]), ["A         B"]);
    }
}
