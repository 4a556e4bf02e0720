"""Command that writes what archives take: crate, corpus description, model cards, bill of materials, metadata."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from amdd.commands.common import needs_repository

# Imports inside the commands put off torch, pandas and the notebook packages, so that `amdd --help` is quick.


@dataclass
class Archive:
    """Write what an archive takes: `crate` a run as a Workflow Run RO-Crate, `croissant` the built-in corpus, `cards` a
    model card beside each training run, `bill` the software bill of materials, `metadata` .zenodo.json and codemeta.json."""

    what: tyro.conf.Positional[Literal["crate", "croissant", "cards", "bill", "metadata"]]
    profile: str = "demo"
    out: Path | None = None
    """folder of the crate (default: crate, in the run's folder) or file of the bill (default: bill.cdx.json there)"""
    corpora: Path | None = None
    """folder of the built-in corpora (default: that of the run)"""

    def do(self) -> int:
        needs_repository()
        writers: dict[str, Callable[[], list[Path]]] = {
            "crate": self._crate,
            "croissant": self._croissant,
            "cards": self._cards,
            "bill": self._bill,
            "metadata": self._metadata,
        }
        for path in writers[self.what]():
            print(path)
        return 0

    def _crate(self) -> list[Path]:
        from amdd.base.paths import Workspace
        from amdd.companion.archive.crate import export

        workspace = Workspace.of(self.profile)
        return [export(workspace, self.out or workspace.root / "crate")]

    def _croissant(self) -> list[Path]:
        from amdd.base.paths import Workspace
        from amdd.companion.archive.croissant import export

        return [export(self.corpora or Workspace.of(self.profile).corpora)]

    def _cards(self) -> list[Path]:
        from amdd.base.paths import Workspace
        from amdd.companion.archive.cards import write

        return write(Workspace.of(self.profile))

    def _bill(self) -> list[Path]:
        from amdd.base.packages import installed_lock
        from amdd.base.paths import PROJECT, Workspace
        from amdd.companion.archive.bill import export

        out = self.out or Workspace.of(self.profile).root / "bill.cdx.json"
        return [export(out, PROJECT / installed_lock())]

    def _metadata(self) -> list[Path]:
        from amdd.companion.archive.metadata import write

        return write()
