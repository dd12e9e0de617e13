"""Rows about files: work that waits for the disk, and volumes and binds against the directory itself."""

import os
import time
from typing import Dict, List, Optional, Tuple

import pace
import peers
from contest import EQUAL, contest, rivals
from figures import Figure, Peer, Row
from pace import Contender, Failure
from peers import HOST, ONE_ID
from scene import IMAGE, Scene, average_load

PART = "disk"


def rows(scene: Scene) -> List[Row]:
    scene.job_image()
    made = [synced(scene)]
    small, stream = ("200", "20") if scene.is_quick else ("1000", "100")
    for kind, count, what in (("small", small, "files of 4 KiB"), ("stream", stream, "MiB in one file")):
        made += beside_host(scene, kind, count, f"{count} {what}")
    return made + fio_rows(scene)


def synced(scene: Scene) -> Row:
    """Much fsync in a container that is thrown away: nothing of it has to outlive a power cut."""
    count = "20" if scene.is_quick else "100"
    work = ["/bin/files", "sync", "/tmp", count]
    ours = scene.ours("run", "--rm", *HOST, IMAGE, *work)
    os.makedirs(scene.path("synced"), exist_ok=True)
    here = Contender("host directory", [f"{scene.programs}/files", "sync", scene.path("synced"), count])
    podman = rivals([("podman", lambda: peers.podman(scene, ["--network", "host"], work), 0.5)])
    for contender, _ in podman:
        contender.every = 1
    return contest(scene, Row(PART, f"{count} files with an fsync each", "ms"), ours, [*podman, (here, None)])


def beside_host(scene: Scene, kind: str, count: str, what: str) -> List[Row]:
    """What the program itself takes, without the container's start."""
    directory = scene.bind_source()
    bind = ["-v", f"{directory}:/bind"]
    work = ["/bin/files", kind]
    contenders = [
        Contender("host directory", [f"{scene.programs}/files", kind, directory, count]),
        scene.ours("run", "--rm", *ONE_ID, *HOST, "-v", "data:/data", IMAGE, *work, "/data", count, name="volume"),
        scene.ours("run", "--rm", *ONE_ID, *HOST, *bind, IMAGE, *work, "/bind", count, name="bind"),
    ]
    load = average_load()
    outcomes = inner_times(scene, contenders)
    made = []
    for name in ("volume", "bind"):
        figure, reason = outcomes[name]
        host, host_reason = outcomes["host directory"]
        made.append(Row(PART, f"{name}: {what}", "ms", figure, reason,
                        [Peer("host directory", host, host_reason, EQUAL)], load=load))
    return made


def inner_times(scene: Scene, contenders: List[Contender]) -> Dict[str, Tuple[Optional[Figure], str]]:
    """The milliseconds that each command says it took: its output is a number of nanoseconds."""
    times: Dict[str, List[float]] = {contender.name: [] for contender in contenders}
    reasons: Dict[str, str] = {}
    end = time.monotonic() + scene.seconds
    for turn in range(scene.rounds):
        if turn >= 3 and time.monotonic() > end:
            break
        start = turn % len(contenders)
        for contender in contenders[start:] + contenders[:start]:
            try:
                times[contender.name].append(int(pace.run(contender.words, contender.environment)) / 1e6)
            except Failure as failure:
                reasons[contender.name] = str(failure)
    return {name: (Figure.of(taken) if taken else None, reasons.get(name, "")) for name, taken in times.items()}


def fio_rows(scene: Scene) -> List[Row]:
    """fio, where it is installed: in the machine's own root filesystem, as it is no static program."""
    if not peers.is_installed("fio"):
        return []
    seconds = "1" if scene.is_quick else "5"
    words = ["fio", "--name=bench", "--rw=randrw", "--bs=4k", "--size=64m", "--ioengine=psync", "--runtime=" + seconds,
             "--time_based", "--minimal", "--directory"]
    directory = scene.bind_source()
    inside = [scene.binary, "run", "--rm", *ONE_ID, *HOST, "-v", f"{directory}:/mnt", "host"]
    row = Row(PART, "bind: fio, random reads and writes of 4 KiB, each", "µs", load=average_load())
    here: List[float] = []
    ours: List[float] = []
    try:
        for _ in range(1 if scene.is_quick else 5):
            here.append(fio_time(pace.run([*words, directory])))
            ours.append(fio_time(pace.run([*inside, *words, "/mnt"], scene.environment())))
        row.ours = Figure.of(ours)
        row.peers.append(Peer("host directory", Figure.of(here), "", EQUAL))
    except (Failure, ValueError, IndexError) as failure:
        row.reason = str(failure)
    return [row]


def fio_time(minimal: str) -> float:
    """Microseconds for each read and write: fields 8 and 49 of version 3's short output have operations a second."""
    fields = minimal.strip().splitlines()[-1].split(";")
    return 1e6 / (float(fields[7]) + float(fields[48]))
