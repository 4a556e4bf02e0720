"""Versions, machine and commit of the present process."""

from __future__ import annotations

import importlib.metadata
import platform
import subprocess
from functools import lru_cache
from typing import Any

import torch

from amdd.base.hashing import code_hash
from amdd.base.paths import PROJECT

PACKAGES = (
    "torch",
    "torchvision",
    "torchaudio",
    "numpy",
    "scipy",
    "scikit-learn",
    "pandas",
    "av",
    "opencv-python",
)


@lru_cache(maxsize=1)
def _library() -> str:
    """Return the hash of the library, once: a process computes with the code that it has imported."""
    return code_hash(("amdd",))


def environment() -> dict[str, Any]:
    """Return versions, machine and commit: the dependencies of a result besides code and data."""
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = "absent"
    try:
        commit = subprocess.run(
            ["git", "-C", str(PROJECT), "rev-parse", "HEAD"],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        commit = ""
    return {
        "commit": commit,
        "library": _library(),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "threads": torch.get_num_threads(),
        "packages": versions,
    }
