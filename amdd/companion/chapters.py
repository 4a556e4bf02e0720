"""Chapters and their topics: files ``NN_topic``, results by topic, so that a chapter can be inserted or moved."""

from __future__ import annotations

import re
from pathlib import Path

from amdd.base.paths import PROJECT

NUMBERED = re.compile(r"^\d\d_(?=.)")


def topic_of(name: str) -> str:
    """Return the topic of a chapter's file name: ``ablations`` for ``04_ablations``."""
    return NUMBERED.sub("", name)


def chapter_of(topic: str, folder: Path | None = None) -> str:
    """Return the file name, without suffix, of the chapter on ``topic``; the topic itself where there is none."""
    found = sorted((folder or PROJECT / "notebooks").glob(f"[0-9][0-9]_{topic}.py"))
    return found[0].stem if found else topic
