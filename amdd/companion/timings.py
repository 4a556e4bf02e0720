"""Measured and expected run times of the chapters."""

from __future__ import annotations

import json
from pathlib import Path

from amdd.base.paths import Workspace
from amdd.companion.chapters import topic_of
from amdd.companion.records import RecordError, read_manifest


def expectations(workspace: Workspace, profile_name: str) -> dict[str, float]:
    """Seconds that the chapter on each topic is expected to take: as long as last time here, else as on the machine with two
    cores that this release was tried on (``expected_seconds.json``)."""
    shipped = json.loads((Path(__file__).parent / "expected_seconds.json").read_text(encoding="utf-8"))
    found = {topic_of(name): float(seconds) for name, seconds in shipped.get(profile_name, {}).items()}
    try:
        last = read_manifest(workspace)["notebooks"]
    except (OSError, RecordError):
        last = {}
    for name, entry in last.items():
        found[topic_of(name)] = entry["seconds"] or found.get(topic_of(name), 0.0)
    return found


def duration(seconds: float) -> str:
    """Seconds as people say them: ``40 s``, ``3 min``, ``2.5 h``."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
