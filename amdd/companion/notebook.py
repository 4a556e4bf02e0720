"""What every notebook opens with: its profile, its folders, its results."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from amdd.base.paths import Workspace, write_text
from amdd.companion.results import Results
from amdd.companion.timings import duration, expectations
from amdd.profiles import Profile, load_profile


@dataclass
class Notebook:
    """One notebook at work. ``reads`` and ``writes`` declare the artefacts that link it to others."""

    name: str
    profile: Profile
    workspace: Workspace
    results: Results
    _reads: dict[str, str] = field(default_factory=dict)
    _writes: dict[str, str] = field(default_factory=dict)

    def _note(self, where: dict[str, str], path: str | Path) -> Path:
        path = Path(path)
        where[path.resolve().relative_to(self.workspace.root.resolve()).as_posix()] = ""
        record = {"reads": sorted(self._reads), "writes": sorted(self._writes)}
        write_text(self.results.folder / "artefacts.json", json.dumps(record, indent=1) + "\n")
        return path

    def reads(self, path: str | Path) -> Path:
        """Declare an artefact (file or folder below the workspace) that another notebook wrote; returns it."""
        return self._note(self._reads, path)

    def writes(self, path: str | Path) -> Path:
        """Declare an artefact that this notebook writes; returns it."""
        return self._note(self._writes, path)

    def corpora(self) -> list[str]:
        """The corpora of this run: the one trained on, then the external ones."""
        return [self.profile.corpus.train, *self.profile.corpus.external]

    def opening(self) -> None:
        """Show the profile, the data and how long this notebook takes on them."""
        from IPython.display import Markdown, display

        expected = expectations(self.workspace, self.profile.name).get(self.name)
        data = "your own corpora" if self.profile.corpus.data else "the built-in corpus"
        took = f"about {duration(expected)}" if expected else "not measured yet"
        display(Markdown(f"*Profile* `{self.profile.name}` · *data* {data} · *time* {took}"))


def open_notebook(name: str, profile: str = "demo", overrides: list[str] | None = None) -> Notebook:
    """Open the notebook called ``name`` under a profile with single values replaced."""
    import matplotlib

    from amdd.figures.style import use_style

    matplotlib.use("agg")
    use_style()
    settings = load_profile(profile, overrides or [])
    workspace = Workspace.of(settings.name)
    folder = workspace.results / name
    for old in folder.glob("*"):
        if old.is_file():
            old.unlink()
    return Notebook(name, settings, workspace, Results(folder, name, settings.name))
