"""The command line and make: paths, failures, and what is printed."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import subprocess
import sys
import typing
from pathlib import Path
from types import SimpleNamespace

import pytest

from amdd.base.paths import PROJECT, build_root
from amdd.cli import COMMANDS, main
from amdd.commands.common import at_home
from amdd.profiles import SettingsError, with_absolute_paths
from amdd.settings.explain import settings_of


def amdd(*words: str, **more) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "amdd.cli", *words]
    environment = os.environ | {"PYTHONPATH": str(PROJECT), "OMP_NUM_THREADS": "1"} | more.pop("env", {})
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, **more)


def make(folder: Path, *words: str) -> list[str]:
    """The words that a stand-in for the installed command gets from make, in a copy of the project's Makefile."""
    binaries = folder / ".venv" / "bin"
    binaries.mkdir(parents=True, exist_ok=True)
    for name in ("requirements.lock", "requirements-cpu.lock", "pyproject.toml"):
        (folder / name).touch()
    shutil.copy(PROJECT / "Makefile", folder)
    (binaries / "amdd").write_text(f"#!{sys.executable}\nimport sys\nprint('\\n'.join(sys.argv[1:]))\n")
    (binaries / "amdd").chmod(0o755)
    (folder / ".venv" / ".installed").touch()
    own = {"ARGS", "SET", "DATA", "PROFILE", "LOCK", "MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES", "MAKELEVEL"}
    environment = {
        k: v for k, v in os.environ.items() if k not in own
    }  # those of the make that runs these tests
    run = subprocess.run(
        ["make", "-s", *words], cwd=folder, capture_output=True, text=True, check=False, env=environment
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.splitlines()


def test_make_passes_paths_with_blanks_as_one_word(tmp_path):
    found = make(tmp_path, "book", "DATA=/data/my own corpora", "SET=training.epochs=3 corpus.split=paper")
    assert found == [
        *("book", "--profile", "demo"),
        *("--set", "training.epochs=3", "--set", "corpus.split=paper"),
        *("--set", "corpus.data=/data/my own corpora"),
    ]
    assert make(tmp_path, "run", "PROFILE=smoke", "ARGS=--only 03") == [
        "run",
        "--profile",
        "smoke",
        "--only",
        "03",
    ]


@pytest.mark.parametrize(
    "name", ["it's mine", 'a "b" c', "a`touch x`b", "price $5", "a,b;c&d", "~/clips", "a\\b"]
)
def test_make_passes_any_folder_name_as_it_is(tmp_path, name):
    found = make(tmp_path, "run", f"DATA={name}", "SET=corpus.train=folder corpus.external=")
    assert found[-2:] == ["--set", f"corpus.data={name}"]
    assert found[3:7] == ["--set", "corpus.train=folder", "--set", "corpus.external="]
    assert not (tmp_path / "x").exists()


def test_make_help_lists_every_target(tmp_path):
    text = (PROJECT / "Makefile").read_text()
    targets = set(re.search(r"^\.PHONY: (.*)$", text, re.M)[1].split())
    assert {line.split()[1] for line in make(tmp_path, "help")} == targets
    assert all(len(line.split()) > 3 for line in make(tmp_path, "help") if "help" not in line)


def test_paths_become_absolute_and_must_exist(tmp_path, monkeypatch):
    (tmp_path / "my data").mkdir()
    (tmp_path / "voice.onnx").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    given = [
        "corpus.data=my data",
        "model.weights=~/my data",
        "corpus.neural_voice=voice.onnx",
        "training.epochs=3",
    ]
    assert with_absolute_paths(given) == [
        f"corpus.data={tmp_path}/my data",
        f"model.weights={tmp_path}/my data",
        f"corpus.neural_voice={tmp_path}/voice.onnx",
        "training.epochs=3",
    ]
    for kept in ("model.weights=imagenet", "model.weights=random", "corpus.data=", "no sign"):
        assert with_absolute_paths([kept]) == [kept]
    with pytest.raises(SettingsError, match=re.escape(f"no such folder: {tmp_path}/my dat")):
        with_absolute_paths(["corpus.data=my dat"])
    with pytest.raises(SettingsError, match=re.escape(f"expected a folder: {tmp_path}/voice.onnx")):
        with_absolute_paths(["corpus.data=voice.onnx"])
    with pytest.raises(SettingsError, match=re.escape(f"expected a file: {tmp_path}/my data")):
        with_absolute_paths(["corpus.neural_voice=my data"])
    with pytest.raises(SettingsError, match="no home folder"):
        with_absolute_paths(["corpus.data=~nobody-of-this-name/clips"])


@pytest.mark.parametrize("name", COMMANDS)
def test_a_tilde_in_any_path_of_any_command_is_the_home_folder(name, tmp_path, monkeypatch):
    """A shell expands it in `--out ~/runs`, not in `--out=~/runs`."""
    monkeypatch.setenv("HOME", str(tmp_path))
    kinds = typing.get_type_hints(COMMANDS[name])  # Path, Path | None, list[Path]
    paths = [f.name for f in dataclasses.fields(COMMANDS[name]) if "Path" in str(kinds[f.name])]
    lists = {p for p in paths if "list" in str(kinds[p])}
    assert not COMMANDS[name].__dataclass_params__.frozen
    command = SimpleNamespace(
        **{p: [Path("~/a b"), Path("c")] if p in lists else Path("~/a b") for p in paths}
    )
    at_home(command)
    for p in paths:
        assert getattr(command, p) == ([tmp_path / "a b", Path("c")] if p in lists else tmp_path / "a b")
        setattr(
            command, p, [Path("~nobody-of-this-name/x")] if p in lists else Path("~nobody-of-this-name/x")
        )
        with pytest.raises(ValueError, match="~nobody-of-this-name/x: there is no home folder"):
            at_home(command)
        setattr(command, p, [] if p in lists else Path("x"))


def test_a_tilde_behind_an_equals_sign_reaches_the_command_as_the_home_folder(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["amdd", "assignments", "--out=~/course"])
    monkeypatch.setattr(COMMANDS["assignments"], "do", lambda self: print(self.out))
    with pytest.raises(SystemExit):
        main()
    assert capsys.readouterr().out.strip() == str(tmp_path / "course")


def test_the_build_folder_may_begin_with_a_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AMDD_BUILD", "~/build")
    assert build_root() == (tmp_path / "build").resolve()


@pytest.mark.parametrize("setting", ["corpus.data", "model.weights"])
def test_a_folder_that_does_not_exist_is_found_before_the_first_notebook(setting, tmp_path):
    done = amdd("run", "--profile", "smoke", "--set", f"{setting}=nowhere", cwd=tmp_path,
                env={"AMDD_BUILD": str(tmp_path / "b")})  # fmt: skip
    assert done.returncode == 1
    assert str(tmp_path / "nowhere") in done.stderr and len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "b").exists()


def test_notebooks_get_the_absolute_path(tmp_path, monkeypatch):
    import amdd.companion.pipeline
    from amdd.commands.book import Run

    got = {}
    monkeypatch.setattr(
        amdd.companion.pipeline, "run", lambda profile, overrides, *rest: got.update(o=overrides)
    )
    (tmp_path / "clips").mkdir()
    monkeypatch.chdir(tmp_path)
    assert Run(profile="smoke", set=["corpus.data=clips"]).do() == 0
    assert got["o"] == [f"corpus.data={tmp_path}/clips"]


def test_settings_are_printed_with_value_range_and_reason():
    done = amdd("settings", "smoke", "--set", "training.epochs=5")
    assert done.returncode == 0, done.stderr
    text = " ".join(done.stdout.split())
    assert "training.epochs = 5 a whole number from 1 to 100000 epochs; " in text
    for setting in settings_of():
        assert f"{setting.name} =" in text
        assert setting.accepts in text and setting.reason in text
    refused = amdd("settings", "smoke", "--set", "training.epochs=-3")
    assert refused.returncode == 1
    assert refused.stderr == "amdd: training.epochs='-3': expected a whole number from 1 to 100000\n"


def test_nothing_prepared_is_a_failure_with_its_commonest_reasons(tmp_path):
    root = tmp_path / "clips"
    for name in ("real/a", "real/b", "fake/c"):
        path = root / f"{name}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"this is no video")
    done = amdd("prepare", "folder", str(root), "--profile", "smoke", "--out", str(tmp_path / "out"))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "0 clips prepared, 3 failed" in done.stdout
    assert re.search(r"^  3 x \S+", done.stdout, re.M)
    assert str(tmp_path / "out" / "failures.csv") in done.stdout
    assert (tmp_path / "out" / "failures.csv").is_file()
    assert "no clip could be prepared" in done.stderr


def test_a_closed_pipe_is_no_error():
    command = f"{sys.executable} -m amdd.cli settings | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False, cwd=PROJECT)
    assert done.stdout.startswith("corpus.data")
    assert done.stderr == ""
