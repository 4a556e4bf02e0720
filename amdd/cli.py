"""The command line: one verb for each arrow of the data's way."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro


@dataclass
class Run:
    """Run the notebooks that need it, in order."""

    profile: str = "demo"
    """smoke, demo or paper"""
    set: tyro.conf.UseAppendAction[list[str]] = field(default_factory=list)
    """replace a single value, e.g. --set training.epochs=3 (repeatable)"""
    only: tyro.conf.UseAppendAction[list[str]] = field(default_factory=list)
    """only these notebooks, by number or name (repeatable)"""
    from_: Annotated[str, tyro.conf.arg(name="from")] = ""
    """from this notebook on"""
    force: bool = False
    """run them though nothing has changed"""

    def do(self) -> int:
        from amdd.companion.pipeline import run

        run(self.profile, self.set, self.only or None, self.from_ or None, self.force)
        return 0


@dataclass
class Book(Run):
    """Run the notebooks that need it and build the book."""

    def do(self) -> int:
        from amdd.base.paths import Workspace
        from amdd.companion.book import build
        from amdd.companion.pipeline import _clock, run

        manifest = run(self.profile, self.set, self.only or None, self.from_ or None, self.force)
        page = build(Workspace.of(self.profile))
        print("\nseconds by notebook")
        for name, entry in manifest["notebooks"].items():
            print(f"  {name:28s} {_clock(entry['seconds']):>6s}")
        print(f"\nThe book's first page: {page}")
        return 0


@dataclass
class Pdf:
    """Print the whole book to one PDF by a headless Chromium; the notebooks must have run."""

    profile: str = "demo"
    out: Path | None = None

    def do(self) -> int:
        from amdd.base.paths import Workspace
        from amdd.companion.book import pdf

        print(pdf(Workspace.of(self.profile), self.out))
        return 0


@dataclass
class Corpora:
    """List the data sets that can be read, where to get them and the expected tree."""

    def do(self) -> int:
        from amdd.corpora import CORPORA

        for name, reader in CORPORA.items():
            print(f"{name}: {reader.title} ({reader.modality})")
            if reader.licence_page:
                print(f"  to be had from: {reader.licence_page}")
            print("  " + reader.tree.replace("\n", "\n  ") + "\n")
        return 0


@dataclass
class Scan:
    """Say what a data set's folder holds and what was expected."""

    name: tyro.conf.Positional[str]
    root: tyro.conf.Positional[Path]

    def do(self) -> int:
        from amdd.corpora import describe, scan

        manifest = scan(self.name, self.root)
        print(describe(manifest))
        print(manifest.table.groupby(["label", "generator", "quality"]).size().to_string())
        return 0


@dataclass
class Prepare:
    """Cut faces and compute spectrograms of a data set."""

    name: tyro.conf.Positional[str]
    root: tyro.conf.Positional[Path]
    profile: str = "demo"
    set: tyro.conf.UseAppendAction[list[str]] = field(default_factory=list)
    out: Path | None = None

    def do(self) -> int:
        from amdd.base.paths import Workspace
        from amdd.corpora import scan
        from amdd.data.prepare import prepare
        from amdd.data.splits import assign_splits
        from amdd.profiles import load_profile

        profile = load_profile(self.profile, self.set)
        manifest = scan(self.name, self.root, profile.corpus)
        manifest = (
            assign_splits(manifest, profile.corpus)
            if self.name == profile.corpus.train
            else manifest.assign(split="test")
        )
        done = prepare(
            manifest,
            profile.preparation,
            self.out or Workspace.of(self.profile).prepared / self.name,
            root=self.root,
        )
        print(f"{len(done)} clips prepared, {len(done.failures)} failed")
        return 0


@dataclass
class Train:
    """Train one variant on a prepared corpus; goes on where it was interrupted. Under torchrun, on many devices."""

    variant: str = "full"
    """full, without_attribution, without_fingerprint or without_contrastive"""
    seed: int = 0
    profile: str = "demo"
    set: tyro.conf.UseAppendAction[list[str]] = field(default_factory=list)
    prepared: Path | None = None
    """folder of a prepared corpus; default: the profile's training corpus as `amdd run --only 01` left it"""
    out: Path | None = None

    def do(self) -> int:
        from amdd.base.paths import Workspace
        from amdd.data.prepare import open_prepared
        from amdd.profiles import load_profile
        from amdd.training import train

        profile = load_profile(self.profile, self.set)
        workspace = Workspace.of(self.profile)
        clips = open_prepared(self.prepared or workspace.prepared / profile.corpus.train)
        folder = self.out or workspace.runs / f"{self.variant}-seed{self.seed}"
        run = train(profile, clips, folder, self.seed, self.variant)
        print(run.history.tail(1).T.to_string(header=False))
        print(f"epoch {run.record['best_epoch']} was kept; the run lies in {folder}")
        return 0


@dataclass
class Evaluate:
    """Measure a finished run on the test clips of a prepared corpus, with intervals."""

    run: tyro.conf.Positional[Path]
    prepared: tyro.conf.Positional[Path]
    split: str = "test"

    def do(self) -> int:
        from amdd.analysis.predict import metrics, per_generator, predict
        from amdd.data.prepare import open_prepared
        from amdd.training.runs import load_run

        run, clips = load_run(self.run), open_prepared(self.prepared)
        chosen = clips.manifest.split == self.split
        if not chosen.any():
            raise ValueError(
                f"{self.prepared.name} has no clips in the split {self.split!r}; "
                f"there are: {', '.join(sorted(clips.manifest.split.unique()))}"
            )
        found = predict(run, clips, chosen)
        settings = run.profile.evaluation
        print(f"{len(found)} clips, seed {run.seed}, variant {run.variant}\n")
        print(
            metrics(found, settings.threshold, settings.bootstrap, settings.confidence).round(3).to_string()
        )
        print("\n" + per_generator(found, settings.threshold).round(3).to_string(index=False))
        return 0


@dataclass
class Puppets:
    """Make the built-in corpora, a contact sheet of people, or a video of one clip beside its forgeries."""

    action: tyro.conf.Positional[Literal["make", "sheet", "play"]]
    profile: str = "demo"
    set: tyro.conf.UseAppendAction[list[str]] = field(default_factory=list)
    out: Path | None = None
    """where to; default people.png or forgeries.mp4"""
    count: int = 40
    """people on the sheet"""
    number: int = 0
    """which recording to play"""

    def do(self) -> int:
        from amdd.base.paths import Workspace
        from amdd.profiles import load_profile

        if self.action == "make":
            from amdd.puppets.corpus.make import make_corpora

            roots = make_corpora(load_profile(self.profile, self.set), Workspace.of(self.profile))
            for name, root in roots.items():
                print(f"{name}: {root}")
            return 0
        if self.action == "play":
            from amdd.puppets.corpus.play import write

            settings = load_profile(self.profile, self.set).corpus
            print(write(self.out or Path("forgeries.mp4"), settings, self.number))
            return 0
        import cv2

        from amdd.puppets.corpus.sheet import contact_sheet

        picture, out = contact_sheet(range(self.count)), self.out or Path("people.png")
        cv2.imwrite(str(out), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        print(out)
        return 0


@dataclass
class Model:
    """Print the parameter count of each component beside the paper's Table I."""

    action: tyro.conf.Positional[Literal["summary"]] = "summary"
    profile: str = "paper"

    def do(self) -> int:
        import dataclasses

        from amdd.model import AMDD, summary
        from amdd.profiles import load_profile

        settings = dataclasses.replace(load_profile(self.profile).model, weights="random")
        print(summary(AMDD(settings)).to_string(index=False))
        return 0


@dataclass
class Verify:
    """Hash a run's artefacts again and name what differs from its manifest."""

    profile: str = "demo"

    def do(self) -> int:
        import json

        from amdd.base.paths import Workspace
        from amdd.companion.provenance import hash_path

        workspace = Workspace.of(self.profile)
        if not workspace.manifest.is_file():
            print(
                f"no manifest.json for the profile {self.profile!r}; run `amdd run --profile {self.profile}` first",
                file=sys.stderr,
            )
            return 1
        record = json.loads(workspace.manifest.read_text(encoding="utf-8"))
        differ = [
            f"{name}: {path}"
            for name, entry in record["notebooks"].items()
            for path, digest in {**entry["reads"], **entry["writes"]}.items()
            if hash_path(workspace.root / path) != digest
        ]
        print("\n".join(differ) if differ else "everything is as the manifest says")
        return int(bool(differ))


COMMANDS = {
    "book": Book,
    "run": Run,
    "pdf": Pdf,
    "corpora": Corpora,
    "scan": Scan,
    "prepare": Prepare,
    "train": Train,
    "evaluate": Evaluate,
    "puppets": Puppets,
    "model": Model,
    "verify": Verify,
}


def main() -> None:
    """Entry point of the ``amdd`` command: known errors become one message and exit status 1."""
    import logging

    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    command = tyro.extras.subcommand_cli_from_dict(COMMANDS, prog="amdd", description=__doc__)
    try:
        sys.exit(command.do())
    except (ValueError, OSError, RuntimeError) as error:
        print(f"amdd: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("amdd: interrupted; the same command goes on where it stopped", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
