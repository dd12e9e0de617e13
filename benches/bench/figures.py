"""What is made of measured times: medians, spreads, slopes, ratios, and whether a goal is met. No file, no clock."""

from dataclasses import asdict, dataclass, field
from typing import Any, Dict, List, Optional, Sequence, Tuple


def median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2


def quantile(values: Sequence[float], part: float) -> float:
    """The value that `part` (0 to 1) of the values do not exceed, the nearest one that was measured."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(part * (len(ordered) - 1))))]


def slope(points: Sequence[Tuple[float, float]]) -> float:
    """By how much y grows for each x: the line of least squares."""
    count = len(points)
    mean_x = sum(x for x, _ in points) / count
    mean_y = sum(y for _, y in points) / count
    square = sum((x - mean_x) ** 2 for x, _ in points)
    if square == 0:
        raise ValueError("a slope needs two different places")
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / square


@dataclass(frozen=True)
class Figure:
    """What came of measuring one thing: the median, the fastest, and what nine of ten stay below."""

    middle: float
    least: float
    most: float
    count: int

    @staticmethod
    def of(values: Sequence[float]) -> "Figure":
        return Figure(median(values), min(values), quantile(values, 0.9), len(values))

    @staticmethod
    def exact(value: float) -> "Figure":
        return Figure(value, value, value, 1)

    def times(self, factor: float) -> "Figure":
        return Figure(self.middle * factor, self.least * factor, self.most * factor, self.count)


@dataclass(frozen=True)
class Peer:
    """What ours is held against: another program's figure, or the reason why there is none, and the goal if any.

    `bound` is the greatest ratio of ours to theirs that meets the goal.
    """

    name: str
    figure: Optional[Figure] = None
    reason: str = ""
    bound: Optional[float] = None

    def ratio(self, ours: Figure) -> Optional[float]:
        if self.figure is None or self.figure.middle == 0:
            return None
        return ours.middle / self.figure.middle

    def ratio_of_least(self, ours: Figure) -> Optional[float]:
        if self.figure is None or self.figure.least == 0:
            return None
        return ours.least / self.figure.least

    def is_met(self, ours: Figure) -> Optional[bool]:
        """Whether the goal is met; none if there is no goal or nothing to compare with."""
        ratio = self.ratio(ours)
        if ratio is None or self.bound is None:
            return None
        return ratio <= self.bound


@dataclass
class Row:
    """One thing that was measured. `limit` is a goal for ours alone, in `unit`. `reason` says why there is no figure,
    or why a limit is missed whatever the figure is.

    Where time is held against such a limit, the least counts: it is the one that other work on the machine disturbed
    least, and there is no peer that was disturbed alike.
    """

    part: str
    name: str
    unit: str
    ours: Optional[Figure] = None
    reason: str = ""
    peers: List[Peer] = field(default_factory=list)
    limit: Optional[float] = None
    note: str = ""
    load: float = 0.0

    def is_within_limit(self) -> Optional[bool]:
        if self.ours is None or self.limit is None:
            return None
        return self.ours.least <= self.limit and not self.reason

    def verdicts(self) -> List[Optional[bool]]:
        """For each goal whether it is met; none where it could not be measured."""
        found = [] if self.limit is None else [self.is_within_limit()]
        for peer in self.peers:
            if peer.bound is not None:
                found.append(None if self.ours is None else peer.is_met(self.ours))
        return found


def to_document(row: Row) -> Dict[str, Any]:
    """A row as JSON has it, with what follows from it."""
    document = asdict(row)
    document["is_within_limit"] = row.is_within_limit()
    for peer, held in zip(document["peers"], row.peers):
        if row.ours is not None:
            peer["ratio"] = held.ratio(row.ours)
            peer["ratio_of_least"] = held.ratio_of_least(row.ours)
            peer["is_met"] = held.is_met(row.ours)
    return document


def from_document(document: Dict[str, Any]) -> Row:
    def figure(found: Optional[Dict[str, Any]]) -> Optional[Figure]:
        return None if found is None else Figure(**found)

    peers = [
        Peer(peer["name"], figure(peer["figure"]), peer["reason"], peer["bound"]) for peer in document["peers"]
    ]
    kept = {key: document[key] for key in ("part", "name", "unit", "reason", "limit", "note", "load")}
    return Row(ours=figure(document["ours"]), peers=peers, **kept)


def join(old: Sequence[Row], new: Sequence[Row]) -> List[Row]:
    """The old rows with the new ones in their places; those of a part stay together."""
    fresh = {(row.part, row.name): row for row in new}
    joined = [fresh.pop((row.part, row.name), row) for row in old]
    for row in new:
        if (row.part, row.name) in fresh:
            same_part = [place for place, known in enumerate(joined) if known.part == row.part]
            joined.insert(same_part[-1] + 1 if same_part else len(joined), row)
    return joined
