"""Training records of the generators."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from amdd.puppets.forgers.base import WEIGHTS


def training_records(folder: Path | None = None) -> list[dict]:
    """Return the records ``<name>.json`` beside the forgers' weights, the three of the training corpus first."""
    folder = folder or WEIGHTS
    first = ["faceswap", "wav2lip", "fsgan", "syncnet"]
    found = {p.stem: json.loads(p.read_text(encoding="utf-8")) for p in sorted(folder.glob("*.json"))}
    return [found[n] for n in [*[n for n in first if n in found], *[n for n in found if n not in first]]]


def training_table(records: list[dict]) -> pd.DataFrame:
    """Return parameters, training data, steps, time and last loss of each generator."""
    made = pd.DataFrame(records).rename(columns={"identities": "people"})
    made["last loss"] = [r["loss_every_25_steps"][-1] for r in records]
    return made[["name", "parameters", "people", "frames", "steps", "seconds", "last loss"]]
