"""Interface of a chapter: profile, inputs and outputs, results.

Every method that reads or writes an artefact of the workspace declares it, so that the pipeline skips a chapter only if
nothing that it reads has changed, and ``amdd verify`` misses nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from amdd import stats
from amdd.base.paths import Workspace, write_text
from amdd.base.progress import follow
from amdd.companion.chapters import chapter_of, topic_of
from amdd.companion.results import Results
from amdd.companion.timings import duration, expectations
from amdd.figures import Exhibit
from amdd.profiles import EvaluationSettings, Profile, load_profile
from amdd.stats import Estimate, people_in, people_of

if TYPE_CHECKING:
    from amdd.data.prepare import ClipStore
    from amdd.training.runs import Run

RUN_FILES = ("config.json", "history.parquet", "run.json", "weights.safetensors")


@dataclass
class Notebook:
    """One chapter at work, on the topic ``topic``."""

    topic: str
    profile: Profile
    workspace: Workspace
    results: Results
    _reads: set[str] = field(default_factory=set)
    _writes: set[str] = field(default_factory=set)

    # --- what the chapter is about -------------------------------------------------------------------------------

    @property
    def evaluation(self) -> EvaluationSettings:
        """Settings of evaluation and display."""
        return self.profile.evaluation

    @property
    def train_name(self) -> str:
        """The corpus that is trained and tested on."""
        return self.profile.corpus.train

    @property
    def seed(self) -> int:
        """The seed of the training run that single-run chapters show."""
        return self.profile.evaluation.seeds[0]

    @property
    def built_in(self) -> bool:
        """Whether the corpora are the built-in ones, whose ground truth is known."""
        return not self.profile.corpus.data

    @property
    def data(self) -> str:
        """The training corpus in words, for captions."""
        return self.train_name + (" (built-in)" if self.built_in else "")

    @property
    def external(self) -> tuple[str, ...]:
        """The corpora that are tested on only."""
        return tuple(self.profile.corpus.external)

    def corpora(self) -> list[str]:
        """Return the corpora of this run: the one trained on, then the external ones."""
        return [self.train_name, *self.external]

    def note(
        self, table: pd.DataFrame | None = None, what: str = "test clips", seeds: Sequence[int] = ()
    ) -> str:
        """Return the end of a caption: corpus, clips, identities, seeds (by default that of one run) and profile."""
        parts = [self.data]
        if table is not None:
            parts.append(f"n = {len(table)} {what} of {people_in(table)} people")
        seen = f"seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds or [self.seed]))}"
        return ", ".join([*parts, seen, f"profile {self.profile.name}"]) + "."

    def opening(self) -> None:
        """Show the profile, the data and how long this chapter takes on them."""
        from IPython.display import Markdown, display

        expected = expectations(self.workspace, self.profile.name).get(self.topic)
        data = "the built-in corpus" if self.built_in else "your own corpora"
        took = f"about {duration(expected)}" if expected else "not measured yet"
        display(Markdown(f"*Profile* `{self.profile.name}` · *data* {data} · *time* {took}"))

    # --- artefacts -----------------------------------------------------------------------------------------------

    def reads(self, path: str | Path) -> Path:
        """Declare an artefact (file or folder below the workspace) that this chapter reads; returns it."""
        return self._declare(self._reads, path)

    def writes(self, path: str | Path) -> Path:
        """Declare an artefact that this chapter writes; returns it."""
        return self._declare(self._writes, path)

    def _declare(self, where: set[str], path: str | Path) -> Path:
        path = Path(path)
        where.add(path.resolve().relative_to(self.workspace.root.resolve()).as_posix())
        # What a chapter makes itself is no input of it, even where it reads it back.
        record = {"reads": sorted(self._reads - self._writes), "writes": sorted(self._writes)}
        write_text(self.results.folder / "artefacts.json", json.dumps(record, indent=1) + "\n")
        return path

    def corpus_root(self, name: str | None = None) -> Path:
        """Return the folder of a corpus's media; a built-in one is declared as read."""
        if not self.built_in:
            return Path(self.profile.corpus.data)
        return self.reads(self.workspace.corpora / (name or self.train_name))

    def clips(self, name: str | None = None) -> ClipStore:
        """Return the prepared clips of a corpus, by default of the training corpus."""
        from amdd.data.prepare import open_prepared

        return open_prepared(self.reads(self.workspace.prepared / (name or self.train_name)))

    def generators(self, table: pd.DataFrame | None = None) -> tuple[str, ...]:
        """Return the generators that the network is trained to name, by the profile or by the training clips in ``table``
        (default: the prepared ones)."""
        from amdd.data.dataset import generators_of

        table = self.clips().manifest if table is None else table
        return generators_of(table, self.profile.model.generators)

    def run(self, variant: str = "full", seed: int | None = None) -> Run:
        """Return a finished training run of an earlier chapter, by default that of the full model."""
        from amdd.training.runs import load_run

        folder = self.workspace.run(variant, self.seed if seed is None else seed)
        for file in RUN_FILES:
            self.reads(folder / file)
        return load_run(folder)

    def train(self, variant: str = "full", seed: int | None = None, **more: Any) -> Run:
        """Train one of Table V's variants, or return it if it is finished; ``more`` as for :meth:`train_all`."""
        return self.train_all([{"variant": variant, "seed": self.seed if seed is None else seed, **more}])[0]

    def train_all(self, wanted: Sequence[Mapping[str, Any]], after: str = "") -> list[Run]:
        """Train several side by side, where that is faster, and return the runs in order; what is finished is loaded.

        Each is given by ``variant`` (default "full") and ``seed``; ``clips``, ``profile`` and ``name`` (of the run's folder)
        replace the chapter's own for studies beyond the paper. Runs that the chapter on the topic ``after`` made are its.
        """
        from amdd.training import Training, train_all

        declared = self.workspace.results / after / "artefacts.json"
        earlier = json.loads(declared.read_text(encoding="utf-8"))["writes"] if after else []
        jobs = []
        for one in wanted:
            variant, seed = one.get("variant", "full"), one.get("seed", self.seed)
            folder = self.workspace.run(one.get("name") or variant, seed)
            for file in RUN_FILES:
                made = (folder / file).relative_to(self.workspace.root).as_posix() in earlier
                (self.reads if made else self.writes)(folder / file)
            profile, clips = one.get("profile") or self.profile, one.get("clips") or self.clips()
            jobs.append(Training(profile, clips, folder, seed, variant))
        return train_all(jobs)

    def predict(self, run: Run, clips: ClipStore, rows: Any = None, *, save_as: str = "") -> pd.DataFrame:
        """Return a run's predictions for the clips ``rows``, by default for the test clips; saved for other chapters
        under the corpus name ``save_as`` where given."""
        from amdd.analysis.predict import predict

        rows = clips.manifest.split == "test" if rows is None else rows
        if save_as:
            self.writes(run.folder / "predictions" / f"{save_as}.parquet")
        return predict(run, clips, rows, save_as)

    def predictions(self, name: str | None = None, variant: str = "full") -> pd.DataFrame:
        """Return the predictions that an earlier chapter saved for a corpus."""
        folder = self.workspace.run(variant, self.seed) / "predictions"
        return pd.read_parquet(self.reads(folder / f"{name or self.train_name}.parquet"))

    def table_of(self, topic: str, name: str) -> pd.DataFrame:
        """Return a table that the chapter on ``topic`` showed."""
        return pd.read_csv(self.reads(self.workspace.results / topic / f"{name}.csv"))

    def numbers_of(self, topics: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Return the numbers that the chapters on ``topics`` wrote, by ``topic.key``."""
        found: dict[str, dict[str, Any]] = {}
        for topic in topics:
            path = self.reads(self.workspace.results / topic / "numbers.json")
            record = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
            found |= {f"{topic}.{key}": value for key, value in record.items()}
        return found

    # --- statistics with the profile's settings -------------------------------------------------------------------

    def metrics(self, predictions: pd.DataFrame) -> pd.DataFrame:
        """Return :func:`amdd.stats.metrics` with the profile's threshold and confidence."""
        return stats.metrics(predictions, self.evaluation.threshold, self.evaluation.confidence)

    def paired(self, first: pd.DataFrame, second: pd.DataFrame, metric: str = "auc") -> Estimate:
        """Return first - second of a metric on the same clips, matched by name, with its interval over people."""
        e = self.evaluation
        return stats.paired(first, second, metric, e.threshold, e.confidence).with_seed(self.seed)

    def difference(self, first: pd.DataFrame, second: pd.DataFrame, metric: str = "auc") -> Estimate:
        """Return first - second of a metric between two sets of clips, paired in the people that both have."""
        e = self.evaluation
        return stats.difference(first, second, metric, e.threshold, e.confidence).with_seed(self.seed)

    def over_runs(
        self, first: list[pd.DataFrame], second: list[pd.DataFrame], metric: str = "auc"
    ) -> Estimate:
        """Return first - second of a metric between training runs paired by seed, over seeds and people; with one seed each
        as :meth:`paired`."""
        if len(first) == 1:
            return self.paired(first[0], second[0], metric)
        e = self.evaluation
        return stats.paired_over_seeds(first, second, metric, e.threshold, e.confidence)

    def mean(self, values: Any, people: Any) -> Estimate:
        """Return the mean of one value per clip, with its interval over ``people``: names, or a table with their clips."""
        found = stats.mean(np.asarray(values, float), _names(people), self.evaluation.confidence)
        return found.with_seed(self.seed)

    def gap(self, values: Any, first: Any, people: Any) -> Estimate:
        """Return the mean of one value per clip where ``first`` holds minus that of the others, with its interval."""
        values, first = np.asarray(values, float), np.asarray(first, bool)
        found = stats.difference_of_means(values, first, _names(people), self.evaluation.confidence)
        return found.with_seed(self.seed)

    def share(self, hits: Any, people: Any) -> Estimate:
        """Return the share of clips for which ``hits`` holds, with its interval over ``people``."""
        return stats.share(np.asarray(hits, float), _names(people), self.evaluation.confidence).with_seed(
            self.seed
        )

    # --- results -------------------------------------------------------------------------------------------------

    def number(
        self, key: str, value: float | int | str | Estimate, n: int | None = None, unit: str = ""
    ) -> None:
        """Keep a number under ``topic.key`` for prose and claims; a finite estimate keeps its interval."""
        self.results.number(key, value, n, unit=unit)

    def show(self, name: str, exhibit: Exhibit, caption: str = "") -> None:
        """Save and show a figure, an image or an interactive piece."""
        self.results.show(name, exhibit, caption)

    def table(
        self,
        name: str,
        table: pd.DataFrame,
        caption: str = "",
        digits: int = 3,
        links: dict[str, list[str]] | None = None,
        fold: str = "",
    ) -> None:
        """Save and show a table, behind the line ``fold`` if there is one."""
        self.results.table(name, table, caption, digits, links, fold)


def _names(people: Any) -> np.ndarray:
    """Return the independent unit of each clip: of a table of predictions, or names as they are."""
    return people_of(people) if isinstance(people, pd.DataFrame) else np.asarray(people).astype(str)


def open_notebook(topic: str, profile: str = "demo", overrides: list[str] | None = None) -> Notebook:
    """Return the chapter on ``topic`` under a profile with single values replaced, its former results removed.

    A number before the topic (``04_ablations``) is left out.
    """
    import matplotlib

    from amdd.figures.style import use_style

    matplotlib.use("agg")
    use_style()
    follow()
    topic = topic_of(topic)
    settings = load_profile(profile, overrides or [])
    workspace = Workspace.of(settings.name)
    folder = workspace.results / topic
    for old in folder.glob("*"):
        if old.is_file():
            old.unlink()
    return Notebook(topic, settings, workspace, Results(folder, topic, settings.name))


def page_of(topic: str) -> str:
    """Return the built page of the chapter on ``topic``, beside the other chapters' pages."""
    return f"{chapter_of(topic)}.html"
