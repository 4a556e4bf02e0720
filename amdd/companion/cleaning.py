"""Executed notebooks without the traces of the machine that executed them."""

from __future__ import annotations

import os
import re
from pathlib import Path

from amdd.base.paths import PROJECT, Workspace, write_text

TEXTS = ("text/plain", "text/markdown", "text/html")
PARTS = 3  # a place with fewer, such as / or /app, may be part of any path
DATA = re.compile(r"(data:[\w.+/-]+(?:;[\w=.-]+)*;base64,[A-Za-z0-9+/=\s]+)")


def clean(path: Path, workspace: Workspace) -> None:
    """Take papermill's traces and this machine's paths out of an executed notebook.

    Paths are replaced in texts only: streams, tracebacks, plain text, Markdown, HTML outside of embedded data, and the
    parameters; never in images or in names of types.
    """
    import nbformat

    notebook = nbformat.read(path, as_version=4)
    notebook.metadata.pop("papermill", None)
    places = _places(workspace)
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = _one_stream(cell.outputs)
            for output in cell.outputs:
                _clean_output(output, places)
        tags = cell.metadata.get("tags", [])
        if "injected-parameters" in tags:
            cell.metadata["tags"] = [*tags, "remove-cell"]
            cell.source = without_places(cell.source, places)
    write_text(path, nbformat.writes(notebook))


def _clean_output(output, places: list[tuple[str, str]]) -> None:
    if output.output_type == "stream":
        output.text = without_places(output.text, places)
    elif output.output_type == "error":
        output.evalue = without_places(output.evalue, places)
        output.traceback = [without_places(line, places) for line in output.traceback]
    for kind in TEXTS:
        if kind in output.get("data", {}):
            text = output["data"][kind]
            joined = "".join(text) if isinstance(text, list) else text
            output["data"][kind] = without_places(joined, places)


def _places(workspace: Workspace) -> list[tuple[str, str]]:
    """Return the places to replace and what stands for them, the innermost first."""
    places = [(workspace.root, f"_build/{workspace.root.name}"), (PROJECT, ".")]
    home = os.path.expanduser("~")  # stays "~" for a user without a home
    if os.path.isabs(home):
        places.append((Path(home), "~"))
    return [(str(place), name) for place, name in places if len(Path(place).parts) >= PARTS]


def without_places(text: str, places: list[tuple[str, str]]) -> str:
    """Return ``text`` with each of ``places`` (path, name) replaced where a path begins with it."""
    pieces = DATA.split(text)
    for k in range(0, len(pieces), 2):  # every other one is embedded data
        for place, name in places:
            pattern = rf"(?<![\w/.+~-]){re.escape(place)}(?![\w.+-])"
            pieces[k] = re.sub(pattern, name.replace("\\", "\\\\"), pieces[k])
    return "".join(pieces)


def _one_stream(outputs: list) -> list:
    """Neighbouring pieces of one stream as one; of a progress bar, its last state."""
    joined: list = []
    for output in outputs:
        last = joined[-1] if joined else None
        if last and output.output_type == last.output_type == "stream" and output.name == last.name:
            last.text += output.text
        else:
            joined.append(output)
    for output in joined:
        if output.output_type == "stream":
            lines = output.text.split("\n")
            output.text = "\n".join(next((x for x in reversed(line.split("\r")) if x), "") for line in lines)
    return [o for o in joined if o.output_type != "stream" or o.text.strip()]
