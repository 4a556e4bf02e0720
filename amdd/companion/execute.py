"""One notebook through papermill, in a kernel of this very interpreter, watched for time and memory."""

from __future__ import annotations

import json
import os
import shlex
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from amdd.base.machine import patient_threads
from amdd.base.paths import Workspace, write_text
from amdd.base.progress import VARIABLE, latest
from amdd.companion.cleaning import clean
from amdd.profiles import Profile

KERNEL = "amdd"
TELL_AFTER = 60.0  # seconds between lines where no terminal shows a running one
STARTS, START_SECONDS = 3, 60  # a kernel's attempts to start, and how long each may take
# How jupyter_client's RuntimeError begins where a kernel did not start.
NOT_STARTED = ("Kernel didn't respond", "Kernel died before replying")


class NotebookFailed(RuntimeError):
    """A notebook stopped with an error; the message names cell, error and the command to go on."""


@dataclass(frozen=True)
class Took:
    """What the execution of a notebook took: seconds, and peak memory of the kernel in MiB."""

    seconds: float
    peak_memory_mb: int


def execute(
    path: Path,
    *,
    label: str,
    profile: Profile,
    overrides: list[str],
    workspace: Workspace,
    expected: float | None = None,
    echo=print,
) -> Took:
    """Execute the percent script ``path`` and keep the notebook in the workspace's ``executed``.

    Raises :class:`NotebookFailed`; what was done until then stays beside it as ``<name>.failed.ipynb``.
    """
    import jupytext
    import nbformat

    name = path.stem
    _kernel(workspace)
    scratch = workspace.executed / ".partial"
    scratch.mkdir(parents=True, exist_ok=True)
    source, partial = scratch / f"{name}.source.ipynb", scratch / f"{name}.ipynb"
    partial.unlink(missing_ok=True)
    notebook = jupytext.read(path)
    notebook.metadata["kernelspec"] = {"name": KERNEL, "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, source)
    failed = workspace.executed / f"{name}.failed.ipynb"
    progress = scratch / "progress.txt"
    progress.unlink(missing_ok=True)
    patient_threads()
    os.environ[VARIABLE] = str(progress)  # the kernel inherits it
    with _Watch(label, expected, echo, progress) as watch:
        problem = _problem(source, partial, profile, overrides, path.parent)
        watch.failed = bool(problem)
    source.unlink(missing_ok=True)
    if problem:
        if partial.is_file():
            os.replace(partial, failed)
            problem += f"\nWhat it had done is in {_short(failed)}"
        settings = "".join(f" --set {shlex.quote(o)}" for o in overrides)
        again = f"amdd run --profile {profile.name}{settings} --from {name.split('_')[0]}"
        raise NotebookFailed(f"{name}: {problem}\nTo go on: {again}")
    failed.unlink(missing_ok=True)
    clean(partial, workspace)
    os.replace(partial, workspace.executed / f"{name}.ipynb")
    return Took(round(watch.seconds, 1), round(watch.peak / 2**20))


def _problem(source: Path, partial: Path, profile: Profile, overrides: list[str], folder: Path) -> str:
    """Execute the notebook ``source`` into ``partial``; return what went wrong, or ""."""
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    try:
        return _in_a_kernel(source, partial, {"profile": profile.name, "overrides": overrides}, folder)
    except PapermillExecutionError as error:
        text = "\n".join(f"    {line}" for line in error.source.strip().splitlines()[:12])
        return f"cell {error.exec_count} stopped with {error.ename}: {error.evalue}\n{text}"
    except DeadKernelError:
        return f"{_running_cell(partial)}the process was killed; the commonest cause is a lack of memory"
    except CellTimeoutError as error:
        return f"{_running_cell(partial)}timed out ({error})"
    except KeyboardInterrupt:
        return "interrupted"


def _in_a_kernel(source: Path, partial: Path, parameters: dict[str, object], folder: Path) -> str:
    """Execute a notebook in a kernel that may take several attempts to start; return what kept it from starting, or "".

    A kernel's ports are chosen before it binds them. On a busy machine another program can take one in between; that
    kernel never answers, the next one gets other ports. No cell has run until then.
    """
    import papermill

    problem = ""
    for _ in range(STARTS):
        try:
            papermill.execute_notebook(
                str(source),
                str(partial),
                parameters=parameters,
                kernel_name=KERNEL,
                cwd=str(folder),
                start_timeout=START_SECONDS,
                progress_bar=False,
                request_save_on_cell_execute=True,
            )
            return ""
        except RuntimeError as error:
            if not str(error).startswith(NOT_STARTED):
                raise
            problem = str(error)
    return (
        f"no kernel could be started in {STARTS} attempts ({problem}); "
        f"does {sys.executable} -m ipykernel --version work, and is the machine busy with something else?"
    )


def _running_cell(partial: Path) -> str:
    """Return which cell a notebook was in when it ended, with its first lines, as far as it was saved."""
    import nbformat

    try:
        cells = nbformat.read(partial, as_version=4).cells
    except (OSError, ValueError, nbformat.reader.NotJSONError):
        return ""
    code = [c for c in cells if c.cell_type == "code"]
    begun = [k for k, c in enumerate(code) if c.metadata.get("papermill", {}).get("start_time")]
    if not begun:
        return ""
    text = "\n".join(f"    {line}" for line in code[begun[-1]].source.strip().splitlines()[:12])
    return f"in cell {begun[-1] + 1},\n{text}\n"


class _Watch:
    """Time and memory of a notebook while it runs, shown in one line."""

    def __init__(self, label: str, expected: float | None, echo, progress: Path) -> None:
        self.label, self.expected, self.echo, self.progress = label, expected, echo, progress
        self.peak, self.seconds, self.failed = 0, 0.0, False
        self._stop = threading.Event()

    def __enter__(self) -> _Watch:
        about = f", expected {clock(self.expected)}" if self.expected else ""
        self.echo(f"{self.label}  running{about}")
        self._began = time.monotonic()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def _look(self) -> None:
        me = psutil.Process()
        live = sys.stderr.isatty()
        told, next_line = "", TELL_AFTER
        while not self._stop.wait(0.5):
            held = 0
            for child in me.children(recursive=True):
                try:
                    held += child.memory_info().rss
                except psutil.Error:
                    continue
            self.peak = max(self.peak, held)
            seconds, now = time.monotonic() - self._began, latest(self.progress)
            if live:
                about = (
                    f" of about {clock(self.expected)}" if self.expected and seconds < self.expected else ""
                )
                sys.stderr.write(f"\r{self.label}  {clock(seconds)}{about}  {now}\033[K")
                sys.stderr.flush()
            elif seconds > next_line:
                if now and now != told:
                    self.echo(f"{self.label}  {clock(seconds)}  {now}")
                told, next_line = now, seconds + TELL_AFTER

    def __exit__(self, *error) -> None:
        self._stop.set()
        self._thread.join()
        self.seconds = time.monotonic() - self._began
        if sys.stderr.isatty():
            sys.stderr.write("\r\033[K")
        outcome = "failed after" if error[0] or self.failed else "done in"
        self.echo(f"{self.label}  {outcome} {clock(self.seconds)}, peak memory {self.peak / 2**20:.0f} MB")


def clock(seconds: float) -> str:
    """Return seconds as minutes and seconds, ``m:ss``."""
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


def _short(path: Path) -> str:
    try:
        return path.relative_to(Path.cwd()).as_posix()
    except ValueError:
        return path.name
