"""What holds for the files of the repository as they are committed."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import grimp
import jupytext
import nbformat
import networkx as nx
import pytest
import yaml

from amdd.base.paths import PROJECT

SCRIPTS = sorted((PROJECT / "notebooks").glob("*.py"))
PROSE = [p for p in sorted((PROJECT / "book").glob("*.md")) if p.name != "how_made.md"]


def tracked() -> list[Path]:
    """The files of the repository: what git tracks or would track."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    run = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    if run.returncode:
        pytest.skip("not in a git repository")
    return [PROJECT / name for name in run.stdout.splitlines() if (PROJECT / name).is_file()]


def cells(notebook) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(c.cell_type, c.source, tuple(c.metadata.get("tags", ()))) for c in notebook.cells]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.stem)
def test_pair_has_one_content_and_no_outputs(script):
    pair = nbformat.read(script.with_suffix(".ipynb"), as_version=4)
    assert cells(jupytext.read(script)) == cells(pair), (
        f"{script.name} and its notebook differ: run `jupytext --sync notebooks/{script.name}`"
    )
    for cell in pair.cells:
        if cell.cell_type == "code":
            assert not cell.outputs
            assert cell.execution_count is None


def own_cells(script) -> list:
    """The code cells that a reader meets: all but parameters, imports and bookkeeping."""
    notebook = jupytext.read(script)
    code = [c for c in notebook.cells if c.cell_type == "code"]
    return [c for c in code if "remove-cell" not in c.metadata.get("tags", [])]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.stem)
def test_a_chapter_opens_with_its_question_and_its_answer(script):
    notebook = jupytext.read(script)
    opening = notebook.cells[0].source
    assert opening.startswith("# ")
    parts = [
        opening.find(f"**{word}") for word in ("Question.", "Answer.", "Needs", "Makes", "You will learn")
    ]
    assert parts[0] > -1 and parts == sorted(parts), "the opening lacks a part, or has them in another order"
    parameters = [c for c in notebook.cells if "parameters" in c.metadata.get("tags", [])]
    assert len(parameters) == 1


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.stem)
def test_cells_are_short_and_visible(script):
    for cell in jupytext.read(script).cells:
        tags = cell.metadata.get("tags", [])
        if (
            cell.cell_type == "code"
            and "imports" not in tags
            and not cell.source.startswith(("import", "from"))
        ):
            assert len(cell.source.splitlines()) <= 12, cell.source
        if cell.cell_type == "code":
            assert max((len(x) for x in cell.source.splitlines()), default=0) <= 96, cell.source
    folded = [c for c in own_cells(script) if {"hide-input", "hide-cell"} & {*c.metadata.get("tags", [])}]
    assert 5 * len(folded) < len(own_cells(script))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.stem)
def test_every_exercise_has_a_solution_that_runs(script):
    cells = jupytext.read(script).cells
    text = "\n".join(c.source for c in cells if c.cell_type == "markdown")
    exercises = re.findall(r":label: (ex-[\w-]+)", text)
    assert len(exercises) >= 2
    assert re.findall(r"solution-start\} (ex-[\w-]+)", text) == exercises
    solutions = [c for c in cells if "solution" in c.metadata.get("tags", [])]
    assert len(solutions) == len(exercises)


def test_there_is_more_prose_than_code():
    prose = code = 0
    for script in SCRIPTS:
        for cell in jupytext.read(script).cells:
            lines = [x for x in cell.source.splitlines() if x.strip()]
            prose += len(lines) if cell.cell_type == "markdown" else 0
        code += sum(len([x for x in c.source.splitlines() if x.strip()]) for c in own_cells(script))
    assert prose > code


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.stem)
def test_no_notebook_asks_which_profile_it_is_in(script):
    code = "\n".join(c.source for c in jupytext.read(script).cells if c.cell_type == "code")
    assert not re.search(r"\bprofile(\.name)?\s*(==|!=|in\b|not in\b)", code.replace('profile = "demo"', ""))


def test_environment_yml_installs_this_package_with_its_tests():
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    conda = yaml.safe_load((PROJECT / "environment.yml").read_text())["dependencies"]
    assert next(item["pip"] for item in conda if isinstance(item, dict)) == ["-e .[test]"]
    assert f"python{project['requires-python']}" in conda


def test_version_has_one_source_and_the_citation_agrees():
    import amdd

    settings = tomllib.loads((PROJECT / "pyproject.toml").read_text())
    assert "version" in settings["project"]["dynamic"]
    assert settings["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "amdd.__version__"}
    citation = yaml.safe_load((PROJECT / "CITATION.cff").read_text())
    assert str(citation["version"]) == amdd.__version__
    assert f"## [{amdd.__version__}]" in (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_lock_file_has_every_package_of_pyproject_within_its_bounds():
    from packaging.requirements import Requirement

    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    pins = dict(
        line.split(";")[0].strip().split("==")
        for line in (PROJECT / "requirements.lock").read_text().splitlines()
        if "==" in line and not line.startswith((" ", "#"))
    )
    for text in [*project["dependencies"], *project["optional-dependencies"]["test"]]:
        need = Requirement(text)
        assert need.name in pins, f"{need.name} is not locked"
        assert need.specifier.contains(pins[need.name]), f"{text} but locked is {pins[need.name]}"


# Typed-in results: decimals, shares, counts of clips. What is quoted or bound, and formulas, are taken out first.
TYPED = re.compile(
    r"(?<![\w.])\d+[.]\d+|\d+\s?%|\bn\s?=\s?\d+|\b\d+ (?:clips|people|fakes|reals|identities|generators|epochs|videos)\b"
)
BOUND = re.compile(
    r"\{\w+\}`[^`]*`|`[^`]*`|\$\$.*?\$\$|\$[^$]*\$|\]\([^)]*\)|```.*?```|arXiv[ :]?\d+\.\d+", re.S
)
NO_RESULT = ("95 % interval", "given 0.8")


def typed_in(text: str) -> list[str]:
    text = BOUND.sub(" ", text)
    text = re.sub(r"(?m)^(    .*|\|.*)$", " ", text)  # code blocks; tables are held by their own test
    for phrase in NO_RESULT:
        text = text.replace(phrase, " ")
    return TYPED.findall(text)


def test_the_search_for_typed_in_results_finds_some():
    assert typed_in("AUC was 0.93 on 28 clips") == ["0.93", "28 clips"]
    assert typed_in("it finds 12 % of them, n = 14") == ["12 %", "n = 14"]
    assert typed_in("AUC was {result}`03.auc` at $d = 0.5$ (`0.25`)") == []


@pytest.mark.parametrize("page", [*SCRIPTS, *PROSE], ids=lambda p: p.stem)
def test_no_result_is_typed_into_prose(page):
    if page.suffix == ".py":
        notebook = jupytext.read(page)
        text = "\n\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")
    else:
        text = page.read_text(encoding="utf-8")
    assert typed_in(text) == [], "bind it: {result}`notebook.key` or {paper}`id`"


def test_no_file_names_a_place_on_somebodys_machine():
    place = re.compile(r"(?<![\w.~])/(?:home/\w+|Users/\w+|root/|work/|private/|mnt/\w+)")
    found = []
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if path == Path(__file__):
            continue
        found += [f"{path.relative_to(PROJECT)}: {m.group()}" for m in place.finditer(text)]
    assert found == []


def test_nothing_large_and_nothing_pickled_is_shipped():
    for path in tracked():
        assert path.stat().st_size < 7e6, f"{path.relative_to(PROJECT)} is too large for a repository"
        assert path.suffix not in {".pkl", ".pickle", ".pt", ".pth", ".ckpt"}, path


def test_readme_has_the_two_commands_and_its_links_lead_somewhere():
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    assert "    make book " in text
    assert "    make test " in text
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", text):
        assert (PROJECT / target).exists(), f"README links {target}"
    for target in re.findall(r"`((?:amdd|book|notebooks|tests|benchmarks)/[\w./]*)`", text):
        assert (PROJECT / target).exists(), f"README names {target}"


def test_plain_commands_of_the_readme_are_those_of_the_makefile():
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8").replace("$(BIN)", ".venv/bin")
    for target in ("lint", "test"):
        recipe = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", makefile, re.M)[1]
        commands = [line.strip().removesuffix(" $(ARGS)") for line in recipe.splitlines()]
        assert "    " + " && ".join(commands) + "    # make " + target in text


def test_packages_that_the_code_imports_are_required():
    import ast
    import importlib.metadata
    import sys

    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["test"], *extras["voice"], *extras["dask"]]
    required = {re.match(r"[\w.-]+", need)[0].lower().replace("_", "-") for need in wanted}
    owners = importlib.metadata.packages_distributions()
    for path in (PROJECT / "amdd").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            for name in {n.split(".")[0] for n in names} - set(sys.stdlib_module_names) - {"amdd"}:
                packages = {p.lower().replace("_", "-") for p in owners.get(name, [])}
                assert not packages or packages & required, (
                    f"{path.name} imports {name}, which is not required"
                )


def test_licences_of_everything_that_is_shipped_are_named():
    text = (PROJECT / "LICENSES.md").read_text(encoding="utf-8")
    data = [
        p
        for p in tracked()
        if p.suffix in {".npz", ".safetensors", ".wav", ".mp4", ".jpg", ".png", ".txt", ".zip"}
    ]
    assert data
    for path in data:
        name = path.relative_to(PROJECT).as_posix()
        assert name in text or any(f"{parent.as_posix()}/" in text for parent in Path(name).parents), name


def test_no_folder_bears_the_name_of_a_module_beside_it():
    """Readers of sources take the folder for a package; the reference pages failed on one."""
    modules = [path for path in (PROJECT / "amdd").rglob("*.py") if path.with_suffix("").is_dir()]
    assert modules == []


def test_no_modules_import_each_other_in_a_circle():
    """Imports inside functions count: one that puts off a circle hides it."""
    graph, found = grimp.build_graph("amdd"), nx.DiGraph()
    for module in graph.modules:
        found.add_edges_from((module, other) for other in graph.find_modules_directly_imported_by(module))
    assert [sorted(c) for c in nx.strongly_connected_components(found) if len(c) > 1] == []
