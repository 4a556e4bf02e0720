"""The bill of materials of the software: every locked package as CycloneDX 1.6 (https://cyclonedx.org)."""

from __future__ import annotations

import importlib.metadata
import re
import tomllib
import uuid
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL

import amdd
from amdd.base.hashing import hash_path
from amdd.base.packages import LOCK
from amdd.base.paths import PROJECT, write_text

SCHEMA = SchemaVersion.V1_6
LINE = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;]+)(?:\s*;\s*(.+))?$")


def export(out: Path, lock: Path = PROJECT / LOCK) -> Path:
    """Write the bill of the packages in ``lock`` to ``out`` (JSON) and return it; equal locks give equal files."""
    text = make_outputter(bill(lock), OutputFormat.JSON, SCHEMA).output_as_string(indent=1)
    return write_text(out, text + "\n")


def bill(lock: Path) -> Bom:
    """Return the bill of materials of a lock file. Raises ``ValueError`` for a line that is no pin."""
    found = Bom()
    found.serial_number = uuid.uuid5(uuid.NAMESPACE_URL, hash_path(lock))
    found.metadata.timestamp = None  # type: ignore[assignment]  # equal locks give equal files
    found.metadata.component = root = Component(
        name="amdd",
        version=amdd.__version__,
        type=ComponentType.APPLICATION,
        bom_ref="amdd",
        licenses=[LicenseExpression("Apache-2.0")],
    )
    parts: dict[str, list[Component]] = {}
    for name, version, marker in pins(lock):
        part = component(name, version, marker)
        found.components.add(part)
        parts.setdefault(name, []).append(part)
    for part in found.components:
        needed = [p for name in _requirements(part.name) for p in parts.get(name, [])]
        found.register_dependency(part, needed)
    found.register_dependency(root, [p for name in _direct() for p in parts.get(name, [])])
    return found


def pins(lock: Path) -> list[tuple[str, str, str]]:
    """Return name, version and environment marker of every line of a lock. Raises ``ValueError`` for another line."""
    found = []
    for number, line in enumerate(lock.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip() or line.startswith(("#", "--")):
            continue
        pin = LINE.match(line.strip())
        if pin is None:
            raise ValueError(
                f"{lock.name}, line {number}: no pin of the form name==version; write the lock again"
            )
        found.append((pin[1], pin[2], pin[3] or ""))
    return found


def component(name: str, version: str, marker: str = "") -> Component:
    """Return one package, with the licence that it states where it is installed here in that version."""
    address = PackageURL("pypi", None, name.lower().replace("_", "-"), version)
    properties = [Property(name="amdd:environment-marker", value=marker)] if marker else []
    part = Component(
        name=name,
        version=version,
        type=ComponentType.LIBRARY,
        purl=address,
        bom_ref=f"{name}=={version}",
        properties=properties,
    )
    stated = _licence(name, version)
    if stated:
        part.licenses.add(LicenseFactory().make_from_string(stated))
    return part


def _licence(name: str, version: str) -> str:
    """Return the licence that an installed package states in one short line, "" where it states none."""
    try:
        facts = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        return ""
    if facts["Version"].partition("+")[0] != version.partition("+")[0]:
        return ""
    stated = facts.get_all("License-Expression") or facts.get_all("License") or [""]
    text = str(stated[0])
    if not text or "\n" in text or len(text) > 80:
        kinds = [c.split(" :: ")[-1] for c in facts.get_all("Classifier") or [] if c.startswith("License ::")]
        text = kinds[0] if kinds else ""
    return text.strip()


def _requirements(name: str) -> list[str]:
    """Return the names of the packages that an installed package needs, without its extras."""
    try:
        needs = importlib.metadata.requires(name) or []
    except importlib.metadata.PackageNotFoundError:
        return []
    return [_name(need) for need in needs if "extra ==" not in need]


def _direct() -> list[str]:
    """Return the names of the packages that the project itself requires."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [_name(need) for need in project["dependencies"]]


def _name(need: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", need)
    return re.sub(r"[-_.]+", "-", found[0]).lower() if found else ""
