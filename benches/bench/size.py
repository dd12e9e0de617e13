"""Rows about the program itself: its file, its start, and what stays beside a container that runs."""

import os
import struct
import time
from typing import List, Optional

from contest import bare, contest
from figures import Figure, Row
from peers import HOST
from scene import IMAGE, Scene, average_load

PART = "size"
INTERPRETER = 3


def rows(scene: Scene) -> List[Row]:
    scene.job_image()
    return [file_row(scene), start_row(scene), *idle(scene)]


def file_row(scene: Scene) -> Row:
    with open(scene.binary, "rb") as file:
        program = file.read()
    size = Figure.exact(len(program) / 1e6)
    row = Row(PART, "the program's file, static", "MB", size, limit=4.0, load=average_load())
    if not is_static(program):
        row.reason = "not static"
    return row


def is_static(program: bytes) -> bool:
    """Whether no segment of a 64-bit ELF file names an interpreter."""
    offset, = struct.unpack_from("<Q", program, 32)
    size, count = struct.unpack_from("<HH", program, 54)
    kinds = [struct.unpack_from("<I", program, offset + number * size)[0] for number in range(count)]
    return INTERPRETER not in kinds


def start_row(scene: Scene) -> Row:
    row = Row(PART, "start of the program (`minirun version`)", "ms", limit=0.4)
    return contest(scene, row, scene.ours("version"), [(bare(scene), None)])


def idle(scene: Scene) -> List[Row]:
    """What belongs to the processes of a container that does nothing, and to nobody else."""
    load = average_load()
    names = [f"bench-idle-{number}" for number in range(3 if scene.is_quick else 10)]
    before = processes(scene.binary)
    try:
        for name in names:
            scene.minirun("run", "-d", "--name", name, *HOST, IMAGE, "/bin/files", "wait")
        time.sleep(0.5)
        found = [pid for pid in processes(scene.binary) if pid not in before]
        supervisors = [pid for pid in found if parent(pid) not in found]
        others = [pid for pid in found if pid not in supervisors]
        limited = private(PART, "idle `run -d`: private memory of a supervisor", supervisors)
        limited.limit = 1.0
        made = [limited, private(PART, "idle `run -d`: private memory of a monitor", others)]
    finally:
        scene.minirun("rm", "-f", *names)
    for row in made:
        row.load = load
    return made


def private(part: str, name: str, pids: List[int]) -> Row:
    sizes = [found for found in map(private_bytes, pids) if found is not None]
    if not sizes:
        return Row(part, name, "MB", reason="the kernel does not let us look")
    return Row(part, name, "MB", Figure.of([size / 1e6 for size in sizes]))


def processes(program: str) -> List[int]:
    """The processes that run this program."""
    wanted = os.stat(program)
    found = []
    for name in os.listdir("/proc"):
        try:
            seen = os.stat(f"/proc/{int(name)}/exe")
        except (ValueError, OSError):
            continue
        if (seen.st_dev, seen.st_ino) == (wanted.st_dev, wanted.st_ino):
            found.append(int(name))
    return found


def parent(pid: int) -> Optional[int]:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return int(file.read().rsplit(")", 1)[1].split()[1])
    except OSError:
        return None


def private_bytes(pid: int) -> Optional[int]:
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
            lines = [line.split() for line in file]
    except OSError:
        return None
    return 1024 * sum(int(words[1]) for words in lines if words[0] in ("Private_Clean:", "Private_Dirty:"))

