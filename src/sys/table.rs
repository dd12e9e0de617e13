//! What the kernel tells about processes, `proc(5)`.

use rustix::process::Pid;

/// One process, as `ps` would show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessFacts {
    /// Its ID, as seen from here.
    pub pid: i32,
    /// Its parent's.
    pub parent: i32,
    /// Whose it is: the effective user ID, as seen from here.
    pub user: u32,
    /// Its controlling terminal's number among the pseudo-terminals, if it has one.
    pub terminal: Option<u32>,
    /// The processor time it has used, in seconds.
    pub cpu: u64,
    /// How long ago it began, in seconds.
    pub age: u64,
    /// Its command line; the name in brackets where it has none.
    pub command: String,
}

/// The facts about a process; none if it is gone.
#[must_use]
pub fn facts(pid: Pid) -> Option<ProcessFacts> {
    let read = |name: &str| std::fs::read(format!("/proc/{pid}/{name}")).ok();
    let text = |name: &str| read(name).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let uptime: f64 = text_of("/proc/uptime")?.split(' ').next()?.parse().ok()?;
    let status = text("status")?;
    let user =
        status.lines().find_map(|line| line.strip_prefix("Uid:")?.split_whitespace().nth(1)?.parse().ok())?;
    let stat = text("stat")?;
    let (name, numbers) = parse(&stat)?;
    let number = |field: usize| numbers.get(field - 3).and_then(|text| text.parse::<i64>().ok());
    // Since Linux 2.6 these are hundredths of a second, whatever the kernel counts in (USER_HZ).
    let seconds = |ticks: i64| u64::try_from(ticks / 100).unwrap_or(0);
    let words = read("cmdline").unwrap_or_default();
    let words = words.split(|&byte| byte == 0).filter(|word| !word.is_empty());
    let command = words.map(String::from_utf8_lossy).collect::<Vec<_>>().join(" ");
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a time since boot is small and positive"
    )]
    let now = uptime as u64;
    Some(ProcessFacts {
        pid: pid.as_raw_pid(),
        parent: i32::try_from(number(4)?).ok()?,
        user,
        terminal: terminal(number(7)?),
        cpu: seconds(number(14)? + number(15)?),
        age: now.saturating_sub(seconds(number(22)?)),
        command: if command.is_empty() { format!("[{name}]") } else { command },
    })
}

fn text_of(path: &str) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

/// The name, and the fields behind it, of which the first is the third.
fn parse(stat: &str) -> Option<(&str, Vec<&str>)> {
    let (begin, end) = (stat.find('(')?, stat.rfind(')')?);
    Some((stat.get(begin + 1..end)?, stat.get(end + 1..)?.split_whitespace().collect()))
}

/// The number of a pseudo-terminal; its device has one of the majors 136 to 143.
fn terminal(device: i64) -> Option<u32> {
    let device = u32::try_from(device).ok()?;
    let (major, minor) = ((device >> 8) & 0xfff, (device & 0xff) | ((device >> 12) & 0xf_ff00));
    (136..=143).contains(&major).then(|| (major - 136) * 256 + minor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_told() {
        let facts = facts(rustix::process::getpid()).unwrap();
        assert_eq!(facts.user, rustix::process::geteuid().as_raw());
        assert!(facts.command.contains("minirun"), "{facts:?}");
        assert!(facts.parent > 0 && facts.age < 100_000);
    }

    #[test]
    fn names_may_hold_anything() {
        assert_eq!(parse("7 (a) b (c)) S 1 2"), Some(("a) b (c)", vec!["S", "1", "2"])));
        assert_eq!(terminal(0), None);
        assert_eq!(terminal(34816 + 3), Some(3));
    }
}
