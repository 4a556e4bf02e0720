"""Notebooks in order through papermill: what is unchanged is skipped, what failed can be taken up again.

A notebook runs again when its source, its parameters, the library code that it reaches, the lock file or the
content of an artefact that it reads has changed: hashes of content, never times. ``manifest.json`` keeps these
with what it took. Everything is written beside its place and moved there, so that a killed run leaves nothing
half-written; the next run goes on from the first notebook that is not done.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from amdd.base.environment import environment
from amdd.base.hashing import hash_bytes, hash_path
from amdd.base.lock import exclusive
from amdd.base.machine import processor
from amdd.base.paths import PROJECT, Workspace, write_text
from amdd.companion.chapters import topic_of
from amdd.companion.execute import NotebookFailed, clock, execute
from amdd.companion.provenance import library_used_hash, lock_hash
from amdd.companion.records import read_or_repair
from amdd.companion.timings import expectations
from amdd.profiles import Profile, as_dict, load_profile, with_absolute_paths


@dataclass(frozen=True)
class Chapter:
    """A notebook's source: ``name`` without suffix, ``path`` of the percent script, its Python code."""

    name: str
    path: Path
    code: str

    @property
    def number(self) -> str:
        return self.name.split("_")[0]

    @property
    def topic(self) -> str:
        """The name without the number: results are kept by it."""
        return topic_of(self.name)


def chapters(folder: Path | None = None) -> list[Chapter]:
    """The notebooks ``NN_topic.py`` of a folder, in order. Raises ``FileNotFoundError`` when there are none."""
    import jupytext

    folder = folder or PROJECT / "notebooks"
    if not folder.is_dir():
        raise FileNotFoundError(
            f"{folder}: no such folder; the notebooks come with the repository: clone it and run the command there"
        )
    found = []
    for path in sorted(folder.glob("[0-9][0-9]_*.py")):
        notebook = jupytext.read(path)
        code = "\n".join(c.source for c in notebook.cells if c.cell_type == "code")
        found.append(
            Chapter(
                path.stem,
                path,
                "\n".join(line for line in code.splitlines() if not line.lstrip().startswith(("%", "!"))),
            )
        )
    if not found:
        raise FileNotFoundError(f"{folder}: no notebooks NN_topic.py")
    return found


def run(
    profile_name: str = "demo",
    overrides: list[str] | None = None,
    only: list[str] | None = None,
    start: str | None = None,
    force: bool = False,
    folder: Path | None = None,
    workspace: Workspace | None = None,
    echo=print,
) -> dict[str, Any]:
    """Run the notebooks that need it and return the run's record.

    ``only`` and ``start`` name notebooks by number or name; ``force`` runs them even if unchanged. Raises
    :class:`NotebookFailed` for the first that fails, ``ValueError`` for unknown names, and
    :class:`~amdd.base.lock.Busy` while another process runs notebooks in the workspace.
    """
    overrides = with_absolute_paths(overrides or [])  # notebooks run in a folder of their own
    profile = load_profile(profile_name, overrides)
    workspace = workspace or Workspace.of(profile_name)
    known = chapters(folder)
    chosen = choose(known, only, start)
    with exclusive(workspace.root):
        return _run(known, chosen, profile, overrides, workspace, force, echo)


def _run(known, chosen, profile, overrides, workspace, force, echo) -> dict[str, Any]:
    """Run the ``chosen`` of the ``known`` notebooks that need it and keep the record after each."""
    profile_name = profile.name
    manifest = read_or_repair(workspace, echo)
    manifest |= {"profile": profile_name, "overrides": overrides, "settings": as_dict(profile)}
    manifest.setdefault("notebooks", {})
    for stranger in set(manifest["notebooks"]) - {c.name for c in known}:
        del manifest["notebooks"][stranger]
    expected = expectations(workspace, profile_name)
    for place, chapter in enumerate(known, start=1):
        if chapter.name not in chosen:
            continue
        label = f"[{place}/{len(known)}] {chapter.name}"
        state = _state(chapter, profile, overrides)
        before = manifest["notebooks"].get(chapter.name, {})
        if not force and _unchanged(before, state, workspace, chapter):
            echo(f"{label}  unchanged (took {clock(before['seconds'])})")
            continue
        record = _execute(chapter, label, profile, overrides, workspace, expected.get(chapter.topic), echo)
        manifest["notebooks"][chapter.name] = state | record
        manifest["notebooks"] = {
            c.name: manifest["notebooks"][c.name] for c in known if c.name in manifest["notebooks"]
        }
        manifest["environment"] = _environment()
        write_text(workspace.manifest, json.dumps(manifest, indent=1) + "\n")
    return manifest


def choose(known: list[Chapter], only: list[str] | None, start: str | None) -> set[str]:
    """Return the names of the notebooks in ``only`` (by number or name), else of all from ``start`` on.

    Raises ``ValueError`` for an unknown name.
    """

    def find(text: str) -> int:
        for i, chapter in enumerate(known):
            if text in (chapter.name, chapter.number, str(int(chapter.number))):
                return i
        raise ValueError(f"no notebook {text!r}; expected one of: {', '.join(c.name for c in known)}")

    if only:
        return {known[find(name)].name for name in only}
    return {c.name for c in known[find(start) if start else 0 :]}


def _state(chapter: Chapter, profile: Profile, overrides: list[str]) -> dict[str, Any]:
    """Return the hashes that decide whether a notebook must be re-run, apart from artefacts."""
    return {
        "source": hash_bytes(chapter.path.read_bytes()),
        "library": library_used_hash(chapter.code),
        "lock": lock_hash(),
        "parameters": {"profile": profile.name, "overrides": overrides},
        "settings": hash_bytes(json.dumps(as_dict(profile), sort_keys=True).encode()),
    }


def _unchanged(before: dict[str, Any], state: dict[str, Any], workspace: Workspace, chapter: Chapter) -> bool:
    if any(before.get(key) != value for key, value in state.items()):
        return False
    executed = hash_path(workspace.executed / f"{chapter.name}.ipynb")
    if not executed or executed != before.get("executed"):
        return False
    both = {**before.get("reads", {}), **before.get("writes", {})}
    return all(hash_path(workspace.root / path) == digest for path, digest in both.items())


def _execute(chapter, label, profile, overrides, workspace, expected, echo) -> dict[str, Any]:
    """Execute a notebook and return the part of its record that is known afterwards."""
    took = execute(
        chapter.path,
        label=label,
        profile=profile,
        overrides=overrides,
        workspace=workspace,
        expected=expected,
        echo=echo,
    )
    declared = _artefacts(workspace, chapter)
    results = workspace.results / chapter.topic
    writes = [*declared["writes"], *([f"results/{chapter.topic}"] if results.is_dir() else [])]
    return {
        "executed": hash_path(workspace.executed / f"{chapter.name}.ipynb"),
        "reads": {p: hash_path(workspace.root / p) for p in declared["reads"]},
        "writes": {p: hash_path(workspace.root / p) for p in writes},
        "seed": profile.training.seed,
        "device": _device(),
        "ended": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": took.seconds,
        "peak_memory_mb": took.peak_memory_mb,
    }


def _artefacts(workspace: Workspace, chapter: Chapter) -> dict[str, list[str]]:
    path = workspace.results / chapter.topic / "artefacts.json"
    if not path.is_file():
        return {"reads": [], "writes": []}
    return json.loads(path.read_text(encoding="utf-8"))


def _device() -> str:
    import torch

    return torch.cuda.get_device_name(0) if torch.cuda.is_available() else "CPU"


def _environment() -> dict[str, Any]:
    return environment() | {"cores": os.cpu_count(), "processor": processor()}


__all__ = ["Chapter", "NotebookFailed", "chapters", "choose", "run"]
