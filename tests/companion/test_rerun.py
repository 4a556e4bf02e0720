"""A run done again in another folder: certificates that agree, and those of tampered numbers."""

from __future__ import annotations

import copy
import json
import os
import shutil

import pytest

from amdd.base.paths import Workspace
from amdd.companion.certificate import record, write
from amdd.companion.pipeline import NotebookFailed, run
from amdd.companion.rerun import machine_differences, rerun

HEAD = """# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% tags=["parameters"]
profile = "demo"
overrides = []

# %%
import json, os
from pathlib import Path
root = Path(os.environ["AMDD_BUILD"]) / profile
results = root / "results" / "{topic}"
results.mkdir(parents=True, exist_ok=True)
"""
FIRST = HEAD.format(topic="first") + (
    '(root / "runs").mkdir(exist_ok=True)\n'
    '(root / "runs" / "a.txt").write_text(overrides[0].partition("=")[2])\n'
    'declared = {"reads": [], "writes": ["runs/a.txt"]}\n'
    '(results / "artefacts.json").write_text(json.dumps(declared))\n'
)
SECOND = HEAD.format(topic="second") + (
    'numbers = {"epochs": {"value": int((root / "runs" / "a.txt").read_text())}, "auc": {"value": 0.75}}\n'
    '(results / "numbers.json").write_text(json.dumps(numbers))\n'
    '(results / "shares.csv").write_text("corpus,share\\na,0.5\\n")\n'
    'declared = {"reads": ["runs/a.txt"], "writes": []}\n'
    '(results / "artefacts.json").write_text(json.dumps(declared))\n'
)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A run of two small chapters with a replaced setting: its workspace, and the folder of the chapters."""
    root = tmp_path_factory.mktemp("rerun")
    folder = root / "notebooks"
    folder.mkdir()
    for name, text in (("01_first", FIRST), ("02_second", SECOND)):
        (folder / f"{name}.py").write_text(text)
    before = os.environ.get("AMDD_BUILD")
    workspace = Workspace(root / "build" / "smoke")
    run("smoke", ["training.epochs=3"], folder=folder, workspace=workspace, echo=lambda _: None)
    if before is None:
        os.environ.pop("AMDD_BUILD", None)
    else:
        os.environ["AMDD_BUILD"] = before
    return workspace, folder


@pytest.fixture
def own(kept, tmp_path):
    """A copy of the kept run that a test may tamper with."""
    workspace, folder = kept
    shutil.copytree(workspace.root, tmp_path / "kept" / "smoke")
    return Workspace(tmp_path / "kept" / "smoke"), folder


def set_number(workspace: Workspace, key: str, value: float) -> None:
    path = workspace.results / "second" / "numbers.json"
    numbers = json.loads(path.read_text())
    numbers[key]["value"] = value
    path.write_text(json.dumps(numbers))


def test_a_whole_rerun_agrees_and_leaves_the_kept_run_alone(kept, tmp_path):
    workspace, folder = kept
    before = {p: p.read_bytes() for p in workspace.root.rglob("*") if p.is_file()}
    build = os.environ.get("AMDD_BUILD")
    found = rerun(workspace, tmp_path / "again", folder=folder, echo=lambda _: None)
    assert os.environ.get("AMDD_BUILD") == build
    assert {p: p.read_bytes() for p in workspace.root.rglob("*") if p.is_file()} == before
    assert (found.tolerance.machine, found.machine, found.code, found.damaged) == ("same machine", [], [], [])
    words, data = write(found, tmp_path / "again")
    summary = json.loads(data.read_text())
    assert summary["verdict"] == "agrees"
    assert summary["chapters"] == ["01_first", "02_second"]
    assert summary["overrides"] == ["training.epochs=3"]
    values = {n["what"]: n["new"] for n in summary["numbers"] if "new" in n}
    assert (values["epochs"], values["auc"]) == (3, 0.75)
    assert "**Agrees: all " in words.read_text()

    # A finished re-run is done anew; a folder that is none is left alone.
    told: list[str] = []
    rerun(workspace, tmp_path / "again", ["2"], folder=folder, echo=told.append)
    assert [line.split()[1] for line in told if " running" in line] == ["02_second"]
    assert not (tmp_path / "again" / "smoke" / "executed" / "01_first.ipynb").exists()


def test_tampered_numbers_are_named_with_their_distance(own, tmp_path):
    workspace, folder = own
    set_number(workspace, "auc", 0.74)
    set_number(workspace, "epochs", 4)
    shares = workspace.results / "second" / "shares.csv"
    shares.write_text(shares.read_text().replace("0.5", "0.9"))
    found = rerun(workspace, tmp_path / "again", ["02"], folder=folder, echo=lambda _: None)
    summary = record(found)
    assert summary["verdict"] == "differs"
    rows = {n["what"]: n for n in summary["numbers"] if n["verdict"] == "differs"}
    assert rows.keys() == {"auc", "epochs", "shares.csv: share"}
    assert rows["auc"]["difference"] == pytest.approx(0.01)
    assert rows["epochs"]["difference"] == 1
    assert rows["shares.csv: share"]["difference"] == pytest.approx(0.4)
    assert summary["files of the kept run that were changed"] == ["02_second: results/second"]
    words = write(found, tmp_path / "again")[0].read_text()
    assert "Differs: 3 of " in words
    assert "| second | epochs | 4 | 3 | 1 |" in words
    assert "02_second: results/second" in words

    # Another machine's tolerance bears one of the three.
    other = rerun(
        workspace, tmp_path / "other", ["02"], machine="other machine", folder=folder, echo=lambda _: None
    )
    verdicts = {n["what"]: n["verdict"] for n in record(other)["numbers"]}
    assert verdicts["auc"] == "agrees within tolerance"
    assert verdicts["epochs"] == "differs"


def test_changed_code_and_another_machine_are_named(own, tmp_path):
    workspace, folder = own
    record_of = json.loads(workspace.manifest.read_text())
    record_of["environment"]["processor"] = "another"
    record_of["notebooks"]["02_second"]["library"] = "0" * 20
    workspace.manifest.write_text(json.dumps(record_of))
    found = rerun(workspace, tmp_path / "again", ["02"], folder=folder, echo=lambda _: None)
    assert found.tolerance.machine == "other machine"
    assert [m.partition(":")[0] for m in found.machine] == ["processor"]
    assert found.code == ["02_second: library code"]


def test_a_failing_chapter_names_the_command_to_go_on(own, tmp_path):
    workspace, folder = own
    changed = tmp_path / "notebooks"
    shutil.copytree(folder, changed)
    (changed / "02_second.py").write_text(SECOND + "1 / 0\n")
    with pytest.raises(NotebookFailed, match=r"(?s)02_second.*To go on: the same `amdd verify --rerun`"):
        rerun(workspace, tmp_path / "again", ["02"], folder=changed, echo=lambda _: None)


def test_folders_that_are_no_rerun_are_refused(own, tmp_path):
    workspace, folder = own
    for place in (workspace.root.parent, workspace.root):
        with pytest.raises(ValueError, match="kept run; name another folder"):
            rerun(workspace, place, folder=folder)
    (tmp_path / "full" / "smoke").mkdir(parents=True)
    (tmp_path / "full" / "smoke" / "thesis.txt").write_text("mine")
    with pytest.raises(ValueError, match="not empty and not a re-run"):
        rerun(workspace, tmp_path / "full", folder=folder)
    assert (tmp_path / "full" / "smoke" / "thesis.txt").read_text() == "mine"
    with pytest.raises(ValueError, match="no notebook '07'"):
        rerun(workspace, tmp_path / "new", ["07"], folder=folder)
    shutil.rmtree(workspace.root / "runs")
    with pytest.raises(ValueError, match="missing in the kept run"):
        rerun(workspace, tmp_path / "new", ["02"], folder=folder)


def test_a_record_without_a_processor_counts_as_another_machine(kept):
    found = json.loads(kept[0].manifest.read_text())
    older = copy.deepcopy(found)
    del older["environment"]["processor"]
    assert machine_differences(found, found, list(found["notebooks"])) == []
    assert machine_differences(older, found, list(found["notebooks"])) != []


def test_the_command_writes_the_certificate_and_fails_where_numbers_differ(
    own, tmp_path, monkeypatch, capsys
):
    from functools import partial

    from amdd.commands.book import Verify
    from amdd.companion import rerun as module

    workspace, folder = own
    set_number(workspace, "auc", 0.6)
    monkeypatch.setenv("AMDD_BUILD", str(workspace.root.parent))
    monkeypatch.setattr(module, "rerun", partial(rerun, folder=folder, echo=lambda _: None))
    assert Verify(profile="smoke", rerun=True, only=["02"]).do() == 1
    place = workspace.root.parent / "rerun"
    assert json.loads((place / "certificate.json").read_text())["counts"]["differs"] == 1
    assert capsys.readouterr().out.startswith("differs (same machine): ")
