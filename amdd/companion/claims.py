"""The paper's tables as data, its claims, and the rule by which a run's numbers judge them."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from amdd.analysis.left_out import dose_gain
from amdd.analysis.study import contrast, naming_and_detection, outcomes, seeds_done, test_part
from amdd.analysis.study_tables import shipped, shipped_left_out
from amdd.analysis.tables import interval
from amdd.base.paths import PACKAGE
from amdd.companion.chapters import chapter_of
from amdd.companion.results import anchor_of
from amdd.companion.verdicts import NOT_ATTEMPTED, RULES, combined, reason, verdict
from amdd.profiles import Profile
from amdd.stats import Estimate

FIELDS = {"id", "where", "claim", "paper", "topic", "holds_if", "if_not"}
TESTED = {"number", "shown"}  # of a claim that a run can test; another has ``not_attempted``, the reason


def paper() -> dict[str, Any]:
    """Return the paper's tables (``amdd/companion/paper.yml``)."""
    return yaml.safe_load((PACKAGE / "companion" / "paper.yml").read_text(encoding="utf-8"))


def claims(path: Path | None = None) -> list[dict[str, Any]]:
    """Return the claims of ``amdd/companion/claims.yml`` in their order. Raises ``ValueError`` naming what an entry
    lacks."""
    path = path or PACKAGE / "companion" / "claims.yml"
    found = yaml.safe_load(path.read_text(encoding="utf-8"))["claims"]
    for entry in found:
        lacks = (FIELDS if "not_attempted" in entry else FIELDS | TESTED) - entry.keys()
        if entry.get("holds_if") == "within":
            lacks |= {"needs", "target", "tolerance"} - entry.keys()
        if lacks or entry["holds_if"] not in RULES:
            raise ValueError(
                f"{path.name}: claim {entry.get('id', '?')!r} lacks {sorted(lacks) or 'holds_if'}; "
                f"holds_if is one of: {', '.join(RULES)}"
            )
    return found


def numbers(results: Path) -> dict[str, dict[str, Any]]:
    """Return every number that the chapters of a run wrote, by ``topic.key``."""
    found = {}
    for path in sorted(results.glob("*/numbers.json")):
        for key, record in json.loads(path.read_text(encoding="utf-8")).items():
            found[f"{path.parent.name}.{key}"] = record
    return found


def study_numbers(name: str = "attribution", topic: str = "regulariser") -> dict[str, dict[str, Any]]:
    """Return the primary, the decisive and the ablation's contrast (full - none) of a shipped study, with the number of seeds
    that all arms have, how naming goes with detection over trainings, and what more generators in training gain."""
    data = shipped(name)
    pairs, tests = data.protocol.contrasts, test_part(data.predictions)
    found = {}
    named = {"contrast.primary": pairs.primary, "contrast.decisive": pairs.decisive}
    for key, pair in (named | {"ablation": ("full", "none")}).items():
        gap = contrast(tests, pair, data.protocol.test.unseen)
        done = min(gap.seeds or 0, seeds_done(tests, data.protocol))
        found[f"{topic}.{key}"] = replace(gap, seeds=done).record()
    runs = outcomes(tests, data.protocol)
    plan, folds, _ = shipped_left_out()
    found[f"{topic}.dose.more"] = dose_gain(folds, plan).record()
    found[f"{topic}.naming_and_detection"] = naming_and_detection(runs, ("full", "naming")).record()
    return found


def estimates(entry: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]]) -> dict[str, Estimate | None]:
    """Return the numbers that test a claim, by key; a ``number`` such as ``transfer.whole.*`` stands for one per corpus."""
    if "number" not in entry:
        return {}
    pattern = f"{entry['topic']}.{entry['number']}"
    return {key: _estimate(known[key]) for key in sorted(known) if fnmatch.fnmatchcase(key, pattern)}


def verdicts(known: Mapping[str, Mapping[str, Any]], profile: Profile) -> pd.DataFrame:
    """Return one row per claim: what the paper says, what ``known`` (numbers by ``topic.key``) says, and the verdict.

    A claim about each of several corpora shows the number that is farthest from the claim. ``difference`` marks claims
    about differences; ``address`` leads to the exhibit that shows the number.
    """
    return pd.DataFrame([_row(entry, known, profile) for entry in claims()])


def _row(
    entry: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]], profile: Profile
) -> dict[str, Any]:
    judge, corpus = profile.evaluation.verdicts or "study" in entry, profile.corpus.train
    within = entry["holds_if"] == "within"
    found = {k: e for k, e in estimates(entry, known).items() if e is not None}
    each = {k: verdict(entry, e, judge, corpus) for k, e in found.items()}
    judged = combined(list(each.values()))
    sign = -1 if entry["holds_if"] == "negative" else 1
    worst = [e for k, e in found.items() if each[k] == judged]
    number = min(worst, key=lambda e: sign * e.value) if worst else next(iter(found.values()), None)
    shown = number if number and number.bounded and (not within or entry["needs"] == corpus) else None
    text = interval(shown, sign=not within) if shown else "–"
    if shown and len(found) > 1:
        text += f" (of {len(found)} {entry.get('several', 'corpora')})"
    page = f"{chapter_of(entry['topic'])}.html#{anchor_of(entry['topic'], entry.get('shown', ''))}"
    return {
        "claim": entry["claim"],
        "where": entry["where"],
        "in the paper": entry["paper"],
        "here": text,
        "n": shown.n if shown else "–",
        "people": shown.people if shown and shown.people is not None else "–",
        "seeds": (shown.seeds or 1) if shown and entry.get("trainings") else "–",
        "verdict": judged,
        "reason": reason(entry, number, judged, judge),
        "id": entry["id"],
        "value": shown.value if shown else float("nan"),
        "low": shown.low if shown else float("nan"),
        "high": shown.high if shown else float("nan"),
        "difference": not within,
        "address": page if shown else "",
        "why": entry["if_not"],
    }


def verdict_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return :func:`verdicts` as a page shows it: the claim, the paper's value with its place, the value here, what that
    rests on, and the verdict with its reason."""

    def basis(row: Mapping[str, Any]) -> str:
        if row["n"] == "–":
            return "–"
        counts = [f"n = {row['n']}", f"{row['people']} people" if row["people"] != "–" else ""]
        counts.append(f"{row['seeds']} seed{'s' * (row['seeds'] != 1)}" if row["seeds"] != "–" else "")
        return ", ".join(filter(None, counts))

    rows = [
        {
            "claim": row["claim"],
            "in the paper": f"{row['in the paper']} ({row['where']})",
            "here": row["here"],
            "based on": basis(row),
            "verdict": f"{row['verdict']}: {row['reason']}" if row["reason"] else row["verdict"],
        }
        for row in table.to_dict("records")
    ]
    return pd.DataFrame(rows, columns=["claim", "in the paper", "here", "based on", "verdict"])


def over_seeds_table(table: pd.DataFrame, spread: Mapping[str, Any], profile: Profile) -> pd.DataFrame:
    """Return, for claims that compare training runs, the verdict over identities beside that over the seeds of the
    benchmark ``seed_spread``; ``table`` is from :func:`verdicts`. Empty for a run on other data."""
    columns = ["claim", "this run", "verdict over people", "over seeds", "seeds", "verdict over seeds"]
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


__all__ = [
    "NOT_ATTEMPTED",
    "claims",
    "estimates",
    "numbers",
    "over_seeds_table",
    "paper",
    "study_numbers",
    "verdict",
    "verdict_table",
    "verdicts",
]
