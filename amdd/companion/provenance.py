"""Hashes by which the pipeline knows what has changed, and by which a reader can check a book."""

from __future__ import annotations

import ast
import hashlib
import re
from functools import lru_cache
from pathlib import Path

from amdd.base.paths import MEASURED, PACKAGE, PROJECT

DATA_SUFFIXES = {".npz", ".safetensors", ".json", ".txt", ".yml"}
NOT_RESULTS = {"expected_seconds.json"}  # how long chapters take changes no result


def hash_bytes(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:20]


def hash_path(path: Path) -> str:
    """Content hash of a file, or of a folder's files with their names; "" when there is nothing."""
    if path.is_file():
        with open(path, "rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()[:20]
    if not path.is_dir():
        return ""
    digest = hashlib.sha256()
    for file in sorted(p for p in path.rglob("*") if p.is_file() and not p.name.startswith(".")):
        digest.update(file.relative_to(path).as_posix().encode() + b"\0" + hash_path(file).encode() + b"\n")
    return digest.hexdigest()[:20]


def lock_hash() -> str:
    return hash_path(PROJECT / "requirements.lock")


def modules_used(source: str) -> list[str]:
    """The modules of this library that a piece of Python code imports, directly or through one another."""
    found: set[str] = set()
    open_ = list(_imports(source))
    while open_:
        name = open_.pop()
        path = _file_of(name)
        if name in found or path is None:
            continue
        found.add(name)
        open_ += _imports_of(path)
        if "." in name:
            open_.append(name.rpartition(".")[0])
    return sorted(found)


@lru_cache(maxsize=512)
def _imports_of(path: Path) -> tuple[str, ...]:
    return tuple(_imports(path.read_text(encoding="utf-8")))


def _imports(source: str):
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name.split(".")[0] == "amdd")
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "amdd":
            yield node.module
            # "from amdd.puppets import render" imports a module, not a name.
            yield from (f"{node.module}.{a.name}" for a in node.names)


def _file_of(name: str) -> Path | None:
    path = PACKAGE.joinpath(*name.split(".")[1:])
    if path.with_suffix(".py").is_file() and path != PACKAGE:
        return path.with_suffix(".py")
    return path / "__init__.py" if (path / "__init__.py").is_file() else None


def library_used_hash(source: str) -> str:
    """Hash the library code that a notebook's source can reach, the data files beside it (head model, sentences,
    forgers' weights, the paper's tables) and the benchmark records that the source reads by ``measured``."""
    digest, folders = hashlib.sha256(), set()
    for name in modules_used(source):
        path = _file_of(name)
        digest.update(name.encode() + b"\0" + hash_path(path).encode() + b"\n")
        folders |= {path.parent, path.parent / "data", path.parent / "weights"}
    for folder in sorted(folders):
        for file in sorted(folder.glob("*")) if folder.is_dir() else ():
            if file.suffix in DATA_SUFFIXES and file.name not in NOT_RESULTS:
                name = file.relative_to(PACKAGE).as_posix()
                digest.update(name.encode() + b"\0" + hash_path(file).encode() + b"\n")
    for name in sorted(set(re.findall(r"\bmeasured\([\"'](\w+)[\"']\)", source))):
        digest.update(name.encode() + b"\0" + hash_path(MEASURED / f"{name}.json").encode() + b"\n")
    return digest.hexdigest()[:20]
