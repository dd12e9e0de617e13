#!/usr/bin/env python3
"""Measures minirun beside other launchers, side by side in one run, and says which goals are met.

As root it makes a mount namespace with a cgroup2 at /sys/fs/cgroup, which crun asks for, and measures as --user, an
unprivileged one. As another user it measures as that one, and says which peers cannot run.

Writes what it found as JSON, and from that docs/performance.md and docs/performance.svg; a part that was measured
replaces its rows there and nothing else.
"""

import argparse
import ctypes
import json
import os
import platform
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import time
from typing import Any, Dict, List, Optional

import build
import disk
import peers
import plot
import priority
import pull
import scale
import size
import start
import table
import unpack
from figures import Row, from_document, join, to_document
from scene import Scene, average_load

HERE = os.path.dirname(os.path.abspath(__file__))
PROJECT = os.path.dirname(os.path.dirname(HERE))
# PR_SET_CHILD_SUBREAPER, prctl(2).
SUBREAPER = 36
PARTS = {"start": start.rows, "unpack": unpack.rows, "pull": pull.rows, "scale": scale.rows, "disk": disk.rows,
         "size": size.rows}


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="just bench", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"what to measure: {', '.join(PARTS)} [all]")
    parser.add_argument("--binary", default=f"{PROJECT}/target/release/minirun", help="the program [target/release]")
    parser.add_argument("--user", help="who measures, if root starts this [a user with subordinate IDs]")
    parser.add_argument("--rounds", type=int, default=100, help="the most rounds for a row [100]")
    parser.add_argument("--seconds", type=float, default=20, help="the most seconds for a row, about [20]")
    parser.add_argument("--ahead", action="store_true", help="before the machine's other work, if root starts this")
    parser.add_argument("--quick", action="store_true", help="less of everything: to see whether it runs")
    parser.add_argument("--large", default="", metavar="LAYOUT",
                        help="also unpack and pull this image layout, or `generated`: one of 1.3 GB")
    parser.add_argument("--alpine", default="", metavar="LAYOUT", help="the image for the cold start [generated]")
    parser.add_argument("--directory", default="/var/tmp", help="on the disk that is measured [/var/tmp]")
    parser.add_argument("--json", default=f"{PROJECT}/target/bench.json", help="what was found [target/bench.json]")
    parser.add_argument("--no-document", action="store_true", help="leave docs/ as it is")
    parser.add_argument("--install-peers", action="store_true", help="install the peers by apt-get, then end")
    parser.add_argument("--show", action="store_true", help="measure nothing: the table and documents of the JSON")
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    return parser


def install_peers() -> int:
    command = ["apt-get", "install", "-y", "--no-install-recommends", *peers.PACKAGES]
    print(" ".join(command))
    return subprocess.run(command, check=False).returncode


def ordinary_user() -> str:
    """The first user with subordinate IDs. Raises LookupError."""
    with open("/etc/subuid", encoding="utf-8") as file:
        names = [line.split(":")[0] for line in file]
    for name in names:
        try:
            if pwd.getpwnam(name).pw_uid != 0:
                return name
        except KeyError:
            continue
    raise LookupError("no user has subordinate IDs: name one with --user")


# A mount namespace with a cgroup2 that all see at the usual place, and a group of their own if there is one.
ENTER = """
test -z "$0" || echo $$ >"$0/cgroup.procs"
mount -t cgroup2 cgroup2 /sys/fs/cgroup || echo "no cgroup2: crun may refuse" >&2
exec "$@"
"""


def as_user(name: str, group: Optional[str], words: List[str]) -> List[str]:
    """The command as another user, with nothing of root's environment."""
    user = pwd.getpwnam(name)
    return ["unshare", "--mount", "sh", "-c", ENTER, group or "",
            "setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--init-groups", "--inh-caps=-all",
            "env", "-i", f"HOME={user.pw_dir}", f"USER={name}", "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            "LC_ALL=C.UTF-8", *words]


def measure(options: argparse.Namespace) -> Dict[str, Any]:
    """Measures in a directory of its own, as an unprivileged user; what was found."""
    # Podman names an image after where it lies: there are letters with which no name may begin.
    directory = f"{options.directory}/bench-{secrets.token_hex(6)}"
    os.mkdir(directory, 0o700)
    group = priority.make(os.path.basename(directory), options.ahead) if os.geteuid() == 0 else None
    try:
        programs = f"{directory}/programs"
        os.mkdir(programs)
        build.programs(programs)
        # The program may lie where only its owner can read.
        shutil.copy(options.binary, f"{programs}/minirun")
        words = [sys.executable, HERE, *sys.argv[1:], "--inside", directory]
        if os.geteuid() == 0:
            name = options.user or ordinary_user()
            for path in (directory, programs, *(f"{programs}/{file}" for file in os.listdir(programs))):
                os.chown(path, pwd.getpwnam(name).pw_uid, pwd.getpwnam(name).pw_gid)
            # This interpreter may lie where only root can read.
            words = as_user(name, group, ["python3", "-B", *words[1:]])
        try:
            run_and_reap(words)
        except subprocess.CalledProcessError as error:
            if not os.path.exists(f"{directory}/result.json"):
                raise
            print(f"not everything was measured: {error}", file=sys.stderr)
        with open(f"{directory}/result.json", encoding="utf-8") as file:
            return json.load(file)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        priority.remove(group)


def run_and_reap(words: List[str]) -> None:
    """Runs a command, and waits for the orphans that it leaves meanwhile: process 1 may let a dead one lie, for which
    somebody waits. Raises CalledProcessError."""
    ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)
    child = subprocess.Popen(words, cwd="/").pid
    try:
        while True:
            pid, status = os.waitpid(-1, 0)
            if pid == child:
                break
    except KeyboardInterrupt:
        # The terminal has told the child, too; it clears up first.
        status = os.waitpid(child, 0)[1]
    if status:
        raise subprocess.CalledProcessError(os.waitstatus_to_exitcode(status), words[:1])


def inside(options: argparse.Namespace) -> int:
    """What the unprivileged user does."""
    directory = options.inside
    # Whoever ends this program has it clear up first.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    rounds, seconds = (5, 3.0) if options.quick else (options.rounds, options.seconds)
    scene = Scene(directory, f"{directory}/programs/minirun", f"{directory}/programs", rounds, seconds, options.large,
                  options.alpine, options.quick)
    found: List[Row] = []
    try:
        for part in options.parts or PARTS:
            print(f"measuring {part}, load {average_load():.1f}", file=sys.stderr, flush=True)
            new = PARTS[part](scene)
            print(table.text(new), flush=True)
            found += new
            # After each part: whoever ends this program keeps what was measured until then.
            with open(f"{directory}/result.json", "w", encoding="utf-8") as file:
                json.dump({"machine": machine(scene), "rows": [to_document(row) for row in found]}, file)
    finally:
        peers.remember_pause(scene)
        scene.leave()
    return 0


def machine(scene: Scene) -> Dict[str, Any]:
    return {
        "date": time.strftime("%Y-%m-%d"),
        "kernel": platform.release(),
        "processor": processor(),
        "processors": os.cpu_count(),
        "subordinate_ids": has_range(),
        "versions": {"minirun": scene.minirun("version").strip().splitlines()[0], **peers.versions()},
    }


def has_range() -> bool:
    with open("/etc/subuid", encoding="utf-8") as file:
        name = pwd.getpwuid(os.getuid()).pw_name
        return any(line.startswith(f"{name}:") for line in file)


def processor() -> str:
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return names[0] if names else platform.machine()


def read_known(path: str) -> Dict[str, Any]:
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        return {"rows": []}


def keep(path: str, found: Dict[str, Any]) -> Dict[str, Any]:
    """Writes the JSON: what was found, and of earlier runs what this one did not measure."""
    old = [from_document(row) for row in read_known(path)["rows"]]
    rows = join(old, [from_document(row) for row in found["rows"]])
    document = {**found, "rows": [to_document(row) for row in rows]}
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(document, file, indent=1, ensure_ascii=False)
        file.write("\n")
    return document


def write_documents(found: Dict[str, Any]) -> None:
    """The part of docs/performance.md between the markers, and the picture."""
    rows = [from_document(row) for row in found["rows"]]
    path = f"{PROJECT}/docs/performance.md"
    with open(path, encoding="utf-8") as file:
        document = file.read()
    with open(path, "w", encoding="utf-8") as file:
        file.write(table.splice(document, table.page(found["machine"], rows)))
    with open(f"{PROJECT}/docs/performance.svg", "w", encoding="utf-8") as file:
        file.write(plot.svg(rows))


def main() -> int:
    options = arguments().parse_args()
    unknown = [part for part in options.parts if part not in PARTS]
    if unknown:
        print(f"no part `{unknown[0]}`: {', '.join(PARTS)}", file=sys.stderr)
        return 2
    if options.install_peers:
        return install_peers()
    if options.inside:
        return inside(options)
    if options.show and not os.path.exists(options.json):
        print(f"nothing has been measured yet: no {options.json}", file=sys.stderr)
        return 2
    if not options.show and not os.access(options.binary, os.X_OK):
        print(f"no program {options.binary}: cargo build --release --locked", file=sys.stderr)
        return 2
    try:
        found = read_known(options.json) if options.show else keep(options.json, measure(options))
    except (subprocess.CalledProcessError, LookupError) as error:
        # Whoever failed has said why.
        print(f"nothing was measured: {error}", file=sys.stderr)
        return 1
    rows = [from_document(row) for row in found["rows"]]
    print(table.text(rows))
    print(table.summary(rows))
    if not options.no_document:
        write_documents(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
