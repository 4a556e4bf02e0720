"""Metadata of the repository for archives, from one source: ``CITATION.cff``, with version and bounds of the package.

``.zenodo.json`` is what Zenodo reads when it archives a release, ``codemeta.json`` (https://codemeta.github.io, version 3.0)
what catalogues of research software read.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import yaml

from amdd.base.paths import PROJECT, write_text


def write(root: Path = PROJECT) -> list[Path]:
    """Write both files below ``root`` from the citation file there and return them."""
    return [write_text(root / name, text) for name, text in texts(root).items()]


def texts(root: Path = PROJECT) -> dict[str, str]:
    """Return the content of both files by name."""
    citation = yaml.safe_load((root / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    records = {".zenodo.json": zenodo(citation), "codemeta.json": codemeta(citation, project)}
    return {name: json.dumps(r, indent=2, ensure_ascii=False) + "\n" for name, r in records.items()}


def zenodo(citation: dict[str, Any]) -> dict[str, Any]:
    """Return the deposit metadata for Zenodo."""
    return {
        "title": citation["title"],
        "description": f"<p>{_one_line(citation['abstract'])}</p>",
        "upload_type": "software",
        "access_right": "open",
        "license": citation["license"],
        "version": str(citation["version"]),
        "publication_date": str(citation["date-released"]),
        "creators": [_creator(author) for author in citation["authors"]],
        "keywords": citation["keywords"],
        "related_identifiers": [
            {
                "identifier": paper["doi"],
                "scheme": "doi",
                "relation": "references",
                "resource_type": "publication-preprint",
            }
            for paper in citation["references"]
        ],
    }


def codemeta(citation: dict[str, Any], project: dict[str, Any]) -> dict[str, Any]:
    """Return the CodeMeta 3.0 description of the software; ``project`` is that of ``pyproject.toml``."""
    released = str(citation["date-released"])
    return {
        "@context": "https://w3id.org/codemeta/3.0",
        "@type": "SoftwareSourceCode",
        "name": citation["title"],
        "identifier": project["name"],
        "description": _one_line(citation["abstract"]),
        "version": str(citation["version"]),
        "dateModified": released,
        "datePublished": released,
        "license": f"https://spdx.org/licenses/{citation['license']}",
        "author": [_agent(author) for author in citation["authors"]],
        "keywords": citation["keywords"],
        "programmingLanguage": [
            {"@type": "ComputerLanguage", "name": "Python", "version": project["requires-python"]}
        ],
        "operatingSystem": ["Linux", "macOS", "Windows"],
        "applicationCategory": "Research",
        "softwareRequirements": project["dependencies"],
        "readme": "README.md",
        "buildInstructions": "README.md",
        "referencePublication": [
            {
                "@type": "ScholarlyArticle",
                "name": paper["title"],
                "identifier": f"https://doi.org/{paper['doi']}",
                "author": [_agent(author) for author in paper["authors"]],
            }
            for paper in citation["references"]
        ],
    }


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _creator(author: dict[str, Any]) -> dict[str, str]:
    """Return an author as Zenodo takes them: family name first, an ORCID where it is known."""
    name = author.get("name") or f"{author['family-names']}, {author['given-names']}"
    orcid = str(author.get("orcid", "")).removeprefix("https://orcid.org/")
    return {"name": name} | ({"orcid": orcid} if orcid else {})


def _agent(author: dict[str, Any]) -> dict[str, str]:
    """Return an author as schema.org's person or organisation."""
    if "name" in author:
        return {"@type": "Organization", "name": author["name"]}
    person = {"@type": "Person", "givenName": author["given-names"], "familyName": author["family-names"]}
    return person | ({"@id": author["orcid"]} if "orcid" in author else {})
