//! Instructions as they are typed, and what they make of a configuration.

use serde_json::{Value, json};

use super::*;

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

fn changed(mut config: Value, texts: &[&str]) -> Value {
    let instructions: Vec<_> = texts.iter().map(|text| parse(text).unwrap()).collect();
    apply(config.as_object_mut().unwrap(), &instructions);
    config
}

fn pairs_of(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn instructions_are_read_as_docker_reads_them() {
    for (text, wanted) in [
        (r#"CMD ["a", "b c"]"#, Instruction::Command(CommandLine::Words(owned(&["a", "b c"])))),
        ("cmd echo $HOME", Instruction::Command(CommandLine::Line("echo $HOME".to_owned()))),
        ("CMD []", Instruction::Command(CommandLine::Words(Vec::new()))),
        ("ENTRYPOINT [\"/x\"]", Instruction::Entrypoint(CommandLine::Words(owned(&["/x"])))),
        (
            "ENV A=1 B=\"x y\" C=\\ z",
            Instruction::Environment(pairs_of(&[("A", "1"), ("B", "x y"), ("C", " z")])),
        ),
        ("ENV A some words", Instruction::Environment(pairs_of(&[("A", "some words")]))),
        ("EXPOSE 80 53/udp 1-9/TCP", Instruction::Expose(owned(&["80/tcp", "53/udp", "1-9/tcp"]))),
        ("LABEL 'a b'=c", Instruction::Label(pairs_of(&[("a b", "c")]))),
        ("USER app:app", Instruction::User("app:app".to_owned())),
        ("VOLUME /a /b", Instruction::Volume(owned(&["/a", "/b"]))),
        (r#"VOLUME ["/a b"]"#, Instruction::Volume(owned(&["/a b"]))),
        ("WORKDIR /x", Instruction::WorkingDirectory("/x".to_owned())),
        (" STOPSIGNAL  KILL ", Instruction::StopSignal("KILL".to_owned())),
        (r#"SHELL ["/bin/bash", "-c"]"#, Instruction::Shell(owned(&["/bin/bash", "-c"]))),
        ("onbuild  run make  all", Instruction::OnBuild("run make  all".to_owned())),
    ] {
        assert_eq!(parse(text), Ok(wanted), "{text}");
    }
    for bad in [
        "",
        "RUN x",
        "ENV",
        "ENV A",
        "ENV A=1 B",
        "LABEL a='b",
        "USER a b",
        "EXPOSE x",
        "EXPOSE 0",
        "WORKDIR",
        "SHELL /bin/bash -c",
        "SHELL []",
        "ONBUILD",
        "ONBUILD FROM x",
        "ONBUILD ONBUILD RUN x",
        "ONBUILD make",
        "HEALTHCHECK",
        "HEALTHCHECK make",
        "MAINTAINER x",
    ] {
        assert!(parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn they_change_a_configuration() {
    let before = json!({ "Cmd": ["old"], "Env": ["A=0", "B=0"], "WorkingDir": "/w", "Volumes": null });
    let texts =
        ["ENTRYPOINT [\"e\"]", "ENV A=1", "WORKDIR sub", "EXPOSE 2", "EXPOSE 1", "LABEL l=m", "VOLUME /v"];
    let after = changed(before, &texts);
    let wanted = json!({
        "Entrypoint": ["e"], "Env": ["B=0", "A=1"], "WorkingDir": "/w/sub", "Labels": { "l": "m" },
        "ExposedPorts": { "1/tcp": {}, "2/tcp": {} }, "Volumes": { "/v": {} },
    });
    assert_eq!(after, wanted);
    let after = changed(after, &["CMD x", "ENTRYPOINT []"]);
    assert_eq!((&after["Cmd"], &after["Entrypoint"]), (&json!(["/bin/sh", "-c", "x"]), &json!([])));
}

#[test]
fn what_they_are_not_about_stays() {
    let before = json!({
        "Healthcheck": { "Test": ["CMD", "/old"] }, "OnBuild": ["RUN a"], "Shell": ["/bin/bash", "-lc"],
        "Volumes": { "/v": null }, "example.test/own": [1.5, null], "StopSignal": "SIGINT",
    });
    assert_eq!(changed(before.clone(), &[]), before);
    let after = changed(before.clone(), &["USER app", "VOLUME /v", "CMD x"]);
    let mut wanted = before;
    wanted["User"] = json!("app");
    // The image's own shell reads lines.
    wanted["Cmd"] = json!(["/bin/bash", "-lc", "x"]);
    assert_eq!(after, wanted);
    let after =
        changed(after, &["ONBUILD COPY . /src", "HEALTHCHECK NONE", "SHELL [\"/bin/ash\"]", "ENTRYPOINT y"]);
    wanted["OnBuild"] = json!(["RUN a", "COPY . /src"]);
    wanted["Healthcheck"] = json!({ "Test": ["NONE"] });
    wanted["Shell"] = json!(["/bin/ash"]);
    wanted["Entrypoint"] = json!(["/bin/ash", "y"]);
    wanted.as_object_mut().unwrap().remove("Cmd");
    assert_eq!(after, wanted);
}

#[test]
fn a_new_command_is_escaped_otherwise_than_the_old_one() {
    let before = json!({ "Cmd": ["a \"b\""], "ArgsEscaped": true });
    assert_eq!(changed(before.clone(), &["ENV A=b"])["ArgsEscaped"], true);
    assert_eq!(changed(before, &["CMD [\"c\"]"]), json!({ "Cmd": ["c"] }));
}
