"""The lock without CUDA, and the choice between both locks; make's fallback where the CPU packages can't be had."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import sys
import tomllib

import pytest

from amdd.base import packages
from amdd.base.packages import CPU_LOCK, LOCK, TEST_LOCK, choose, cpu_lock, not_served
from amdd.base.paths import PROJECT

TEXT = (PROJECT / CPU_LOCK).read_text(encoding="utf-8")
PYTHON = f"cp{sys.version_info[0]}{sys.version_info[1]}"


def index(url: str) -> str:
    """Return a page of an index that serves what is pinned, for this Python on this machine."""
    name = url.rstrip("/").rpartition("/")[2]
    version = re.search(rf"^{name}==(\S+\+cpu)", TEXT, re.M)[1].replace("+", "%2B")
    wheel = f"{name}-{version}-{PYTHON}-{PYTHON}-manylinux_2_28_{platform.machine()}.whl"
    return f'<a href="/whl/cpu/{wheel}">{wheel}</a>'


def pins(text: str) -> set[str]:
    return {line for line in text.splitlines() if "==" in line and not line.startswith(("#", "-"))}


def test_the_shipped_locks_are_derived_from_the_one_with_cuda():
    both = (PROJECT / LOCK).read_text(encoding="utf-8")
    assert cpu_lock(both) == TEXT
    assert packages.test_lock(both) == (PROJECT / TEST_LOCK).read_text(encoding="utf-8")


def test_both_derived_locks_have_the_same_pins_but_for_cuda():
    both = pins((PROJECT / LOCK).read_text(encoding="utf-8"))
    derived = pins(TEXT) | pins((PROJECT / TEST_LOCK).read_text(encoding="utf-8"))
    assert {re.split("[-=]", line)[0] for line in both - derived} == {
        *("cuda", "nvidia", "triton", "torch", "torchvision", "torchaudio", "imageio")  # imageio-ffmpeg
    }
    assert {line.partition("==")[0] for line in derived - both} == {"torch", "torchvision", "torchaudio"}
    assert not re.search(r"nvidia|cuda|triton|pytest|playwright", "\n".join(pins(TEXT)))


def test_nothing_that_runs_needs_a_package_of_the_tests():
    """What the project requires, directly or through its packages, is in the lock without CUDA."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    seen, waiting = set(), [required(need) for need in project["dependencies"]]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        try:
            needs = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        waiting += [required(need) for need in needs if "extra ==" not in need]
    assert len(seen) > 100
    assert seen & packages.ONLY_TESTS == set()


def required(need: str) -> str:
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", need)[0]).lower()


def test_without_a_card_and_with_an_index_the_cpu_packages_are_chosen():
    name, reason = choose(TEXT, torch="", nvidia=str, fetch=index, system="linux")
    assert (name, reason) == (CPU_LOCK, "no NVIDIA card; this saves several gigabytes")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"nvidia": lambda: "the NVIDIA driver is loaded"}, "driver is loaded"),
        ({"torch": "2.14.1"}, "PyTorch 2.14.1, which is installed"),
        ({"system": "darwin"}, "no CUDA"),
        ({"fetch": lambda url: "<html></html>"}, "has no torch 2"),
        ({"fetch": lambda url: index(url).replace(PYTHON, "cp27")}, f"for {PYTHON}"),
        ({"fetch": lambda url: index(url).replace(platform.machine(), "s390x")}, platform.machine()),
    ],
)
def test_otherwise_the_usual_packages_with_the_reason(options, words):
    usual = {"torch": "", "nvidia": str, "fetch": index, "system": "linux"}
    name, reason = choose(TEXT, **(usual | options))
    assert name == LOCK
    assert words in reason


def test_an_unreachable_index_is_a_reason_and_no_error():
    def broken(url: str) -> str:
        raise OSError("no route")

    assert "not reachable (no route)" in not_served(TEXT, broken)


def test_an_environment_with_cpu_packages_keeps_them():
    assert choose(TEXT, torch="2.14.1+cpu", nvidia=str, fetch=index)[0] == CPU_LOCK


def test_the_lock_of_a_run_is_the_installed_one(monkeypatch):
    from amdd.base.hashing import hash_path
    from amdd.companion.provenance import lock_hash

    for version, name in (("2.14.1+cpu", CPU_LOCK), ("2.14.1", LOCK)):
        monkeypatch.setattr(packages, "installed_torch", lambda version=version: version)
        assert lock_hash() == hash_path(PROJECT / name)


UV = """#!{python}
import sys
from pathlib import Path
Path("calls.txt").open("a").write(" ".join(sys.argv[1:]) + "\\n")
sys.exit(int("{fails}" in sys.argv))
"""


@pytest.mark.parametrize(
    ("chosen", "fails", "words", "used"),
    [
        (CPU_LOCK, "nothing", [], [CPU_LOCK]),
        (LOCK, "nothing", [], [LOCK]),
        (CPU_LOCK, CPU_LOCK, [], [CPU_LOCK, LOCK]),
        (LOCK, "nothing", ["LOCK=requirements-cpu.lock"], [CPU_LOCK]),
    ],
)
def test_make_installs_the_chosen_lock_and_falls_back(tmp_path, chosen, fails, words, used):
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    shutil.copy(PROJECT / "Makefile", tmp_path)
    for name in (LOCK, CPU_LOCK, "pyproject.toml"):
        (tmp_path / name).touch()
    binaries = tmp_path / ".venv" / "bin"
    binaries.mkdir(parents=True)
    (binaries / "python").write_text(f'#!/bin/sh\ncase "$*" in *packages.py) echo {chosen};; esac\n')
    (binaries / "uv").write_text(UV.format(python=sys.executable, fails=fails))
    for tool in ("python", "uv"):
        os.chmod(binaries / tool, 0o755)
    run = subprocess.run(["make", "env", *words], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    calls = (tmp_path / "calls.txt").read_text().splitlines()
    assert [call.partition("-r ")[2] for call in calls] == [f"{name} -e ." for name in used]
    assert [("unsafe-best-match" in call) for call in calls] == [name == CPU_LOCK for name in used]
    assert (".venv/.installed" in run.stdout) or (tmp_path / ".venv" / ".installed").is_file()
