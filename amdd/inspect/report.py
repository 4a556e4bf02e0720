"""The answer as one self-contained page, and an index for many."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

import jinja2

from amdd.base.paths import PACKAGE, write_text
from amdd.data.media import MediaError
from amdd.inspect.answer import ETHICS, Inspection, Person, clock, percent
from amdd.inspect.evidence import Evidence, evidence_of
from amdd.inspect.weights import Scorer, load_scorer

WIDTH, HEIGHT, LEFT, TOP = 680, 150, 46, 10  # of the time line
MOST_BARS = 1000


@lru_cache(maxsize=1)
def templates() -> jinja2.Environment:
    loader = jinja2.FileSystemLoader(PACKAGE / "inspect" / "templates")
    env = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    env.filters |= {"percent": percent, "clock": clock}
    return env


def bars_of(person: Person, seconds: float) -> list[dict[str, Any]]:
    """Return the windows of a person as bars of the time line: place in pixels, verdict and words."""
    wide = WIDTH - LEFT - 6
    step = max(1, math.ceil(len(person.windows) / MOST_BARS))
    out = []
    for window in person.windows[::step]:
        tall = max(2.0, window.probability * HEIGHT)
        span = min(window.end, seconds) - window.start
        out.append(
            {
                "x": round(LEFT + window.start / seconds * wide, 1),
                "width": round(max(1.5, span / seconds * wide * step - 1), 1),
                "y": round(TOP + HEIGHT - tall, 1),
                "height": round(tall, 1),
                "verdict": window.verdict.replace("'", "").replace(" ", "-"),
                "words": f"{clock(window.start)} to {clock(window.end)}: {window.verdict}, {percent(window.probability)}",
            }
        )
    return out


def page_of(
    found: Inspection, path: str | Path, scorer: Scorer, network: bool = True, bare: bool = False
) -> str:
    """Return the report as HTML; with ``bare``, its body alone. Evidence that can no longer be decoded is left out."""
    evidence: list[tuple[Person, Evidence | None]] = []
    for person in found.people[:3]:
        try:
            evidence.append((person, evidence_of(found, person, path, scorer, network)))
        except (MediaError, ValueError):
            evidence.append((person, None))
    limit = scorer.calibration.answer_from
    return (
        templates()
        .get_template("body.html" if bare else "report.html")
        .render(
            found=found,
            name=Path(found.file).name,
            evidence=evidence,
            bars={p.number: bars_of(p, max(found.seconds, 1e-6)) for p in found.people},
            size={"width": WIDTH, "height": HEIGHT, "left": LEFT, "top": TOP},
            limit=limit,
            calibration=scorer.calibration,
            ethics=ETHICS,
            card=scorer.card,
            chance=base_rate(scorer, limit),
            finite=math.isfinite(found.probability),
        )
    )


def base_rate(scorer: Scorer, limit: float) -> dict[str, float] | None:
    """Return the share of false alarms among alarms if one clip in a hundred is forged, from the validation clips."""
    fitted = scorer.calibration
    if not fitted.answered:
        return None
    wrong = max(fitted.wrong, 1) / fitted.answered
    alarms = 0.01 * (1 - wrong) + 0.99 * wrong
    return {"wrong": wrong, "false": 0.99 * wrong / alarms}


def write_report(
    found: Inspection,
    path: str | Path,
    out: Path,
    weights: str | Path | None = None,
    detector: str | None = None,
) -> Path:
    """Write the report of one clip to ``out`` and return it."""
    return write_text(out, page_of(found, path, scorer_of(weights, detector), detector is None))


def scorer_of(weights: str | Path | None, detector: str | None) -> Scorer:
    if detector is None:
        return load_scorer(weights)
    from amdd.inspect.plugin import plugged

    return plugged(detector)[0]


def write_index(
    answers: Iterable[tuple[Path, Inspection | None, str]],
    rows: list[dict[str, Any]],
    out: Path,
    weights: str | Path | None = None,
    detector: str | None = None,
) -> Path:
    """Write the reports of many clips to the folder ``out``, with a sortable index; return the index."""
    scorer, lines = scorer_of(weights, detector), []
    for k, ((path, found, _), row) in enumerate(zip(answers, rows)):
        link = ""
        if found is not None:
            link = f"{k:05d}.html"
            write_text(out / link, page_of(found, path, scorer, detector is None))
        lines.append({**row, "link": link, "name": Path(row["file"]).name})
    counts = {name: sum(r["status"] == name for r in rows) for name in ("ok", "abstained", "failed")}
    page = templates().get_template("index.html").render(rows=lines, counts=counts, ethics=ETHICS)
    return write_text(out / "index.html", page)
