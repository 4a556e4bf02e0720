"""``manifest.json``: what a run's notebooks were made from, and what is done where the file is damaged."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from amdd.base.paths import Workspace, write_text

Hashes = dict[str, str]


class Entry(BaseModel):
    """The record of one notebook: hashes of what it was made from and of what it made, and what that took."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)

    source: str
    library: str
    lock: str
    settings: str
    executed: str = ""  # of the executed notebook
    reads: Hashes
    writes: Hashes
    parameters: dict[str, Any]
    seed: int
    device: str
    seconds: Annotated[float, Field(ge=0)]
    peak_memory_mb: Annotated[float, Field(ge=0)]
    ended: str = ""  # when, by ISO 8601; records of earlier versions have none


class Record(BaseModel):
    """The whole file; its notebooks are checked one by one."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)

    profile: str
    overrides: list[str]
    settings: dict[str, Any]
    notebooks: dict[str, Any]
    environment: dict[str, Any] = Field(default_factory=dict)


class RecordError(ValueError):
    """A record that can't be read: which file, what is wrong with it, and the cure."""


def _parsed(path: Path) -> Any:
    """Return the content of a JSON file. Raises ``ValueError`` with the reason."""
    try:
        return json.loads(path.read_bytes().decode("utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"not readable as JSON ({error})") from None
    except RecursionError:
        raise ValueError("not readable as JSON (nested too deeply)") from None


def _valid(record: Any) -> tuple[dict[str, Any], list[str]]:
    """Return the valid part of a record, and what is wrong with the rest."""
    try:
        Record.model_validate(record)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        return {}, [f"{place}: {first['msg']}"]
    wrong, notebooks = [], {}
    for name, entry in record["notebooks"].items():
        try:
            Entry.model_validate(entry)
            notebooks[name] = entry
        except ValidationError as error:
            first = error.errors()[0]
            wrong.append(f"notebooks.{name}.{'.'.join(map(str, first['loc']))}: {first['msg']}")
    return record | {"notebooks": notebooks}, wrong


def read_or_repair(workspace: Workspace, echo=print) -> dict[str, Any]:
    """Return the run's record, {} where there is none.

    What is damaged is named and set aside as ``manifest.json.damaged``; entries that hold stay, and hashes decide what
    they are worth.
    """
    path = workspace.manifest
    if not path.is_file():
        return {}
    try:
        record, wrong = _valid(_parsed(path))
    except ValueError as error:
        record, wrong = {}, [str(error)]
    if wrong:
        aside = path.with_name(path.name + ".damaged")
        os.replace(path, aside)
        echo(
            f"{path.name} is damaged ({wrong[0]}); it is kept as {aside.name}, and what it does not prove is run again"
        )
        if record:
            write_text(path, json.dumps(record, indent=1) + "\n")
    return record


def read_manifest(workspace: Workspace) -> dict[str, Any]:
    """Return the run's record. Raises :class:`RecordError` where there is none or it is damaged."""
    again = f"run `amdd run --profile {workspace.root.name}`"
    if not workspace.manifest.is_file():
        raise RecordError(f"no manifest.json for the profile {workspace.root.name!r}; {again} first")
    try:
        record, wrong = _valid(_parsed(workspace.manifest))
    except ValueError as error:
        record, wrong = {}, [str(error)]
    if wrong:
        raise RecordError(f"manifest.json is damaged ({wrong[0]}); {again}, which repairs it")
    return record
