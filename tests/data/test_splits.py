"""Splits: disjoint where they say so, the same for the same seed, and honest about what they share."""

from __future__ import annotations

import json
import re
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


@pytest.mark.parametrize("people", [2, 3, 5, 30])
def test_the_advice_for_a_corpus_that_hangs_together_works(people):
    """Following the message leads to a split, or it says what the corpus lacks."""
    table = corpus(groups=1, people=people)
    with pytest.raises(ValueError, match="three are needed") as error:
        assign_splits(table, CorpusSettings(), "clean")
    advised = re.search(r"corpus\.split=([a-z-]+)\)", str(error.value))
    if advised:
        found = assign_splits(table, CorpusSettings(), advised[1])
        assert (found.table.groupby("split").label.nunique()[["train", "val", "test"]] == 2).all()
    else:
        assert "three people" in str(error.value) and "column split" in str(error.value)
    assert bool(advised) == (people == 30)
    with pytest.raises(ValueError, match="clean-groups"):
        assign_splits(table, CorpusSettings(), "cleen")


def own(people: int, clips: int = 1, generators: tuple[str, ...] = ("xgan",)) -> Manifest:
    """Own clips: every person real and forged by each generator."""
    rows = [
        (f"{name}/{person}-{k}.mp4", int(name != "real"), name, f"p{person}", "", "", "")
        for name in ("real", *generators)
        for person in range(people)
        for k in range(clips)
    ]
    names = ["clip_id", "label", "generator", "identity", "donor", "category", "group"]
    return Manifest(pd.DataFrame(rows, columns=names).assign(split="", official_split="", video="", audio=""))


@pytest.mark.parametrize("protocol", ["clean", "clean-drop"])
@pytest.mark.parametrize("people", range(3, 12))
def test_three_people_are_enough_for_reals_and_fakes_everywhere(people, protocol):
    found = assign_splits(own(people), CorpusSettings(), protocol)
    assert (found.table.groupby("split").label.nunique()[["train", "val", "test"]] == 2).all()
    assert not leakage_report(found)[["identities", "people in any role"]].to_numpy().any()


@pytest.mark.parametrize("people", [1, 2])
def test_too_few_people_are_refused_with_advice_that_works(people):
    manifest = own(people, clips=6)
    with pytest.raises(ValueError, match=r"column split .* with corpus\.split=official"):
        assign_splits(manifest, CorpusSettings())
    subsets = ["train", "train", "val", "val", "test", "test"] * (len(manifest) // 6)
    found = assign_splits(manifest.assign(official_split=subsets), CorpusSettings(), "official")
    assert found.split.tolist() == subsets
    with pytest.raises(ValueError, match=r"corpus\.split=official\)"):
        assign_splits(manifest.assign(official_split=subsets), CorpusSettings())


@pytest.mark.parametrize(("label", "word"), [(0, "fake"), (1, "real")])
@pytest.mark.parametrize("protocol", ["clean", "clean-drop", "clean-groups", "paper", "official"])
def test_a_corpus_of_one_class_is_refused(label, word, protocol):
    manifest = own(6)
    with pytest.raises(ValueError, match=f"the corpus has no {word} clip"):
        assign_splits(manifest.where(manifest.label == label), CorpusSettings(), protocol)


@pytest.mark.parametrize("missing", [("fsgan",), ("fsgan", "wav2lip"), ("faceswap",)])
def test_paper_split_takes_the_classes_that_are_there(missing):
    manifest = corpus()
    part = manifest.where(~manifest.generator.isin(missing))
    found = assign_splits(part, CorpusSettings(), "paper")
    there = set(TABLE_3) - {*missing}
    assert set(found.table[found.split == "train"].generator) == there
    counts = pd.crosstab(found.generator, found.split)
    for name in there:  # the proportions of Table III
        share = counts.loc[name, "train"] / counts.loc[name, ["train", "val", "test"]].sum()
        assert share == pytest.approx(TABLE_3[name][0] / sum(TABLE_3[name]), abs=0.1)


def test_paper_split_of_other_generators_is_refused_with_their_names():
    with pytest.raises(ValueError, match=r"'paper' needs real clips and one of .* has real, xgan, ygan"):
        assign_splits(own(6, generators=("xgan", "ygan")), CorpusSettings(), "paper")


def test_donors_who_are_nobodys_target_are_on_one_side_only():
    manifest = corpus(groups=1, people=40)
    others = [f"donor{k % 7}" if d else "" for k, d in enumerate(manifest.donor)]
    found = assign_splits(manifest.assign(donor=others), CorpusSettings(), "clean-drop")
    assert not leakage_report(found)[["donors", "people in any role"]].to_numpy().any()


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
    manifest = own(4)
    subsets = ["train", "dev", "Test", ""] * 2
    manifest = manifest.assign(official_split=subsets)
    settings = load_profile("smoke").corpus
    found = assign_splits(manifest, settings, "official").table.split.tolist()
    assert found == ["train", "val", "test", "dropped"] * 2
    with pytest.raises(ValueError, match="unknown subset 'exam'"):
        assign_splits(manifest.assign(official_split=["train", "exam"] * 4), settings, "official")
    with pytest.raises(
        ValueError, match=r"leaves the subset 'test' with no real and no fake clip; the split 'clean'"
    ):
        assign_splits(manifest.assign(official_split=["train", "dev", "", ""] * 2), settings, "official")
