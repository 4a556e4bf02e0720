"""Training, validation and test splits.

``clean`` splits share no identity and no donor: people are the nodes of a graph, every forgery is an edge
between its two people, and whole connected components go to one side. ``paper`` draws Table III's counts, as
the paper did, without regard to identities.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from amdd.base.paths import write_text
from amdd.corpora import Manifest
from amdd.profiles import CorpusSettings

SPLITS = ("train", "val", "test")
# Table III of the paper: train, validation, test.
TABLE_3 = {"real": (350, 75, 75), "faceswap": (265, 57, 57), "wav2lip": (350, 75, 75), "fsgan": (59, 13, 13)}
TRIES = 400
ALL = 7  # up to so many groups every assignment is tried
PROTOCOLS = ("clean", "clean-groups", "clean-drop", "paper", "official")


def components(manifest: Manifest) -> pd.Series:
    """Return the connected component (int) of every clip in the graph of identities and donors."""
    identity, donor = _names(manifest.identity), _names(manifest.donor)
    codes, people = pd.factorize(np.concatenate([identity, donor]), sort=True)
    own, other = codes[: len(identity)], codes[len(identity) :]
    edges = donor != ""
    graph = coo_array((np.ones(edges.sum()), (own[edges], other[edges])), shape=(len(people),) * 2)
    _, label = connected_components(graph, directed=False)
    return pd.Series(pd.factorize(label[own])[0], index=manifest.table.index)


def _names(column: pd.Series) -> np.ndarray:
    """People's names as text, "" where a name is missing."""
    return column.astype(object).where(column.notna(), "").astype(str).to_numpy(object)


def assign_splits(manifest: Manifest, settings: CorpusSettings, protocol: str | None = None) -> Manifest:
    """Return the manifest with its ``split`` column filled: train, val, test, ``extra`` (categories B and D, for the
    study of forged audio) or ``dropped``.

    ``protocol`` is one of "clean", "clean-drop", "clean-groups", "paper", "official"; default ``settings.split``.
    Raises ``ValueError`` when the corpus can't be split that way.
    """
    protocol = protocol or settings.split
    if protocol not in PROTOCOLS:
        raise ValueError(f"unknown split {protocol!r}; expected one of: {', '.join(PROTOCOLS)}")
    table = manifest.table.assign(split="extra")
    core = table.category.isin(["", "A", "C"]) & (table.generator != "unknown")
    _both_classes(table[core], "the corpus")
    try:
        table.loc[core, "split"] = _split(protocol, table[core], manifest, settings)
    except _TooFew as error:
        raise ValueError(f"{error}; {_advice(protocol, table[core], manifest, settings)}") from None
    return manifest.with_table(table, protocol=protocol)


class _TooFew(ValueError):
    """A split that leaves a subset without reals or without fakes."""


def _split(protocol: str, core: pd.DataFrame, manifest: Manifest, settings: CorpusSettings) -> pd.Series:
    """Return the subset of every clip of ``core``; each of the three has reals and fakes, or :class:`_TooFew` is raised."""
    if protocol == "paper":
        split = _paper(core, settings)
    elif protocol == "clean":
        split = _by_component(core, components(manifest)[core.index], settings)
    elif protocol == "clean-groups":
        split = _by_component(core, core.group.astype("category").cat.codes, settings, "groups")
    elif protocol == "clean-drop":
        split = _by_identity(core, settings)
    else:
        split = _official(core)
    for name in SPLITS:
        _both_classes(core[split == name], f"the split {protocol!r} leaves the subset {name!r} with")
    return split


def _both_classes(part: pd.DataFrame, where: str) -> None:
    lacking = [name for name, label in (("real", 0), ("fake", 1)) if not (part.label == label).any()]
    if lacking:
        has = "has" if where == "the corpus" else ""
        raise _TooFew(" ".join(f"{where} {has} no {' and no '.join(lacking)} clip".split()))


def _advice(protocol: str, core: pd.DataFrame, manifest: Manifest, settings: CorpusSettings) -> str:
    """Return the cure of a split that failed: another protocol that works here, or what the corpus lacks."""
    for other in ("clean", "clean-groups", "clean-drop", "official"):
        if other != protocol:
            try:
                _split(other, core, manifest, settings)
            except ValueError:
                continue
            return f"the split {other!r} works here (corpus.split={other})"
    return (
        "clips of at least three people are needed, real and fake ones of each; in clips.csv the column identity names "
        "them, and a column split (train, val, test) with corpus.split=official states the subsets"
    )


def _shares(settings: CorpusSettings) -> np.ndarray:
    counts = np.array(settings.real) + 3 * np.array(settings.fake)
    return counts / counts.sum()


def _by_component(
    core: pd.DataFrame,
    component: pd.Series,
    settings: CorpusSettings,
    what: str = "connected groups of people",
) -> pd.Series:
    """Whole components to splits so that every generator's counts come near the wanted shares."""
    names = sorted(core.generator.unique())
    counts = pd.crosstab(component, core.generator).reindex(columns=names, fill_value=0).to_numpy(float)
    if len(counts) < 3:
        raise _TooFew(f"there are {len(counts)} {what}, three are needed")
    wanted = _shares(settings)[:, None] * counts.sum(0)
    real = np.array([name == "real" for name in names])
    choice = _few(counts, wanted, real) if len(counts) <= ALL else _many(counts, wanted, settings.seed)
    labels = sorted(component.unique())
    lookup = {label: SPLITS[choice[i]] for i, label in enumerate(labels)}
    return component.map(lookup)


def _few(counts: np.ndarray, wanted: np.ndarray, real: np.ndarray) -> np.ndarray:
    """Return the best of all assignments of a few components (C, generators) to subsets: reals and fakes in each if
    possible, then the counts nearest to ``wanted`` (3, generators)."""
    best, choice = (np.inf, np.inf), np.zeros(len(counts), int)
    for pick in itertools.product(range(3), repeat=len(counts)):
        have = np.stack([counts[np.array(pick) == k].sum(0) for k in range(3)])
        empty = (have[:, real].sum(1) == 0).sum() + (have[:, ~real].sum(1) == 0).sum()
        cost = (float(empty), float((np.abs(have - wanted) / (wanted + 1)).sum()))
        if cost < best:
            best, choice = cost, np.array(pick)
    return choice


def _many(counts: np.ndarray, wanted: np.ndarray, seed: int) -> np.ndarray:
    """Return the best of many random greedy assignments of components (C, generators) to subsets."""
    rng = np.random.default_rng([seed, 21])
    best, choice = np.inf, np.zeros(len(counts), int)
    for _ in range(TRIES):
        order = rng.permutation(len(counts))
        order = order[
            np.argsort(
                -counts[order].sum(1) + rng.normal(0, counts.sum(1).mean() * 0.5, len(order)), kind="stable"
            )
        ]
        have, pick = np.zeros_like(wanted), np.zeros(len(counts), int)
        for c in order:
            cost = [
                (np.abs(have + np.eye(3)[k][:, None] * counts[c] - wanted) / (wanted + 1)).sum()
                for k in range(3)
            ]
            pick[c] = int(np.argmin(cost))
            have[pick[c]] += counts[c]
        cost = (np.abs(have - wanted) / (wanted + 1)).sum() + 10 * (have[:, counts.sum(0) >= 3] == 0).sum()
        if cost < best:
            best, choice = cost, pick
    return choice


def _by_identity(core: pd.DataFrame, settings: CorpusSettings) -> pd.Series:
    """People to splits; forgeries whose donor is on another side are dropped."""
    own, donor = _names(core.identity), _names(core.donor)
    people = np.array(sorted({*own, *donor} - {""}))
    if len(people) < 3:
        raise _TooFew(f"the clips name {len(people)} people, three are needed")
    order = np.random.default_rng([settings.seed, 22]).permutation(len(people))
    first, second = (np.cumsum(_shares(settings))[:2] * len(people)).round().astype(int)
    first = min(max(first, 1), len(people) - 2)
    edges = np.array([first, min(max(second, first + 1), len(people) - 1)])
    side = {people[k]: SPLITS[int(np.searchsorted(edges, i, side="right"))] for i, k in enumerate(order)}
    split = pd.Series([side.get(name, "dropped") for name in own], index=core.index)
    other = pd.Series([side.get(name, "") for name in donor], index=core.index)
    return split.where((other == "") | (other == split), "dropped")


OFFICIAL = {
    "train": "train",
    "training": "train",
    "dev": "val",
    "val": "val",
    "valid": "val",
    "validation": "val",
}
OFFICIAL |= {"test": "test", "testing": "test"}


def _official(core: pd.DataFrame) -> pd.Series:
    """The dataset's own subsets; clips without one are dropped."""
    listed = core.get("official_split", pd.Series("", index=core.index))
    named = listed.astype(str).str.strip().str.lower()
    strange = sorted(set(named) - {*OFFICIAL, ""})
    if strange:
        raise ValueError(f"unknown subset {strange[0]!r}; expected one of: {', '.join(OFFICIAL)}")
    return named.map(OFFICIAL).fillna("dropped")


def _paper(core: pd.DataFrame, settings: CorpusSettings) -> pd.Series:
    """Table III's counts, drawn at random; where a class has fewer clips, in Table III's proportions.

    Classes that are not there are left out; raises ``ValueError`` unless reals and one of the generators are.
    """
    split = pd.Series("dropped", index=core.index)
    here = set(core.generator)
    if "real" not in here or not here & {*TABLE_3} - {"real"}:
        raise ValueError(
            f"the split 'paper' needs real clips and one of {', '.join([*TABLE_3][1:])}; this corpus has "
            f"{', '.join(sorted(here))}; use the split 'clean' or 'official' for other generators"
        )
    for k, (generator, counts) in enumerate(TABLE_3.items()):
        rows = core.index[core.generator == generator].to_numpy().copy()
        rows = np.random.default_rng([settings.seed, 23, k]).permutation(rows)
        counts = np.array(counts)
        if len(rows) < counts.sum():
            counts = np.floor(counts / counts.sum() * len(rows)).astype(int)
        edges = np.cumsum([0, *counts])
        for name, a, b in zip(SPLITS, edges, edges[1:]):
            split[rows[a:b]] = name
    return split


def leave_one_out(manifest: Manifest, generator: str) -> Manifest:
    """Drop one generator from training and validation; its test clips stay. Raises ``ValueError`` if unknown."""
    if generator not in set(manifest.generator):
        raise ValueError(
            f"no clip of {generator!r}; expected one of: {', '.join(sorted(manifest.generator.unique()))}"
        )
    out = (manifest.generator == generator) & manifest.split.isin(["train", "val"])
    return manifest.assign(split=manifest.split.mask(out, "dropped"))


def leakage_report(manifest: Manifest) -> pd.DataFrame:
    """Count what two splits share: identities as targets, as donors, in any role, video files, audio files."""
    sides = {s: manifest.table[manifest.split == s] for s in SPLITS}
    named = {
        s: {c: {*_names(t[c])} - {""} for c in ("identity", "donor", "video", "audio")}
        for s, t in sides.items()
    }
    rows = []
    for i, a in enumerate(SPLITS):
        for b in SPLITS[i + 1 :]:
            x, y = named[a], named[b]
            rows.append(
                {
                    "between": f"{a} and {b}",
                    "identities": len(x["identity"] & y["identity"]),
                    "donors": len(x["donor"] & y["donor"]),
                    "people in any role": len((x["identity"] | x["donor"]) & (y["identity"] | y["donor"])),
                    "video files": len(x["video"] & y["video"]),
                    "sound files": len(x["audio"] & y["audio"]),
                }
            )
    return pd.DataFrame(rows)


def split_hash(manifest: Manifest | pd.DataFrame) -> str:
    """Return a hash of the split: the same for the same split of the same clips."""
    rows = sorted(f"{c}\t{s}" for c, s in zip(manifest.clip_id, manifest.split))
    return hashlib.sha256("\n".join(rows).encode("utf-8", "surrogateescape")).hexdigest()[:16]


def save_split(manifest: Manifest, path: str | Path) -> str:
    """Write the split without the data (clip ids and sides only); returns its hash."""
    digest = split_hash(manifest)
    record = {"hash": digest, "protocol": manifest.protocol, "splits": {}}
    for name, rows in manifest.table.groupby("split"):
        record["splits"][str(name)] = sorted(rows.clip_id)
    write_text(path, json.dumps(record, indent=0))
    return digest


def load_split(manifest: Manifest, path: str | Path) -> Manifest:
    """Apply a saved split; raises ``ValueError`` when the file was changed or clips are missing."""
    record = json.loads(Path(path).read_text(encoding="utf-8"))
    side = {clip: name for name, clips in record["splits"].items() for clip in clips}
    missing = set(side) - set(manifest.clip_id)
    if missing:
        raise ValueError(
            f"{Path(path).name}: {len(missing)} clips are not in this corpus, {sorted(missing)[0]!r} for one"
        )
    table = manifest.table.assign(split=manifest.clip_id.map(side).fillna("dropped"))
    listed = table[table.clip_id.isin(side)]
    if split_hash(listed) != record["hash"]:
        raise ValueError(
            f"{Path(path).name}: its content does not give the hash {record['hash']} that it states"
        )
    return manifest.with_table(table, protocol=str(record.get("protocol", "")))
