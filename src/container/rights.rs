//! What a container has of its caller's rights, where that may surprise.

use super::{Event, Events};
use crate::plan::Plan;
use crate::plan::host::{Authority, Host};
use crate::plan::process::Groups;
use crate::plan::userns::UsernsMode;
use crate::sys::probe;

/// Says what the container keeps.
pub(super) fn tell(plan: &Plan, (mode, host): (UsernsMode, &Host), events: Events<'_>) {
    if plan.process.user.groups == Groups::Kept {
        let groups: Vec<String> = probe::supplementary_groups().iter().map(ToString::to_string).collect();
        if !groups.is_empty() {
            events(Event::Notice(format!(
                "the container keeps your groups {}: without subordinate IDs the kernel lets nobody give them up",
                groups.join(", ")
            )));
        }
    }
    if plan.namespaces.user.is_none() && mode == UsernsMode::Auto && host.authority == Authority::Root {
        // For people only: scripts of root would hear it at every start.
        events(Event::Remark(
            "root in this container is root of this machine: lines for root in /etc/subuid and /etc/subgid give it a user \
             namespace, and --userns host says that it is meant so"
                .to_owned(),
        ));
    }
}
