"""Slides of the plan in ``book/lessons.yml``, by sphinx-revealjs: reveal.js from the installed package, no network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from amdd.base.paths import Workspace, write_text
from amdd.companion.chapters import topic_of
from amdd.companion.lessons import Lessons, deck, read_lessons
from amdd.companion.pipeline import chapters

OTHERS = "cross_dataset"  # the topic that draws nothing without corpora to test on
THEME = "white"  # as the configuration names it
CONFIGURATION = """\
project = "AMDD, re-executed"
extensions = ["myst_parser", "sphinx_revealjs", "amdd.companion.sphinx.results"]
html_static_path = revealjs_static_path = ["_static"]
revealjs_css_files = ["slides.css"]
revealjs_style_theme = "white"
revealjs_script_conf = {"hash": True, "slideNumber": "c/t", "center": False, "transition": "none", "width": 1200}
revealjs_script_plugins = [{"name": "RevealNotes", "src": "revealjs/plugin/notes/notes.js"}]
amdd_up = "../"
"""
STYLE = """\
.reveal { font-size: 30px; }
.reveal h1, .reveal h2, .reveal h3 { text-transform: none; }
.reveal h3 { font-size: 1.1em; }
.reveal .slides section { text-align: left; padding: 24px 40px; box-sizing: border-box; }
.reveal figure.amdd-figure { margin: 0; }
.reveal figure.amdd-figure img { height: 480px; width: auto; max-width: 100%; object-fit: contain; object-position: left; margin: 0; }
.reveal figcaption { font-size: 0.5em; color: #444; }
.reveal .amdd-result { font-weight: 600; }
.reveal .amdd-detail { font-weight: 400; font-size: 0.8em; }
"""


class SlidesFailed(RuntimeError):
    """The slides could not be built; the message holds the builder's last lines."""


def lessons_of(results: Path) -> Lessons:
    """Return the lessons for a run: without the figures of cross-dataset evaluation where it had no other corpora."""
    found = read_lessons()
    if (results / OTHERS / "figure_7.json").is_file():
        return found
    parts = tuple(
        replace(part, figures={k: v for k, v in part.figures.items() if not k.startswith(f"{OTHERS}.")})
        for part in found.plan.parts
    )
    return replace(found, plan=replace(found.plan, parts=parts))


def build_slides(
    workspace: Workspace, target: Path, folder: Path | None = None, lessons: Lessons | None = None
) -> Path:
    """Build the slides into ``target`` with warnings as errors and return their first page.

    Raises :class:`SlidesFailed`, for example where a figure was not made by this run.
    """
    found = lessons or lessons_of(workspace.results)
    scripts = {topic_of(c.name): c.path.read_text(encoding="utf-8") for c in chapters(folder)}
    source = workspace.root / "slides"
    shutil.rmtree(source, ignore_errors=True)
    (source / "_static").mkdir(parents=True)
    write_text(source / "conf.py", CONFIGURATION)
    write_text(source / "_static" / "slides.css", STYLE)
    write_text(source / "index.md", deck(found.plan, scripts))
    shutil.copytree(_measured(workspace), source / "benchmarks")
    shutil.rmtree(target, ignore_errors=True)
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "revealjs"]
    command += ["-d", str(source / ".trees"), str(source), str(target)]
    environment = os.environ | {"AMDD_RESULTS": str(workspace.results), "PYTHONIOENCODING": "utf-8"}
    run = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    page = target / "index.html"
    if run.returncode or not page.is_file():
        raise SlidesFailed(
            "the slides were not built:\n" + "\n".join((run.stdout + run.stderr).splitlines()[-20:])
        )
    text = page.read_text(encoding="utf-8")
    write_text(page, text.replace(", maximum-scale=1.0, user-scalable=no", ""))  # let readers enlarge
    for spare in [*target.rglob("*.map"), *target.rglob("*.scss"), *target.rglob("*.esm.js")]:
        spare.unlink()
    for theme in target.glob("_static/revealjs/dist/theme/*.css"):  # the others load fonts from elsewhere
        if theme.stem != THEME:
            theme.unlink()
    shutil.rmtree(target / "_sources", ignore_errors=True)
    return page


def _measured(workspace: Workspace) -> Path:
    """Return the folder of the benchmarks' results as the book was staged with them."""
    return workspace.root / "source" / "benchmarks"
