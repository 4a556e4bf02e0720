"""The paper's tables as data, its claims, and the rule by which a run's numbers judge them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from amdd.analysis.tables import interval
from amdd.base.paths import PACKAGE
from amdd.companion.chapters import chapter_of
from amdd.companion.results import anchor_of
from amdd.profiles import Profile
from amdd.stats import Estimate

NOT_ATTEMPTED = "not attempted"
FIELDS = {"id", "where", "claim", "topic", "number", "shown", "holds_if", "if_not"}


def paper() -> dict[str, Any]:
    """Return the paper's tables (``amdd/companion/paper.yml``)."""
    return yaml.safe_load((PACKAGE / "companion" / "paper.yml").read_text(encoding="utf-8"))


def claims(path: Path | None = None) -> list[dict[str, Any]]:
    """Return the claims of ``amdd/companion/claims.yml`` in their order. Raises ``ValueError`` naming what an entry
    lacks."""
    path = path or PACKAGE / "companion" / "claims.yml"
    found = yaml.safe_load(path.read_text(encoding="utf-8"))["claims"]
    for entry in found:
        lacks = FIELDS - entry.keys()
        if entry.get("holds_if") == "within":
            lacks |= {"needs", "target", "tolerance"} - entry.keys()
        if lacks or entry["holds_if"] not in ("positive", "negative", "within"):
            raise ValueError(
                f"{path.name}: claim {entry.get('id', '?')!r} lacks {sorted(lacks) or 'holds_if'}"
            )
    return found


def verdict(entry: Mapping[str, Any], number: Estimate | None, judge: bool = True, corpus: str = "") -> str:
    """Return the verdict on one claim from the estimate that tests it.

    For a difference, "supported": the interval lies on the claim's side of zero; "contradicted": on the other; "not
    supported": it contains zero. For a value that the paper states for one dataset (``holds_if: within``), "supported":
    it lies within the tolerance; "contradicted": so does no point of its interval; "not supported": anything between;
    on any other ``corpus`` it is not attempted. "not attempted": there is no such number, or the run is too small to
    judge (``judge`` false).
    """
    if not judge or number is None or number.low is None or number.high is None or not number.bounded:
        return NOT_ATTEMPTED
    low, high = number.low, number.high
    if entry["holds_if"] == "within":
        if corpus != entry["needs"]:
            return NOT_ATTEMPTED
        least, most = entry["target"] - entry["tolerance"], entry["target"] + entry["tolerance"]
        if least <= number.value <= most:
            return "supported"
        return "contradicted" if high < least or low > most else "not supported"
    if entry["holds_if"] == "negative":
        low, high = -high, -low
    if low > 0:
        return "supported"
    return "contradicted" if high < 0 else "not supported"


def numbers(results: Path) -> dict[str, dict[str, Any]]:
    """Return every number that the chapters of a run wrote, by ``topic.key``."""
    found = {}
    for path in sorted(results.glob("*/numbers.json")):
        for key, record in json.loads(path.read_text(encoding="utf-8")).items():
            found[f"{path.parent.name}.{key}"] = record
    return found


def verdicts(known: Mapping[str, Mapping[str, Any]], profile: Profile) -> pd.DataFrame:
    """Return one row per claim: what the paper says, what ``known`` (numbers by ``topic.key``) says, and the verdict.

    ``difference`` marks claims about differences; ``address`` leads to the exhibit that shows the number.
    """
    corpus, rows = profile.corpus.train, []
    for entry in claims():
        number = _estimate(known.get(f"{entry['topic']}.{entry['number']}"))
        within = entry["holds_if"] == "within"
        judged = number if number and number.bounded and (not within or entry["needs"] == corpus) else None
        page = f"{chapter_of(entry['topic'])}.html#{anchor_of(entry['topic'], entry['shown'])}"
        rows.append(
            {
                "claim": entry["claim"],
                "where": entry["where"],
                "in the paper": entry["paper"],
                "here": interval(judged, sign=not within) if judged else "–",
                "n": judged.n if judged else "–",
                "seeds": len(profile.evaluation.seeds) if entry.get("trainings") else "–",
                "verdict": verdict(entry, number, profile.evaluation.verdicts, corpus),
                "id": entry["id"],
                "value": judged.value if judged else float("nan"),
                "low": judged.low if judged else float("nan"),
                "high": judged.high if judged else float("nan"),
                "difference": not within,
                "address": page if judged else "",
                "why": entry["if_not"],
            }
        )
    return pd.DataFrame(rows)


def over_seeds_table(table: pd.DataFrame, spread: Mapping[str, Any], profile: Profile) -> pd.DataFrame:
    """Return, for claims that compare training runs, the verdict over identities beside that over the seeds of the
    benchmark ``seed_spread``; ``table`` is from :func:`verdicts`. Empty for a run on other data."""
    columns = ["claim", "this run", "verdict over identities", "over seeds", "seeds", "verdict over seeds"]
    rows = []
    for entry, row in zip(claims(), table.to_dict("records")):
        gap = _estimate(spread["numbers"].get(entry.get("spread", "")))
        if gap and not profile.corpus.data:
            judged = verdict(entry, gap, profile.evaluation.verdicts)
            cells = (row["claim"], row["here"], row["verdict"], interval(gap, sign=True), gap.seeds, judged)
            rows.append(dict(zip(columns, cells)))
    return pd.DataFrame(rows, columns=columns)


def _estimate(record: Mapping[str, Any] | None) -> Estimate | None:
    """Return the estimate of a record, or None where there is none or it is a text."""
    if record is None or not isinstance(record.get("value"), int | float):
        return None
    return Estimate.from_record(record)
