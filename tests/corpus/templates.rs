//! `--format`, which people type, filled with what images and containers say of themselves.

use serde_json::{Value, json};

use super::program::template::Template;

/// The input is a template and, behind a NUL, the object; without one there is an object with a bit of everything.
pub(crate) fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let (template, object) = text.split_once('\0').unwrap_or((text, ""));
    let Ok(template) = Template::parse(template).map_err(|error| (error.to_string(), error.hint())) else {
        return;
    };
    let object = serde_json::from_str::<Value>(object).unwrap_or_else(|_| {
        json!({
            "Name": "a\u{1b}[1m", "Size": -5, "Ratio": 1.5, "Up": true, "None": null, "Empty": "",
            "List": ["b", ["c"], {"d": 1}], "Labels": {"k": "v"}, "Label": {"k": "v"}, "Deep": {"Er": {"Est": [1]}},
        })
    });
    drop(template.render(&object).map_err(|error| (error.to_string(), error.hint())));
    drop(template.render_titles(&object).map_err(|error| error.to_string()));
}
