"""A run as a Workflow Run RO-Crate (https://w3id.org/ro/wfrun/workflow/0.5): what was executed, from what, with what result.

The crate holds the manifest, the notebooks as scripts and executed, and the results (numbers, tables, figures). Prepared
clips, weights and predictions are named with their hashes; they are too large for a crate and are made again by the run.
"""

from __future__ import annotations

import hashlib
import io
import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from rocrate.model import ComputerLanguage, ContextEntity
from rocrate.rocrate import ROCrate

from amdd.base.paths import PACKAGE, PROJECT, Workspace
from amdd.companion.chapters import topic_of
from amdd.companion.pipeline import chapters
from amdd.companion.records import read_manifest
from amdd.companion.verify import differences

RO_CRATE = "https://w3id.org/ro/crate/1.1"
WORKFLOW_CRATE = "https://w3id.org/workflowhub/workflow-ro-crate/1.0"
BIOSCHEMAS = "https://bioschemas.org/profiles/{}/1.0-RELEASE"
README = """# {name}

{description}

`ro-crate-metadata.json` describes every file (https://www.researchobject.org/ro-crate/). `manifest.json` is the run's own record.
The code that ran is this companion's at the commit that `manifest.json` names; `amdd verify --rerun` there compares another run
with it.
"""
SHA256 = "https://w3id.org/ro/terms/workflow-run#sha256"
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    WORKFLOW_CRATE: ("Workflow RO-Crate", "1.0"),
}
LICENCE = "https://spdx.org/licenses/Apache-2.0"
WORKFLOW = "workflow/pipeline.py"
PYTHON = "https://www.python.org/"
KINDS = {
    ".json": "application/json",
    ".csv": "text/csv",
    ".svg": "image/svg+xml",
    ".jpg": "image/jpeg",
    ".html": "text/html",
    ".ipynb": "application/x-ipynb+json",
    ".py": "text/x-python",
    ".yml": "application/yaml",
}


def export(workspace: Workspace, out: Path, folder: Path | None = None) -> Path:
    """Write the crate of a finished run to the folder ``out`` and return it.

    ``folder`` holds the notebooks (default: the repository's). A crate that was written there before is replaced. Raises
    ``ValueError`` where files of the run no longer match its manifest or ``out`` holds something else, and
    :class:`~amdd.companion.records.RecordError` where there is no readable manifest.
    """
    record = read_manifest(workspace)
    changed = [d for d in differences(workspace) if not d.startswith("book:")]
    if changed:
        raise ValueError(f"the run does not match its manifest ({changed[0]}); run it again by `amdd run`")
    if out.is_dir() and any(out.iterdir()):
        if not (out / "ro-crate-metadata.json").is_file():
            raise ValueError(f"{out}: not empty and not a crate; name another folder by --out")
        shutil.rmtree(out)
    scripts = {c.name: c.path for c in chapters(folder) if c.name in record["notebooks"]}
    crate = _Builder(workspace, record, scripts).crate()
    crate.write(str(out))
    return out


class _Builder:
    """The crate of one run while it is put together."""

    def __init__(self, workspace: Workspace, record: dict[str, Any], scripts: dict[str, Path]) -> None:
        self.workspace, self.record, self.scripts = workspace, record, scripts
        self.it = ROCrate(version="1.1")
        self.it.metadata.extra_terms["sha256"] = SHA256
        self.citation = yaml.safe_load((PROJECT / "CITATION.cff").read_text(encoding="utf-8"))

    def crate(self) -> ROCrate:
        """Return the crate with all its entities."""
        self._root()
        self.file(
            self.workspace.manifest, "manifest.json", "Hashes, times, versions and seeds of every notebook"
        )
        for path in ("CITATION.cff", "LICENSE", "requirements.lock"):
            self.file(PROJECT / path, path, "")
        workflow = self._workflow()
        actions = [self._notebook_action(name) for name in self.record["notebooks"]]
        self.it.root_dataset["mentions"] = [self._whole(workflow, actions), *actions]
        return self.it

    # --- entities ----------------------------------------------------------------------------------------------------

    def _root(self) -> None:
        self.it.name = f"{self.citation['title']}: a run of the profile {self.record['profile']}"
        self.it.description = (
            "The record of one run of the book: its notebooks as they were executed, the numbers, tables and figures "
            "that they wrote, and the hashes of everything that they read and wrote."
        )
        self.it.license = self.thing(LICENCE, "CreativeWork", name="Apache License 2.0")
        self.agent = self.thing("#authors", "Organization", name=self.citation["authors"][0]["name"])
        self.it.root_dataset["author"] = self.it.root_dataset["publisher"] = self.agent
        self.it.metadata["conformsTo"] = [{"@id": RO_CRATE}, {"@id": WORKFLOW_CRATE}]
        words = README.format(name=self.it.name, description=self.it.description)
        about = {"name": "README.md", "encodingFormat": "text/markdown", "about": {"@id": "./"}}
        about["sha256"] = hashlib.sha256(words.encode()).hexdigest()
        about["contentSize"] = str(len(words.encode()))
        self.it.add_file(io.StringIO(words), "README.md", properties=about)
        self.it.root_dataset["conformsTo"] = [
            self.thing(uri, "CreativeWork", name=name, version=version)
            for uri, (name, version) in PROFILES.items()
        ]

    def thing(self, identifier: str, kind: str | list[str], /, **properties: Any) -> ContextEntity:
        """Return a contextual entity, added once."""
        found = self.it.dereference(identifier)
        if found is not None:
            return found
        return self.it.add(ContextEntity(self.it, identifier, properties={"@type": kind, **properties}))

    def file(self, path: Path, name: str, description: str, **properties: Any) -> Any:
        """Return the data entity of a file that the crate holds, added once."""
        found = self.it.dereference(name)
        if found is not None:
            return found
        size, kind = path.stat().st_size, KINDS.get(path.suffix, "text/plain")
        words = {"name": Path(name).name, "contentSize": str(size), "encodingFormat": kind}
        with open(path, "rb") as handle:
            words["sha256"] = hashlib.file_digest(handle, "sha256").hexdigest()
        if description:
            words["description"] = description
        return self.it.add_file(str(path), name, properties=words | properties)

    def _workflow(self) -> Any:
        python = self.it.add(
            ComputerLanguage(
                self.it,
                PYTHON,
                properties={
                    "name": "Python",
                    "version": self.record.get("environment", {}).get("python", ""),
                    "url": PYTHON,
                },
            )
        )
        steps = [
            self.file(
                path,
                f"notebooks/{path.name}",
                "",
                **{"@type": ["File", "SoftwareSourceCode"], "programmingLanguage": python},
            )
            for path in self.scripts.values()
        ]
        for step in steps:
            step["version"], step["url"] = f"sha256:{step['sha256']}", step.id
        kinds = ["File", "SoftwareSourceCode", "ComputationalWorkflow"]
        words = "Runs the notebooks that are out of date, in order"
        workflow = self.file(PACKAGE / "companion" / "pipeline.py", WORKFLOW, words, **{"@type": kinds})
        workflow["name"] = "amdd run"
        workflow["programmingLanguage"], workflow["hasPart"] = python, steps
        workflow["version"] = self.record.get("environment", {}).get("commit") or str(
            self.citation["version"]
        )
        workflow["url"] = WORKFLOW
        workflow["conformsTo"] = self._profile("ComputationalWorkflow")
        self.it.mainEntity = workflow
        workflow["input"] = [self._parameter(*p) for p in self._inputs()]
        workflow["output"] = self._parameter("manifest", "File", self.it.dereference("manifest.json"))
        return workflow

    def _inputs(self) -> list[tuple[str, str, Any]]:
        seeds = sorted({entry["seed"] for entry in self.record["notebooks"].values()})
        values = {
            "profile": self.record["profile"],
            "settings": " ".join(self.record["overrides"]) or "none replaced",
            "seed": ", ".join(map(str, seeds)),
        }
        return [
            (name, "Text", self.thing(f"#value-{name}", "PropertyValue", name=name, value=value))
            for name, value in values.items()
        ]

    def _parameter(self, name: str, kind: str, example: Any) -> Any:
        parameter = self.thing(
            f"#parameter-{name}",
            "FormalParameter",
            name=name,
            additionalType=kind,
            conformsTo=self._profile("FormalParameter"),
        )
        parameter["workExample"], example["exampleOfWork"] = example, parameter
        return parameter

    def _profile(self, name: str) -> ContextEntity:
        """Return Bioschemas' profile of that name."""
        return self.thing(BIOSCHEMAS.format(name), "CreativeWork", name=name, version="1.0-RELEASE")

    # --- actions -----------------------------------------------------------------------------------------------------

    def _whole(self, workflow: Any, actions: list[Any]) -> Any:
        """Return the action of the whole run."""
        results = {e.id: e for action in actions for e in _listed(action.get("result"))}
        times = [a.get("endTime") for a in actions if a.get("endTime")]
        return self._action(
            "#run",
            f"Run of the profile {self.record['profile']}",
            workflow,
            [self.it.dereference(f"#value-{name}") for name, *_ in self._inputs()],
            [self.it.dereference("manifest.json"), *results.values()],
            {"endTime": max(times)} if times else {},
        )

    def _notebook_action(self, name: str) -> Any:
        """Return the action that executed one notebook."""
        entry = self.record["notebooks"][name]
        results = [
            self.file(
                self.workspace.executed / f"{name}.ipynb", f"executed/{name}.ipynb", "Executed notebook"
            )
        ]
        results += [self._artefact(path, digest) for path, digest in entry["writes"].items()]
        topic = topic_of(name)
        for path in sorted((self.workspace.results / topic).glob("*")):
            if path.is_file() and not path.name.startswith("."):
                results.append(self.file(path, f"results/{topic}/{path.name}", ""))
        tool = self.it.dereference(f"notebooks/{name}.py") or self.it.mainEntity
        return self._action(
            f"#execution-{name}",
            f"Execution of {name}",
            tool,
            [self._artefact(path, digest) for path, digest in entry["reads"].items()],
            results,
            _times(entry),
        )

    def _artefact(self, path: str, digest: str) -> Any:
        """Return a file or folder that the run keeps and the crate does not hold, with its hash (of the manifest: the
        first 20 digits)."""
        return self.thing(
            f"#artefact-{path}",
            "CreativeWork",
            name=path,
            identifier=f"sha256:{digest}" if digest else "absent",
        )

    def _action(self, identifier, name, tool, objects, results, times) -> Any:
        environment = self.record.get("environment", {})
        return self.thing(
            identifier,
            "CreateAction",
            name=name,
            description=f"{name}, on {environment.get('processor') or environment.get('machine', 'a machine')}",
            instrument=tool,
            agent=self.agent,
            object=_single(objects),
            result=_single(results),
            actionStatus="http://schema.org/CompletedActionStatus",
            **times,
        )


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value] if value else []


def _single(values: list[Any]) -> Any:
    """Return the only value of a list itself, as RO-Crate recommends."""
    return values[0] if len(values) == 1 else values


def _times(entry: dict[str, Any]) -> dict[str, str]:
    """Return start and end of a notebook, where its record has them."""
    if not entry.get("ended"):
        return {}
    end = datetime.fromisoformat(entry["ended"])
    start = end - timedelta(seconds=entry["seconds"])
    return {"startTime": start.isoformat(timespec="seconds"), "endTime": end.isoformat(timespec="seconds")}
