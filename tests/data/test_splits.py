"""Splits: disjoint where they say so, the same for the same seed, and honest about what they share."""

from __future__ import annotations

import json
from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from amdd.corpora import Manifest
from amdd.data.splits import (
    TABLE_3,
    assign_splits,
    components,
    leakage_report,
    leave_one_out,
    load_split,
    save_split,
    split_hash,
)
from amdd.profiles import CorpusSettings, load_profile


def corpus(groups=12, people=5, seed=0, fakes=4):
    """People in groups; every fake takes its donor from its own group."""
    rng = np.random.default_rng(seed)
    rows = []
    for g in range(groups):
        names = [f"id{g:02d}{k}" for k in range(people)]
        for name in names:
            rows.append((f"real/{name}", 0, "real", name, "", "A", f"g{g % 10}"))
            for k in range(fakes):
                donor = str(rng.choice([n for n in names if n != name]))
                generator = ("faceswap", "wav2lip", "fsgan")[k % 3]
                rows.append((f"{generator}/{name}_{donor}_{k}", 1, generator, name, donor, "C", f"g{g % 10}"))
            rows.append((f"sound/{name}", 1, "rtvc", name, "", "B", f"g{g % 10}"))
    table = pd.DataFrame(
        rows, columns=["clip_id", "label", "generator", "identity", "donor", "category", "group"]
    )
    table["video"], table["audio"] = table.clip_id + ".mp4", table.clip_id + ".mp4"
    return Manifest(table.assign(split=""), Path("corpus"))


@pytest.mark.parametrize("seed", range(4))
def test_components_against_networkx(seed):
    table = corpus(seed=seed)
    graph = nx.Graph()
    graph.add_nodes_from(table.identity)
    graph.add_edges_from((i, d) for i, d in zip(table.identity, table.donor) if d)
    found = components(table)
    for members in nx.connected_components(graph):
        assert found[table.identity.isin(members)].nunique() == 1
    assert found.nunique() == nx.number_connected_components(graph)


@pytest.mark.parametrize("protocol", ["clean", "clean-drop", "clean-groups"])
@pytest.mark.parametrize("seed", range(3))
def test_clean_splits_share_nobody(protocol, seed):
    table = assign_splits(corpus(seed=seed), CorpusSettings(seed=seed), protocol)
    report = leakage_report(table)
    assert report.drop(columns="between").to_numpy().sum() == 0
    core = table.table[table.split.isin(["train", "val", "test"])]
    assert set(core.split) == {"train", "val", "test"}
    assert (table.split[table.category == "B"] == "extra").all()
    if protocol != "clean-drop":
        assert "dropped" not in set(table.split)


def test_the_leakage_report_sees_what_a_random_split_shares():
    table = corpus()
    rng = np.random.default_rng(0)
    table = table.assign(split=rng.choice(["train", "val", "test"], len(table)))
    report = leakage_report(table).set_index("between")
    train, test = table.where(table.split == "train"), table.where(table.split == "test")
    assert report.loc["train and test", "identities"] == len({*train.identity} & {*test.identity})
    assert report.loc["train and test", "donors"] == len(({*train.donor} & {*test.donor}) - {""})


def test_paper_split_has_table_3s_counts_where_there_are_clips_enough():
    table = corpus(groups=120, people=5, fakes=3)
    found = assign_splits(table, CorpusSettings(), "paper")
    counts = pd.crosstab(found.generator, found.split)
    for generator, wanted in TABLE_3.items():
        assert tuple(counts.loc[generator, ["train", "val", "test"]]) == wanted
    again = assign_splits(table, CorpusSettings(), "paper")
    assert split_hash(found) == split_hash(again)
    other = assign_splits(table, CorpusSettings(seed=1), "paper")
    assert split_hash(found) != split_hash(other)


def test_a_corpus_that_hangs_together_is_refused_with_the_cure():
    table = corpus(groups=1)
    with pytest.raises(ValueError, match="clean-drop"):
        assign_splits(table, CorpusSettings(), "clean")
    with pytest.raises(ValueError, match="clean-groups"):
        assign_splits(table, CorpusSettings(), "cleen")


def test_leave_one_generator_out_leaves_its_test_clips():
    table = assign_splits(corpus(), CorpusSettings())
    found = leave_one_out(table, "fsgan")
    assert not ((found.generator == "fsgan") & found.split.isin(["train", "val"])).any()
    assert (found.table[table.split == "test"].split == "test").all()
    with pytest.raises(ValueError, match="fsgan"):
        leave_one_out(table, "stylegan")


def test_a_saved_split_comes_back_and_a_changed_one_is_refused(tmp_path):
    table = assign_splits(corpus(), CorpusSettings())
    digest = save_split(table, tmp_path / "split.json")
    back = load_split(table.assign(split=""), tmp_path / "split.json")
    assert list(back.split) == list(table.split)
    assert split_hash(table.with_table(table.table.sample(frac=1, random_state=0))) == digest
    record = json.loads((tmp_path / "split.json").read_text())
    record["splits"]["train"].append(record["splits"]["test"].pop())
    (tmp_path / "split.json").write_text(json.dumps(record))
    with pytest.raises(ValueError, match="hash"):
        load_split(table, tmp_path / "split.json")
    with pytest.raises(ValueError, match="not in this corpus"):
        load_split(table.where(table.table.index >= 5), tmp_path / "split.json")


def test_a_datasets_own_subsets_are_kept():
    table = pd.DataFrame(
        {
            "clip_id": list("abcdef"),
            "official_split": ["train", "dev", "Test", "", "train", "validation"],
            "identity": list("uvwxyz"), "donor": "", "generator": ["real", "g"] * 3, "label": [0, 1] * 3, "category": "",
        }
    )  # fmt: skip
    manifest = Manifest(table)
    settings = load_profile("smoke").corpus
    found = assign_splits(manifest, settings, "official").table.split.tolist()
    assert found == ["train", "val", "test", "dropped", "train", "val"]
    with pytest.raises(ValueError, match="unknown subset 'exam'"):
        assign_splits(Manifest(table.replace("dev", "exam")), settings, "official")
    with pytest.raises(ValueError, match="for: test; use the split 'clean'"):
        assign_splits(Manifest(table[table.official_split != "Test"]), settings, "official")
