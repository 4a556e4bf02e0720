"""A page built by Sphinx in a process of its own: extensions register nodes and roles once per process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def build_page(source: Path, *extensions: str, static: str = "_static") -> Path:
    """Build ``source/index.md`` with warnings as errors, results below ``source/results``; return the HTML page."""
    settings = {
        "extensions": ["myst_parser", *extensions],
        "myst_enable_extensions": ["dollarmath"],
        "html_static_path": [static],
        "html_theme": "basic",
    }
    (source / "conf.py").write_text("\n".join(f"{name} = {value!r}" for name, value in settings.items()))
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", str(source), str(source / "out")]
    environment = os.environ | {"AMDD_RESULTS": str(source / "results")}
    run = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return source / "out" / "index.html"
