"""The built-in corpus as Croissant 1.1 with its responsible-AI part (http://mlcommons.org/croissant/1.1).

``croissant.json`` and ``clips.csv`` lie beside the corpora, so that their paths hold wherever the folder is copied.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from amdd.base.paths import PROJECT, atomic, path_from_text, write_text
from amdd.corpora import BUILT_IN, scan

HERE = Path(__file__).parent
TABLE, DESCRIPTION = "clips.csv", "croissant.json"
VERSION, RAI_VERSION = "http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"
LICENCE = "https://spdx.org/licenses/Apache-2.0"
MEDIA = {".mp4": "video/mp4", ".avi": "video/x-msvideo", ".wav": "audio/wav", ".jpg": "image/jpeg"}
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "sc": "https://schema.org/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "description": {"@container": "@language"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "name": {"@container": "@language"},
} | {
    name: f"cr:{name}"
    for name in (
        *(
            "arrayShape",
            "citeAs",
            "column",
            "containedIn",
            "equivalentProperty",
            "extract",
            "field",
            "fileProperty",
        ),
        *(
            "fileObject",
            "fileSet",
            "format",
            "includes",
            "isArray",
            "isLiveDataset",
            "jsonPath",
            "key",
            "md5",
        ),
        *("parentField", "path", "recordSet", "references", "regex", "repeated", "replace", "samplingRate"),
        *("separator", "source", "subField", "transform"),
    )
}


def export(folder: Path, day: str | None = None) -> Path:
    """Write ``clips.csv`` and ``croissant.json`` beside the built-in corpora in ``folder`` and return the latter.

    ``day`` is the date of publication (YYYY-MM-DD; default: that of the citation file). Raises ``ValueError`` where there is
    no built-in corpus, and :class:`~amdd.corpora.CorpusError` for one that can't be read.
    """
    roots = {name: folder / name for name in BUILT_IN if (folder / name).is_dir()}
    if not roots:
        raise ValueError(
            f"{folder}: no built-in corpus here; make it by `amdd puppets make`, or name its folder by --corpora"
        )
    words = yaml.safe_load((HERE / "puppetav.yml").read_text(encoding="utf-8"))
    table = clips_table(roots, list(words["fields"]))
    with atomic(folder / TABLE) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")
    body = description(table, words, _sha256(folder / TABLE), media_of(roots), day)
    return write_text(folder / DESCRIPTION, json.dumps(body, indent=1, ensure_ascii=False) + "\n")


def clips_table(roots: Mapping[str, Path], columns: list[str]) -> pd.DataFrame:
    """Return one row per clip of the corpora at ``roots`` (by name), with paths below their common folder."""
    parts, folder = [], next(iter(roots.values())).parent
    for name, root in roots.items():
        table = scan(name, root).table
        table["sha256"] = [_sha256(root / path_from_text(video)) for video in table["video"]]
        for column in ("video", "audio"):
            table[column] = [_below(folder, root, path) for path in table[column]]
        parts.append(table[columns])
    return pd.concat(parts, ignore_index=True)


def _below(folder: Path, root: Path, path: str) -> str:
    """Return a manifest's path (below ``root``, or absolute) as one below ``folder``, "" for none."""
    return path and Path(os.path.relpath(root / path, folder.absolute())).as_posix()


def _sha256(path: Path) -> str:
    """Return the SHA-256 of a file, "" for a folder."""
    if not path.is_file():
        return ""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def media_of(roots: Mapping[str, Path]) -> dict[str, list[str]]:
    """Return the suffixes of the media files of each corpus; the ground truth beside them is left out."""
    found = {}
    for name, root in roots.items():
        suffixes = {
            p.suffix
            for p in root.rglob("*")
            if p.suffix in MEDIA and "truth" not in p.relative_to(root).parts
        }
        found[name] = sorted(suffixes)
    return found


def description(
    table: pd.DataFrame, words: dict[str, Any], digest: str, media: Mapping[str, list[str]], day: str | None
) -> dict[str, Any]:
    """Return the Croissant description of ``table`` as JSON-LD; ``digest`` is the SHA-256 of its file."""
    citation = yaml.safe_load((PROJECT / "CITATION.cff").read_text(encoding="utf-8"))
    counts = ", ".join(
        f"{name}: {n} clips" for name, n in table["corpus"].value_counts().sort_index().items()
    )
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "name": words["name"],
        "description": f"{words['description']} {counts}.",
        "conformsTo": [VERSION, RAI_VERSION],
        "license": LICENCE,
        "version": str(citation["version"]),
        "datePublished": day or str(citation["date-released"]),
        "url": "https://arxiv.org/abs/2604.26453",
        "citeAs": cite_as(citation),
        "creator": {"@type": "Organization", "name": citation["authors"][0]["name"]},
        "keywords": words["keywords"],
        "isLiveDataset": False,
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": TABLE,
                "name": TABLE,
                "description": "One row per clip.",
                "contentUrl": TABLE,
                "encodingFormat": "text/csv",
                "sha256": digest,
            },
            *_file_sets(media),
        ],
        "recordSet": [_records(words["fields"])],
        **{f"rai:{key}": value for key, value in words["rai"].items()},
    }


def cite_as(citation: dict[str, Any]) -> str:
    """Return the citation file's entry in one line."""
    names = "; ".join(
        a.get("name") or f"{a['family-names']}, {a['given-names']}" for a in citation["authors"]
    )
    year = str(citation["date-released"])[:4]
    return f"{names} ({year}). {citation['title']} (version {citation['version']}) [software and data]."


def _file_sets(media: Mapping[str, list[str]]) -> list[dict[str, Any]]:
    return [
        {
            "@type": "cr:FileSet",
            "@id": f"{name}{suffix}",
            "name": f"{name}{suffix}",
            "description": f"Files *{suffix} of {name}.",
            "encodingFormat": MEDIA[suffix],
            "includes": f"{name}/**/*{suffix}",
        }
        for name, suffixes in media.items()
        for suffix in suffixes
    ]


def _records(fields: Mapping[str, list[str]]) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": "clips",
        "name": "clips",
        "description": "One record per clip.",
        "key": [{"@id": "clips/corpus"}, {"@id": "clips/clip_id"}],
        "field": [
            {
                "@type": "cr:Field",
                "@id": f"clips/{name}",
                "name": name,
                "description": text,
                "dataType": f"sc:{kind}",
                "source": {"fileObject": {"@id": TABLE}, "extract": {"column": name}},
            }
            for name, (kind, text) in fields.items()
        ],
    }
