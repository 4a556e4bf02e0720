"""The built wheel: complete, and usable without the repository."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from amdd.base.paths import PROJECT

DATA = {
    ".npz",
    ".safetensors",
    ".csv",
    ".json",
    ".txt",
    ".yml",
    ".html",
    ".js",
    ".css",
    ".zip",
    ".jinja",
    ".svg",
    ".pyi",
    ".md",
}


def package_files() -> set[str]:
    """Every file of the package as the repository has it."""
    found = {p for p in (PROJECT / "amdd").rglob("*") if p.is_file() and "__pycache__" not in p.parts}
    return {p.relative_to(PROJECT).as_posix() for p in found if not p.name.startswith(".")}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel, built by the project's own build backend from a copy."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(PROJECT / name, source)
    shutil.copytree(PROJECT / "amdd", source / "amdd", ignore=shutil.ignore_patterns("__pycache__"))
    build = f"from setuptools.build_meta import build_wheel; print(build_wheel({str(out)!r}))"
    run = subprocess.run(
        [sys.executable, "-c", build], cwd=source, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr[-2000:]
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """An environment that sees this one's packages by a path file, and has the wheel in place of the repository."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    place = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(place)
    (place / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder


SEVERAL = """
import contextlib, io, json, sys
from amdd.cli import main

done = []
for words in json.loads(sys.argv.pop()):
    out, err, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            sys.argv = ["amdd", *words]
            main()
        except SystemExit as stop:
            code = stop.code or 0
    done.append((code, out.getvalue(), err.getvalue()))
print(json.dumps(done))
"""


def amdd(installed: Path, cwd: Path, *commands: list[str]) -> list[tuple[int, str, str]]:
    """Exit status, output and errors of commands, one after the other in one process that has no repository."""
    python = Path(sysconfig.get_path("scripts", vars={"base": str(installed)})) / "python"
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "AMDD_BUILD")}
    environment |= {"OMP_NUM_THREADS": "1"}
    run = subprocess.run(
        [str(python), "-c", SEVERAL, json.dumps(commands)],
        capture_output=True, text=True, check=False, cwd=cwd, env=environment,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-2000:]
    return [tuple(done) for done in json.loads(run.stdout.splitlines()[-1])]


def test_every_file_that_the_package_reads_is_in_the_wheel(wheel):
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())
    wanted = package_files()
    assert {Path(name).suffix for name in wanted} - {".py"} <= DATA, "a new kind of file: add it to DATA"
    assert wanted - inside == set()
    assert {n for n in inside if n.startswith("amdd/")} == wanted
    assert not [n for n in inside if not n.startswith(("amdd/", "amdd-"))]
    assert any(n.endswith("entry_points.txt") for n in inside)


def test_commands_that_need_the_repository_say_so_in_one_line(installed, tmp_path):
    for code, _, error in amdd(
        installed, tmp_path, *([c, "--profile", "smoke"] for c in ("run", "book", "pdf", "epub"))
    ):
        assert code == 1
        assert "needs the repository" in error and len(error.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_the_other_commands_work_without_the_repository(installed, tmp_path):
    small = ["corpus.external=", "corpus.seconds=0.6", "corpus.size=160", "corpus.real=2,2,2", "corpus.fake=1,1,1",
             "corpus.fake_audio=0", "corpus.identities=2,2,2", "preparation.seconds=0.6", "preparation.frames=2",
             "preparation.size=32", "training.epochs=1", "model.visual_backbone=shufflenet_v2_x0_5",
             "model.audio_backbone=shufflenet_v2_x0_5", "model.weights=random"]  # fmt: skip
    options = ["--profile", "smoke", *(word for s in small for word in ("--set", s))]
    work = tmp_path / "_build" / "smoke"
    root, run = work / "corpora" / "puppet-favc", work / "runs" / "full-seed0"
    commands = {
        "training.epochs = 2": ["settings", "smoke"],
        "FakeAVCeleb": ["corpora"],
        "Visual encoder": ["model", "summary"],
        "people.png": ["puppets", "sheet", "--count", "2"],
        f"puppet-favc: {root}": ["puppets", "make", *options],
        "15 clips": ["scan", "puppet-favc", str(root)],
        " clips prepared": ["prepare", "puppet-favc", str(root), *options],
        "was selected": ["train", *options],
        "balanced_accuracy": ["evaluate", str(run), str(work / "prepared" / "puppet-favc")],
    }
    found = amdd(installed, tmp_path, *commands.values())
    for (said, words), (code, out, error) in zip(commands.items(), found, strict=True):
        assert code == 0, f"{words}: {error[-2000:]}"
        assert said in out, f"{words}: {out[-2000:]}"
    assert (tmp_path / "people.png").stat().st_size > 1000
