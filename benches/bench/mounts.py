"""The mounts of a container, read from inside, and how other launchers are told to make the same. No file, no clock."""

import re
from typing import Dict, List, NamedTuple, Sequence, Tuple

NODES = ("null", "zero", "full", "random", "urandom", "tty")
LINKS = (("/proc/self/fd", "dev/fd"), ("/proc/self/fd/0", "dev/stdin"), ("/proc/self/fd/1", "dev/stdout"),
         ("/proc/self/fd/2", "dev/stderr"), ("pts/ptmx", "dev/ptmx"), ("/proc/kcore", "dev/core"))


class Mount(NamedTuple):
    """A line of mountinfo, as far as it matters here."""

    at: str
    kind: str
    root: str
    options: Tuple[str, ...]
    details: str

    @property
    def is_fixed(self) -> bool:
        """Whether the mount is read-only."""
        return "ro" in self.options


def parse(mountinfo: str) -> List[Mount]:
    found = []
    for line in mountinfo.splitlines():
        if " - " not in line:
            continue
        front, back = line.split(" - ", 1)
        words, rest = front.split(" "), back.split(" ")
        at, root = unescaped(words[4]), unescaped(words[3])
        found.append(Mount(at, rest[0], root, tuple(words[5].split(",")), rest[2] if len(rest) > 2 else ""))
    return found


def unescaped(word: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found.group(1), 8)), word)


def own(mounts: Sequence[Mount]) -> List[Mount]:
    """Without what comes along with a bind of the machine's /sys, and without the root."""
    return [
        mount for mount in mounts
        if mount.at != "/" and not (mount.at.startswith("/sys/") and mount.kind not in ("tmpfs", "proc", "devtmpfs"))
        and not mount.at.startswith("/sys/fs/cgroup")
    ]


def root(mounts: Sequence[Mount]) -> List[Mount]:
    return [mount for mount in mounts if mount.at == "/"]


def for_bwrap(mounts: Sequence[Mount], sources: Dict[str, str]) -> List[str]:
    """The flags by which bwrap makes these mounts. `sources` has the host path of what is bound at a destination."""
    flags = []
    for mount in own(mounts):
        at = mount.at
        if at == "/dev":
            flags += ["--dev", at]
        elif is_of_dev(at):
            continue
        elif at in sources:
            flags += ["--ro-bind" if mount.is_fixed else "--bind", sources[at], at]
        elif mount.kind == "proc":
            flags += ["--proc", at] if mount.root == "/" else ["--ro-bind", f"/proc{mount.root}", at]
        elif mount.kind == "sysfs":
            flags += ["--ro-bind", "/sys", at]
        elif mount.kind == "mqueue":
            flags += ["--mqueue", at]
        elif mount.kind == "devtmpfs":
            flags += ["--ro-bind", f"/dev{mount.root}", at]
        elif mount.kind == "tmpfs":
            flags += ["--tmpfs", at, *(["--remount-ro", at] if mount.is_fixed else [])]
        else:
            raise ValueError(f"no flag of bwrap for {at}")
    return flags


def is_of_dev(at: str) -> bool:
    """Whether bwrap's and our own /dev have this mount of themselves."""
    return at == "/dev/pts" or at in {f"/dev/{name}" for name in NODES}


def for_floor(mounts: Sequence[Mount], sources: Dict[str, str]) -> List[str]:
    """The words by which the floor program makes these mounts."""
    words = []
    for mount in own(mounts):
        at = mount.at.lstrip("/")
        if mount.at.startswith("/dev/") and mount.kind != "devtmpfs":
            words += ["directory", at]
        if mount.at == "/dev":
            words += ["tmpfs", at, *(word for name in NODES for word in ("file", f"dev/{name}"))]
            words += [word for target, name in LINKS for word in ("link", target, name)]
        elif mount.at in sources:
            words += ["fixed" if mount.is_fixed else "bind", sources[mount.at], at]
        elif mount.kind == "proc" and mount.root == "/":
            words += ["proc", at]
        elif mount.kind == "proc":
            words += ["fixed", f"/proc{mount.root}", at]
        elif mount.kind == "sysfs":
            words += ["fixed", "/sys", at]
        elif mount.kind in ("mqueue", "devpts"):
            words += [mount.kind, at]
        elif mount.kind == "devtmpfs":
            words += ["fixed" if mount.is_fixed else "bind", f"/dev{mount.root}", at]
        elif mount.kind == "tmpfs":
            words += ["empty" if mount.is_fixed else "tmpfs", at]
        else:
            raise ValueError(f"no word of the floor program for {mount.at}")
    return words


def identity(mount: Mount) -> Tuple[str, str, bool]:
    return mount.at, mount.kind, mount.is_fixed


def difference(ours: Sequence[Mount], theirs: Sequence[Mount]) -> List[str]:
    """In words what one has and the other has not; nothing if the sets are the same.

    What comes along with a bind of the machine's /sys is left out: that is one mount to make, however many it brings.
    """
    here = {identity(mount) for mount in [*root(ours), *own(ours)]}
    there = {identity(mount) for mount in [*root(theirs), *own(theirs)]}
    return [
        *(f"only ours: {told(one)}" for one in sorted(here - there)),
        *(f"only theirs: {told(one)}" for one in sorted(there - here)),
    ]


def told(found: Tuple[str, str, bool]) -> str:
    at, kind, fixed = found
    return f"{at} {kind} {'ro' if fixed else 'rw'}"
