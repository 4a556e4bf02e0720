"""What the pipeline makes of damaged files, killed kernels, second processes, full disks, and texts full of paths."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys

import jupytext
import nbformat
import pytest
from test_pipeline import FIRST, HEAD, house  # noqa: F401  (house is a fixture)

from amdd.base.lock import Busy
from amdd.base.paths import PROJECT, Workspace, write_text
from amdd.companion.cleaning import clean, without_places
from amdd.companion.execute import Took
from amdd.companion.pipeline import NotebookFailed
from amdd.companion.records import RecordError, read_manifest
from amdd.companion.verify import differences


@pytest.fixture
def quick(house, monkeypatch):  # noqa: F811
    """As ``house``, the notebooks' code run in this process: no kernel is started."""

    def here(path, *, label, profile, overrides, workspace, expected=None, echo=print):
        echo(f"{label}  running")
        notebook, names = jupytext.read(path), {}
        for cell in notebook.cells:
            if cell.cell_type == "code":
                exec(cell.source, names)
            if "parameters" in cell.metadata.get("tags", []):
                names |= {"profile": profile.name, "overrides": overrides}
        workspace.executed.mkdir(parents=True, exist_ok=True)
        write_text(workspace.executed / f"{path.stem}.ipynb", nbformat.writes(notebook))
        return Took(0.1, 1)

    monkeypatch.setattr("amdd.companion.pipeline.execute", here)
    return house


# --- a damaged manifest --------------------------------------------------------------------------------------

WHOLE = [b"\xff\xfe\x00", b"", b"null", b"[]", b"7", b'"x"', b"{", b"[" * 100_000, b"\xc3\x28",
         b'{"profile": "smoke"}', b'{"profile": 1, "overrides": [], "settings": {}, "notebooks": {}}']  # fmt: skip


@pytest.mark.parametrize("data", WHOLE)
def test_a_manifest_that_cannot_be_read_is_set_aside_and_the_run_goes_on(quick, data):
    _, go, ran, told = quick
    go()
    workspace = Workspace.of("smoke")
    workspace.manifest.write_bytes(data)
    with pytest.raises(RecordError, match=r"manifest\.json is damaged .*amdd run --profile smoke"):
        read_manifest(workspace)
    go()
    assert ran() == ["01_first", "02_second", "03_third"]
    assert "manifest.json is damaged" in told[0] and "manifest.json.damaged" in told[0]
    assert workspace.manifest.with_name("manifest.json.damaged").read_bytes() == data
    assert differences(workspace) == []


def change(path, edit):
    record = json.loads(path.read_text())
    edit(record)
    path.write_text(json.dumps(record))


@pytest.mark.parametrize(
    "edit",
    [
        lambda n: n.update({"02_second": None}),
        lambda n: n.update({"02_second": []}),
        lambda n: n.update({"02_second": {}}),
        lambda n: n["02_second"].pop("seconds"),
        lambda n: n["02_second"].pop("reads"),
        lambda n: n["02_second"].update(seconds="long"),
        lambda n: n["02_second"].update(seconds=-1),
        lambda n: n["02_second"].update(writes=["a"]),
        lambda n: n["02_second"].update(reads={"a": 1}),
        lambda n: n["02_second"].update(source=None),
    ],
)
def test_a_damaged_entry_costs_that_notebook_alone(quick, edit):
    _, go, ran, told = quick
    go()
    workspace = Workspace.of("smoke")
    change(workspace.manifest, lambda record: edit(record["notebooks"]))
    with pytest.raises(RecordError, match=r"notebooks\.02_second"):
        differences(workspace)
    go()
    assert ran() == ["02_second"]
    assert "notebooks.02_second" in told[0]
    assert differences(workspace) == []


def test_a_manifest_of_former_versions_is_no_damage(quick):
    _, go, ran, told = quick
    go()
    workspace = Workspace.of("smoke")
    change(workspace.manifest, lambda r: [e.pop("executed") for e in r["notebooks"].values()])
    go()
    assert ran() == ["01_first", "02_second", "03_third"]
    assert not [line for line in told if "damaged" in line]


# --- damaged results -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("damage", ["cut", "changed", "gone"])
def test_an_executed_notebook_that_was_changed_is_made_again_and_named(quick, damage):
    _, go, ran, _ = quick
    go()
    workspace = Workspace.of("smoke")
    path = workspace.executed / "02_second.ipynb"
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:300])
    elif damage == "changed":
        path.write_text(path.read_text().replace("Second", "Secund"))
    else:
        path.unlink()
    assert differences(workspace) == ["02_second: executed/02_second.ipynb"]
    go()
    assert ran() == ["02_second"]
    assert differences(workspace) == []


def test_results_weights_and_shards_are_compared(quick):
    _, go, ran, _ = quick
    go()
    workspace = Workspace.of("smoke")
    (workspace.runs / "b.txt").write_text("spoilt")
    (workspace.results / "second" / "numbers.json").write_text("{}")
    assert differences(workspace) == [
        "02_second: runs/b.txt",
        "02_second: results/second",
        "03_third: runs/b.txt",
    ]
    go()
    assert ran()[0] == "02_second"


# --- a second process ----------------------------------------------------------------------------------------


def test_a_second_pipeline_is_refused_with_the_first_ones_process(quick):
    _, go, _, _ = quick
    root = Workspace.of("smoke").root
    code = f"from amdd.base.lock import exclusive\nwith exclusive({str(root)!r}): print('held', flush=True); input()"
    other = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(Busy, match=f"process {other.pid}"):
            go()
    finally:
        other.communicate("\n")
    assert go()["notebooks"]


# --- deaths that are no exceptions ---------------------------------------------------------------------------

KILLED = HEAD.format(title="Killed", name="01_killed") + (
    'print("got here")\n\n# %%\nimport os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n'
)


def test_a_killed_kernel_is_reported_like_any_failed_cell(house):  # noqa: F811
    folder, go, _, _ = house
    for script in folder.glob("*.py"):
        script.unlink()
    (folder / "01_killed.py").write_text(KILLED)
    with pytest.raises(NotebookFailed) as failure:
        go(overrides=["corpus.seed=7"])
    message = str(failure.value)
    for words in ("01_killed", "in cell 4", "os.kill", "killed; the commonest cause is a lack of memory",
                  "amdd run --profile smoke --set corpus.seed=7 --from 01"):  # fmt: skip
        assert words in message
    executed = Workspace.of("smoke").executed
    assert "got here" in (executed / "01_killed.failed.ipynb").read_text()
    assert not (executed / "01_killed.ipynb").exists()


def test_the_command_that_continues_can_be_pasted_with_blanks_in_a_path(house, tmp_path):  # noqa: F811
    folder, go, _, _ = house
    (folder / "01_first.py").write_text(FIRST + "1 / 0\n")
    (tmp_path / "my data").mkdir()
    with pytest.raises(NotebookFailed) as failure:
        go(overrides=[f"corpus.data={tmp_path / 'my data'}"])
    assert f"--set 'corpus.data={tmp_path / 'my data'}' --from 01" in str(failure.value)


# --- disks ---------------------------------------------------------------------------------------------------


def test_a_full_disk_is_one_error_and_leaves_earlier_work(quick, monkeypatch):
    _, go, _, _ = quick
    go()
    workspace = Workspace.of("smoke")
    before = {
        p: p.read_bytes() for p in workspace.root.rglob("*") if p.is_file() and ".partial" not in p.parts
    }

    def full(self, *args, **kwargs):
        raise OSError(28, "No space left on device", str(self))

    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.write_text", full)
        with pytest.raises(OSError, match="No space left on device"):
            go(force=True)
    for path in (workspace.manifest, workspace.runs / "a.txt"):
        assert path.read_bytes() == before[path]
    go()
    assert differences(workspace) == []


def test_a_place_that_cannot_be_written_to_is_named(tmp_path, monkeypatch):
    from amdd.companion.pipeline import run

    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("AMDD_BUILD", str(tmp_path / "file"))
    with pytest.raises(OSError, match="file"):
        run("smoke", echo=lambda line: None)
    assert (tmp_path / "file").read_text() == "in the way"


ANNA = "/".join(["", "home", "anna"])  # a home

# --- texts full of paths -------------------------------------------------------------------------------------

IMAGE = base64.b64encode(b"\xff/root/app/w/" * 40).decode()


def executed(tmp_path, place: str):
    """A notebook whose outputs name ``place`` in every kind of output."""
    cell = nbformat.v4.new_code_cell("x = 1")
    cell.outputs = [
        nbformat.v4.new_output("stream", name="stdout", text=f"read {place}/a.txt, {place}: done\n"),
        nbformat.v4.new_output(
            "display_data",
            {
                "image/png": IMAGE,
                "image/svg+xml": f"<svg>{place}/x</svg>",
                "application/json": {"place": f"{place}/x"},
                "text/plain": f"'{place}/a.txt'",
                "text/html": f'<b title="{place}/a">{place}</b><img src="data:image/png;base64,{IMAGE}">',
            },
        ),
        nbformat.v4.new_output("error", ename="E", evalue=f"{place}/b", traceback=[f"File {place}/c.py:1"]),
    ]
    given = nbformat.v4.new_code_cell(f'overrides = ["corpus.data={place}/my data"]')
    given.metadata["tags"] = ["injected-parameters"]
    path = tmp_path / "n.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[given, cell]), path)
    return path


@pytest.mark.parametrize("home", ["/", "/r", ANNA, None])
def test_paths_are_replaced_in_texts_alone_whatever_home_is(tmp_path, monkeypatch, home):
    monkeypatch.setenv("HOME", home) if home else monkeypatch.delenv("HOME")
    workspace = Workspace(tmp_path / "build" / "demo")
    known = nbformat.read(executed(tmp_path, str(workspace.root)), as_version=4)
    path = executed(tmp_path, str(workspace.root))
    clean(path, workspace)
    found = nbformat.read(path, as_version=4)
    given, cell = found.cells
    stream, display, error = cell.outputs
    assert stream.text == "read _build/demo/a.txt, _build/demo: done\n"
    assert display.data["text/plain"] == "'_build/demo/a.txt'"
    assert display.data["text/html"].startswith('<b title="_build/demo/a">_build/demo</b>')
    assert (error.evalue, error.traceback) == ("_build/demo/b", ["File _build/demo/c.py:1"])
    assert given.source == 'overrides = ["corpus.data=_build/demo/my data"]'
    assert "remove-cell" in given.metadata["tags"]
    for kind in ("image/png", "image/svg+xml", "application/json"):
        assert display.data[kind] == known.cells[1].outputs[1].data[kind]
    assert f"base64,{IMAGE}" in display.data["text/html"]


def test_home_and_project_are_replaced_at_borders_of_paths_only(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", ANNA)
    path = executed(tmp_path, ANNA)
    clean(path, Workspace(tmp_path))
    assert nbformat.read(path, as_version=4).cells[1].outputs[0].text == "read ~/a.txt, ~: done\n"
    places = [(ANNA, "~")]
    for text in (f"{ANNA}bel/x", f"/mnt{ANNA}/x", f"{ANNA}-2", f"x{ANNA}", f"{ANNA}.bak"):
        assert without_places(text, places) == text
    assert without_places(f"'{ANNA}' ({ANNA}/x) {ANNA}", places) == "'~' (~/x) ~"
    path = executed(tmp_path, str(PROJECT))
    clean(path, Workspace(tmp_path))
    assert nbformat.read(path, as_version=4).cells[1].outputs[0].text == "read ./a.txt, .: done\n"


def test_a_user_without_home_and_name_can_clean(tmp_path):
    """A container may run as a number that no user has."""
    path = executed(tmp_path, str(tmp_path / "build"))
    code = (
        "import os, pwd, sys\nfrom pathlib import Path\npwd.getpwuid = lambda uid: (_ for _ in ()).throw(KeyError(uid))\n"
        "from amdd.base.paths import Workspace\nfrom amdd.companion.cleaning import clean\n"
        "clean(Path(sys.argv[1]), Workspace(Path(sys.argv[2])))\n"
    )
    environment = {k: v for k, v in os.environ.items() if k != "HOME"}
    subprocess.run(
        [sys.executable, "-c", code, str(path), str(tmp_path / "build")], env=environment, check=True
    )
    assert "_build/build/a.txt" in path.read_text()


def test_outside_a_checkout_the_error_says_that_a_clone_is_needed(tmp_path):
    from amdd.companion.pipeline import chapters

    with pytest.raises(FileNotFoundError, match="clone it"):
        chapters(tmp_path / "nowhere")
