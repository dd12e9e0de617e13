"""A row is filled in by a contest: ours and the others run by turns."""

from typing import Callable, List, Optional, Sequence, Tuple

import pace
import peers
from figures import Figure, Peer, Row
from pace import Contender, Failure
from scene import Scene, average_load

# What has to be equal is, if it costs at most a tenth more: less cannot be told apart from chance here.
EQUAL = 1.1

# A name, who makes the contender, and the greatest ratio that meets the goal if there is one.
Rival = Tuple[str, Callable[[], Contender], Optional[float]]


def rivals(makers: Sequence[Rival]) -> List[Tuple[Contender, Optional[float]]]:
    """The contenders; one that cannot even be told what to do says why."""
    made = []
    for name, make, bound in makers:
        try:
            made.append((make(), bound))
        except (Failure, OSError, ValueError) as failure:
            made.append((peers.unable(name, str(failure)), bound))
    return made


Others = Sequence[Tuple[Contender, Optional[float]]]


def contest(scene: Scene, row: Row, ours: Contender, others: Others) -> Row:
    """Fills in a row in milliseconds or seconds, as it says."""
    row.load = average_load()
    factor = {"ms": 1000.0, "s": 1.0}[row.unit]
    outcomes = pace.compete([ours, *(other for other, _ in others)], scene.effort())
    row.ours, row.reason = told(outcomes[ours.name], factor)
    for other, bound in others:
        figure, reason = told(outcomes[other.name], factor)
        row.peers.append(Peer(other.name, figure, reason, bound))
    return row


def told(outcome: pace.Outcome, factor: float) -> Tuple[Optional[Figure], str]:
    return (None, outcome) if isinstance(outcome, str) else (outcome.times(factor), "")


def bare(scene: Scene) -> Contender:
    """The command without a container: what starting any process costs."""
    return Contender("no container", [f"{scene.programs}/true"])
