"""Rows as a table for the terminal and as Markdown. No file, no clock."""

from typing import Any, Dict, List, Optional, Sequence

from figures import Figure, Peer, Row

HEADINGS = ["row", "ours", "against", "theirs", "ratio", "of the least", "goal", "met"]
BEGIN = "<!-- `just bench` writes what follows -->"
END = "<!-- `just bench` wrote what precedes -->"


def amount(value: float) -> str:
    """Three digits that count."""
    if value == 0:
        return "0"
    size = abs(value)
    if size >= 100:
        return f"{value:,.0f}"
    if size >= 10:
        return f"{value:.1f}"
    if size >= 1:
        return f"{value:.2f}"
    return f"{value:.3f}" if size >= 0.01 else f"{value:.2g}"


def shown(figure: Figure, unit: str) -> str:
    if figure.count == 1:
        return f"{amount(figure.middle)} {unit}"
    return f"{amount(figure.middle)} {unit} ({amount(figure.least)} – {amount(figure.most)})"


def verdict(met: Optional[bool]) -> str:
    return "not measured" if met is None else "yes" if met else "no"


def goal(bound: float) -> str:
    """A goal as it is best read: a small ratio is a number of times."""
    return f"≥ {amount(1 / bound)} × faster" if bound <= 0.5 and is_round(1 / bound) else f"≤ {amount(bound)} ×"


def is_round(value: float) -> bool:
    return abs(value - round(value)) < 1e-9


def lines(row: Row) -> List[List[str]]:
    """The cells of a row: a line for each peer, the first with our figure."""
    ours = ", ".join(part for part in (shown(row.ours, row.unit) if row.ours else "–", row.reason) if part)
    found = []
    if row.limit is not None:
        limit = f"≤ {amount(row.limit)} {row.unit}"
        found.append(["", "", "", "", "", "", limit, verdict(row.is_within_limit())])
    for peer in row.peers:
        found.append(["", "", *cells(row, peer)])
    if not found:
        found.append([""] * len(HEADINGS))
    found[0][:2] = [row.name, ours]
    return found


def cells(row: Row, peer: Peer) -> List[str]:
    """Against whom, theirs, the ratio of the medians and of the fastest, the goal and whether it is met."""
    wanted = "" if peer.bound is None else goal(peer.bound)
    met = "" if peer.bound is None else verdict(None if row.ours is None else peer.is_met(row.ours))
    if peer.figure is None:
        return [peer.name, f"– {peer.reason}", "", "", wanted, met]
    ratios = ["", ""] if row.ours is None else map(number, (peer.ratio(row.ours), peer.ratio_of_least(row.ours)))
    return [peer.name, shown(peer.figure, row.unit), *ratios, wanted, met]


def number(ratio: Optional[float]) -> str:
    return "" if ratio is None else amount(ratio)


def text(rows: Sequence[Row]) -> str:
    """The table for a terminal."""
    body = [[cell[:60] for cell in line] for row in rows for line in lines(row)]
    widths = [max(len(line[place]) for line in [HEADINGS, *body]) for place in range(len(HEADINGS))]
    laid = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in [HEADINGS, *body]
    ]
    return "\n".join(laid) + "\n"


def markdown(rows: Sequence[Row]) -> str:
    head = "| " + " | ".join(HEADINGS) + " | load |\n|---|---|---|---|--:|--:|---|---|--:|\n"
    body = []
    for row in rows:
        for place, line in enumerate(lines(row)):
            load = amount(row.load) if place == 0 else ""
            body.append("| " + " | ".join(cell.replace("|", "\\|") for cell in [*line, load]) + " |\n")
    return head + "".join(body)


def notes(rows: Sequence[Row]) -> str:
    return "".join(f"- {row.name}: {row.note}\n" for row in rows if row.note)


def summary(rows: Sequence[Row]) -> str:
    verdicts = [found for row in rows for found in row.verdicts()]
    open_goals = verdicts.count(None)
    told = f"{verdicts.count(True)} of {len(verdicts)} goals met"
    return told + (f", {open_goals} not measured" if open_goals else "")


def splice(document: str, written: str) -> str:
    """The document with what is between the markers replaced; whoever wrote the rest keeps it.

    Raises ValueError if the markers are not there, in order.
    """
    begin, end = document.index(BEGIN) + len(BEGIN), document.index(END)
    if end < begin:
        raise ValueError("the markers are in the wrong order")
    return f"{document[:begin]}\n\n{written.strip()}\n\n{document[end:]}"


def page(machine: Dict[str, Any], rows: Sequence[Row]) -> str:
    """What a run writes into docs/performance.md."""
    versions = ", ".join(f"{name} ({said})" for name, said in machine["versions"].items())
    return (
        f"Measured on {machine['date']}: {machine['processors']} × {machine['processor']}, Linux {machine['kernel']}, "
        f"as an unprivileged user. {summary(rows)}.\n\nVersions: {versions}.\n\n"
        "![ratios of minirun to the others](performance.svg)\n\n"
        f"{markdown(rows)}\n{notes(rows)}"
    )
