"""The ratios as a picture: one bar for each peer, on a logarithmic scale, with a tick where the goal is."""

import math
from typing import List, NamedTuple, Optional, Sequence

from figures import Row
from table import amount

WIDTH, LABELS, LINE, TOP = 900, 380, 20, 44
LEAST, MOST = 0.001, 100.0


class Bar(NamedTuple):
    """A ratio of ours to a peer's, or to a limit."""

    label: str
    ratio: float
    bound: Optional[float]
    met: Optional[bool]


def bars(rows: Sequence[Row]) -> List[Bar]:
    found = []
    for row in rows:
        if row.ours is None:
            continue
        if row.limit:
            within = row.is_within_limit()
            found.append(Bar(f"{row.name} / limit", row.ours.least / row.limit, 1.0, within))
        for peer in row.peers:
            ratio = peer.ratio(row.ours)
            if ratio is not None and ratio > 0:
                found.append(Bar(f"{row.name} / {peer.name}", ratio, peer.bound, peer.is_met(row.ours)))
    return found


def place(ratio: float) -> float:
    """Where a ratio is from left to right; what is off the scale is at its edge."""
    inside = min(MOST, max(LEAST, ratio))
    part = (math.log10(inside) - math.log10(LEAST)) / (math.log10(MOST) - math.log10(LEAST))
    return LABELS + part * (WIDTH - LABELS - 60)


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def shortened(text: str) -> str:
    return text if len(text) <= 58 else text[:57] + "…"


def scale(height: int) -> List[str]:
    drawn = []
    for power in range(round(math.log10(LEAST)), round(math.log10(MOST)) + 1):
        at = place(10.0**power)
        colour = "#000" if power == 0 else "#ccc"
        drawn.append(f'<line x1="{at:.1f}" y1="{TOP - 8}" x2="{at:.1f}" y2="{height - 8}" stroke="{colour}"/>')
        drawn.append(f'<text x="{at:.1f}" y="{TOP - 14}" text-anchor="middle">{10.0**power:g}</text>')
    return drawn


def bar(found: Bar, top: int) -> List[str]:
    colour = {True: "#2a7f3f", False: "#b3372f", None: "#7a8088"}[found.met]
    left, right = sorted((place(1.0), place(found.ratio)))
    middle = top + LINE / 2
    drawn = [
        f'<text x="{LABELS - 10}" y="{middle + 4:.1f}" text-anchor="end">{escaped(shortened(found.label))}</text>',
        f'<rect x="{left:.1f}" y="{top + 3}" width="{max(1.0, right - left):.1f}" height="{LINE - 6}" '
        f'fill="{colour}"/>',
        f'<text x="{right + 5:.1f}" y="{middle + 4:.1f}">{amount(found.ratio)}</text>',
    ]
    if found.bound is not None:
        at = place(found.bound)
        ends = f'x1="{at:.1f}" y1="{top}" x2="{at:.1f}" y2="{top + LINE}"'
        drawn.append(f'<line {ends} stroke="#1d4fa3" stroke-width="3"/>')
    return drawn


def svg(rows: Sequence[Row]) -> str:
    found = bars(rows)
    height = TOP + LINE * len(found) + 10
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        'font-family="sans-serif" font-size="11">',
        '<rect width="100%" height="100%" fill="#fff"/>',
        f'<text x="{LABELS}" y="14">minirun / the other, less is better; green: goal met, red: not, grey: no goal; '
        "blue: the goal</text>",
        *scale(height),
    ]
    for index, one in enumerate(found):
        drawn += bar(one, TOP + index * LINE)
    return "\n".join([*drawn, "</svg>"]) + "\n"
