"""Rows about starts: one warm `run --rm`, `exec`, many at once, and a disk that others keep busy."""

import os
import time
from typing import Dict, List, Sequence, Tuple

import mounts
import pace
import peers
from contest import EQUAL, bare, contest, rivals, told
from figures import Figure, Peer, Row
from pace import Contender, Failure
from peers import HOST, JOB, ONE_ID, TRUE
from scene import IMAGE, SHOW_MOUNTS, Scene, average_load

PART = "start"


def rows(scene: Scene) -> List[Row]:
    scene.job_image()
    made = [one_id(scene), without_network(scene), subordinate(scene), beside_podman(scene), exec_row(scene)]
    return [*made, at_once(scene), *dirty(scene)]


def one_id(scene: Scene) -> Row:
    ours = scene.ours("run", "--rm", *ONE_ID, *HOST, *JOB, IMAGE, TRUE)
    others = rivals([
        ("bwrap", lambda: peers.bwrap(scene, "host"), 0.6),
        ("floor", lambda: peers.floor(scene, "host"), 2.0),
        ("floor, upper in memory", lambda: peers.floor(scene, "host", "memory"), None),
        ("crun", lambda: peers.runtime(scene, "crun", "one"), None),
        ("runc", lambda: peers.runtime(scene, "runc", "one"), None),
        ("no container", lambda: bare(scene), None),
    ])
    row = Row(PART, "run --rm, one ID, host network", "ms", note=same_mounts(scene, "host"))
    return contest(scene, row, ours, others)


def same_mounts(scene: Scene, network: str) -> str:
    """In words how the mounts of bwrap and of the floor program differ from ours."""
    ours = peers.job_mounts(scene, [*JOB, "--network", network])
    said = []
    for contender in (peers.bwrap(scene, network), peers.floor(scene, network)):
        words = contender.words[: list(contender.words).index(TRUE)]
        try:
            found = mounts.difference(ours, mounts.parse(pace.run([*words, *SHOW_MOUNTS])))
            said.append(f"{contender.name}: {', '.join(found) or 'the same'}")
        except Failure as failure:
            said.append(f"{contender.name}: not known, {failure}")
    return f"{len(ours)} mounts; " + "; ".join(said)


def without_network(scene: Scene) -> Row:
    ours = scene.ours("run", "--rm", *ONE_ID, "--network", "none", *JOB, IMAGE, TRUE)
    others = rivals([
        ("bwrap", lambda: peers.bwrap(scene, "none"), 0.6),
        ("floor", lambda: peers.floor(scene, "none"), None),
    ])
    return contest(scene, Row(PART, "run --rm, one ID, --network none", "ms"), ours, others)


def subordinate(scene: Scene) -> Row:
    ours = scene.ours("run", "--rm", *HOST, *JOB, IMAGE, TRUE)
    others = rivals([
        ("bwrap", lambda: peers.bwrap(scene, "host"), 1.0),
        ("crun", lambda: peers.runtime(scene, "crun", "many"), 0.35),
        ("runc", lambda: peers.runtime(scene, "runc", "many"), None),
    ])
    note = "bwrap has one ID, as it can have no more"
    return contest(scene, Row(PART, "run --rm, subordinate IDs, host network", "ms", note=note), ours, others)


def beside_podman(scene: Scene) -> Row:
    ours = scene.ours("run", "--rm", "--network", "none", IMAGE, TRUE)
    others = rivals([("podman", lambda: peers.podman(scene, ["--network", "none"], [TRUE]), 0.01)])
    return contest(scene, Row(PART, "run --rm, subordinate IDs, --network none", "ms"), ours, others)


def exec_row(scene: Scene) -> Row:
    """A further command in a container that runs."""
    row = Row(PART, "exec", "ms")
    scene.minirun("run", "-d", "--name", "bench-exec", *ONE_ID, *HOST, *JOB, IMAGE, "/bin/files", "wait")
    try:
        others = rivals([("crun", lambda: crun_exec(scene), 0.15), ("podman", lambda: podman_exec(scene), None)])
        return contest(scene, row, scene.ours("exec", "bench-exec", TRUE), others)
    finally:
        scene.minirun("rm", "-f", "bench-exec")
        stop_peers(scene)


def crun_exec(scene: Scene) -> Contender:
    directory = peers.bundle(scene, "one", ["/bin/files", "wait"])
    words = ["crun", "--root", scene.path("state-crun"), *peers.no_cgroups("crun")]
    pace.run(["sh", "-c", 'exec "$@" >/dev/null 2>"$0"', scene.path("crun.err"), *words, "run", "--detach",
              "--bundle", directory, "bench-exec"])
    return Contender("crun", [*words, "exec", "bench-exec", TRUE])


def podman_exec(scene: Scene) -> Contender:
    environment = peers.podman_environment(scene)
    name = peers.podman_image(scene)
    flags = ["--name", "bench-exec", "--network", "host"]
    pace.run(["podman", "run", "-d", *flags, name, "/bin/files", "wait"], environment)
    return Contender("podman", ["podman", "exec", "bench-exec", TRUE], environment, every=5)


def stop_peers(scene: Scene) -> None:
    words = ["crun", "--root", scene.path("state-crun"), *peers.no_cgroups("crun"), "delete", "--force", "bench-exec"]
    for command in (words, ["podman", "rm", "-f", "-t", "0", "bench-exec"]):
        try:
            pace.run(command, peers.podman_environment(scene))
        except Failure:
            # It did not run, which the row has told.
            continue


def at_once(scene: Scene) -> Row:
    """Many starts at the same moment: the time of all, for each."""
    count = 16 if scene.is_quick else 64
    row = Row(PART, f"{count} starts at once, each", "ms", load=average_load())
    ours = scene.ours("run", "--rm", *HOST, *JOB, IMAGE, TRUE)
    others = rivals([
        ("crun", lambda: peers.runtime(scene, "crun", "many"), 0.5),
        ("podman", lambda: peers.podman(scene, ["--network", "host"], [TRUE]), 1 / 40),
        ("bwrap", lambda: peers.bwrap(scene, "host"), None),
    ])
    found = crowds(scene, [ours, *(other for other, _ in others)], count)
    row.ours, row.reason = told(found[ours.name], 1000.0 / count)
    for other, bound in others:
        row.peers.append(Peer(other.name, *told(found[other.name], 1000.0 / count), bound))
    single = pace.compete([ours], scene.effort())[ours.name]
    row.peers.append(Peer("one by one, a processor's share", *told(single, 1000.0 / (os.cpu_count() or 1)), None))
    return row


def crowds(scene: Scene, contenders: Sequence[Contender], count: int) -> Dict[str, pace.Outcome]:
    outcomes: Dict[str, pace.Outcome] = {}
    times: Dict[str, List[float]] = {}
    for turn in range(1 if scene.is_quick else 5):
        for contender in contenders:
            if contender.name in outcomes or turn % contender.every:
                continue
            try:
                if turn == 0:
                    pace.prove(contender)
                times.setdefault(contender.name, []).append(pace.at_once(contender, count))
            except Failure as failure:
                outcomes[contender.name] = str(failure)
    return {**{name: Figure.of(taken) for name, taken in times.items()}, **outcomes}


def dirty(scene: Scene) -> List[Row]:
    """The same start, to its exit, without and with a large file beside it that is not yet on the disk."""
    made = []
    kinds: List[Tuple[str, List[str]]] = [("--rm", ["--rm"]), ("kept", [])]
    for name, flags in kinds:
        row = Row(PART, f"start and exit beside 1 GB of dirty pages, {name}", "ms", load=average_load())
        ours = scene.ours("run", *flags, *ONE_ID, *HOST, *JOB, IMAGE, TRUE)
        try:
            quiet, busy = beside_dirt(scene, ours)
            row.ours = Figure.of(busy).times(1000.0)
            row.peers.append(Peer("without them", Figure.of(quiet).times(1000.0), "", EQUAL))
        except Failure as failure:
            row.reason = str(failure)
        made.append(row)
        scene.minirun("container", "prune", "-f")
    return made


def beside_dirt(scene: Scene, contender: Contender) -> Tuple[List[float], List[float]]:
    pace.prove(contender)
    quiet: List[float] = []
    busy: List[float] = []
    for _ in range(1 if scene.is_quick else 3):
        quiet += spell(contender, 40)
        path = scene.path("dirty")
        try:
            write_dirt(path)
            busy += spell(contender, 40)
        finally:
            os.unlink(path)
    return quiet, busy


def spell(contender: Contender, count: int) -> List[float]:
    """So many runs, or as many as fit before the kernel begins to write the large file of itself."""
    end = time.monotonic() + 10
    taken: List[float] = []
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        while len(taken) < count and (len(taken) < 3 or time.monotonic() < end):
            taken.append(pace.timed(contender, null))
    finally:
        os.close(null)
    return taken


def write_dirt(path: str) -> None:
    part = os.urandom(1 << 20)
    with open(path, "wb") as file:
        for _ in range(1000):
            file.write(part)
