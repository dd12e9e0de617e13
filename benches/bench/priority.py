"""A cgroup for all that is measured, so that the processors are shared among the contenders alike.

Processes of one session share the processors as a group (sched(7), autogroups), and some launchers make a session for
the container while others don't: on a busy machine they would not be measured alike. A group of the cpu controller has
all descendants, whatever they do, and no autogroups.
"""

import os
from typing import Optional

# Where the controller is, and its file and greatest value: cgroup v1, then v2.
PLACES = [("/sys/fs/cgroup/cpu", "cpu.shares", "262144"), ("/sys/fs/cgroup", "cpu.weight", "10000")]


def make(name: str, is_ahead: bool) -> Optional[str]:
    """The directory of a new group, or nothing where there can be none; on request before the machine's other work."""
    for place, file, greatest in PLACES:
        path = f"{place}/{name}"
        if not os.path.exists(f"{place}/cgroup.procs"):
            continue
        try:
            os.mkdir(path)
        except OSError:
            continue
        try:
            with open(f"{path}/{file}", "r+", encoding="ascii") as opened:
                if is_ahead:
                    opened.write(greatest)
            return path
        except OSError:
            os.rmdir(path)
    return None


def remove(path: Optional[str]) -> None:
    """Removes a group that nothing is in any more."""
    if path is None:
        return
    try:
        os.rmdir(path)
    except OSError as error:
        print(f"{path} stays: {error.strerror}")
