"""Commands that need the repository, and the check of what they wrote."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import tyro

from amdd.commands.common import Profiled, needs_repository

# Imports inside the commands put off torch, pandas and the notebook packages, so that `amdd --help` is quick.


@dataclass
class Run(Profiled):
    """Run the notebooks that are out of date, in order."""

    only: tyro.conf.UseAppendAction[list[str]] = field(default_factory=list)
    """only these notebooks, by number or name (repeatable)"""
    from_: Annotated[str, tyro.conf.arg(name="from")] = ""
    """from this notebook on"""
    force: bool = False
    """re-run even if unchanged"""

    def notebooks(self) -> dict[str, Any]:
        """Run the notebooks and return the run's manifest."""
        from amdd.companion.pipeline import run

        needs_repository()
        self.load()
        return run(self.profile, self.set, self.only or None, self.from_ or None, self.force)

    def do(self) -> int:
        self.notebooks()
        return 0


@dataclass
class Book(Run):
    """Run the notebooks that are out of date and build the book."""

    def do(self) -> int:
        from amdd.base.paths import Workspace
        from amdd.companion.book import build
        from amdd.companion.execute import clock

        manifest = self.notebooks()
        page = build(Workspace.of(self.profile))
        print("\nSeconds per notebook")
        for name, entry in manifest["notebooks"].items():
            print(f"  {name:28s} {clock(entry['seconds']):>6s}")
        print(f"\nFirst page of the book: {page}")
        return 0


@dataclass
class Pdf:
    """Print the whole book to one PDF by a headless Chromium; the notebooks must have run."""

    profile: str = "demo"
    out: Path | None = None

    def do(self) -> int:
        from amdd.base.paths import Workspace
        from amdd.companion.book import pdf

        needs_repository()
        print(pdf(Workspace.of(self.profile), self.out))
        return 0


@dataclass
class Verify:
    """Hash a run's artefacts again and name what differs from its manifest."""

    profile: str = "demo"

    def do(self) -> int:
        from amdd.base.paths import Workspace
        from amdd.companion.verify import differences

        found = differences(Workspace.of(self.profile))
        print("\n".join(found) if found else "all artefacts match the manifest")
        return int(bool(found))
