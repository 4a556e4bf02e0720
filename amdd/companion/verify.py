"""Comparison of a run's files with the hashes that were kept of them."""

from __future__ import annotations

from amdd.base.hashing import hash_path
from amdd.base.paths import Workspace
from amdd.companion.book import built_of, changed_pages
from amdd.companion.records import read_manifest


def differences(workspace: Workspace) -> list[str]:
    """Return what differs from ``manifest.json`` and from the built book, one line for each file or folder.

    Executed notebooks, what chapters read and wrote (prepared shards, weights, predictions, results), and the pages of the
    book. Raises :class:`~amdd.companion.records.RecordError` where there is no readable manifest.
    """
    found = []
    for name, entry in read_manifest(workspace)["notebooks"].items():
        notebook = f"executed/{name}.ipynb"
        kept = {notebook: entry.get("executed", ""), **entry["reads"], **entry["writes"]}
        found += [f"{name}: {p}" for p, digest in kept.items() if hash_path(workspace.root / p) != digest]
    found += [f"book: {page}" for page in changed_pages(workspace)]
    if not built_of(workspace) and (workspace.root / "book").is_dir():
        found.append("book: no record of what was built; build it again")
    return found
