//! The configuration of an image as the document that it is: what is changed in it is changed, and all else stays.
//!
//! [`ImageConfiguration`](oci_spec::image::ImageConfiguration) has the fields that are understood. An image that is made of
//! another one keeps the others, too: they are for whoever understands them.

use oci_spec::image::Config;
use serde_json::{Map, Value, json};

use super::digest::Digest;
use super::instruction::{self, Instruction};
use super::platform::Platform;

/// One step of a history, which made a layer.
#[derive(Debug, Clone, Copy)]
pub struct Step<'a> {
    /// When, RFC 3339.
    pub created: &'a str,
    /// By which command; none where a layer came from elsewhere.
    pub created_by: Option<&'a str>,
    /// By whom.
    pub author: Option<&'a str>,
    /// What somebody had to say.
    pub comment: Option<&'a str>,
}

/// The document.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageDocument(Map<String, Value>);

impl From<Map<String, Value>> for ImageDocument {
    /// `fields` have been read as a configuration before.
    fn from(fields: Map<String, Value>) -> Self {
        Self(fields)
    }
}

impl ImageDocument {
    /// That of an image with nothing in it.
    #[must_use]
    pub fn of(platform: &Platform) -> Self {
        let mut document = Self(Map::new());
        document.set("os", platform.os().into());
        document.set("architecture", platform.architecture().into());
        if let Some(variant) = platform.variant() {
            document.set("variant", variant.into());
        }
        document.set("config", Map::new().into());
        document.set_layers(&[]);
        document
    }

    fn set(&mut self, field: &str, value: Value) {
        self.0.insert(field.to_owned(), value);
    }

    /// What it says about running the image, with the fields that nobody here understands.
    #[must_use]
    pub fn config(&self) -> Map<String, Value> {
        self.0.get("config").and_then(Value::as_object).cloned().unwrap_or_default()
    }

    /// What is to be done by whoever makes an image of this one (`ONBUILD`).
    #[must_use]
    pub fn triggers(&self) -> Vec<&str> {
        let config = self.0.get("config").and_then(|config| config.get("OnBuild"));
        config.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// Takes over in what `after` differs from `before`, which is what was understood of this document.
    pub fn take_over(&mut self, before: &Config, after: &Config) {
        let [before, after] = [before, after].map(fields);
        self.change_config(|config| {
            for name in before.keys().chain(after.keys()) {
                match (before.get(name), after.get(name)) {
                    (old, new) if old == new => {}
                    // Nothing in a list is no list.
                    (None, Some(Value::Array(words))) if words.is_empty() => {}
                    (_, Some(new)) => {
                        config.insert(name.clone(), new.clone());
                    }
                    (_, None) => {
                        config.remove(name);
                    }
                }
            }
            // It is about the words that were there before.
            if ["Cmd", "Entrypoint"].iter().any(|&name| before.get(name) != after.get(name)) {
                config.remove("ArgsEscaped");
            }
        });
    }

    /// Changes how the image is run.
    pub fn apply(&mut self, instructions: &[Instruction]) {
        self.change_config(|config| instruction::apply(config, instructions));
    }

    fn change_config(&mut self, change: impl FnOnce(&mut Map<String, Value>)) {
        let before = self.config();
        let mut config = before.clone();
        change(&mut config);
        // What says nothing goes on saying it in its own way.
        if config != before {
            self.set("config", config.into());
        }
    }

    /// Says who made it.
    pub fn set_author(&mut self, author: &str) {
        self.set("author", author.into());
    }

    /// Adds a step, which is when it was made.
    pub fn add_step(&mut self, step: &Step<'_>) {
        self.set("created", step.created.into());
        let mut fields = Map::new();
        for (name, text) in [
            ("created", Some(step.created)),
            ("created_by", step.created_by),
            ("author", step.author),
            ("comment", step.comment),
        ] {
            fields.extend(text.map(|text| (name.to_owned(), text.into())));
        }
        let mut history = match self.0.remove("history") {
            Some(Value::Array(steps)) => steps,
            _ => Vec::new(),
        };
        history.push(fields.into());
        self.set("history", history.into());
    }

    /// Says of which layers it is made, the lowest first.
    pub fn set_layers(&mut self, diff_ids: &[Digest]) {
        let mut rootfs = match self.0.remove("rootfs") {
            Some(Value::Object(rootfs)) => rootfs,
            _ => Map::new(),
        };
        let diff_ids: Vec<String> = diff_ids.iter().map(ToString::to_string).collect();
        rootfs.entry("type").or_insert_with(|| json!("layers"));
        rootfs.insert("diff_ids".to_owned(), diff_ids.into());
        self.set("rootfs", rootfs.into());
    }

    /// The bytes, of which its digest is made; equal documents have equal ones.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        Value::from(self.0).to_string().into_bytes()
    }
}

/// The fields that are there.
fn fields(config: &Config) -> Map<String, Value> {
    // Texts, and lists and maps of texts: nothing in here can be no JSON.
    json!(config).as_object().cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(value: &Value) -> ImageDocument {
        value.as_object().unwrap().clone().into()
    }

    fn read(document: ImageDocument) -> Value {
        serde_json::from_slice(&document.into_bytes()).unwrap()
    }

    fn config(value: Value) -> Config {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn what_is_not_touched_stays_as_it_was() {
        let base = json!({
            "os": "linux", "os.features": ["x"], "example.test/own": { "deep": [1, 2.5, null] },
            "rootfs": { "type": "layers", "diff_ids": ["sha256:old"], "example.test/own": true },
            "history": [{ "created_by": "x", "example.test/own": 1 }],
            "config": { "Healthcheck": { "Test": ["NONE"] }, "Volumes": { "/v": null }, "Cmd": null },
        });
        let mut made = document(&base);
        let same = config(json!({ "Volumes": { "/v": {} } }));
        made.take_over(&same, &same);
        made.apply(&[]);
        assert_eq!(read(made.clone()), base);
        made.add_step(&Step { created: "now", created_by: Some("make"), author: None, comment: Some("why") });
        made.set_layers(&[]);
        let mut wanted = base;
        wanted["created"] = json!("now");
        let step = json!({ "created": "now", "created_by": "make", "comment": "why" });
        wanted["history"].as_array_mut().unwrap().push(step);
        wanted["rootfs"]["diff_ids"] = json!([]);
        assert_eq!(read(made), wanted);
    }

    #[test]
    fn a_configuration_that_says_nothing_is_left_alone() {
        for base in [json!({ "config": null }), json!({})] {
            let mut made = document(&base);
            made.take_over(&Config::default(), &config(json!({ "Env": [] })));
            made.apply(&[]);
            assert_eq!(read(made), base);
        }
    }

    #[test]
    fn what_the_container_had_otherwise_is_taken_over() {
        let own = json!({ "Healthcheck": { "Test": ["NONE"] }, "ArgsEscaped": true });
        let with = |mut one: Value, other: Value| {
            one.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
            one
        };
        let before = json!({ "Cmd": ["a"], "Entrypoint": ["b"], "User": "app" });
        let made = |after: Value| {
            let mut made = document(&json!({ "config": with(own.clone(), before.clone()) }));
            made.take_over(&config(before.clone()), &config(after));
            read(made)["config"].clone()
        };
        let after = json!({ "Cmd": ["a"], "Entrypoint": ["b"], "User": "root", "Env": ["A=b"] });
        assert_eq!(made(after.clone()), with(own.clone(), after));
        let other = made(json!({ "Cmd": ["c"], "User": "app" }));
        assert_eq!(other, json!({ "Healthcheck": { "Test": ["NONE"] }, "Cmd": ["c"], "User": "app" }));
    }

    #[test]
    fn a_new_one_is_a_configuration() {
        let made = ImageDocument::of(&Platform::new("linux", "arm", Some("v6")));
        let wanted = json!({
            "os": "linux", "architecture": "arm", "variant": "v6", "config": {},
            "rootfs": { "type": "layers", "diff_ids": [] },
        });
        assert_eq!(read(made.clone()), wanted);
        serde_json::from_slice::<oci_spec::image::ImageConfiguration>(&made.into_bytes()).unwrap();
    }

    #[test]
    fn triggers_are_texts_of_a_list() {
        let triggers = |value: Value| document(&value).triggers().len();
        assert_eq!(triggers(json!({ "config": { "OnBuild": ["RUN a", 1, "RUN b"] } })), 2);
        assert_eq!(triggers(json!({ "config": { "OnBuild": null } })), 0);
        assert_eq!(triggers(json!({ "config": null })), 0);
    }
}
