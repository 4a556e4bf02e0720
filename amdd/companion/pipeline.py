"""Notebooks in order through papermill: what is unchanged is skipped, what failed can be taken up again.

A notebook runs again when its source, its parameters, the library code that it reaches, the lock file or the
content of an artefact that it reads has changed: hashes of content, never times. ``manifest.json`` keeps these
with what it took. Everything is written beside its place and moved there, so that a killed run leaves nothing
half-written; the next run goes on from the first notebook that is not done.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from amdd.base.environment import environment
from amdd.base.hashing import hash_bytes, hash_path
from amdd.base.paths import PROJECT, Workspace, write_text
from amdd.companion.chapters import topic_of
from amdd.companion.provenance import library_used_hash, lock_hash
from amdd.companion.timings import expectations
from amdd.profiles import Profile, as_dict, load_profile, with_absolute_paths

KERNEL = "amdd"


class NotebookFailed(RuntimeError):
    """A notebook stopped with an error; the message names cell, error and the command to go on."""


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
    """Run the notebooks that need it; the manifest.

    ``only`` and ``start`` name notebooks by number or name; ``force`` runs them though nothing changed. Raises
    :class:`NotebookFailed` for the first that fails and ``ValueError`` for names that are none.
    """
    overrides = with_absolute_paths(overrides or [])  # notebooks run in a folder of their own
    profile = load_profile(profile_name, overrides)
    workspace = workspace or Workspace.of(profile_name)
    workspace.root.mkdir(parents=True, exist_ok=True)
    known = chapters(folder)
    chosen = _choose(known, only, start)
    manifest = _read_manifest(workspace)
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
            echo(f"{label}  unchanged (took {_clock(before['seconds'])})")
            continue
        record = _execute(chapter, label, profile, overrides, workspace, expected.get(chapter.topic), echo)
        manifest["notebooks"][chapter.name] = state | record
        manifest["notebooks"] = {
            c.name: manifest["notebooks"][c.name] for c in known if c.name in manifest["notebooks"]
        }
        manifest["environment"] = _environment()
        write_text(workspace.manifest, json.dumps(manifest, indent=1) + "\n")
    return manifest


def _choose(known: list[Chapter], only: list[str] | None, start: str | None) -> set[str]:
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
    if not (workspace.executed / f"{chapter.name}.ipynb").is_file():
        return False
    both = {**before.get("reads", {}), **before.get("writes", {})}
    return all(hash_path(workspace.root / path) == digest for path, digest in both.items())


def _execute(chapter, label, profile, overrides, workspace, expected, echo) -> dict[str, Any]:
    import jupytext
    import nbformat
    import papermill
    from papermill.exceptions import PapermillExecutionError

    _kernel(workspace)
    scratch = workspace.executed / ".partial"
    scratch.mkdir(parents=True, exist_ok=True)
    source, partial = scratch / f"{chapter.name}.source.ipynb", scratch / f"{chapter.name}.ipynb"
    notebook = jupytext.read(chapter.path)
    notebook.metadata["kernelspec"] = {"name": KERNEL, "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, source)
    again = f"amdd run --profile {profile.name}" + "".join(f" --set {o}" for o in overrides)
    failed = workspace.executed / f"{chapter.name}.failed.ipynb"
    with _Watch(label, expected, echo) as watch:
        try:
            papermill.execute_notebook(
                str(source),
                str(partial),
                parameters={"profile": profile.name, "overrides": overrides},
                kernel_name=KERNEL,
                cwd=str(chapter.path.parent),
                progress_bar=False,
                request_save_on_cell_execute=True,
            )
        except PapermillExecutionError as error:
            os.replace(partial, failed)
            text = error.source.strip().splitlines()[:12]
            raise NotebookFailed(
                f"{chapter.name}: cell {error.exec_count} stopped with {error.ename}: {error.evalue}\n"
                + "\n".join(f"    {line}" for line in text)
                + f"\nWhat it had done is in {_short(failed)}\nTo go on: {again} --from {chapter.number}"
            ) from None
        except KeyboardInterrupt:
            if partial.exists():
                os.replace(partial, failed)
            raise NotebookFailed(
                f"{chapter.name}: interrupted\nTo go on: {again} --from {chapter.number}"
            ) from None
    failed.unlink(missing_ok=True)
    clean(partial, workspace)
    os.replace(partial, workspace.executed / f"{chapter.name}.ipynb")
    source.unlink(missing_ok=True)
    declared = _artefacts(workspace, chapter)
    results = workspace.results / chapter.topic
    writes = [*declared["writes"], *([f"results/{chapter.topic}"] if results.is_dir() else [])]
    return {
        "reads": {p: hash_path(workspace.root / p) for p in declared["reads"]},
        "writes": {p: hash_path(workspace.root / p) for p in writes},
        "seed": profile.training.seed,
        "device": _device(),
        "seconds": round(watch.seconds, 1),
        "peak_memory_mb": round(watch.peak / 2**20),
    }


def _artefacts(workspace: Workspace, chapter: Chapter) -> dict[str, list[str]]:
    path = workspace.results / chapter.topic / "artefacts.json"
    if not path.is_file():
        return {"reads": [], "writes": []}
    return json.loads(path.read_text(encoding="utf-8"))


def clean(path: Path, workspace: Workspace) -> None:
    """Take papermill's traces and this machine's paths out of an executed notebook."""
    import nbformat

    notebook = nbformat.read(path, as_version=4)
    notebook.metadata.pop("papermill", None)
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = _one_stream(cell.outputs)
        tags = cell.metadata.get("tags", [])
        if "injected-parameters" in tags:
            cell.metadata["tags"] = [*tags, "remove-cell"]
    text = nbformat.writes(notebook)
    for place, name in (
        (workspace.root, "_build/" + workspace.root.name),
        (PROJECT, "."),
        (Path.home(), "~"),
    ):
        text = text.replace(json.dumps(str(place))[1:-1], name)
    write_text(path, text)


def _one_stream(outputs: list) -> list:
    """Neighbouring pieces of one stream as one; of a progress bar, its last state."""
    joined: list = []
    for output in outputs:
        last = joined[-1] if joined else None
        if last and output.output_type == last.output_type == "stream" and output.name == last.name:
            last.text += output.text
        else:
            joined.append(output)
    for output in joined:
        if output.output_type == "stream":
            lines = output.text.split("\n")
            output.text = "\n".join(next((x for x in reversed(line.split("\r")) if x), "") for line in lines)
    return [o for o in joined if o.output_type != "stream" or o.text.strip()]


class _Watch:
    """Time and memory of a notebook while it runs, told in one line."""

    def __init__(self, label: str, expected: float | None, echo) -> None:
        self.label, self.expected, self.echo = label, expected, echo
        self.peak, self.seconds = 0, 0.0
        self._stop = threading.Event()

    def __enter__(self) -> _Watch:
        about = f", expected {_clock(self.expected)}" if self.expected else ""
        self.echo(f"{self.label}  running{about}")
        self._began = time.monotonic()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def _look(self) -> None:
        me = psutil.Process()
        live = sys.stderr.isatty()
        while not self._stop.wait(0.5):
            held = 0
            for child in me.children(recursive=True):
                try:
                    held += child.memory_info().rss
                except psutil.Error:
                    continue
            self.peak = max(self.peak, held)
            if live:
                about = f" of about {_clock(self.expected)}" if self.expected else ""
                sys.stderr.write(f"\r{self.label}  {_clock(time.monotonic() - self._began)}{about} ")
                sys.stderr.flush()

    def __exit__(self, *error) -> None:
        self._stop.set()
        self._thread.join()
        self.seconds = time.monotonic() - self._began
        if sys.stderr.isatty():
            sys.stderr.write("\r")
        outcome = "failed after" if error[0] else "done in"
        self.echo(f"{self.label}  {outcome} {_clock(self.seconds)}, peak memory {self.peak / 2**20:.0f} MB")


def _clock(seconds: float) -> str:
    return f"{int(seconds // 60)}:{int(seconds % 60):02d}"


def _kernel(workspace: Workspace) -> None:
    """A kernel that is this very interpreter, found by papermill without touching the user's own kernels."""
    folder = workspace.root / "jupyter" / "kernels" / KERNEL
    argv = [
        sys.executable,
        "-Xfrozen_modules=off",
        "-m",
        "ipykernel_launcher",
        "-f",
        "{connection_file}",
        "--log-level=ERROR",
    ]
    spec = {"argv": argv, "display_name": "Python 3", "language": "python"}
    write_text(folder / "kernel.json", json.dumps(spec))
    root = str(workspace.root / "jupyter")
    paths = os.environ.get("JUPYTER_PATH", "").split(os.pathsep)
    if root not in paths:
        os.environ["JUPYTER_PATH"] = os.pathsep.join([root, *[p for p in paths if p]])
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    os.environ["AMDD_BUILD"] = str(workspace.root.parent)


def _device() -> str:
    import torch

    return torch.cuda.get_device_name(0) if torch.cuda.is_available() else "CPU"


def _environment() -> dict[str, Any]:
    return environment() | {"cores": os.cpu_count()}


def _read_manifest(workspace: Workspace) -> dict[str, Any]:
    if not workspace.manifest.is_file():
        return {}
    try:
        return json.loads(workspace.manifest.read_text(encoding="utf-8"))
    except json.JSONDecodeError:
        return {}


def _short(path: Path) -> str:
    try:
        return path.relative_to(Path.cwd()).as_posix()
    except ValueError:
        return path.name
