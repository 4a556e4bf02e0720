"""Pages drawn from the library: settings, API by room, and the functions quoted under the equations."""

from __future__ import annotations

import ast
import re

import pytest
import yaml

from amdd.base.paths import PROJECT
from amdd.companion.reference import LEFT_OUT, pages, room_page
from amdd.profiles import load_profile
from amdd.settings.explain import settings_of

PAGES = pages()


def test_every_setting_is_in_the_table_with_its_values_and_reason():
    text = PAGES["book/settings.md"].decode()
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert len(rows) == len(list(settings_of()))
    assert all(len(re.split(r"(?<!\\)\|", row)) == 8 for row in rows)
    epochs = next(row for row in rows if row.startswith("| `epochs`"))
    values = " | ".join(f"`{load_profile(name).training.epochs}`" for name in ("smoke", "demo", "paper"))
    assert f"| {values} | a whole number from 1 to 100000 |" in epochs


def test_every_public_function_and_class_is_on_the_page_of_its_room():
    text = "\n".join(data.decode() for name, data in PAGES.items() if name.startswith("book/api/"))
    shown = set(re.findall(r"\{library-object\} (\S+)", text))
    expected = set()
    for path in (PROJECT / "amdd").rglob("*.py"):
        parts = path.relative_to(PROJECT).with_suffix("").parts
        if len(parts) < 2 or parts[1] in LEFT_OUT or parts[1] == "__init__":
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        module = ".".join(p for p in parts if p != "__init__")
        if ast.get_docstring(tree):
            expected |= {
                f"{module}.{node.name}"
                for node in tree.body
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
                and not node.name.startswith("_")
                and ast.get_docstring(node)
            }
    assert shown == expected
    assert len(shown) > 150


def test_a_module_page_has_its_module_before_its_names():
    page = room_page("model", ["amdd.model.losses"])
    assert page.index("{py:module} amdd.model.losses") < page.index(
        "{library-object} amdd.model.losses.focal_loss"
    )


@pytest.mark.parametrize("name", ["focal_loss", "attribution_loss", "info_nce", "fingerprint_consistency",
                                  "CentroidBank", "Objective.forward"])  # fmt: skip
def test_the_method_page_quotes_what_computes_each_loss(name):
    text = (PROJECT / "book" / "method.md").read_text(encoding="utf-8")
    assert f":pyobject: {name}\n" in text


def test_what_pages_quote_exists():
    found = 0
    for page in (PROJECT / "book").rglob("*.md"):
        quoted = r"\{literalinclude\} (\S+)\n(?::language: python\n)?:pyobject: (\S+)"
        for place, name in re.findall(quoted, page.read_text(encoding="utf-8")):
            path = (page.parent / place).resolve()
            assert path.relative_to(PROJECT).as_posix() in PAGES, place
            node: ast.AST = ast.parse(path.read_text(encoding="utf-8"))
            for part in name.split("."):
                node = next(n for n in node.body if getattr(n, "name", "") == part)
            found += 1
    assert found >= 9


def test_the_table_of_contents_lists_the_generated_pages():
    text = (PROJECT / "_toc.yml").read_text(encoding="utf-8")
    files = re.findall(r"(?:file|glob): (\S+)", text)
    assert {"book/settings", "book/extend", "book/api/index", "book/api/[0-9]*"} <= set(files)
    assert yaml.safe_load(text)["format"] == "jb-book"
