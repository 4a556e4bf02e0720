"""Model cards of trained runs, drawn from the runs' own records; limits come first."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from amdd.base.hashing import hash_path
from amdd.base.paths import PACKAGE, Workspace, write_text
from amdd.stats import metrics

CARD = "README.md"  # the name that model archives show
SHOWN = {
    "auc": "AUC of detection",
    "balanced_accuracy": "balanced accuracy",
    "attribution_fakes": "attribution accuracy over fakes",
    "attribution_generators": "attribution accuracy among generators",
    "ece": "expected calibration error",
}


def write(workspace: Workspace) -> list[Path]:
    """Write a card into the folder of every finished run and return them.

    Raises ``ValueError`` where there is no finished run.
    """
    runs = sorted(p.parent for p in workspace.runs.glob("*/run.json"))
    if not runs:
        raise ValueError(
            f"no finished run of the profile {workspace.root.name!r}; `amdd run --only 02` trains one"
        )
    return [write_text(run / CARD, card(run)) for run in runs]


def card(run: Path) -> str:
    """Return the card of one run as Markdown. Raises ``ValueError`` naming a record that can't be read."""
    record, config = _json(run / "run.json"), _json(run / "config.json")
    profile = config["profile"]
    loader = jinja2.FileSystemLoader(PACKAGE / "companion" / "templates")
    template = jinja2.Environment(
        loader=loader, undefined=jinja2.StrictUndefined, trim_blocks=True
    ).get_template("model_card.md")
    return template.render(
        name=run.name,
        record=record,
        profile=profile,
        built_in=not profile["corpus"].get("data"),
        generators=profile["model"].get("generators") or [],
        losses={k: v for k, v in profile["training"]["loss"].items() if not isinstance(v, dict)},
        last=_last(run / "history.parquet"),
        results=_results(run, profile["evaluation"]),
        weights=hash_path(run / "weights.safetensors"),
        packages=record.get("packages", {}),
    )


def _json(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{path.parent.name}/{path.name}: not readable ({error}); train the run again"
        ) from None


def _last(path: Path) -> dict[str, float]:
    """Return the last epoch of the history, {} where there is none."""
    if not path.is_file():
        return {}
    return {k: float(v) for k, v in pd.read_parquet(path).iloc[-1].items()}


def _results(run: Path, evaluation: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the metrics on every corpus whose predictions the run keeps, one row each."""
    rows = []
    for path in sorted((run / "predictions").glob("*.parquet")):
        table = metrics(pd.read_parquet(path), evaluation["threshold"], evaluation["confidence"])
        for name, title in SHOWN.items():
            if name in table.index:
                rows.append({"corpus": path.stem, "metric": title, **_shown(table.loc[name])})
    return rows


def _shown(row: pd.Series) -> dict[str, str]:
    interval = f"{row['low']:.3f} to {row['high']:.3f}" if row[["low", "high"]].notna().all() else "none"
    value = f"{row['value']:.3f}" if pd.notna(row["value"]) else "not defined"
    return {"value": value, "interval": interval, "n": str(int(row["n"])), "people": str(int(row["people"]))}
