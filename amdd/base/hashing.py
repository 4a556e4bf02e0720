"""Hashes of files and of the library's code: the one scheme by which everything here knows what has changed."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

import grimp

from amdd.base.paths import PACKAGE

DIGITS = 20
DATA_SUFFIXES = {".npz", ".safetensors", ".json", ".txt", ".yml", ".html", ".zip"}
NOT_RESULTS = {"expected_seconds.json"}  # how long chapters take changes no result
BESIDE = ("", "data", "weights", "templates")  # folders of data files, beside a module


def hash_bytes(data: bytes) -> str:
    """Return the first 20 hexadecimal digits of the SHA-256 of ``data``."""
    return hashlib.sha256(data).hexdigest()[:DIGITS]


def hash_path(path: Path) -> str:
    """Return a hash of a file's content, or of a folder's files with their names; "" where there is nothing."""
    if path.is_file():
        with open(path, "rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()[:DIGITS]
    if not path.is_dir():
        return ""
    digest = hashlib.sha256()
    for file in sorted(p for p in path.rglob("*") if p.is_file() and not p.name.startswith(".")):
        digest.update(file.relative_to(path).as_posix().encode() + b"\0" + hash_path(file).encode() + b"\n")
    return digest.hexdigest()[:DIGITS]


@lru_cache(maxsize=1)
def _graph() -> grimp.ImportGraph:
    return grimp.build_graph("amdd", cache_dir=None)


def imported_by(source: str) -> set[str]:
    """Return the modules of this library that a piece of Python code imports directly."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            # "from amdd.puppets import render" may import a module as well as a name.
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    known = _graph().modules
    # "from amdd import losses" reaches a module through the lazy public face.
    face = {"amdd.losses": "amdd.model.losses"}
    return {face.get(name, name) for name in found} & known


def modules_reached(roots: Iterable[str], within: tuple[str, ...] = ("amdd",)) -> list[str]:
    """Return ``roots``, the modules inside those that are packages, and all that these import, directly or through one
    another, with the packages that hold them; only modules below one of ``within``.

    Raises ``ValueError`` naming a root that does not exist.
    """
    graph = _graph()
    found: set[str] = set()
    for root in roots:
        if root not in graph.modules:
            raise ValueError(f"{root}: no such module of the library; correct the list that names it")
        for name in {root, *graph.find_descendants(root)}:
            found |= {name, *graph.find_upstream_modules(name)}
    found |= {parent for name in found for parent in _parents(name)}
    return sorted(m for m in found if any(m == w or m.startswith(w + ".") for w in within))


def _parents(name: str) -> Iterator[str]:
    while "." in name:
        name = name.rpartition(".")[0]
        yield name


def _file_of(name: str) -> Path:
    path = PACKAGE.joinpath(*name.split(".")[1:])
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def files_of(
    roots: Iterable[str], within: tuple[str, ...] = ("amdd",), without: tuple[str, ...] = ()
) -> list[Path]:
    """Return the source files of :func:`modules_reached` and the data files beside them, but for modules and files whose
    dotted name or suffix is in ``without``."""
    files: set[Path] = set()
    for name in modules_reached(roots, within):
        if any(name == w or name.startswith(w + ".") for w in without):
            continue
        path = _file_of(name)
        files.add(path)
        for folder in (path.parent / beside for beside in BESIDE):
            files |= {f for f in folder.glob("*") if f.suffix in DATA_SUFFIXES - {*without}}
    return sorted(f for f in files if f.name not in NOT_RESULTS)


def code_hash(
    roots: Iterable[str], within: tuple[str, ...] = ("amdd",), without: tuple[str, ...] = ()
) -> str:
    """Return a hash of the code that ``roots`` reach and of the data files beside it; see :func:`files_of`."""
    digest = hashlib.sha256()
    for file in files_of(roots, within, without):
        name = file.relative_to(PACKAGE).as_posix()
        digest.update(name.encode() + b"\0" + hash_path(file).encode() + b"\n")
    return digest.hexdigest()[:DIGITS]
