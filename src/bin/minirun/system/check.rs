//! `minirun system check`.

use minirun::container::{Engine, Repair};
use minirun::store::check::{Depth, Finding, Grade, Remedy};
use serde_json::{Value, json};

use crate::arguments::system::CheckArgs;
use crate::failure::{Failure, SOME_FAILED};
use crate::output::Output;
use crate::template::Template;

/// Looks at the store; 0 if it is in order or has been mended, 1 if it is not.
pub(crate) fn check(engine: &Engine, arguments: &CheckArgs, output: &mut Output) -> Result<u8, Failure> {
    let depth = if arguments.digests { Depth::Digests } else { Depth::Records };
    let repair = if arguments.repair { Repair::All } else { Repair::None };
    let template = match arguments.format.as_deref() {
        None | Some("json") => None,
        Some(format) => Some(Template::parse(format)?),
    };
    let findings = engine.check(depth, repair)?;
    match (&template, arguments.format.as_deref()) {
        (Some(template), _) => {
            for finding in &findings {
                output.line(template.render(&value(finding))?)?;
            }
        }
        (None, Some(_)) => output.line(findings.iter().map(value).collect::<Value>().to_string())?,
        (None, None) => {
            for finding in &findings {
                output.line(line(finding))?;
            }
            output.line(summary(&findings))?;
        }
    }
    Ok(if findings.iter().any(is_wrong) { SOME_FAILED } else { 0 })
}

/// Whether there is still something wrong.
fn is_wrong(finding: &Finding) -> bool {
    finding.flaw.grade() == Grade::Problem && finding.mended != Some(Ok(()))
}

fn line(finding: &Finding) -> String {
    let Finding { path, flaw, remedy, mended } = finding;
    let note = match flaw.grade() {
        Grade::Problem => "",
        Grade::Note => "note: ",
    };
    match (remedy, mended) {
        (Remedy::Advice(advice), _) => format!("{note}{path}: {flaw}; {advice}"),
        (_, None) => format!("{note}{path}: {flaw}; --repair {remedy}"),
        (_, Some(Ok(()))) => format!("{note}{path}: {flaw}; mended: {remedy}"),
        (_, Some(Err(error))) => format!("{note}{path}: {flaw}; not mended: {error}"),
    }
}

fn summary(findings: &[Finding]) -> String {
    let problems = findings.iter().filter(|finding| is_wrong(finding)).count();
    match problems {
        0 => "the store is in order".to_owned(),
        1 => "1 problem".to_owned(),
        many => format!("{many} problems"),
    }
}

fn value(finding: &Finding) -> Value {
    let Finding { path, flaw, remedy, mended } = finding;
    json!({
        "Path": path,
        "Problem": flaw.to_string(),
        "Grade": flaw.grade(),
        "Remedy": remedy.to_string(),
        "Repairable": !matches!(remedy, Remedy::Advice(_)),
        "Repaired": mended == &Some(Ok(())),
        "Error": mended.as_ref().and_then(|mended| mended.as_ref().err()),
    })
}
