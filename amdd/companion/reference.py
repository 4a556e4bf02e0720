"""Pages of the book that are drawn from the library itself: its settings, and the API by room."""

from __future__ import annotations

import ast
from pathlib import Path

from amdd.base.paths import PACKAGE
from amdd.profiles import PROFILES
from amdd.settings.explain import settings_of, shown

# The order of the pages, and a title for each; a room that is not listed here comes last under its own name.
ROOMS = {
    "settings": "Settings",
    "profiles": "Profiles",
    "base": "Paths and processes",
    "stats": "Statistics",
    "corpora": "Dataset readers",
    "data": "Media, faces, spectrograms, preparation",
    "model": "Network and losses",
    "training": "Training",
    "analysis": "Analysis",
    "inspect": "Inspection of a clip",
    "figures": "Figures",
    "companion": "Notebooks and book",
    "puppets": "Built-in corpus",
}
LEFT_OUT = {
    "cli",
    "commands",
    "prepare",
    "runs",
}  # the command line prints its own help; former places of modules


def pages() -> dict[str, bytes]:
    """Return the generated pages and the library's source, which they quote, by their path in the staged book."""
    out = {f"amdd/{name}": path.read_bytes() for name, path in _sources().items()}
    out["book/settings.md"] = settings_page().encode()
    rooms: dict[str, list[str]] = {}
    for name in _sources():
        parts = Path(name).with_suffix("").parts
        rooms.setdefault(parts[0], []).append(".".join(("amdd", *(p for p in parts if p != "__init__"))))
    for place, room in enumerate([*(r for r in ROOMS if r in rooms), *sorted(set(rooms) - set(ROOMS))]):
        if room not in LEFT_OUT and room != "__init__":
            out[f"book/api/{place:02d}_{room}.md"] = room_page(room, rooms[room]).encode()
    return out


def _sources() -> dict[str, Path]:
    """Return the library's Python files by their path inside the package."""
    found = {path.relative_to(PACKAGE).as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))}
    return {name: path for name, path in found.items() if "__pycache__" not in name}


def room_page(room: str, modules: list[str]) -> str:
    """Return the API page of one room: its modules in order, each with the docstrings of its public names."""
    lines = [f"# {ROOMS.get(room, room.capitalize())}", "", f"The room `amdd.{room}`.", ""]
    for module in modules:
        tree = _tree(module)
        if ast.get_docstring(tree) is None:
            continue  # an empty __init__.py
        lines += [f"## {module}", "", f"```{{py:module}} {module}", "```", ""]
        lines += [f"```{{autodoc2-docstring}} {module}", ":parser: rst", "```", ""]
        for name in _public(tree):
            lines += [f"```{{library-object}} {module}.{name}", "```", ""]
    return "\n".join(lines)


def _tree(module: str) -> ast.Module:
    path = PACKAGE.parent.joinpath(*module.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return ast.parse(path.read_text(encoding="utf-8"))


def _public(tree: ast.Module) -> list[str]:
    """Return the names of a module's public functions and classes that have a docstring, in their order."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    found = [node for node in tree.body if isinstance(node, kinds) and not node.name.startswith("_")]
    return [node.name for node in found if ast.get_docstring(node) is not None]


def settings_page() -> str:
    """Return the page that lists every setting with its value in each profile, what it accepts and the reason."""
    lines = [
        "# Settings",
        "",
        'Every value that a run depends on. `make book SET="training.epochs=3 preparation.frames=4"` or',
        "`amdd book --set training.epochs=3` replaces single ones; `amdd settings demo` prints this list. A value that a",
        "setting does not accept is refused before anything runs.",
    ]
    section = ""
    for setting in settings_of():
        head, _, name = setting.name.rpartition(".")
        if head != section:
            section = head
            lines += [
                "",
                f"## {head}",
                "",
                f"| Setting | {' | '.join(PROFILES)} | Accepts | Meaning and reason |",
            ]
            lines.append("|---|" + "---|" * (len(PROFILES) + 2))
        values = [
            f"`{shown(setting.value(p))}`" if shown(setting.value(p)) else "" for p in PROFILES.values()
        ]
        accepts = (
            "a classification network of torchvision" if "resnet50" in setting.accepts else setting.accepts
        )
        reason = setting.reason.replace("|", "\\|").replace(":mod:", "")
        lines.append(f"| `{name}` | {' | '.join(values)} | {accepts} | {reason} |")
    return "\n".join([*lines, ""])
