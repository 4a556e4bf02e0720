"""Which clip is for training, which for choosing, which for the verdict.

``clean`` splits share no identity and no donor: people are the nodes of a graph, every forgery is an edge
between its two people, and whole connected components go to one side. ``paper`` draws Table III's counts, as
the paper did, without regard to who is who.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd

from amdd.base.paths import write_text
from amdd.profiles import CorpusSettings

SPLITS = ("train", "val", "test")
# Table III of the paper: train, validation, test.
TABLE_3 = {"real": (350, 75, 75), "faceswap": (265, 57, 57), "wav2lip": (350, 75, 75), "fsgan": (59, 13, 13)}
TRIES = 400


def components(manifest: pd.DataFrame) -> pd.Series:
    """The connected component (int) of every clip in the graph of identities and donors."""
    parent: dict[str, str] = {}

    def find(x: str) -> str:
        parent.setdefault(x, x)
        while parent[x] != x:
            parent[x] = parent[parent[x]]
            x = parent[x]
        return x

    for identity, donor in zip(manifest.identity, manifest.donor):
        a = find(str(identity))
        if donor:
            parent[find(str(donor))] = a
    roots = {}
    return pd.Series(
        [roots.setdefault(find(str(i)), len(roots)) for i in manifest.identity], index=manifest.index
    )


def assign_splits(
    manifest: pd.DataFrame, settings: CorpusSettings, protocol: str | None = None
) -> pd.DataFrame:
    """The manifest with its ``split`` column filled: train, val, test, ``extra`` (categories B and D, for the
    study of forged sound) or ``dropped``.

    ``protocol`` is one of "clean", "clean-drop", "clean-groups", "paper"; default ``settings.split``.
    Raises ``ValueError`` when the corpus can't be split that way.
    """
    protocol = protocol or settings.split
    table = manifest.copy()
    table["split"] = "extra"
    core = table.category.isin(["", "A", "C"]) & (table.generator != "unknown")
    if protocol == "paper":
        table.loc[core, "split"] = _paper(table[core], settings)
    elif protocol == "clean":
        table.loc[core, "split"] = _by_component(table[core], components(table)[core], settings)
    elif protocol == "clean-groups":
        groups = table[core].group.astype("category").cat.codes
        table.loc[core, "split"] = _by_component(table[core], groups, settings)
    elif protocol == "clean-drop":
        table.loc[core, "split"] = _by_identity(table[core], settings)
    else:
        raise ValueError(f"no split {protocol!r}; there are: clean, clean-groups, clean-drop, paper")
    table.attrs.update(manifest.attrs)
    table.attrs["protocol"] = protocol
    return table


def _shares(settings: CorpusSettings) -> np.ndarray:
    counts = np.array(settings.real) + 3 * np.array(settings.fake)
    return counts / counts.sum()


def _by_component(core: pd.DataFrame, component: pd.Series, settings: CorpusSettings) -> pd.Series:
    """Whole components to splits so that every generator's counts come near the wanted shares."""
    names = sorted(core.generator.unique())
    counts = pd.crosstab(component, core.generator).reindex(columns=names, fill_value=0).to_numpy(float)
    if len(counts) < 3:
        raise ValueError(
            f"people and donors form {len(counts)} connected groups, three are needed for a clean split; "
            "use the split 'clean-groups' or 'clean-drop'"
        )
    wanted = _shares(settings)[:, None] * counts.sum(0)
    rng = np.random.default_rng([settings.seed, 21])
    best, choice = np.inf, None
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
    labels = sorted(component.unique())
    lookup = {label: SPLITS[choice[i]] for i, label in enumerate(labels)}
    return component.map(lookup)


def _by_identity(core: pd.DataFrame, settings: CorpusSettings) -> pd.Series:
    """People to splits; forgeries whose donor is on another side are dropped."""
    people = np.array(sorted(core.identity.unique()))
    order = np.random.default_rng([settings.seed, 22]).permutation(len(people))
    edges = (np.cumsum(_shares(settings))[:2] * len(people)).round().astype(int)
    side = {people[k]: SPLITS[int(np.searchsorted(edges, i, side="right"))] for i, k in enumerate(order)}
    own = core.identity.map(side)
    donor = core.donor.map(lambda d: side.get(d, "") if d else "")
    return own.where((donor == "") | (donor == own), "dropped")


def _paper(core: pd.DataFrame, settings: CorpusSettings) -> pd.Series:
    """Table III's counts, drawn at random; where a class has fewer clips, in Table III's proportions."""
    split = pd.Series("dropped", index=core.index)
    for k, (generator, counts) in enumerate(TABLE_3.items()):
        rows = core.index[core.generator == generator].to_numpy()
        rows = np.random.default_rng([settings.seed, 23, k]).permutation(rows)
        counts = np.array(counts)
        if len(rows) < counts.sum():
            counts = np.floor(counts / counts.sum() * len(rows)).astype(int)
        edges = np.cumsum([0, *counts])
        for name, a, b in zip(SPLITS, edges, edges[1:]):
            split[rows[a:b]] = name
    return split


def leave_one_out(manifest: pd.DataFrame, generator: str) -> pd.DataFrame:
    """Training and validation without one generator; its test clips stay. Raises ``ValueError`` if unknown."""
    if generator not in set(manifest.generator):
        raise ValueError(
            f"no clip of {generator!r}; there are: {', '.join(sorted(manifest.generator.unique()))}"
        )
    table = manifest.copy()
    out = (table.generator == generator) & table.split.isin(["train", "val"])
    table.loc[out, "split"] = "dropped"
    return table


def leakage_report(manifest: pd.DataFrame) -> pd.DataFrame:
    """What two splits share: people as targets, people as donors, anyone at all, video files, sound files."""
    rows = []
    people = {s: manifest[manifest.split == s] for s in SPLITS}
    for i, a in enumerate(SPLITS):
        for b in SPLITS[i + 1 :]:
            x, y = people[a], people[b]
            anyone = lambda t: {p for p in [*t.identity, *t.donor] if p}  # noqa: E731
            rows.append(
                {
                    "between": f"{a} and {b}",
                    "identities": len(({*x.identity} & {*y.identity}) - {""}),
                    "donors": len(({*x.donor} & {*y.donor}) - {""}),
                    "people in any role": len(anyone(x) & anyone(y)),
                    "video files": len({*x.video} & {*y.video}),
                    "sound files": len(({*x.audio} & {*y.audio}) - {""}),
                }
            )
    return pd.DataFrame(rows)


def split_hash(manifest: pd.DataFrame) -> str:
    """A hash of who is where: the same for the same split of the same clips."""
    rows = sorted(f"{c}\t{s}" for c, s in zip(manifest.clip_id, manifest.split))
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()[:16]


def save_split(manifest: pd.DataFrame, path: str | Path) -> str:
    """Write the split without the data (clip ids and sides only); returns its hash."""
    digest = split_hash(manifest)
    record = {"hash": digest, "protocol": manifest.attrs.get("protocol", ""), "splits": {}}
    for name, rows in manifest.groupby("split"):
        record["splits"][str(name)] = sorted(rows.clip_id)
    write_text(path, json.dumps(record, indent=0))
    return digest


def load_split(manifest: pd.DataFrame, path: str | Path) -> pd.DataFrame:
    """Apply a saved split; raises ``ValueError`` when the file was changed or clips are missing."""
    record = json.loads(Path(path).read_text(encoding="utf-8"))
    side = {clip: name for name, clips in record["splits"].items() for clip in clips}
    missing = set(side) - set(manifest.clip_id)
    if missing:
        raise ValueError(
            f"{Path(path).name}: {len(missing)} clips are not in this corpus, {sorted(missing)[0]!r} for one"
        )
    table = manifest.copy()
    table["split"] = table.clip_id.map(side).fillna("dropped")
    listed = table[table.clip_id.isin(side)]
    if split_hash(listed) != record["hash"]:
        raise ValueError(
            f"{Path(path).name}: its content does not give the hash {record['hash']} that it states"
        )
    return table
