"""A second run of a book's chapters in a folder of its own, compared with the kept run number by number."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from amdd.base.paths import Workspace
from amdd.companion.chapters import topic_of
from amdd.companion.compare import Compared, Machine, Tolerance, compare, tolerance
from amdd.companion.execute import NotebookFailed
from amdd.companion.pipeline import chapters, choose, run
from amdd.companion.records import read_manifest
from amdd.companion.verify import differences

CERTIFICATE = "certificate.json"  # lies in the folder of a re-run that was finished
CODE = {"source": "notebook", "library": "library code", "lock": "locked packages", "settings": "settings"}


@dataclass(frozen=True)
class Rerun:
    """A finished re-run: what was compared, by which tolerance, and the records of both runs.

    ``damaged`` lists files of the kept run that no longer match its manifest, ``machine`` what differs between both
    machines, ``code`` what differs between the code of both, by chapter.
    """

    profile: str
    overrides: list[str]
    chapters: list[str]
    rows: list[Compared]
    tolerance: Tolerance
    damaged: list[str]
    machine: list[str]
    code: list[str]
    kept: dict[str, Any]
    new: dict[str, Any]
    day: str


def rerun(
    kept: Workspace,
    into: Path,
    only: list[str] | None = None,
    *,
    machine: Machine | None = None,
    folder: Path | None = None,
    echo=print,
) -> Rerun:
    """Run the chapters of the ``kept`` run again below ``into`` and return the comparison.

    ``only`` names chapters by number or name; what they read of others is copied from the kept run. ``machine`` states
    which tolerance holds; by default it is found from the records of both runs. A re-run that was interrupted is taken
    up; one that was finished is removed first. Raises ``ValueError`` where ``into`` is the kept run's own place or holds
    something else, and :class:`~amdd.companion.records.RecordError` where the kept run has no record.
    """
    record = read_manifest(kept)
    place = _place(kept, Path(into).resolve())
    chosen = choose(chapters(folder), only, None) & set(record["notebooks"])
    if not chosen:
        raise ValueError("none of the chosen chapters is in the kept run; run them first by `amdd run`")
    damaged = differences(kept)
    _copy_inputs(record, chosen, kept, place)
    try:
        with _environment_kept():
            new = run(
                record["profile"],
                record["overrides"],
                sorted(chosen),
                folder=folder,
                workspace=place,
                echo=echo,
            )
    except NotebookFailed as error:
        text = str(error).partition("\nTo go on:")[0]
        raise NotebookFailed(f"{text}\nTo go on: the same `amdd verify --rerun`") from None
    names = [name for name in record["notebooks"] if name in chosen]
    apart = machine_differences(record, new, names)
    allowed = tolerance(machine or ("other machine" if apart else "same machine"))
    rows = compare(kept.results, place.results, [topic_of(n) for n in names], allowed)
    return Rerun(
        profile=record["profile"],
        overrides=record["overrides"],
        chapters=names,
        rows=rows,
        tolerance=allowed,
        damaged=damaged,
        machine=apart,
        code=code_differences(record, new, names),
        kept=record,
        new=new,
        day=date.today().isoformat(),
    )


def _place(kept: Workspace, into: Path) -> Workspace:
    """Return the re-run's workspace below ``into``, emptied where a finished re-run lies there."""
    place = Workspace(into / kept.root.name)
    own = kept.root.resolve()
    if place.root == own or own in place.root.parents or place.root in own.parents:
        raise ValueError(f"{into}: this is the place of the kept run; name another folder by --out")
    mark = place.root / ".rerun"
    if place.root.is_dir() and any(place.root.iterdir()) and not mark.is_file():
        raise ValueError(f"{place.root}: not empty and not a re-run; name another folder by --out")
    if (into / CERTIFICATE).is_file():
        shutil.rmtree(place.root, ignore_errors=True)
        (into / CERTIFICATE).unlink()
    place.root.mkdir(parents=True, exist_ok=True)
    mark.touch()
    return place


def _copy_inputs(record: dict[str, Any], chosen: set[str], kept: Workspace, place: Workspace) -> None:
    """Copy what the ``chosen`` chapters read and none of them writes."""
    made: set[str] = set().union(*(record["notebooks"][name]["writes"] for name in chosen))
    wanted = {path for name in chosen for path in record["notebooks"][name]["reads"]}
    for path in sorted(wanted):
        if any(path == m or path.startswith(m + "/") for m in made):
            continue
        source, target = kept.root / path, place.root / path
        if not source.exists():
            raise ValueError(f"{path}: missing in the kept run; run it again by `amdd run`")
        if target.exists():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.part")  # an interrupted copy is never taken for a whole one
        if source.is_dir():
            shutil.rmtree(part, ignore_errors=True)
            shutil.copytree(source, part)
        else:
            shutil.copy2(source, part)
        os.replace(part, target)


@contextmanager
def _environment_kept() -> Iterator[None]:
    """Restore the variables that running notebooks sets, so that the caller's workspaces stay where they are."""
    before = {name: os.environ.get(name) for name in ("AMDD_BUILD", "JUPYTER_PATH")}
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def machine_differences(kept: dict[str, Any], new: dict[str, Any], names: list[str]) -> list[str]:
    """Return what differs between the machines of two records: processor, cores, devices, Python, packages."""
    before, after = kept.get("environment", {}), new.get("environment", {})
    found = [
        f"{key}: {before.get(key, 'not recorded')} / {after.get(key, 'not recorded')}"
        for key in ("processor", "machine", "cores", "threads", "python")
        if before.get(key) != after.get(key) or before.get(key) is None
    ]
    old, present = before.get("packages", {}), after.get("packages", {})
    found += [
        f"{name}: {old.get(name, 'not recorded')} / {present.get(name, 'not recorded')}"
        for name in sorted({*old, *present})
        if old.get(name) != present.get(name)
    ]
    devices = [sorted({r["notebooks"][n]["device"] for n in names}) for r in (kept, new)]
    if devices[0] != devices[1]:
        found.append(f"device: {', '.join(devices[0])} / {', '.join(devices[1])}")
    return found


def code_differences(kept: dict[str, Any], new: dict[str, Any], names: list[str]) -> list[str]:
    """Return, for each chapter whose code differs between two records, what of it does."""
    found = []
    for name in names:
        before, after = kept["notebooks"][name], new["notebooks"][name]
        other = [words for key, words in CODE.items() if before.get(key) != after.get(key)]
        if other:
            found.append(f"{name}: {', '.join(other)}")
    return found
