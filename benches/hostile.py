#!/usr/bin/env python3
"""Gives hostile and odd images to minirun and to other tools, and counts what came of it.

    benches/hostile.py [--images DIR] [--user USER]... [--tool TOOL]... [--case TEXT] [--seconds N] [--details]

Must be started by root. Without --images the images are made first, by the test `images_for_others`: DIR/root,
DIR/subordinate-ids and DIR/single-id, as far as there are such users. Every tool runs in a jail: a mount namespace whose
root is an overlay of the machine's, so that whatever a tool writes where it should not is seen and thrown away; its own
files are on a tmpfs of limited size. Root tries every image, and each USER does, too.

The answer is a table in Markdown. --details lists every case that a tool gets wrong.

What counts: a case that has to be refused is right if the tool fails, in whatever words. A case that has to be taken is
right if the tool succeeds and its files are those that are expected; what a case does not say of a file is not compared.
`escaped`: something outside of the tool's own directories changed, or the canary did. `hang`: it took longer than the
limit. `crash`: a panic or a signal. Cases that only show themselves when a container runs count for minirun alone.
"""

import argparse
import json
import os
import pwd
import re
import resource
import shutil
import signal
import stat
import subprocess
import sys
import tarfile
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
WORK = "/run/hostile"
VERDICTS = ["ok", "wrong", "escaped", "hang", "crash"]
CRASH = re.compile(rb"panic: |panicked at|SIGSEGV|fatal error: |goroutine \d+ \[|Traceback|stack overflow")
# Where a tool may leave things although it was told other places; all of it is on file systems of the jail's own.
SCRATCH = ["/run", "/tmp", "/var/tmp", "/var/lib/containers", "/dev/shm"]


class Outcome:
    """How a command ended."""

    def __init__(self, code, out, err, hung):
        self.code, self.file, self.err, self.hung = code, out, err, hung

    def text(self):
        self.file.seek(0)
        return self.file.read(1 << 20).decode("utf-8", "replace")

    @property
    def crashed(self):
        return (self.code is not None and self.code < 0) or CRASH.search(self.err) is not None

    def last_words(self):
        lines = self.err.decode("utf-8", "replace").strip().splitlines()
        errors = [line for line in lines if "rror" in line] or lines[-1:]
        return errors[0][:160] if errors else f"exit code {self.code}"


class Actor:
    """A user, with a directory of its own in the jail."""

    def __init__(self, name, seconds):
        account = pwd.getpwnam(name)
        self.name, self.uid, self.gid, self.seconds = name, account.pw_uid, account.pw_gid, seconds
        self.directory = f"{WORK}/{name}"
        os.makedirs(self.directory, exist_ok=True)
        os.chown(self.directory, self.uid, self.gid)
        self.environment = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": self.directory,
            "USER": name,
            "LOGNAME": name,
            "TMPDIR": self.directory,
            "XDG_RUNTIME_DIR": self.directory,
            "LC_ALL": "C.UTF-8",
        }

    @property
    def is_root(self):
        return self.uid == 0

    @property
    def kind(self):
        """What has to be expected differs a little with the IDs that somebody has."""
        return kind_of(self.name)

    def run(self, words, **more):
        """Runs a command with limits and a time to live; all that it started ends with it."""

        def limits():
            os.setsid()
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            resource.setrlimit(resource.RLIMIT_FSIZE, (2 << 30, 2 << 30))
            if not self.is_root:
                os.initgroups(self.name, self.gid)
                os.setgid(self.gid)
                os.setuid(self.uid)

        environment = dict(self.environment, **more)
        out, err = tempfile.TemporaryFile(), tempfile.TemporaryFile()
        child = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=environment,
            cwd=self.directory, preexec_fn=limits, close_fds=True,
        )
        hung = False
        try:
            child.wait(timeout=self.seconds)
        except subprocess.TimeoutExpired:
            hung = True
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        child.wait()
        err.seek(0)
        return Outcome(None if hung else child.returncode, out, err.read(1 << 20), hung)


class Tool:
    """A program that takes images and shows the files of what it took."""

    keeps_owners = True

    def __init__(self, actor):
        self.actor = actor
        self.store = f"{actor.directory}/store"

    def takes(self, case):
        return case["form"] in ("oci", "oci-archive", "docker-archive") and not needs_run(case)

    def clean(self):
        self.actor.run(["rm", "-rf", self.store])


class Minirun(Tool):
    name = "minirun"

    def __init__(self, actor):
        super().__init__(actor)
        self.program = f"{WORK}/minirun"
        self.keeps_owners = actor.kind != "single-id"

    def words(self, *words):
        return [self.program, "--store", self.store, *words]

    def takes(self, case):
        return True

    def load(self, path, case):
        quiet = [] if "warned" in case else ["-q"]
        return self.actor.run(self.words("load", *quiet, *case.get("loadFlags", []), "-i", path))

    def image(self):
        return self.actor.run(self.words("images", "-q", "-a")).text().split()[0]

    def tree(self):
        pack = 'tar -C "$MINIRUN_IMAGE_ROOT" --sort=name --sparse -c -f - .'
        return self.actor.run(self.words("unshare", "--image", self.image(), "--", "sh", "-c", pack))

    def run(self, flags, command):
        network = dict(MINIRUN_NETWORK="none")
        return self.actor.run(self.words("run", "--rm", *flags, self.image(), *command), **network)

    def clean(self):
        self.actor.run([self.program, "--store", f"{self.store}-cleaner", "unshare", "--", "rm", "-rf", self.store])
        self.actor.run(["rm", "-rf", self.store, f"{self.store}-cleaner"])


class Podman(Tool):
    """Podman and Buildah keep images alike."""

    name = "podman"
    unmount = ["image", "umount", "-f", "-a"]
    mounted = False

    def words(self, *words):
        places = ["--root", f"{self.store}/root", "--runroot", f"{self.store}/run", "--storage-driver", "overlay"]
        return [self.name, *places, *words]

    def load(self, path, case):
        transport = {"oci": "oci", "oci-archive": "oci-archive", "docker-archive": "docker-archive"}[case["form"]]
        # The image is named after the path, which has to be one that is fit for a name.
        place = f"{self.actor.directory}/image"
        self.actor.run(["ln", "-sfn", path, place])
        outcome = self.actor.run(self.words("pull", "-q", f"{transport}:{place}"))
        lines = outcome.text().split()
        self.image = lines[-1] if lines else ""
        return outcome

    def inside(self, script):
        words = ["sh", "-c", script]
        return words if self.actor.is_root else self.words("unshare", *words)

    def tree(self):
        self.mounted = True
        command = " ".join(self.words("image", "mount", self.image))
        script = f'tree=$({command}) && tar -C "$tree" --sort=name --sparse -c -f - .'
        return self.actor.run(self.inside(script))

    def clean(self):
        if self.mounted:
            self.actor.run(self.inside(" ".join(self.words(*self.unmount)) + "; true"))
        self.mounted = False
        self.actor.run(self.inside(f"umount -l {self.store}/root/overlay 2>/dev/null; rm -rf {self.store}"))
        super().clean()


class Buildah(Podman):
    name = "buildah"
    unmount = ["umount", "-a"]

    def tree(self):
        self.mounted = True
        make = " ".join(self.words("from", "--pull-never", self.image))
        mount = " ".join(self.words("mount"))
        script = f'tree=$({mount} "$({make})") && tar -C "$tree" --sort=name --sparse -c -f - .'
        return self.actor.run(self.inside(script))


class Umoci(Tool):
    name = "umoci"

    def __init__(self, actor):
        super().__init__(actor)
        self.keeps_owners = actor.is_root

    def takes(self, case):
        return case["form"] == "oci" and not needs_run(case)

    def load(self, path, case):
        bundle = f"{self.store}/bundle"
        self.actor.run(["mkdir", "-p", self.store])
        rootless = [] if self.actor.is_root else ["--rootless"]
        # Umoci locks and marks what it reads, so that it gets a copy.
        self.actor.run(["cp", "-a", path, f"{self.store}/layout"])
        image = f"{self.store}/layout:{tag(path)}"
        return self.actor.run(["umoci", "unpack", *rootless, "--image", image, bundle])

    def tree(self):
        return self.actor.run(["tar", "-C", f"{self.store}/bundle/rootfs", "--sort=name", "--sparse", "-c", "-f", "-", "."])

    def clean(self):
        self.actor.run(["chmod", "-R", "u+rwx", self.store])
        super().clean()


TOOLS = [Minirun, Podman, Buildah, Umoci]


def tag(layout):
    """The name of the first image of a layout, as umoci wants to have it."""
    try:
        # What stands there may be a pipe to which nobody writes, or have no end.
        with open(f"{layout}/index.json", "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
            first = json.loads(file.read(1 << 20))["manifests"][0]
        return first["annotations"]["org.opencontainers.image.ref.name"]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return "latest"


def needs_run(case):
    return "prints" in case or "fails" in case


def has_range(name):
    try:
        with open("/etc/subuid") as file:
            return any(line.startswith(f"{name}:") for line in file)
    except OSError:
        return False


def kind_of(user):
    if user == "root":
        return "root"
    return "subordinate-ids" if has_range(user) else "single-id"


def printable(name):
    """Bytes as the list of cases has them."""
    shown = {9: "\\t", 10: "\\n", 13: "\\r", 34: '\\"', 39: "\\'", 92: "\\\\"}
    return "".join(shown.get(byte) or (chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}") for byte in name)


def bare(name):
    parts = [part for part in name.split(b"/") if part not in (b"", b".")]
    return b"/".join(parts)


def files(archive):
    """The files of a tree that GNU tar packed, as the list of cases has them."""
    nodes = {}
    archive.seek(0)
    kinds = {
        tarfile.REGTYPE: "file", tarfile.DIRTYPE: "directory", tarfile.SYMTYPE: "symlink", tarfile.LNKTYPE: "hardlink",
        tarfile.FIFOTYPE: "fifo", tarfile.CHRTYPE: "device", tarfile.BLKTYPE: "device", tarfile.GNUTYPE_SPARSE: "file",
    }
    with tarfile.open(fileobj=archive, encoding="utf-8", errors="surrogateescape") as tar:
        for entry in tar:
            raw = lambda text: text.encode("utf-8", "surrogateescape")
            name, kind = printable(bare(raw(entry.name))), kinds.get(entry.type, "something else")
            content = None
            if kind == "file":
                # The list of cases has the text of small files alone.
                small = entry.size < 4096
                content = printable(tar.extractfile(entry).read()) if small else f"{entry.size} bytes"
            link = raw(entry.linkname) if kind in ("symlink", "hardlink") else None
            nodes[name] = {
                "kind": kind,
                "content": content,
                "link": None if link is None else printable(bare(link) if kind == "hardlink" else link),
                "mode": entry.mode & 0o7777, "owner": [entry.uid, entry.gid], "time": int(entry.mtime),
            }
    nodes.pop("", None)
    return nodes


def difference(wanted, found, keeps_owners):
    """What is not as it should be, in a few words; nothing if all is well."""
    expected = {node["path"]: node for node in wanted if node["path"]}
    bits = 0o7777 if keeps_owners else 0o1777
    for path, node in expected.items():
        got = found.get(path)
        if got is None:
            return f"{path} is missing"
        # GNU tar packs links of regular files alone as links.
        special = node["kind"] == "hardlink" and got["kind"] in ("fifo", "device")
        if special and got["kind"] == expected.get(node["link"], node)["kind"]:
            continue
        if got["kind"] != node["kind"]:
            return f"{path} is a {got['kind']}, not a {node['kind']}"
        if node["content"] is not None and got["content"] != node["content"]:
            return f"{path} has other content"
        if node["link"] is not None and got["link"] != node["link"]:
            return f"{path} leads to {got['link']}"
        if node["mode"] is not None and (got["mode"] ^ int(node["mode"], 8)) & bits:
            return f"{path} has mode {got['mode']:o}"
        if node["owner"] is not None and keeps_owners and got["owner"] != list(node["owner"]):
            return f"{path} belongs to {got['owner']}"
        if node["time"] is not None and got["time"] != node["time"]:
            return f"{path} has time {got['time']}"
    extra = sorted(set(found) - set(expected))
    return f"{extra[0]} should not be there" if extra else None


def state(directory):
    """A line for everything below a directory; a change that was taken back is seen by its time."""
    lines = []
    for at, directories, names in os.walk(directory):
        for name in ["."] + directories + names:
            path = os.path.join(at, name)
            try:
                found = os.lstat(path)
            except OSError:
                continue
            content = ""
            if stat.S_ISREG(found.st_mode) and found.st_size < 4096:
                with open(path, "rb") as file:
                    content = file.read()
            lines.append((path, found.st_mode, found.st_uid, found.st_gid, found.st_mtime_ns, found.st_ctime_ns, content))
    return sorted(lines, key=str)


class Witness:
    """Looks at what must not change."""

    def __init__(self, images, upper):
        self.places = [f"{images}/canary", upper]
        self.before = [state(place) for place in self.places]

    def changes(self):
        now = [state(place) for place in self.places]
        changed = [line[0] for one, other in zip(now, self.before) for line in one if line not in other]
        changed += [line[0] for one, other in zip(now, self.before) for line in other if line not in one]
        self.before = now
        return changed


def judge(tool, case, path):
    """The verdict on one case, and why."""
    loaded = tool.load(path, case)
    if loaded.hung:
        return "hang", "loading"
    if loaded.crashed:
        return "crash", loaded.last_words()
    taken = loaded.code == 0
    if "refused" in case:
        if not taken:
            return "ok", ""
        # Some look at the files only when these are wanted.
        seen = tool.tree()
        if seen.hung or seen.crashed:
            return ("hang" if seen.hung else "crash"), seen.last_words()
        return ("ok", "") if seen.code else ("wrong", "is taken, and has to be refused")
    if not taken:
        return "wrong", f"is refused: {loaded.last_words()}"
    if needs_run(case):
        return judge_run(tool, case)
    if "warned" in case:
        said = tool.name != "minirun" or case["warned"].encode() in loaded.err
        return ("ok", "") if said else ("wrong", "comes without a warning")
    seen = tool.tree()
    if seen.hung or seen.crashed:
        return ("hang" if seen.hung else "crash"), "looking at the files"
    if seen.code:
        return "wrong", f"cannot be looked at: {seen.last_words()}"
    try:
        wrong = difference(case["tree"], hardlinks(files(seen.file)), tool.keeps_owners)
    except tarfile.TarError as error:
        return "wrong", f"its files cannot be packed: {error}"
    return ("wrong", wrong) if wrong else ("ok", "")


def hardlinks(nodes):
    """Makes the first name of a file, in the order of bytes, the file."""
    groups = {}
    for path, node in nodes.items():
        if node["kind"] == "hardlink":
            groups.setdefault(node["link"], []).append(path)
    for first_packed, others in groups.items():
        names = sorted([first_packed] + others)
        body = nodes.get(first_packed)
        if body is None:
            continue
        for name in names[1:]:
            nodes[name] = dict(body, kind="hardlink", link=names[0], content=None)
        nodes[names[0]] = body
    return nodes


def judge_run(tool, case):
    wanted = case.get("prints") or case.get("fails")
    ran = tool.run(wanted["flags"], wanted["command"])
    if ran.hung:
        return "hang", "running"
    if b"panicked at" in ran.err:
        return "crash", ran.last_words()
    if "prints" in case:
        right = ran.code == 0 and ran.text().rstrip("\n") == wanted["output"]
        return ("ok", "") if right else ("wrong", f"does not print what it should: {ran.last_words()}")
    right = ran.code == wanted["code"] and wanted["says"].encode() in ran.err
    return ("ok", "") if right else ("wrong", f"does not end as it should: {ran.last_words()}")


def score(images, upper, options):
    rows = []
    for kind in TOOLS:
        if options.tool and kind.name not in options.tool:
            continue
        if kind is not Minirun and not shutil.which(kind.name):
            print(f"{kind.name} is not installed", file=sys.stderr)
            continue
        for name in ["root"] + options.user:
            tool = kind(Actor(name, options.seconds))
            mine = f"{images}/{tool.actor.kind}"
            with open(f"{mine}/cases.jsonl") as file:
                cases = [json.loads(line) for line in file]
            chosen = [case for case in cases if options.case in case["name"]]
            scene = mine, Witness(mine, upper)
            if works(tool, cases, scene):
                rows.append(row(tool, chosen, scene))
    return rows


def works(tool, cases, scene):
    """Lets the tool take a harmless image: one that cannot would look careful. What it makes when it first runs is no
    trace of a case."""
    images, witness = scene
    harmless = next(case for case in cases if case["name"] == "plain" and case["form"] == "oci")
    verdict, why = judge(tool, harmless, f"{images}/{harmless['file']}")
    tool.clean()
    witness.changes()
    if verdict != "ok":
        print(f"{tool.name} as {tool.actor.name} does not work here: {why}", file=sys.stderr)
    return verdict == "ok"


def row(tool, cases, scene):
    images, witness = scene
    counts, wrong = {verdict: 0 for verdict in VERDICTS}, []
    mine = [case for case in cases if tool.takes(case)]
    for case in mine:
        verdict, why = judge(tool, case, f"{images}/{case['file']}")
        tool.clean()
        changed = witness.changes()
        if changed:
            verdict, why = "escaped", f"changed {changed[0]}"
        counts[verdict] += 1
        if verdict != "ok":
            wrong.append((case["name"], verdict, why))
        print(f"{tool.name} as {tool.actor.name}: {case['name']}: {verdict} {why}", file=sys.stderr)
    return tool, counts, len(mine), wrong


def show(rows, options):
    print("| tool | as | cases | " + " | ".join(VERDICTS) + " |")
    print("|---|---|---:|" + "---:|" * len(VERDICTS))
    for tool, counts, number, _ in rows:
        numbers = " | ".join(str(counts[verdict]) for verdict in VERDICTS)
        who = {"root": "root", "subordinate-ids": "a user", "single-id": "a user with one ID"}[tool.actor.kind]
        print(f"| {tool.name} | {who} | {number} | {numbers} |")
    if options.details:
        for tool, _, _, wrong in rows:
            print(f"\n{tool.name} as {tool.actor.name}:\n")
            for name, verdict, why in wrong:
                print(f"- `{name}`: {verdict}: {why}")


def make_images(directory, kind):
    program = ["cargo", "test", "--locked", "--test", "suite", "images_for_others"]
    environment = dict(os.environ, MINIRUN_TEST_HOSTILE_DIR=f"{directory}/{kind}", MINIRUN_TEST_CALLER=kind)
    subprocess.run(program, cwd=os.path.dirname(HERE), env=environment, check=True, stdout=subprocess.DEVNULL)


def enter_jail(options):
    """Starts this program again inside: the root is an overlay whose upper directory shows every stray write."""
    jail = tempfile.mkdtemp(prefix="hostile-jail-", dir="/tmp")
    program = options.minirun or os.path.join(HERE, "../target/debug/minirun")
    script = f"""
set -eu
mount -t tmpfs -o size=8g,mode=755 tmpfs {jail}
mkdir {jail}/upper {jail}/work {jail}/root {jail}/images
mount -t overlay -o lowerdir=/,upperdir={jail}/upper,workdir={jail}/work overlay {jail}/root
mount -t proc proc {jail}/root/proc
mount --rbind /sys {jail}/root/sys
mount --rbind /dev {jail}/root/dev
mount -t tmpfs -o mode=1777 tmpfs {jail}/root/dev/shm
for place in {' '.join(SCRATCH)}; do
    [ -d {jail}/root$place ] || continue
    mount -t tmpfs -o mode=1777 tmpfs {jail}/root$place
done
mount -t tmpfs -o size=6g,mode=755 tmpfs {jail}/root/run
mkdir {jail}/root{WORK} {jail}/root{WORK}/images {jail}/root{WORK}/upper {jail}/root{WORK}/benches
cp {program} {jail}/root{WORK}/minirun
cp {os.path.abspath(__file__)} {jail}/root{WORK}/benches/hostile.py
mount --bind "$IMAGES" {jail}/root{WORK}/images
mkdir -p "{jail}/root$IMAGES"
mount --bind "$IMAGES" "{jail}/root$IMAGES"
mount --bind {jail}/upper {jail}/root{WORK}/upper
cd {jail}/root
pivot_root . .
umount -l .
exec python3 {WORK}/benches/hostile.py --inside "$IMAGES" "$@"
"""
    words = ["unshare", "-m", "-p", "-f", "--kill-child", "--propagation", "private", "sh", "-c", script, "jail"]
    words += sys.argv[1:]
    # Whoever ends this program ends all that it started: the jail's processes go with its first.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return subprocess.run(words, env=dict(os.environ, IMAGES=os.path.abspath(options.images))).returncode
    finally:
        os.rmdir(jail)


def main():
    parser = argparse.ArgumentParser(usage=__doc__, add_help=False)
    parser.add_argument("-h", "--help", action="store_true")
    parser.add_argument("--images")
    parser.add_argument("--inside")
    parser.add_argument("--minirun")
    parser.add_argument("--user", action="append", default=[])
    parser.add_argument("--tool", action="append", default=[])
    parser.add_argument("--case", default="")
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--details", action="store_true")
    options = parser.parse_args()
    if options.help:
        print(__doc__)
        return 0
    if os.geteuid() != 0:
        print("the jail needs root", file=sys.stderr)
        return 2
    if options.inside:
        show(score(options.inside, f"{WORK}/upper", options), options)
        return 0
    made = None
    if not options.images:
        made = options.images = tempfile.mkdtemp(prefix="hostile-images-")
        sys.argv += ["--images", made]
        os.chmod(made, 0o755)
        for kind in {kind_of(user) for user in ["root"] + options.user}:
            make_images(made, kind)
    try:
        return enter_jail(options)
    finally:
        if made:
            shutil.rmtree(made)


if __name__ == "__main__":
    sys.exit(main())
