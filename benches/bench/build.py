"""Builds the benchmarks' own programs: the floor, the command that is started, work on files."""

import os
import subprocess

PROGRAMS = ["true", "floor", "files"]
SOURCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "programs")
# No C library and nothing that would need one: what these programs take is what the kernel takes.
COMPILE = ["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-nostdlib", "-static", "-ffreestanding", "-fno-pic", "-no-pie",
           "-fno-stack-protector", "-fno-asynchronous-unwind-tables", "-fno-tree-loop-distribute-patterns"]


def programs(directory: str) -> None:
    """Makes each program in the directory. Raises CalledProcessError; the compiler has said why."""
    for name in PROGRAMS:
        subprocess.run([*COMPILE, "-o", f"{directory}/{name}", f"{SOURCES}/{name}.c"], check=True)
