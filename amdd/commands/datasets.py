"""Commands on settings and datasets."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from amdd.commands.common import Profiled

# Imports inside the commands put off torch, pandas and the notebook packages, so that `amdd --help` is quick.


@dataclass
class Settings(Profiled):
    """Print every setting with its value, what it accepts and the reason."""

    profile: tyro.conf.Positional[str] = "demo"
    """smoke, demo or paper"""

    def do(self) -> int:
        import textwrap

        from amdd.settings.explain import settings_of, shown

        profile = self.load()
        for setting in settings_of():
            value = shown(setting.value(profile))
            print(f"{setting.name} = {value}" if value else f"{setting.name} =")
            for text in (setting.accepts, setting.reason):
                print(textwrap.fill(text, 100, initial_indent="    ", subsequent_indent="    "))
        return 0


@dataclass
class Corpora:
    """List the datasets that can be read, where they are available and the expected folders."""

    def do(self) -> int:
        from amdd.corpora import CORPORA

        for name, reader in CORPORA.items():
            print(f"{name}: {reader.title} ({reader.modality})")
            if reader.licence_page:
                print(f"  available from: {reader.licence_page}")
            print("  " + reader.tree.replace("\n", "\n  ") + "\n")
        return 0


@dataclass
class Scan(Profiled):
    """Print what a dataset's folder holds beside what was expected."""

    name: tyro.conf.Positional[str] = tyro.MISSING
    root: tyro.conf.Positional[Path] = tyro.MISSING

    def do(self) -> int:
        from amdd.corpora import describe, scan

        manifest = scan(self.name, self.root, self.load().corpus)
        print(describe(manifest))
        print(manifest.table.groupby(["label", "generator", "quality"]).size().to_string())
        return 0


@dataclass
class Prepare(Profiled):
    """Crop faces and compute spectrograms of a dataset."""

    name: tyro.conf.Positional[str] = tyro.MISSING
    root: tyro.conf.Positional[Path] = tyro.MISSING
    out: Path | None = None

    def do(self) -> int:
        from amdd.base.paths import Workspace
        from amdd.corpora import scan
        from amdd.data.prepare import prepare
        from amdd.data.splits import assign_splits

        profile = self.load()
        manifest = scan(self.name, self.root, profile.corpus)
        manifest = (
            assign_splits(manifest, profile.corpus)
            if self.name == profile.corpus.train
            else manifest.assign(split="test")
        )
        out = self.out or Workspace.of(self.profile).prepared / self.name
        done = prepare(manifest, profile.preparation, out, root=self.root)
        print(f"{len(done)} clips prepared, {len(done.failures)} failed")
        for reason, count in done.failures.reason.value_counts().head(3).items():
            print(f"  {count} x {reason}")
        if len(done.failures):
            print(f"  every failure: {out / 'failures.csv'}")
        if not len(done):
            print("amdd: no clip could be prepared", file=sys.stderr)
        return int(not len(done))


@dataclass
class Puppets(Profiled):
    """Make the built-in corpora, a contact sheet of identities, a video of one clip beside its forgeries, or a page on
    which people are rated blind, this renderer's and the first one's."""

    action: tyro.conf.Positional[Literal["make", "sheet", "play", "rate"]] = tyro.MISSING
    out: Path | None = None
    """output file; default people.png, forgeries.mp4 or rate.html"""
    count: int | None = None
    """identities on the sheet (default 40) or pairs on the page (20)"""
    seed: int = 0
    """order of pairs and sides on the page"""
    number: int = 0
    """which recording to play"""

    def do(self) -> int:
        from amdd.base.paths import Workspace

        if self.action == "make":
            from amdd.puppets.corpus.make import make_corpora

            roots = make_corpora(self.load(), Workspace.of(self.profile))
            for name, root in roots.items():
                print(f"{name}: {root}")
            return 0
        if self.action == "play":
            from amdd.puppets.corpus.play import write

            settings = self.load().corpus
            print(write(self.out or Path("forgeries.mp4"), settings, self.number))
            return 0
        if self.action == "rate":
            from amdd.puppets.corpus.rate import write_page

            print(write_page(self.out or Path("rate.html"), self.seed, self.count or 20))
            return 0
        import cv2

        from amdd.puppets.corpus.sheet import contact_sheet

        picture, out = contact_sheet(range(self.count or 40)), self.out or Path("people.png")
        cv2.imwrite(str(out), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        print(out)
        return 0
