"""Progress of a chapter for the process that executes it: the bars that run in the kernel, as one line of text.

A kernel's output reaches a notebook, not the terminal. ``follow`` makes every bar of tqdm write its state to the file that
``$AMDD_PROGRESS`` names; ``latest`` reads it.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from tqdm import tqdm

VARIABLE = "AMDD_PROGRESS"
MARK = "amdd_followed"


def follow() -> None:
    """Let the bars of this process write their state to ``$AMDD_PROGRESS``, if it is set; once is enough."""
    path = os.environ.get(VARIABLE, "")
    if not path or getattr(tqdm, MARK, False):
        return
    shown = tqdm.display

    def display(bar, *args, **kwargs):
        of = f"/{bar.total:g}" if bar.total else ""
        # Progress is a comfort: no full disk and no vanished folder may end what it is about.
        with contextlib.suppress(OSError):
            Path(path).write_text(
                f"{bar.desc.strip(': ')} {bar.n:g}{of} {bar.unit}".strip(), encoding="utf-8"
            )
        return shown(bar, *args, **kwargs)

    setattr(tqdm, MARK, True)
    tqdm.display = display


def latest(path: Path) -> str:
    """Return what a bar wrote last, "" if nothing."""
    try:
        return path.read_text(encoding="utf-8").strip()[:60]
    except (OSError, UnicodeDecodeError):
        return ""
