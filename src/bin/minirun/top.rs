//! `minirun top`: the processes of a container.

use std::process::{Command, Stdio};

use minirun::container::{ContainerProcess, Engine};

use crate::arguments::container::TopArgs;
use crate::failure::Failure;
use crate::output::Output;
use crate::time;

/// Where the machine's `ps` is looked for; never in the caller's `PATH`.
const PS: [&str; 2] = ["/usr/bin/ps", "/bin/ps"];

/// Shows a table of its own, or with options what the machine's `ps` says of these processes.
pub(crate) fn top(engine: &Engine, arguments: &TopArgs, output: &mut Output) -> Result<u8, Failure> {
    let processes = engine.top(&arguments.container)?;
    if !arguments.options.is_empty() {
        return ask_ps(&processes, &arguments.options, output);
    }
    output.line(format!(
        "{:<12}{:<9}{:<9}{:<4}{:<9}{:<9}{:<10}CMD",
        "UID", "PID", "PPID", "C", "STIME", "TTY", "TIME"
    ))?;
    for process in &processes {
        let facts = &process.facts;
        let user = if process.user == 0 { "root".to_owned() } else { process.user.to_string() };
        let terminal = facts.terminal.map_or_else(|| "?".to_owned(), |number| format!("pts/{number}"));
        let begun = time::clock(time::now() - i64::try_from(facts.age).unwrap_or(0));
        let spent = format!("{:02}:{:02}:{:02}", facts.cpu / 3600, facts.cpu / 60 % 60, facts.cpu % 60);
        let percent = (facts.cpu * 100).checked_div(facts.age).unwrap_or(0).min(99);
        output.line(format!(
            "{user:<12}{:<9}{:<9}{percent:<4}{begun:<9}{terminal:<9}{spent:<10}{}",
            facts.pid,
            facts.parent,
            on_one_line(&facts.command)
        ))?;
    }
    Ok(0)
}

/// A command as `ps` shows it: what is no letter could end the line, or steer the terminal.
fn on_one_line(command: &str) -> String {
    command.replace(char::is_control, "?")
}

/// The lines of `ps` about these processes, told by its column `PID`.
fn ask_ps(processes: &[ContainerProcess], options: &[String], output: &mut Output) -> Result<u8, Failure> {
    let program = PS.into_iter().find(|path| std::path::Path::new(path).exists()).ok_or(Failure::NoPs)?;
    let asked = Command::new(program).args(options).stdin(Stdio::null()).output();
    let asked = asked.map_err(|error| Failure::Ps(error.to_string()))?;
    if !asked.status.success() {
        return Err(Failure::Ps(String::from_utf8_lossy(&asked.stderr).trim().to_owned()));
    }
    let text = String::from_utf8_lossy(&asked.stdout);
    let mut lines = text.lines();
    let header = lines.next().unwrap_or_default();
    let column = header.split_whitespace().position(|word| word == "PID").ok_or(Failure::NoPidColumn)?;
    output.line(header)?;
    let is_ours = |line: &&str| {
        let pid = line.split_whitespace().nth(column).and_then(|word| word.parse().ok());
        processes.iter().any(|process| Some(process.facts.pid) == pid)
    };
    lines.filter(is_ours).try_for_each(|line| output.line(line))?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_stay_on_their_line() {
        assert_eq!(on_one_line("sh -c a\n\x1b[2Jb\u{9b}ä"), "sh -c a??[2Jb?ä");
    }
}
