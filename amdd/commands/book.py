"""Commands that need the repository, and the check of what they wrote."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

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
        from amdd.companion.editions import pdf

        needs_repository()
        print(pdf(Workspace.of(self.profile), self.out))
        return 0


@dataclass
class Epub:
    """Write the whole book to one EPUB by pandoc, formulas as MathML; the notebooks must have run."""

    profile: str = "demo"
    out: Path | None = None

    def do(self) -> int:
        from amdd.base.paths import Workspace
        from amdd.companion.editions import epub

        needs_repository()
        print(epub(Workspace.of(self.profile), self.out))
        return 0


@dataclass
class Verify:
    """Hash a run's artefacts again and name what differs from its manifest; with --rerun, run the chapters again in a
    separate folder, compare every number, and write a certificate."""

    profile: str = "demo"
    rerun: bool = False
    """run the chapters again and compare their numbers with the kept ones"""
    only: tyro.conf.UseAppendAction[list[str]] = field(default_factory=list)
    """re-run only these chapters, by number or name (repeatable); what they read of others is copied"""
    out: Path | None = None
    """folder of the re-run and of the certificate; default: rerun, beside the run"""
    machine: Literal["auto", "same", "other"] = "auto"
    """tolerance for the same machine or another one; auto compares the records of both runs"""

    def do(self) -> int:
        from amdd.base.paths import Workspace
        from amdd.companion.verify import differences

        if self.rerun:
            return self._again()
        found = differences(Workspace.of(self.profile))
        print("\n".join(found) if found else "all artefacts match the manifest")
        return int(bool(found))

    def _again(self) -> int:
        from amdd.base.paths import Workspace, build_root
        from amdd.companion.certificate import record, write
        from amdd.companion.compare import DIFFERS
        from amdd.companion.rerun import rerun

        needs_repository()
        out = self.out or build_root() / "rerun"
        machines: dict[str, Any] = {"auto": None, "same": "same machine", "other": "other machine"}
        found = rerun(Workspace.of(self.profile), out, self.only or None, machine=machines[self.machine])
        words, data = write(found, out)
        summary = record(found)
        counts = ", ".join(f"{count} {name}" for name, count in summary["counts"].items())
        print(f"{summary['verdict']} ({found.tolerance.machine}): {counts}\n{words}\n{data}")
        return int(summary["verdict"] == DIFFERS)
