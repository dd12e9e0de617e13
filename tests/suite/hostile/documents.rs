//! Indexes, manifests and configurations that are not what they should be.

use std::path::Path;

use serde_json::{Value, json};

use super::archive::Tar;
use super::case::Case;
use super::parts::{
    CONFIG, INDEX, LAYER, MANIFEST, NAME, Parts, StoredLayer, architecture, blob, blob_file, names,
    plain_layer, sha256,
};
use super::source::{Files, Source};
use super::tree::Tree;

const DOCKER: &str = "application/vnd.docker";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = json_texts();
    cases.extend(json_values());
    cases.extend(versions());
    cases.extend(confusions());
    cases.extend(docker_types());
    cases.extend(indexes());
    cases.extend(configurations());
    cases.extend(layers());
    cases
}

fn case(name: &str, about: &'static str, build: impl Fn() -> Parts + 'static) -> Case {
    Case::new(name, about, move |_| build().layout())
}

/// What is wrong with the text of a document, whichever it is.
type Rewrite = fn(String) -> Vec<u8>;

fn json_texts() -> Vec<Case> {
    const ABOUT: &str = "documents, CVE-2021-41190";
    let texts: &[(&str, Rewrite, &str)] = &[
        ("empty", |_| Vec::new(), "not well-formed JSON"),
        ("cut-short", |text| text.as_bytes()[..text.len() - 1].to_vec(), "not well-formed JSON"),
        ("garbage-behind", |text| format!("{text}garbage").into(), "not well-formed JSON"),
        ("two-documents", |text| format!("{text}{text}").into(), "not well-formed JSON"),
        ("nul-behind", |text| format!("{text}\0").into(), "not well-formed JSON"),
        ("byte-order-mark", |text| format!("\u{feff}{text}").into(), "not well-formed JSON"),
        ("utf-16", |text| text.encode_utf16().flat_map(u16::to_le_bytes).collect(), "not well-formed JSON"),
        (
            "not-utf-8",
            |text| [br#"{"a":""#, &b"\xff\xfe"[..], br#"","#, &text.as_bytes()[1..]].concat(),
            "JSON",
        ),
        ("lone-surrogate", |text| format!(r#"{{"a":"\ud800",{}"#, &text[1..]).into(), "JSON"),
        ("comment", |text| format!("/* a comment */{text}").into(), "not well-formed JSON"),
        ("trailing-comma", |text| format!("{},}}", &text[..text.len() - 1]).into(), "not well-formed JSON"),
        ("single-quotes", |text| text.replace('"', "'").into(), "not well-formed JSON"),
        ("nan", |text| format!(r#"{{"a":NaN,{}"#, &text[1..]).into(), "not well-formed JSON"),
        ("number-too-large", |text| format!(r#"{{"a":1e999,{}"#, &text[1..]).into(), "JSON"),
        ("list", |text| format!("[{text}]").into(), "it is not"),
        ("string", |_| br#""text""#.to_vec(), "it is not"),
        ("null", |_| b"null".to_vec(), "it is not"),
        ("duplicate-key", |text| format!(r#"{{"a":1,"a":1,{}"#, &text[1..]).into(), "not well-formed JSON"),
        (
            "duplicate-key-deep",
            |text| format!(r#"{{"annotations":{{"x":"1","x":"2"}},{}"#, &text[1..]).into(),
            "not well-formed JSON",
        ),
        ("duplicate-key-escaped", |text| format!(r#"{{"a":1,"\u0061":1,{}"#, &text[1..]).into(), "JSON"),
        (
            "deep",
            |text| format!(r#"{{"a":{}{},{}"#, "[".repeat(200), "]".repeat(200), &text[1..]).into(),
            "not well-formed JSON",
        ),
        ("very-deep", |_| "[".repeat(1_000_000).into(), "not well-formed JSON"),
        ("very-deep-objects", |_| r#"{"a":"#.repeat(500_000).into(), "not well-formed JSON"),
        ("huge", |text| format!("{text}{}", " ".repeat(9 << 20)).into(), "is larger than"),
        ("huge-string", |text| format!(r#"{{"a":"{}",{}"#, "a".repeat(9 << 20), &text[1..]).into(), "larger"),
    ];
    let mut cases = Vec::new();
    for &(name, rewrite, says) in texts {
        cases.push(
            case(&format!("json-{name}-index"), ABOUT, move || Parts::plain().index_text(rewrite))
                .refused(says),
        );
        cases.push(
            case(&format!("json-{name}-manifest"), ABOUT, move || Parts::plain().manifest_text(rewrite))
                .refused(says),
        );
        cases.push(
            case(&format!("json-{name}-config"), ABOUT, move || Parts::plain().config_text(rewrite))
                .refused(says),
        );
    }
    let odd: &[(&str, Rewrite)] = &[
        ("blanks", |text| text.replace(':', " :\r\n\t ").into()),
        ("blanks-around", |text| format!("\n\n {text} \n\n").into()),
        ("escapes", |text| {
            text.replace("linux", r"\u006cinux").replace("schemaVersion", r"schema\u0056ersion").into()
        }),
        ("depth-100", |text| {
            format!(r#"{{"a":{}{},{}"#, "[".repeat(100), "]".repeat(100), &text[1..]).into()
        }),
        ("unknown-fields", |text| {
            format!(r#"{{"unknown":{{"a":[1,2.5,-3,null,true]}},{}"#, &text[1..]).into()
        }),
        ("large-numbers", |text| {
            format!(r#"{{"a":[123456789012345678901234567890,1e300],{}"#, &text[1..]).into()
        }),
        ("three-mebibytes", |text| format!("{text}{}", " ".repeat(3 << 20)).into()),
    ];
    // A blank behind a colon inside of a text would make another text of it: the digests have one.
    for &(name, rewrite) in odd.iter().filter(|(name, _)| *name != "blanks") {
        cases.push(case(&format!("json-{name}-index"), ABOUT, move || Parts::plain().index_text(rewrite)));
        cases.push(case(&format!("json-{name}-manifest"), ABOUT, move || {
            Parts::plain().manifest_text(rewrite)
        }));
        cases.push(case(&format!("json-{name}-config"), ABOUT, move || Parts::plain().config_text(rewrite)));
    }
    cases
}

/// The plain image with one value of a document another one.
fn with(document: &'static str, path: &'static str, value: Value) -> Parts {
    let change = move |mut document: Value| {
        let (parent, key) = path.rsplit_once('/').unwrap();
        let parent = document.pointer_mut(parent).unwrap();
        match (parent, key.parse::<usize>()) {
            (Value::Array(items), Ok(index)) => items[index] = value,
            (parent, _) => parent[key] = value,
        }
        document
    };
    match document {
        "index" => Parts::plain().index(change),
        "manifest" => Parts::plain().manifest(change),
        "config" => Parts::plain().config(change),
        other => panic!("no document {other}"),
    }
}

fn json_values() -> Vec<Case> {
    let about = "documents";
    let mut cases = Vec::new();
    for (name, document, path, value) in [
        ("index-manifests-object", "index", "/manifests", json!({})),
        ("index-manifests-null", "index", "/manifests", json!(null)),
        ("index-entry-null", "index", "/manifests/0", json!(null)),
        ("index-entry-text", "index", "/manifests/0", json!("sha256:")),
        ("index-annotations-list", "index", "/manifests/0/annotations", json!([])),
        ("index-annotation-number", "index", "/manifests/0/annotations", json!({ "a": 1 })),
        ("index-media-type-number", "index", "/manifests/0/mediaType", json!(1)),
        ("index-platform-text", "index", "/manifests/0/platform", json!("linux/amd64")),
        ("manifest-config-null", "manifest", "/config", json!(null)),
        ("manifest-config-list", "manifest", "/config", json!([])),
        ("manifest-layers-object", "manifest", "/layers", json!({ "0": {} })),
        ("manifest-layer-null", "manifest", "/layers/0", json!(null)),
        ("config-rootfs-null", "config", "/rootfs", json!(null)),
        ("config-rootfs-type", "config", "/rootfs/type", json!("overlay")),
        ("config-rootfs-type-missing", "config", "/rootfs", json!({ "diff_ids": [] })),
        ("config-os-number", "config", "/os", json!(1)),
        ("config-architecture-list", "config", "/architecture", json!(["amd64"])),
        ("config-config-list", "config", "/config", json!([])),
        ("config-env-object", "config", "/config", json!({ "Env": { "A": "b" } })),
        ("config-env-numbers", "config", "/config", json!({ "Env": [1] })),
        ("config-user-number", "config", "/config", json!({ "User": 0 })),
        ("config-labels-list", "config", "/config", json!({ "Labels": ["a"] })),
        ("config-label-number", "config", "/config", json!({ "Labels": { "a": 1 } })),
        ("config-working-dir-list", "config", "/config", json!({ "WorkingDir": ["/"] })),
    ] {
        cases.push(
            case(&format!("json-{name}"), about, move || with(document, path, value.clone()))
                .refused("error: "),
        );
    }
    cases
}

fn versions() -> Vec<Case> {
    let about = "documents";
    let mut cases = Vec::new();
    for (name, value, says) in [
        ("1", json!(1), "schemaVersion 1"),
        ("3", json!(3), "schemaVersion 3"),
        ("0", json!(0), "schemaVersion 0"),
        ("text", json!("2"), "it is not a manifest or an index"),
        ("fraction", json!(2.0), "it is not a manifest or an index"),
        ("null", json!(null), "it is not a manifest or an index"),
    ] {
        let other = value.clone();
        cases.push(
            case(&format!("manifest-schema-version-{name}"), about, move || {
                with("manifest", "/schemaVersion", value.clone())
            })
            .refused(says),
        );
        cases.push(
            case(&format!("index-schema-version-{name}"), about, move || {
                with("index", "/schemaVersion", other.clone())
            })
            .refused(says),
        );
    }
    for (name, text, says) in [
        ("2", r#"{"imageLayoutVersion":"2.0.0"}"#, "only 1.0.0 is supported"),
        ("empty", r#"{"imageLayoutVersion":""}"#, "only 1.0.0 is supported"),
        ("missing", "{}", "it is not the header"),
        ("text", "1.0.0", "not well-formed JSON"),
        ("twice", r#"{"imageLayoutVersion":"2.0.0","imageLayoutVersion":"1.0.0"}"#, "not well-formed JSON"),
    ] {
        let build = move |_: &Path| Parts::plain().layout_with(|files| files.file("oci-layout", text));
        cases.push(Case::new(format!("layout-version-{name}"), about, build).refused(says));
    }
    cases.push(Case::new("manifest-schema1", "documents", |_| schema_1()).refused("manifest.v1+prettyjws"));
    cases.push(
        case("manifest-schema1-as-schema2", "documents", || Parts::plain().manifest(|_| schema_1_document()))
            .refused("schemaVersion 1"),
    );
    cases
}

fn schema_1_document() -> Value {
    json!({
        "schemaVersion": 1, "name": "library/case", "tag": "1", "architecture": architecture(),
        "fsLayers": [{ "blobSum": sha256(&plain_layer().finish()) }],
        "history": [{ "v1Compatibility": "{\"id\":\"0\"}" }], "signatures": [],
    })
}

fn schema_1() -> Source {
    let mut files = Parts::plain().files();
    let media_type = format!("{DOCKER}.distribution.manifest.v1+prettyjws");
    let entry = blob(&mut files, &media_type, schema_1_document().to_string());
    set_index(&mut files, &[entry]);
    Source::Directory(files)
}

/// Another `index.json` with these entries.
fn set_index(files: &mut Files, entries: &[Value]) {
    let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": entries });
    files.file("index.json", index.to_string());
}

/// The only entry of an index.
fn only_entry(files: &Files) -> Value {
    let index: Value = serde_json::from_slice(&files.bytes("index.json")).unwrap();
    index["manifests"][0].clone()
}

fn confusions() -> Vec<Case> {
    const ABOUT: &str = "CVE-2021-41190";
    let both = |document: &'static str| {
        move || {
            let entry = only_entry(&Parts::plain().files());
            let config = json!({ "mediaType": CONFIG, "digest": sha256(b"{}"), "size": 2 });
            match document {
                "index" => with("index", "/config", config),
                "index-layers" => with("index", "/layers", json!([])),
                "manifest" => with("manifest", "/manifests", json!([entry])),
                _ => with("manifest", "/manifests", json!([])),
            }
        }
    };
    let once = "a manifest and an index at once";
    vec![
        case("manifest-and-index", ABOUT, both("manifest")).refused(once),
        case("manifest-and-empty-index", ABOUT, both("manifest-empty")).refused(once),
        case("index-and-manifest", ABOUT, both("index")).refused(once),
        case("index-and-layers", ABOUT, both("index-layers")).refused(once),
        case("manifest-called-index", ABOUT, || with("manifest", "/mediaType", json!(INDEX)))
            .refused("it has mediaType"),
        case("manifest-described-as-index", ABOUT, || with("index", "/manifests/0/mediaType", json!(INDEX)))
            .refused("it has mediaType"),
        case("manifest-described-as-index-and-silent", ABOUT, || {
            with("index", "/manifests/0/mediaType", json!(INDEX)).manifest(|mut manifest| {
                manifest.as_object_mut().unwrap().remove("mediaType");
                manifest
            })
        })
        .refused("it has mediaType"),
        case("index-called-manifest", ABOUT, || with("index", "/mediaType", json!(MANIFEST)))
            .refused("it has mediaType"),
        case("manifest-media-type-unknown", ABOUT, || with("manifest", "/mediaType", json!("text/plain")))
            .refused("it has mediaType"),
        case("manifest-media-type-empty", ABOUT, || with("manifest", "/mediaType", json!("")))
            .refused("it has mediaType"),
        case("manifest-media-type-missing", "rule 4", || {
            Parts::plain().manifest(|mut manifest| {
                manifest.as_object_mut().unwrap().remove("mediaType");
                manifest
            })
        }),
        case("index-media-type-missing", "rule 4", || {
            Parts::plain().index(|mut index| {
                index.as_object_mut().unwrap().remove("mediaType");
                index
            })
        }),
        case("manifest-neither", ABOUT, || {
            Parts::plain().manifest(|mut manifest| {
                manifest.as_object_mut().unwrap().remove("config");
                manifest
            })
        })
        .refused("neither a manifest nor an index"),
        case("manifest-config-of-another-type", ABOUT, || {
            with("manifest", "/config/mediaType", json!("application/json"))
        })
        .refused("application/json"),
        case("manifest-artifact", "rule 4", || with("manifest", "/artifactType", json!("application/x")))
            .refused("application/x"),
    ]
}

/// All media types are Docker's.
fn docker_image() -> Parts {
    let layer = StoredLayer::packed(plain_layer().finish(), crate::support::Compression::Gzip)
        .media_type(&format!("{DOCKER}.image.rootfs.diff.tar.gzip"));
    Parts::new().layer(layer).manifest(|mut manifest| {
        manifest["mediaType"] = json!(format!("{DOCKER}.distribution.manifest.v2+json"));
        manifest["config"]["mediaType"] = json!(format!("{DOCKER}.container.image.v1+json"));
        manifest
    })
}

fn docker_types() -> Vec<Case> {
    let about = "rule 4";
    let described = |parts: Parts| {
        parts.index(|mut index| {
            index["manifests"][0]["mediaType"] = json!(format!("{DOCKER}.distribution.manifest.v2+json"));
            index
        })
    };
    vec![
        case("media-type-docker", about, move || described(docker_image())),
        case("media-type-docker-index", about, move || {
            described(docker_image()).index(|mut index| {
                index["mediaType"] = json!(format!("{DOCKER}.distribution.manifest.list.v2+json"));
                index
            })
        }),
        case("media-type-docker-described-as-oci", about, docker_image),
        case("media-type-oci-described-as-docker", about, move || described(Parts::plain())),
    ]
}

/// An image for another machine, whose layer is not there.
fn foreign(files: &mut Files, architecture: &str, os: &str) -> Value {
    let config = json!({
        "architecture": architecture, "os": os, "config": {},
        "rootfs": { "type": "layers", "diff_ids": [sha256(b"foreign")] },
    });
    let config = blob(files, CONFIG, config.to_string());
    let layer = json!({ "mediaType": LAYER, "digest": sha256(b"foreign"), "size": 7 });
    let manifest = json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer] });
    let mut entry = blob(files, MANIFEST, manifest.to_string());
    entry["annotations"] = names();
    entry
}

fn with_index(name: &str, entries: impl Fn(&mut Files, Value) -> Vec<Value> + 'static) -> Case {
    Case::new(name, "rule 4", move |_| {
        let mut files = Parts::plain().files();
        let entry = only_entry(&files);
        let entries = entries(&mut files, entry);
        set_index(&mut files, &entries);
        Source::Directory(files)
    })
}

fn on(mut entry: Value, os: &str, architecture: &str) -> Value {
    entry["platform"] = json!({ "os": os, "architecture": architecture });
    entry
}

fn indexes() -> Vec<Case> {
    let nested = |depth: usize| {
        move |files: &mut Files, entry: Value| {
            let index = (0..depth).fold(entry, |entry, _| {
                let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [entry] });
                let mut entry = blob(files, INDEX, index.to_string());
                entry["annotations"] = names();
                entry
            });
            vec![index]
        }
    };
    vec![
        with_index("index-picks-this-machine", |files, entry| {
            vec![
                on(foreign(files, "s390x", "linux"), "linux", "s390x"),
                on(foreign(files, architecture(), "windows"), "windows", architecture()),
                on(entry, "linux", architecture()),
            ]
        }),
        with_index("index-without-platforms", |files, entry| vec![foreign(files, "s390x", "linux"), entry]),
        with_index("index-attestation", |files, entry| {
            let attestation = on(foreign(files, "unknown", "unknown"), "unknown", "unknown");
            vec![on(entry, "linux", architecture()), attestation]
        }),
        with_index("index-attestations-only", |files, _| {
            vec![on(foreign(files, "unknown", "unknown"), "unknown", "unknown"); 2]
        })
        .refused("only manifests of the platform `unknown`\n"),
        with_index("index-many-platforms", |files, _| {
            (0..100)
                .map(|n| on(foreign(files, "s390x", "linux"), &format!("{n}{}", "o".repeat(600)), "s390x"))
                .collect()
        })
        .refused("and 92 more"),
        with_index("index-unknown-entries", |files, entry| {
            let unknown = blob(files, "application/vnd.example.something", "anything");
            let mut artifact = foreign(files, architecture(), "linux");
            artifact["artifactType"] = json!("application/vnd.example.signature");
            vec![unknown, artifact, entry]
        }),
        with_index("index-artifact-that-does-not-say-so", |files, entry| {
            let empty = blob(files, "application/vnd.oci.empty.v1+json", "{}");
            let manifest =
                json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": empty, "layers": [empty] });
            vec![blob(files, MANIFEST, manifest.to_string()), entry]
        }),
        with_index("index-nothing-fits", |files, _| {
            vec![on(foreign(files, "s390x", "linux"), "linux", "s390x")]
        })
        .refused("only linux/s390x"),
        with_index("index-lies-about-the-platform", |files, _| {
            vec![on(foreign(files, "s390x", "linux"), "linux", architecture())]
        })
        .refused("only linux/s390x"),
        with_index("index-only-attestations", |files, _| {
            vec![on(foreign(files, "unknown", "unknown"), "unknown", "unknown")]
        })
        .refused("there is no image"),
        with_index("index-empty", |_, _| Vec::new()).refused("its index is empty"),
        with_index("index-entry-missing", |_, mut entry| {
            entry["digest"] = json!(sha256(b"not there"));
            vec![entry]
        })
        .refused("is not there"),
        with_index("index-nested", nested(3)),
        with_index("index-nested-too-deep", nested(10)).refused("too deep"),
        with_index("index-of-many", |_, entry| vec![entry; 5000]).refused("more than 4096 documents"),
        with_index("index-bomb", |files, entry| {
            (0..4).fold(vec![entry], |entries, _| {
                let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": entries });
                vec![blob(files, INDEX, index.to_string()); 20]
            })
        })
        .refused("more than 4096 documents"),
        // The same document again and again.
        with_index("index-bomb-of-bytes", |files, entry| {
            let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [entry] });
            vec![blob(files, INDEX, format!("{index}{}", " ".repeat(3 << 20))); 1000]
        })
        .refused("bytes together"),
        with_index("index-twice-the-same", |_, entry| vec![entry.clone(), entry]),
        with_index("index-long-digest-list", |_, mut entry| {
            entry["urls"] = json!(["file:///etc/passwd"]);
            entry["data"] = json!("e30=");
            vec![entry]
        }),
    ]
}

fn configurations() -> Vec<Case> {
    let about = "documents: what Go writes where there is nothing";
    let nulls = json!({
        "Env": null, "Cmd": null, "Entrypoint": null, "Volumes": null, "ExposedPorts": null, "Labels": null,
        "OnBuild": null, "User": "", "WorkingDir": "", "StopSignal": null, "Healthcheck": null, "Hostname": "",
        "Domainname": "", "AttachStdin": false, "Image": "", "ArgsEscaped": true,
    });
    vec![
        case("config-nulls", about, move || with("config", "/config", nulls.clone())),
        case("config-null", about, || with("config", "/config", json!(null))),
        case("config-none", about, || {
            Parts::plain().config(|mut config| {
                config.as_object_mut().unwrap().remove("config");
                config
            })
        }),
        case("config-history-null", about, || with("config", "/history", json!(null))),
        case("config-created-null", about, || with("config", "/created", json!(null))),
        case("config-created-nonsense", about, || with("config", "/created", json!("yesterday"))),
        case("config-volumes-null-values", about, || {
            with("config", "/config", json!({ "Volumes": { "/data": null, "/more": {} } }))
        }),
        case("config-ports-null-values", about, || {
            with("config", "/config", json!({ "ExposedPorts": { "80/tcp": null } }))
        }),
        case("config-volumes-with-values", about, || {
            with("config", "/config", json!({ "Volumes": { "/data": null, "/more": 1 } }))
        })
        .refused("it is not an image configuration"),
        case("config-docker-fields", about, || {
            Parts::plain().config(|mut config| {
                config["container"] = json!("abc");
                config["container_config"] = json!({ "Cmd": ["/bin/sh", "-c", "#(nop) "] });
                config["docker_version"] = json!("20.10");
                config["id"] = json!("abc");
                config
            })
        }),
        case("manifest-nulls", about, || {
            Parts::plain().manifest(|mut manifest| {
                manifest["annotations"] = json!(null);
                manifest["subject"] = json!(null);
                manifest["layers"][0]["urls"] = json!(null);
                manifest["layers"][0]["annotations"] = json!(null);
                manifest["layers"][0]["platform"] = json!(null);
                manifest
            })
        }),
        case("config-foreign-platform", "rule 4", || with("config", "/architecture", json!("s390x")))
            .refused("only linux/s390x"),
        case("config-foreign-os", "rule 4", || with("config", "/os", json!("windows")))
            .refused("only windows/"),
        case("config-no-platform", "rule 4", || {
            with("config", "/os", json!("")).config(|mut config| {
                config["architecture"] = json!("");
                config
            })
        })
        .refused("there is no image"),
        case("config-size-limit", "rule 10", || with("config", "/comment", json!("c".repeat(5 << 20)))),
        case("config-size-limit-lowered", "rule 10", || with("config", "/comment", json!("c".repeat(5000))))
            .load_flags(&["--image-limit", "config=4k"])
            .refused("is larger than 4096 bytes"),
    ]
}

fn layers() -> Vec<Case> {
    let many = |count: usize| {
        move || {
            (0..count).fold(Parts::plain(), |parts, number| {
                parts.layer(Tar::new().file(format!("files/{number}"), ""))
            })
        }
    };
    let files = |count: usize| {
        let tree = Tree::new().file("file", "content\n").directory("files");
        (0..count).fold(tree, |tree, number| tree.file(format!("files/{number}"), ""))
    };
    let url = |url: &'static str, is_there: bool| {
        Case::new("", "layer URLs", move |canary| {
            let url = url.replace("CANARY", canary.to_str().unwrap());
            let layer = StoredLayer::from(plain_layer())
                .media_type("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip");
            let parts = Parts::new().layer(layer).manifest(move |mut manifest| {
                manifest["layers"][0]["urls"] = json!([url]);
                manifest
            });
            parts.layout_with(|files| {
                if !is_there {
                    files.remove(&blob_file(&sha256(&plain_layer().finish())));
                }
            })
        })
    };
    let named = |name: &str, case: Case| Case { name: name.to_owned(), ..case };
    vec![
        named("foreign-layer-url", url("file://CANARY/file", false)).refused("is not there"),
        named("foreign-layer-url-web", url("http://127.0.0.1:1/layer", false)).refused("is not there"),
        named("foreign-layer-url-unused", url("file://CANARY/file", true)),
        case("layers-none", "rule 2", Parts::new).tree(Tree::new()),
        case("layers-127", "rule 10", many(126)).tree(files(126)),
        case("layers-200", "rule 10", many(199)).tree(files(199)),
        case("layers-500", "rule 10", many(499)).tree(files(499)).within(240),
        case("layers-501", "rule 10", many(500)).refused("has 501 layers, more than 500"),
        case("layers-limit", "rule 10", many(3))
            .load_flags(&["--image-limit", "layers=3"])
            .refused("has 4 layers, more than 3"),
        case("layer-twice", "rule 2", || Parts::plain().layer(plain_layer())),
        case("layers-too-many-bytes", "rule 10", || {
            let layer = || Tar::new().file("zeros", vec![0; 600 << 10]);
            Parts::new().layer(layer()).layer(layer())
        })
        .load_flags(&["--image-limit", "bytes=1m"])
        .refused("unpack"),
        case("layer-empty-between", "rule 9", || {
            Parts::plain().layer(Vec::new()).layer(Tar::new()).layer(Tar::new().file("more", "m"))
        })
        .tree(Tree::new().file("file", "content\n").file("more", "m")),
        Case::new("name-escapes", "b1: names", |_| {
            Parts::plain()
                .index(|mut index| {
                    index["manifests"][0]["annotations"] = json!({
                        "io.containerd.image.name": NAME,
                        "org.opencontainers.image.ref.name": "../../../canary\u{1b}[2J",
                    });
                    index
                })
                .layout()
        }),
    ]
}
