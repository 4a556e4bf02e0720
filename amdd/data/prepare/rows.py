"""Rows of a manifest: as Parquet holds them, and as the clips that a worker takes."""

from __future__ import annotations

import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from amdd.corpora.common import leaves
from amdd.data.media import path_from_text
from amdd.data.prepare.shards import Clip, content_of
from amdd.profiles import PreparationSettings


def checked(manifest: pd.DataFrame) -> pd.DataFrame:
    missing = {"clip_id", "video"} - set(manifest.columns)
    if missing:
        raise ValueError(
            f"the manifest has no column {', '.join(sorted(missing))}; amdd.corpora.scan gives them"
        )
    repeated = manifest["clip_id"][manifest["clip_id"].duplicated()]
    if len(repeated):
        raise ValueError(
            f"the manifest lists clip_id {repeated.iloc[0]!r} more than once ({len(repeated)} rows)"
        )
    return manifest.reset_index(drop=True)


def storable(manifest: pd.DataFrame) -> pd.DataFrame:
    """The manifest as Parquet can hold it: UTF-8 text, one type a column, ``fake_periods`` as JSON."""
    table = manifest.copy()
    table.columns = [plain(str(c)) for c in table.columns]
    if "fake_periods" in table:
        table["fake_periods"] = [json.dumps(periods_of(v)) for v in table["fake_periods"]]
    if "has_audio" in table:
        table["has_audio"] = [truth_of(v) for v in table["has_audio"]]
    for name in [c for c in table.columns if table[c].dtype.kind == "O"]:
        values = ["" if nothing(v) else v for v in table[name]]
        kinds = {type(v) for v in values if not (isinstance(v, str) and v == "")}
        if len(kinds) > 1 or kinds & {str, list, dict, tuple, np.ndarray}:
            values = [plain(str(v)) for v in values]
        table[name] = values
    return table


def truth_of(value: Any) -> bool:
    return not nothing(value) and bool(value) and str(value).lower() not in ("false", "no", "0")


def nothing(value: Any) -> bool:
    """None, NaN and their kin, which tables put where nothing stood."""
    return value is None or (np.ndim(value) == 0 and bool(pd.isna(value)))


def periods_of(value: Any) -> tuple[tuple[float, float], ...]:
    """``fake_periods`` of a manifest row (a list of pairs, its JSON, or nothing) as sorted pairs of seconds."""
    if isinstance(value, str):
        try:
            value = json.loads(value or "[]")
        except ValueError:
            return ()
    if nothing(value) or not hasattr(value, "__iter__"):
        return ()
    pairs = []
    for pair in value:
        try:
            start, end = float(pair[0]), float(pair[1])
        except (TypeError, ValueError, IndexError):
            continue
        if np.isfinite([start, end]).all() and 0 <= start < end:
            pairs.append((start, end))
    return tuple(sorted(pairs))


def clips_of(
    manifest: pd.DataFrame, settings: PreparationSettings, seed: int, root: str | Path | None
) -> list[Clip]:
    n = len(manifest)

    def column(name: str, default: Any) -> list[Any]:
        return manifest[name].tolist() if name in manifest else [default] * n

    periods = [periods_of(v) for v in column("fake_periods", ())]
    corpora = [str(c) for c in column("corpus", "")]
    placed = {c for c, p in zip(corpora, periods) if p}
    with ThreadPoolExecutor(8) as pool:  # waits for the disk, not for the processor
        videos = list(pool.map(partial(_located, root=root), column("video", "")))
        sounds = list(pool.map(partial(_located, root=root), column("audio", "")))
        contents = list(
            pool.map(lambda v, s: [content_of(v[0]), content_of(s[0]) if s[0] else ""], videos, sounds)
        )
    clips = []
    for i, (clip_id, has_audio) in enumerate(zip(column("clip_id", ""), column("has_audio", True))):
        draw = hashlib.sha256(f"{seed}:{corpora[i]}:{clip_id}".encode(errors="surrogateescape")).digest()
        clips.append(
            Clip(
                row=i,
                clip_id=plain(str(clip_id)),
                video=videos[i][0],
                audio=sounds[i][0],
                has_audio=truth_of(has_audio),
                periods=periods[i],
                placed=corpora[i] in placed,
                content=":".join(contents[i]),
                seed=int.from_bytes(draw[:8], "big"),
                refused=videos[i][1] or sounds[i][1],
            )
        )
    return clips


def _located(name: Any, root: str | Path | None) -> tuple[str, str]:
    """The path that a manifest names, and why it may not be read, or nothing."""
    if nothing(name) or not str(name):
        return "", ""
    name = str(name)
    if "\0" in name:
        return "", "the metadata names a path with a null byte"
    if ".." in Path(name).parts:
        return name, "the metadata's path holds '..'; files outside the corpus are not read"
    if root is None:
        return path_from_text(os.path.abspath(name)), ""
    base = os.path.abspath(root)
    begun = os.path.join(os.path.normpath(root), "")  # a reader may have put a relative root in front
    path = path_from_text(os.path.abspath(name) if name.startswith(begun) else os.path.join(base, name))
    if os.path.commonpath([base, os.path.abspath(path)]) != base:
        return path, "the metadata names a file outside the corpus; it is not read"
    if leaves(path, base):
        return path, "a link that leaves the corpus; set AMDD_FOLLOW_LINKS=1 if you made it yourself"
    return path, ""


def plain(text: str) -> str:
    """``text`` without what UTF-8 can't hold (names of files may)."""
    return text.encode("utf-8", "backslashreplace").decode()
