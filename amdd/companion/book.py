"""The book: stage what it is made of, draw the page on how it was made, build it strictly."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from amdd.base.hashing import hash_bytes, hash_path
from amdd.base.paths import PROJECT, Workspace, write_text
from amdd.companion.chapters import topic_of
from amdd.companion.execute import clock
from amdd.companion.lessons import instructor_page, read_lessons
from amdd.companion.pipeline import chapters
from amdd.companion.records import read_manifest
from amdd.companion.reference import pages
from amdd.companion.slides import build_slides
from amdd.companion.teaching import (
    add_answer,
    add_cells,
    add_questions,
    cells_data,
    network_files,
    vote_films,
)
from amdd.companion.timings import duration

BUILT = "built.json"
WORDS_A_MINUTE = 150  # of prose and code, read with attention


class BookFailed(RuntimeError):
    """The book could not be built; the message holds the builder's last lines."""


def mathjax() -> Path:
    """The one file that draws formulas, from an installed package. Raises ``BookFailed`` without it."""
    for package in importlib.metadata.distributions(name="sphinx-mathjax-offline"):
        for file in package.files or ():
            if file.name == "tex-svg.js":
                return Path(str(package.locate_file(file)))
    raise BookFailed("tex-svg.js was not found: install sphinx-mathjax-offline")


def stage(workspace: Workspace, folder: Path | None = None) -> Path:
    """Copy everything that the book is made of to ``source/`` and return it; unchanged files keep their times."""
    source = workspace.root / "source"
    wanted: dict[str, bytes] = {}
    repository = repository_url()
    wanted["_toc.yml"] = (PROJECT / "_toc.yml").read_bytes()
    wanted["_config.yml"] = configuration((PROJECT / "_config.yml").read_text(encoding="utf-8"), repository)
    for path in sorted((PROJECT / "book").rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith("."):
            wanted[path.relative_to(PROJECT).as_posix()] = path.read_bytes()
    wanted |= pages()
    wanted |= vote_films(workspace.results)
    wanted |= network_files(workspace.results)
    wanted |= cells_data(workspace)
    wanted["genindex.md"] = b"# Index\n"  # the builder fills it from the glossary
    for path in sorted((PROJECT / "benchmarks" / "results").glob("*.json")):
        wanted[f"benchmarks/{path.name}"] = path.read_bytes()
    wanted["book/_static/mathjax/tex-svg.js"] = mathjax().read_bytes()
    record = read_manifest(workspace)
    wanted["book/how_made.md"] = how_made(workspace).encode()
    files = {topic_of(chapter.name): chapter.name for chapter in chapters(folder)}
    wanted["book/instructor.md"] = instructor_page(read_lessons(), files).encode()
    seconds = {name: entry["seconds"] for name, entry in record["notebooks"].items()}
    for chapter in chapters(folder):
        executed = workspace.executed / f"{chapter.name}.ipynb"
        if not executed.is_file():
            raise BookFailed(f"{chapter.name} has not been executed; run the notebooks first (amdd run)")
        wanted[f"notebooks/{chapter.name}.ipynb"] = with_downloads(
            executed, chapter.name, seconds.get(chapter.name), repository
        )
        wanted[f"notebooks/{chapter.name}.py"] = chapter.path.read_bytes()
    used = {m for data in wanted.values() for m in re.findall(rb"_static/code/([\w/]+\.py)\.txt", data)}
    for name in sorted(used):
        if name.startswith(b"amdd/") and (PROJECT / name.decode()).is_file():
            wanted[f"book/_static/code/{name.decode()}.txt"] = (PROJECT / name.decode()).read_bytes()
    for path in source.rglob("*") if source.is_dir() else []:
        if path.is_file() and path.relative_to(source).as_posix() not in wanted:
            path.unlink()
    for name, data in wanted.items():
        target = source / name
        if not target.is_file() or target.read_bytes() != data:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
    return source


def repository_url() -> str:
    """Return the web address of the project's source: ``$AMDD_REPOSITORY``, or nothing."""
    url = os.environ.get("AMDD_REPOSITORY", "").strip().rstrip("/")
    if url and not re.fullmatch(r"https://[\w.-]+/[\w.-]+/[\w.-]+", url):
        raise BookFailed(f"AMDD_REPOSITORY={url!r} is not of the form https://host/owner/name")
    return url


def configuration(text: str, repository: str) -> bytes:
    """The builder's configuration. Buttons that run a page on Binder or Colab, or lead to its source, are there only
    where a ``repository`` is known."""
    settings = yaml.safe_load(text)
    if repository:
        settings["repository"] = {"url": repository, "branch": "main", "path_to_book": ""}
        settings["html"] |= {"use_repository_button": True, "use_issues_button": True}
        settings["launch_buttons"] |= {"binderhub_url": "https://mybinder.org"}
        if repository.startswith("https://github.com/"):  # Colab opens nothing else by address
            settings["launch_buttons"] |= {"colab_url": "https://colab.research.google.com"}
    return yaml.safe_dump(settings, sort_keys=False, allow_unicode=True).encode()


def with_downloads(executed: Path, name: str, seconds: float | None, repository: str = "") -> bytes:
    """An executed notebook with the time that it took, links to the code that drew its figures, and to itself."""
    import nbformat

    notebook = nbformat.read(executed, as_version=4)
    words = sum(len(cell.source.split()) for cell in notebook.cells)
    read = f"*to read* about {max(2, round(words / WORDS_A_MINUTE))} min"
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            text = output.get("data", {}).get("text/markdown", "")
            if seconds and text.startswith("*Profile*"):
                took = f"*time to run* {duration(seconds)} in this run · {read}"
                output["data"]["text/markdown"] = re.sub(r"\*time\* .*$", took, text)
            shown = output.get("data", {}).get("text/html")
            if shown:
                output["data"]["text/html"] = re.sub(
                    r'<span data-code="([\w/]+\.py)">(.*?)</span>',
                    r'<a href="../_static/code/\1.txt">\2</a>',
                    shown,
                )
    add_answer(notebook)
    add_cells(notebook, topic_of(name))
    add_questions(notebook, topic_of(name))
    links = (
        f"Take this chapter along: {{download}}`notebook <{name}.ipynb>` · {{download}}`script <{name}.py>`"
    )
    if repository:
        links += f". On Colab, run `!pip install git+{repository}` first"
    cell = nbformat.v4.new_markdown_cell(links)
    cell["id"] = "downloads"
    notebook.cells.append(cell)
    return nbformat.writes(notebook).encode()


def how_made(workspace: Workspace) -> str:
    """The page 'How this book was made', drawn from ``manifest.json``."""
    record = read_manifest(workspace)
    environment = record.get("environment", {})
    lines = [
        "# How this book was made",
        "",
        "Every page was built from files that one run wrote. This table is that run's record, `manifest.json`: the",
        "notebooks in order, how long each took, and hashes of what it was made from. A notebook whose hashes have",
        "not changed is not run again.",
        "",
        f"Profile `{record['profile']}`"
        + (f", with {', '.join(f'`{o}`' for o in record['overrides'])}" if record["overrides"] else "")
        + f"; commit `{environment.get('commit', '')[:12] or 'not in a repository'}`.",
        "",
        "| Notebook | Time | Peak memory | Seed | Device |",
        "|---|---|---|---|---|",
    ]
    total = 0.0
    for name, entry in record["notebooks"].items():
        total += entry["seconds"]
        lines.append(
            f"| {name} | {clock(entry['seconds'])} | {entry['peak_memory_mb']} MB | {entry['seed']} | {entry['device']} |"
        )
    lines += [
        f"| all | {clock(total)} | | | |",
        "",
        "## Hashes",
        "",
        "| Notebook | Source | Library | Lock |",
    ]
    lines.append("|---|---|---|---|")
    for name, entry in record["notebooks"].items():
        cells = " | ".join(f"`{entry[kind][:8]}`" for kind in ("source", "library", "lock"))
        lines.append(f"| {name} | {cells} |")
    lines += ["", "## Artefacts", ""]
    for name, entry in record["notebooks"].items():
        lines.append(name)
        for kind in ("reads", "writes"):
            told = " · ".join(f"`{p}` {h[:8]}" for p, h in entry[kind].items())
            lines.append(f": {kind} {told or 'nothing'}")
        lines.append("")
    lines += ["", "## Versions", "", "| | |", "|---|---|"]
    lines.append(f"| Python | {environment.get('python', '')} |")
    lines += [f"| {name} | {version} |" for name, version in environment.get("packages", {}).items()]
    lines += [
        f"| machine | {environment.get('machine', '')}, {environment.get('cores', '')} cores, "
        f"{environment.get('threads', '')} threads |",
        "",
        "`amdd verify` computes these hashes again and names what differs.",
        "",
    ]
    return "\n".join(lines)


def jupyter_book(source: Path, out: Path, workspace: Workspace, *more: str) -> tuple[int, str]:
    """Run the builder strictly; its exit status and what it said, which is also kept in ``book.log``."""
    command = [
        sys.executable,
        "-c",
        "from jupyter_book.cli.main import main; main()",
        "build",
        str(source),
        "--path-output",
        str(out),
        "-W",
        "-n",
        "--keep-going",
        *more,
    ]
    environment = os.environ | {"AMDD_RESULTS": str(workspace.results), "PYTHONIOENCODING": "utf-8"}
    run = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    write_text(workspace.root / "book.log", run.stdout + run.stderr)
    return run.returncode, run.stdout + run.stderr


def complaints(text: str) -> str:
    wrong = [x for x in text.splitlines() if "WARNING" in x or "ERROR" in x or "Error" in x]
    return "\n".join(wrong[:20] or text.splitlines()[-20:])


def build(workspace: Workspace, folder: Path | None = None, echo=print) -> Path:
    """Build the HTML book with warnings as errors; the path of its first page. Does nothing when unchanged."""
    source = stage(workspace, folder)
    out = workspace.root / "book"
    page = out / "_build" / "html" / "index.html"
    key = hash_bytes((hash_path(source) + hash_path(workspace.results)).encode())
    if built_of(workspace).get("inputs") == key and not changed_pages(workspace):
        echo("book  unchanged")
        return page
    echo("book  building")
    # A theme's page lists the others, so a partial build would leave stale navigation behind.
    shutil.rmtree(out, ignore_errors=True)
    status, text = jupyter_book(source, out, workspace)
    if status != 0 or not page.is_file():
        raise BookFailed("the book was not built:\n" + complaints(text))
    if folder is None:
        build_slides(workspace, page.parent / "slides")
    write_text(out / BUILT, json.dumps({"inputs": key, "pages": pages_of(page.parent)}, indent=1) + "\n")
    return page


def pages_of(folder: Path) -> dict[str, str]:
    """Return the hash of every file of the built book below ``folder``, by its path there."""
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {p.relative_to(folder).as_posix(): hash_path(p) for p in files}


def built_of(workspace: Workspace) -> dict:
    """Return what the last build wrote down, {} if nothing readable: the hash of its inputs, and those of its pages."""
    try:
        record = json.loads((workspace.root / "book" / BUILT).read_text(encoding="utf-8"))
        return record if isinstance(record["pages"], dict) else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def changed_pages(workspace: Workspace) -> list[str]:
    """Return the files of the built book that are missing or differ from what was built."""
    folder = workspace.root / "book" / "_build" / "html"
    return [
        name
        for name, digest in built_of(workspace).get("pages", {}).items()
        if hash_path(folder / name) != digest
    ]
