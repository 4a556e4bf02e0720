"""Command of the study "Is attribution a regulariser?"."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro

# Imports inside the command put off torch and pandas, so that `amdd --help` is quick; `report` needs no torch.


@dataclass
class Study:
    """The study of attribution as a regulariser: train its arms, report from predictions, or train one again and compare."""

    action: tyro.conf.Positional[Literal["run", "report", "check"]]
    arm: tyro.conf.Positional[str] = ""
    """for `check`: the arm to train again"""
    seed: tyro.conf.Positional[int] = 0
    """for `check`: its training seed"""
    protocol: Path | None = None
    """protocol file; default: the book's, book/studies/attribution.yml"""
    arms: Annotated[list[str], tyro.conf.arg(help="arms to train; default: all of the protocol")] = field(
        default_factory=list
    )
    seeds: int = 0
    """number of seeds; default: the protocol's"""
    predictions: Path | None = None
    """for `report`: predictions (.parquet); default: those that are shipped"""
    workers: int = 2
    """for `run`: trainings side by side, each with one thread (on a GPU they share it)"""
    keep_weights: bool = False
    """keep the weights of every training (60 MB each)"""

    def do(self) -> int:
        return {"run": self._run, "report": self._report, "check": self._check}[self.action]()

    def _run(self) -> int:
        from amdd.analysis.protocol import LeftOutProtocol, conditions, load_any
        from amdd.training.left_out import run_left_out
        from amdd.training.study import collect, planned, run_many

        protocol = load_any(self._protocol())
        left_out = isinstance(protocol, LeftOutProtocol)
        kinds = conditions(protocol, self.arms) if left_out else ()
        profile, clips, tests, root = self._data(protocol)
        seeds = self.seeds or protocol.seeds
        if left_out:
            run_left_out(
                profile,
                kinds,
                protocol.steps,
                seeds,
                clips,
                tests["test"],
                root,
                self.workers,
                self.keep_weights,
            )
        else:
            plan = planned(self.arms or list(protocol.arms), range(seeds))
            run_many(profile, plan, clips, tests, root, self.workers, self.keep_weights)
        table, history = collect(root)
        self._write(root, table, history)
        return 0

    def _report(self) -> int:
        import pandas as pd

        from amdd.analysis.left_out import left_out_report
        from amdd.analysis.protocol import LeftOutProtocol, load_any
        from amdd.analysis.study import report, test_part

        protocol = load_any(self._protocol())
        path = self.predictions or self._protocol().with_name(f"{protocol.name}.parquet")
        if not path.is_file():
            raise FileNotFoundError(f"{path}: no predictions of the study; `amdd study run` makes them")
        predictions = pd.read_parquet(path)
        if isinstance(protocol, LeftOutProtocol):
            table, decision = left_out_report(predictions, protocol)
        else:
            table, decision = report(test_part(predictions), protocol)
        print(table.round(4).to_string(index=False))
        print(f"\ndecision: {decision}")
        return 0

    def _check(self) -> int:
        import pandas as pd

        from amdd.analysis.protocol import LeftOutProtocol, load_any
        from amdd.analysis.study import compare
        from amdd.training.study import ARMS, MINOR, run_one

        protocol = load_any(self._protocol())
        if isinstance(protocol, LeftOutProtocol):
            raise ValueError(
                f"{protocol.name}: `check` repeats single trainings of the studies with arms (attribution, "
                "attribution-frozen); `amdd study run --seeds 1` makes these anew"
            )
        if self.arm not in ARMS | MINOR:
            raise ValueError(f"no arm {self.arm!r}; expected one of: {', '.join(ARMS | MINOR)}")
        shipped = pd.read_parquet(self._protocol().with_name(f"{protocol.name}.parquet"))
        theirs = shipped[(shipped.arm == self.arm) & (shipped.seed == self.seed)]
        if not len(theirs):
            raise ValueError(f"no shipped predictions of {self.arm} with seed {self.seed}")
        profile, clips, tests, root = self._data(protocol)
        ours = run_one(profile, self.arm, self.seed, clips, tests, root, self.keep_weights, progress=True)
        table, agrees = compare(ours, theirs, protocol)
        print(table.round(4).to_string(index=False))
        print(
            "agrees within the protocol's tolerance"
            if agrees
            else "differs by more than the protocol's tolerance"
        )
        return int(not agrees)

    def _protocol(self) -> Path:
        from amdd.base.paths import PROJECT
        from amdd.commands.common import needs_repository

        if self.protocol is None:
            needs_repository()
        return self.protocol or PROJECT / "book" / "studies" / "attribution.yml"

    def _data(self, protocol):
        """Return profile, prepared clips, prepared test clips by name and the folder of the trainings."""
        from amdd.analysis.protocol import LeftOutProtocol
        from amdd.base.paths import Workspace, build_root
        from amdd.corpora import scan
        from amdd.data.prepare import prepare
        from amdd.data.splits import assign_splits
        from amdd.puppets.corpus.make import make_corpora

        workspace = Workspace(build_root() / f"study-{protocol.name}")
        stores = {}
        for part in ("train", "test"):
            profile = protocol.corpora.profile_of(part)
            only_test = part == "test" or isinstance(
                protocol, LeftOutProtocol
            )  # one corpus of all generators
            name = profile.corpus.external[0] if only_test else profile.corpus.train
            place = Workspace(workspace.root / part)
            root = make_corpora(profile, place, only=(name,))[name]
            manifest = scan(name, root, profile.corpus)
            if not only_test:
                manifest = assign_splits(manifest, profile.corpus).where(
                    lambda t: t.split.isin(["train", "val"])
                )
            else:
                manifest = manifest.assign(split="test")
            stores[part] = prepare(manifest, profile.preparation, place.prepared / name, root=root)
        profile = protocol.corpora.profile_of("train")
        return profile, stores["train"], {"test": stores["test"]}, workspace.runs

    def _write(self, root: Path, table, history) -> None:
        from amdd.base.paths import atomic

        for name, part in (("predictions", table), ("history", history)):
            with atomic(root.parent / f"{name}.parquet") as temporary:
                part.to_parquet(temporary, compression="zstd")
        print(
            f"{table[['arm', 'seed']].drop_duplicates().shape[0]} trainings: {root.parent / 'predictions.parquet'}"
        )
