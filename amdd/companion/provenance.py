"""Hashes by which the pipeline knows what a chapter depends on."""

from __future__ import annotations

import hashlib
import re

from amdd.base.hashing import code_hash, hash_path, imported_by
from amdd.base.packages import installed_lock
from amdd.base.paths import MEASURED, PROJECT

STUDIES = PROJECT / "book" / "studies"


def lock_hash() -> str:
    """Return a hash of the lock file that the environment was installed from; "" outside a checkout."""
    return hash_path(PROJECT / installed_lock())


def library_used_hash(source: str) -> str:
    """Return a hash of the library code that a notebook's ``source`` reaches, of the data files beside it (head model,
    sentences, generators' weights, the paper's tables), of the benchmark records that it reads by ``measured``, and of the
    studies' predictions where it reads them (``shipped...``, ``study_numbers``)."""
    digest = hashlib.sha256(code_hash(imported_by(source)).encode())
    for name in sorted(set(re.findall(r"\bmeasured\([\"'](\w+)[\"']\)", source))):
        digest.update(name.encode() + b"\0" + hash_path(MEASURED / f"{name}.json").encode() + b"\n")
    if re.search(r"\b(shipped\w*|study_numbers)\(", source):
        digest.update(hash_path(STUDIES).encode())
    return digest.hexdigest()[:20]
