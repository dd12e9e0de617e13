"""A cgroup in which all that is measured goes before the machine's other work, alike for all.

Nice values would not do: processes of one session share the processors as a group (sched(7), autogroups), so they reach
no further than the session, and launchers make new ones. A group of the cpu controller has all descendants, whatever
they do, and no autogroups.
"""

import os
from typing import Optional

# Where the controller is, and its file and greatest value: cgroup v1, then v2.
PLACES = [("/sys/fs/cgroup/cpu", "cpu.shares", "262144"), ("/sys/fs/cgroup", "cpu.weight", "10000")]


def make(name: str) -> Optional[str]:
    """The directory of a new group, or nothing where there can be none."""
    for place, file, value in PLACES:
        path = f"{place}/{name}"
        if not os.path.exists(f"{place}/cgroup.procs"):
            continue
        try:
            os.mkdir(path)
        except OSError:
            continue
        try:
            with open(f"{path}/{file}", "w", encoding="ascii") as opened:
                opened.write(value)
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
