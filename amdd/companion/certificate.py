"""The certificate of a re-run: what was run again, by which tolerance, and which numbers agree; in words and as JSON."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from amdd.base.paths import write_text
from amdd.companion.compare import AGREES, DIFFERS, SKIPPED, WITHIN, Compared, Verdict, overall
from amdd.companion.rerun import CERTIFICATE, Rerun

SHOWN = 200  # rows of a table in words; the JSON has all


def write(found: Rerun, folder: Path) -> tuple[Path, Path]:
    """Write ``certificate.md`` and ``certificate.json`` to ``folder`` and return both."""
    words = write_text(folder / "certificate.md", text(found))
    data = json.dumps(record(found), indent=1, allow_nan=False, default=str) + "\n"
    return words, write_text(folder / CERTIFICATE, data)


def record(found: Rerun) -> dict[str, Any]:
    """Return the certificate as JSON-ready values."""
    counts = Counter(row.verdict for row in found.rows)
    return {
        "verdict": overall(found.rows),
        "date": found.day,
        "profile": found.profile,
        "overrides": found.overrides,
        "chapters": found.chapters,
        "tolerance": asdict(found.tolerance),
        "counts": {name: counts[name] for name in (AGREES, WITHIN, DIFFERS, SKIPPED)},
        "files of the kept run that were changed": found.damaged,
        "machines differ in": found.machine,
        "code differs in": found.code,
        "environments": {k: r.get("environment", {}) for k, r in (("kept", found.kept), ("new", found.new))},
        "seconds": {n: found.new["notebooks"][n]["seconds"] for n in found.chapters},
        "numbers": [
            {k: _finite(v) for k, v in asdict(row).items() if v not in (None, "")} for row in found.rows
        ],
    }


def _finite(value: Any) -> Any:
    """Return ``value`` with NaN and infinity as text, which JSON has no numbers for."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def text(found: Rerun) -> str:
    """Return the certificate in words, as Markdown."""
    by = {name: [r for r in found.rows if r.verdict == name] for name in (AGREES, WITHIN, DIFFERS, SKIPPED)}
    lines = ["# Certificate of a re-run", "", f"**{_sentence(found, by)}**", ""]
    lines += _what(found)
    lines += _tolerance(found)
    lines += _warnings(found)
    lines += _table("Numbers that differ", by[DIFFERS])
    lines += _table("Numbers that agree within the tolerance, largest share of it first", _sorted(by[WITHIN]))
    lines += _skipped(by[SKIPPED])
    return "\n".join(lines) + "\n"


def _sentence(found: Rerun, by: Mapping[Verdict, list[Compared]]) -> str:
    total = len(found.rows) - len(by[SKIPPED])
    verdict = overall(found.rows)
    if verdict == AGREES:
        return f"Agrees: all {total} compared values are equal."
    if verdict == WITHIN:
        return (
            f"Agrees within tolerance: {len(by[AGREES])} of {total} compared values are equal, {len(by[WITHIN])} "
            "lie within the tolerance."
        )
    if verdict == DIFFERS:
        return (
            f"Differs: {len(by[DIFFERS])} of {total} compared values lie outside the tolerance; {len(by[AGREES])} are "
            f"equal and {len(by[WITHIN])} lie within it."
        )
    return "Nothing was compared: the chapters keep no numbers."


def _what(found: Rerun) -> list[str]:
    commit = found.new.get("environment", {}).get("commit", "")[:12] or "not in a repository"
    settings = ", ".join(f"`{o}`" for o in found.overrides) or "none"
    lines = ["## What was run again", "", "| | kept run | re-run |", "|---|---|---|"]
    for name in ("processor", "machine", "cores", "threads", "python"):
        both = [r.get("environment", {}).get(name, "not recorded") for r in (found.kept, found.new)]
        lines.append(f"| {name} | {both[0]} | {both[1]} |")
    return [
        *lines[:2],
        f"Profile `{found.profile}`, replaced settings: {settings}; {found.day}, commit `{commit}`. "
        f"Chapters: {', '.join(found.chapters)}.",
        "",
        *lines[2:],
        "",
    ]


def _tolerance(found: Rerun) -> list[str]:
    t = found.tolerance
    lines = [
        "## Tolerance",
        "",
        f"That for the {t.machine}: a value may differ by the largest of {t.absolute:g} ({t.percent:g} where the unit is "
        f"%), {t.relative:g} times the kept value, and {t.interval:g} times the width of its interval. Counts must be "
        f"equal; measured times and memory are not compared. {' '.join(t.reason.split())}",
        "",
    ]
    if found.machine:
        lines += ["Both machines differ in:", "", *[f"- {m}" for m in found.machine], ""]
    return lines


def _warnings(found: Rerun) -> list[str]:
    lines: list[str] = []
    if found.damaged:
        lines += [
            "## Files of the kept run that no longer match its manifest",
            "",
            "The values compared here are read from these files, so a difference may come from a change of the file.",
            "",
            *[f"- {d}" for d in found.damaged],
            "",
        ]
    if found.code:
        lines += [
            "## Code that differs from that of the kept run",
            "",
            *[f"- {c}" for c in found.code],
            "",
        ]
    return lines


def _sorted(rows: list[Compared]) -> list[Compared]:
    return sorted(rows, key=lambda r: (r.difference or 0) / (r.allowed or 1), reverse=True)


def _table(title: str, rows: list[Compared]) -> list[str]:
    if not rows:
        return []
    lines = [f"## {title}", "", "| chapter | value | kept | re-run | difference | allowed | note |"]
    lines.append("|---|---|---|---|---|---|---|")
    for row in rows[:SHOWN]:
        cells = [row.topic, row.what, row.kept, row.new, row.difference, row.allowed, row.note]
        lines.append("| " + " | ".join(_cell(c) for c in cells) + " |")
    if len(rows) > SHOWN:
        lines += ["", f"and {len(rows) - SHOWN} more, listed in {CERTIFICATE}"]
    return [*lines, ""]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    shown = f"{value:.6g}" if isinstance(value, float) else str(value)
    return shown.replace("|", "\\|").replace("\n", " ")[:160]


def _skipped(rows: list[Compared]) -> list[str]:
    if not rows:
        return []
    reasons = Counter(row.note for row in rows)
    listed = ", ".join(f"{note}: {count}" for note, count in sorted(reasons.items()))
    return ["## Not compared", "", f"{len(rows)} values ({listed}); {CERTIFICATE} lists them.", ""]
