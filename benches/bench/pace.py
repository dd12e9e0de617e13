"""Runs commands by turns and takes the time of each, from before it is started to after it was waited for."""

import contextlib
import os
import re
import signal
import tempfile
import time
from dataclasses import dataclass, field
from typing import Callable, Dict, Iterator, List, Optional, Sequence, Union

from figures import Figure


# What Python ignores for itself, commands do not expect to be ignored.
IGNORED = [signal.SIGPIPE, signal.SIGXFSZ]


class Failure(Exception):
    """A command that could not do what it was told; the text is its own last words."""


@dataclass
class Contender:
    """A command, what has to be done before each of its runs and after, in every how many rounds it takes part, and how
    often at least."""

    name: str
    words: Sequence[str]
    environment: Dict[str, str] = field(default_factory=dict)
    before: Optional[Callable[[], None]] = None
    after: Optional[Callable[[], None]] = None
    every: int = 1
    least: int = 3

    def everything(self) -> Dict[str, str]:
        return {**os.environ, **self.environment}

    def numbered(self, number: int) -> List[str]:
        """The command with the number of its run in place of `{}`."""
        return [word.replace("{}", str(number)) for word in self.words]


@dataclass(frozen=True)
class Effort:
    """When to stop: after so many rounds or seconds, but not before each has run as often as it has to."""

    rounds: int
    seconds: float


def begin(words: Sequence[str], environment: Dict[str, str], errors: int, output: int) -> int:
    """Starts a command; its PID. The program is found before any time is taken."""
    null = os.open("/dev/null", os.O_RDONLY)
    try:
        actions = [(os.POSIX_SPAWN_DUP2, null, 0), (os.POSIX_SPAWN_DUP2, output, 1), (os.POSIX_SPAWN_DUP2, errors, 2)]
        return os.posix_spawn(words[0], list(words), environment, file_actions=actions, setsigdef=IGNORED)
    finally:
        os.close(null)


def found(program: str) -> str:
    """Where a program is; a path stays as it is. Raises Failure if it is not installed."""
    if "/" in program:
        if not os.access(program, os.X_OK):
            raise Failure("not there")
        return program
    for place in [*os.environ.get("PATH", "").split(":"), "/usr/sbin", "/sbin"]:
        path = os.path.join(place, program)
        if os.access(path, os.X_OK):
            return path
    raise Failure("not installed")


def run(words: Sequence[str], environment: Optional[Dict[str, str]] = None, seconds: float = 600) -> str:
    """Runs a command to its end, without its time; what it printed. Raises Failure with its last words."""
    everything = {**os.environ, **(environment or {})}
    with tempfile.TemporaryFile() as errors, tempfile.TemporaryFile() as output:
        child = begin([found(words[0]), *words[1:]], everything, errors.fileno(), output.fileno())
        with ended_with_us(child):
            status = waited(child, seconds)
        output.seek(0)
        if status == 0:
            return output.read().decode("utf-8", "replace")
        errors.seek(0)
        raise Failure(last_words(errors.read().decode("utf-8", "replace"), status))


@contextlib.contextmanager
def ended_with_us(child: int) -> Iterator[None]:
    """Kills the child if we are told to end while it runs."""
    try:
        yield
    except BaseException:
        os.kill(child, signal.SIGKILL)
        raise


def waited(child: int, seconds: float) -> int:
    """The exit status of a process, which is killed when the time is over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return status
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]


def last_words(text: str, status: int) -> str:
    said = [re.sub(r'^time="[^"]*" level=\w+ msg=', "", line.strip()) for line in text.splitlines() if line.strip()]
    wrong = [line for line in said if "rror" in line or "annot" in line] or said[-1:]
    return wrong[0][:140] if wrong else f"wait status {status}"


def timed(contender: Contender, null: int) -> float:
    """The seconds of one run. Raises Failure if it fails."""
    if contender.before:
        contender.before()
    words, environment = contender.numbered(0), contender.everything()
    begun = time.perf_counter_ns()
    child = begin(words, environment, null, null)
    with ended_with_us(child):
        _, status = os.waitpid(child, 0)
    ended = time.perf_counter_ns()
    if contender.after:
        contender.after()
    if status != 0:
        raise Failure(f"ended with wait status {status} in one of its runs")
    return (ended - begun) / 1e9


def prove(contender: Contender) -> float:
    """Runs it once, for the caches and to see whether it can run at all; the seconds. Raises Failure."""
    contender.words = [found(contender.words[0]), *contender.words[1:]]
    if contender.before:
        contender.before()
    begun = time.perf_counter()
    try:
        run(contender.numbered(0), contender.environment)
        return time.perf_counter() - begun
    finally:
        if contender.after:
            contender.after()


Outcome = Union[Figure, str]


def compete(contenders: Sequence[Contender], effort: Effort) -> Dict[str, Outcome]:
    """For each the figure of its times in seconds, or why there is none.

    Each round begins with another contender, so that none always follows the same. Of one that has to run but once, the
    first run counts.
    """
    outcomes: Dict[str, Outcome] = {}
    able: List[Contender] = []
    for contender in contenders:
        try:
            first = prove(contender)
            if contender.least == 1:
                outcomes[contender.name] = Figure.exact(first)
            else:
                able.append(contender)
        except Failure as failure:
            outcomes[contender.name] = str(failure)
    times = rounds(able, effort, outcomes)
    outcomes.update({name: Figure.of(taken) for name, taken in times.items() if name not in outcomes})
    return outcomes


def rounds(able: List[Contender], effort: Effort, outcomes: Dict[str, Outcome]) -> Dict[str, List[float]]:
    times: Dict[str, List[float]] = {contender.name: [] for contender in able}
    end = time.monotonic() + effort.seconds
    null = os.open("/dev/null", os.O_WRONLY)
    try:
        for turn in range(effort.rounds):
            enough = all(len(times[one.name]) >= one.least or one.name in outcomes for one in able)
            if enough and time.monotonic() > end:
                break
            start = turn % max(1, len(able))
            for contender in able[start:] + able[:start]:
                if turn % contender.every or contender.name in outcomes:
                    continue
                try:
                    times[contender.name].append(timed(contender, null))
                except Failure as failure:
                    outcomes[contender.name] = str(failure)
    finally:
        os.close(null)
    return times


def at_once(contender: Contender, count: int) -> float:
    """The seconds from the start of the first of so many to the end of the last. `{}` in a word is the number of the
    run. Raises Failure if one fails."""
    environment = contender.everything()
    lists = [contender.numbered(index) for index in range(count)]
    null = os.open("/dev/null", os.O_WRONLY)
    begun = time.perf_counter_ns()
    children = [begin(words, environment, null, null) for words in lists]
    failed = sum(os.waitpid(child, 0)[1] != 0 for child in children)
    ended = time.perf_counter_ns()
    os.close(null)
    if failed:
        raise Failure(f"{failed} of {count} failed")
    return (ended - begun) / 1e9


def peak_memory(files: str, words: Sequence[str], environment: Dict[str, str]) -> int:
    """The most bytes that the command or one of its children had resident, as the program `files` sees it. Raises
    Failure."""
    return int(run([files, "peak", found(words[0]), *words[1:]], environment).splitlines()[-1]) * 1024
