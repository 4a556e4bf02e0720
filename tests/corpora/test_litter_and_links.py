"""Every reader on a tree with what systems leave in it, with special files, links, and names in any bytes."""

from __future__ import annotations

import os

import pytest
from support.trees import TREES, build, litter, touch

from amdd.base.paths import path_from_text
from amdd.corpora import CORPORA, CorpusError, scan
from amdd.corpora.walk import Walk, is_litter
from amdd.data.splits import assign_splits, components, load_split, save_split, split_hash
from amdd.profiles import CorpusSettings

READERS = sorted(TREES)


def test_every_reader_has_a_tree():
    assert sorted(CORPORA) == READERS


@pytest.mark.parametrize("name", READERS)
def test_litter_changes_neither_table_nor_report(name, tmp_path):
    build(name, tmp_path / "clean")
    build(name, tmp_path / "littered")
    litter(tmp_path / "littered")
    assert len(list((tmp_path / "littered").rglob("*"))) > 3 * len(list((tmp_path / "clean").rglob("*")))
    one, other = (scan(name, tmp_path / k) for k in ("clean", "littered"))
    left = other.table.assign(video=other.table.video.str.replace("/littered/", "/clean/"))
    left["audio"] = left.audio.str.replace("/littered/", "/clean/")
    assert left.equals(one.table)
    assert other.report == one.report


@pytest.mark.parametrize("name", READERS)
def test_only_regular_files_are_clips(name, tmp_path):
    clips = build(name, tmp_path)
    plain = scan(name, tmp_path)
    example = next(p for p in sorted(clips.iterdir()) if p.is_file())
    (clips / f"x{example.suffix}").mkdir()
    os.mkfifo(clips / f"y{example.suffix}")
    other = scan(name, tmp_path)
    assert other.table.equals(plain.table)


@pytest.mark.parametrize("name", READERS)
def test_a_dataset_unpacked_into_a_folder_of_its_own_name_is_found(name, tmp_path):
    if name == "folder":
        pytest.skip("own clips have no folder of their own name")
    build(name, tmp_path / "once")
    expected = scan(name, tmp_path / "once").table
    for top in sorted((tmp_path / "once").iterdir()):
        inner = tmp_path / "twice" / top.name
        inner.mkdir(parents=True)
        top.rename(inner / top.name)
    found = scan(name, tmp_path / "twice").table
    columns = ["label", "generator", "identity", "donor", "quality"]
    assert found[columns].equals(expected[columns])


@pytest.mark.parametrize("name", READERS)
def test_connected_groups_are_the_true_ones(name, tmp_path):
    build(name, tmp_path)
    manifest = scan(name, tmp_path)
    assert not manifest.table[["identity", "donor", "group", "audio", "quality"]].isna().any().any()
    people = manifest.identity.groupby(components(manifest)).agg(set).tolist()
    assert sorted(map(sorted, people)) == sorted(sorted(g) for g in TREES[name][2])


@pytest.mark.parametrize("name", READERS)
def test_links_out_of_the_corpus_follow_one_rule(name, tmp_path, monkeypatch):
    clips = build(name, tmp_path / "corpus")
    outside = tmp_path / "outside"
    clips.rename(outside)
    clips.symlink_to(outside)
    monkeypatch.delenv("AMDD_FOLLOW_LINKS", raising=False)
    try:
        refused = scan(name, tmp_path / "corpus")
    except CorpusError as error:
        assert "AMDD_FOLLOW_LINKS" in str(error)
    else:
        assert "AMDD_FOLLOW_LINKS" in str(refused.report["links refused"])
        assert not refused.table.video.str.startswith(str(clips) + "/").any()
    monkeypatch.setenv("AMDD_FOLLOW_LINKS", "1")
    build(name, tmp_path / "plain")
    followed, plain = scan(name, tmp_path / "corpus"), scan(name, tmp_path / "plain")
    assert followed.clip_id.tolist() == plain.clip_id.tolist()
    assert "links refused" not in followed.report


def test_links_inside_the_corpus_are_followed_and_circles_end(tmp_path):
    clips = build("folder", tmp_path)
    (clips / "circle").symlink_to(tmp_path)
    (clips / "self").symlink_to(clips)
    (clips / "dangling.mp4").symlink_to(tmp_path / "nowhere.mp4")
    (tmp_path / "xgan" / "again.mp4").symlink_to(clips / "ben.mp4")
    manifest = scan("folder", tmp_path)
    assert "xgan/again.mp4" in manifest.clip_id.tolist()
    assert "real/dangling.mp4" not in manifest.clip_id.tolist()


def test_names_in_any_bytes_are_clips(tmp_path):
    build("folder", tmp_path)
    for name in ("ben", "cleo"):
        touch(tmp_path / "xgan" / f"{name}.mp4")
    raw = os.fsencode(tmp_path / "real") + b"/caf\xe9 \xff.mp4"
    os.close(os.open(raw, os.O_CREAT | os.O_WRONLY))
    manifest = scan("folder", tmp_path)
    assert raw in [os.fsencode(path_from_text(v)) for v in manifest.video]
    assert raw not in [os.fsencode(v) for v in manifest.video], "tables hold UTF-8 only"
    manifest.table.to_parquet(tmp_path / "manifest.parquet")
    split = assign_splits(manifest, CorpusSettings())
    digest = save_split(split, tmp_path / "split.json")
    assert split_hash(load_split(manifest, tmp_path / "split.json")) == digest


@pytest.mark.parametrize(
    "name",
    [
        ".x",
        "._x",
        "@eaDir",
        "#recycle",
        "$RECYCLE.BIN",
        "~x",
        "__macosx",
        "LOST+FOUND",
        "thumbs.DB",
        "Desktop.ini",
    ],
)
def test_names_of_litter(name):
    assert is_litter(name)


@pytest.mark.parametrize("name", ["real", "a.b", "x@y.mp4", "macosx", "id1_0001.mp4", "100$.mp4"])
def test_names_of_clips_are_no_litter(name):
    assert not is_litter(name)


def test_a_folder_that_may_not_be_listed_is_named(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(CorpusError, match=f"{tmp_path.name}.*Permission denied.*permissions"):
        Walk(tmp_path).folders(tmp_path)


@pytest.mark.parametrize(
    "suffix", [".MP4", ".Mov", ".m2ts", ".3gp", ".wmv", ".flv", ".ogv", ".gif", ".m4v", ".mts"]
)
def test_clips_of_ones_own_in_every_container(tmp_path, suffix):
    build("folder", tmp_path)
    touch(tmp_path / "xgan" / f"other{suffix}")
    assert f"xgan/other{suffix}" in scan("folder", tmp_path).clip_id.tolist()
