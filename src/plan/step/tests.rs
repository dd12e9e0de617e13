use super::*;
use crate::plan::digest::{Algorithm, Digest};
use crate::plan::environment::parse_setting;
use crate::plan::mount::{parse_mount, parse_tmpfs, parse_volume};
use crate::plan::source::ImageSource;

fn digest(byte: u8) -> Digest {
    Digest::from_bytes(Algorithm::Sha256, &[byte; 32])
}

fn asked(volumes: &[&str], variables: &[&str]) -> StepRequest {
    let mut run = RunRequest::of(ImageSource::parse("alpine".as_ref()).unwrap(), "alpine".to_owned());
    run.command = vec!["make".to_owned()];
    run.mounts = volumes.iter().map(|text| parse_volume(text.as_ref()).unwrap()).collect();
    run.environment = variables.iter().map(|text| parse_setting(text).unwrap()).collect();
    StepRequest { run, caches: Vec::new(), changes: Vec::new() }
}

fn key(step: &StepRequest, contents: &[u8]) -> Digest {
    let inputs: Vec<_> = contents.iter().map(|byte| Some(digest(*byte))).collect();
    step.key(&digest(0), &inputs, |name| (name == "CALLER").then(|| "has".to_owned()))
}

#[test]
fn what_the_command_sees_counts_and_where_it_lies_does_not() {
    let step = |volumes: &[&str], variables: &[&str]| asked(volumes, variables).prepare().unwrap();
    let first = key(&step(&["/one:/src"], &["A=b", "CALLER"]), &[1]);
    for (same, volume, variables) in [
        (true, "/two:/src", vec!["CALLER", "A=b"]),
        (true, "/one:/src:ro", vec!["A=c", "A=b", "CALLER=has"]),
        (false, "/one:/other", vec!["A=b", "CALLER"]),
        (false, "/one:/src:O", vec!["A=b", "CALLER"]),
        (false, "/one:/src", vec!["A=b"]),
        (false, "/one:/src", vec!["A=", "CALLER"]),
    ] {
        assert_eq!(key(&step(&[volume], &variables), &[1]) == first, same, "{volume} {variables:?}");
    }
    assert_ne!(key(&step(&["/one:/src"], &["A=b", "CALLER"]), &[2]), first);
    let mut other = step(&["/one:/src"], &["A=b", "CALLER"]);
    other.run.command.push("install".to_owned());
    assert_ne!(key(&other, &[1]), first);
    let mut limited = step(&["/one:/src"], &["A=b", "CALLER"]);
    limited.run.oom_score_adjustment = Some(1);
    assert_eq!(key(&limited, &[1]), first);
    limited.caches = vec![parse_volume("cache:/cache".as_ref()).unwrap()];
    assert_ne!(key(&limited, &[1]), first);
}

#[test]
fn nothing_of_it_stays_outside_of_the_image() {
    let step = asked(&["/one:/src", "/two:/other:O"], &[]).prepare().unwrap();
    let access: Vec<_> = step.run.mounts.iter().map(|mount| mount.attributes().access).collect();
    assert_eq!(access, [Access::ReadOnly, Access::ReadWrite]);
    assert_eq!(step.run.lifetime, Lifetime::Ephemeral);
    for volume in ["data:/data", "/data", "/one:/src:cow", "/one:/src:U"] {
        let error = asked(&[volume], &[]).prepare().unwrap_err();
        assert!(error.hint().is_some(), "{error}");
    }
    let mut step = asked(&[], &[]);
    step.caches = vec![parse_tmpfs("/x".as_ref()).unwrap()];
    assert!(matches!(step.prepare(), Err(StepError::Cache(_))));
    let mut step = asked(&[], &[]);
    step.run.mounts = vec![parse_mount("type=glob,src=/one/*,dst=/x".as_ref()).unwrap()];
    assert!(matches!(step.clone().prepare(), Err(StepError::Pattern(_))));
    step.run.mounts = vec![parse_mount("type=image,src=alpine,dst=/x".as_ref()).unwrap()];
    assert_eq!(step.clone().prepare().unwrap().inputs(), [Input::Image("alpine".to_owned())]);
    step.run.command.clear();
    assert_eq!(step.prepare().unwrap_err(), StepError::NoCommand);
}
