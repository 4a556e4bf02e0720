"""The pack for a class: what goes in, what never does, and how large it may be."""

from __future__ import annotations

import hashlib
import json
import re

import pandas as pd
import pytest

from amdd.base.paths import Workspace
from amdd.companion import pack as room
from amdd.companion.book import BUILT, pages_of
from amdd.companion.pack import MARK, pack
from amdd.profiles import as_dict, load_profile

FILM = 1000  # bytes


@pytest.fixture
def finished(tmp_path):
    """Return a function that makes a finished run's workspace, on the built-in corpus or on ``data``."""

    def make(*overrides: str) -> Workspace:
        work = Workspace(tmp_path / "work")
        html = work.root / "book" / "_build" / "html"
        (html / "book").mkdir(parents=True)
        (html / "index.html").write_text("<p>book</p>")
        (html / "book" / "vote.html").write_text("<p>vote</p>")
        (work.root / "book" / BUILT).write_text(json.dumps({"inputs": "x", "pages": pages_of(html)}))
        profile = load_profile("smoke", list(overrides))
        record = {"profile": "smoke", "overrides": list(overrides), "settings": as_dict(profile)}
        (work.root / "manifest.json").write_text(json.dumps(record | {"notebooks": {}}))
        table = pd.DataFrame({"clip_id": ["a"], "score": [0.25], "label": [0]})
        folder = work.runs / "full-seed0" / "predictions"
        folder.mkdir(parents=True)
        table.to_parquet(folder / "demo.parquet")
        prepared = work.prepared / profile.corpus.train
        prepared.mkdir(parents=True)
        rows = []
        for k, split in enumerate(["test", "train", "test", "test"]):
            film = tmp_path / f"film{k}_wav2lip.mp4"
            film.write_bytes(bytes([k]) * FILM)
            rows.append(
                {
                    "clip_id": f"c{k}",
                    "split": split,
                    "label": k % 2,
                    "generator": "wav2lip",
                    "identity": f"p{k}",
                    "video": str(film),
                }
            )
        rows.append(rows[0] | {"clip_id": "gone", "video": str(tmp_path / "gone.mp4")})
        pd.DataFrame(rows).to_parquet(prepared / "manifest.parquet")
        return work

    return make


def test_a_pack_holds_book_predictions_and_test_clips_under_neutral_names(finished, tmp_path):
    made = pack(finished(), tmp_path / "pack")
    names = {p.relative_to(made.folder).as_posix() for p in made.folder.rglob("*") if p.is_file()}
    assert {
        "START.html",
        MARK,
        "book/index.html",
        "predictions/full-seed0/demo.csv",
        "clips/clips.csv",
    } <= names
    clips = pd.read_csv(made.folder / "clips" / "clips.csv")
    assert clips.clip_id.tolist() == ["c0", "c2", "c3"] and made.clips == 3  # the gone one is passed over
    assert all(re.fullmatch(r"\d{4}\.mp4", name) for name in clips.file)
    assert pd.read_csv(made.folder / "predictions" / "full-seed0" / "demo.csv").score.tolist() == [0.25]
    assert made.size == sum(p.stat().st_size for p in made.folder.rglob("*") if p.is_file())


def test_checksums_cover_every_file_and_the_guide_leads_somewhere(finished, tmp_path):
    folder = pack(finished(), tmp_path / "pack").folder
    lines = [line.split("  ", 1) for line in (folder / MARK).read_text().splitlines()]
    assert {name for _, name in lines} == {
        p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file() and p.name != MARK
    }
    for digest, name in lines:
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    guide = (folder / "START.html").read_text()
    assert "book/slides" not in guide  # none were built
    assert (folder / "book" / "book" / "vote.html").is_file() and "book/book/vote.html" in guide


def test_clips_are_left_out_where_they_would_make_it_too_large(finished, tmp_path):
    work = finished()
    whole = pack(work, tmp_path / "all")
    used = sum(room.size_of(whole.folder / part) for part in ("book", "predictions"))
    made = pack(work, tmp_path / "some", limit=used + 1_000_000 + 2 * FILM + 200)
    assert (whole.clips, made.clips) == (3, 2)


def test_a_book_that_is_too_large_alone_is_refused_with_its_parts(finished, tmp_path):
    with pytest.raises(RuntimeError, match=r"without a clip, more than .*'book'"):
        pack(finished(), tmp_path / "pack", limit=10)


def test_clips_of_other_corpora_are_never_copied(finished, tmp_path):
    made = pack(finished("corpus.data=/somewhere", "corpus.train=fakeavceleb"), tmp_path / "pack")
    assert made.clips == 0 and not (made.folder / "clips").exists()
    assert room.OTHERS in (made.folder / "START.html").read_text()


def test_a_changed_or_missing_book_is_refused(finished, tmp_path):
    work = finished()
    page = work.root / "book" / "_build" / "html" / "index.html"
    page.write_text("<p>other</p>")
    with pytest.raises(RuntimeError, match="run amdd book"):
        pack(work, tmp_path / "pack")


def test_a_folder_with_other_files_is_left_alone_and_an_earlier_pack_replaced(finished, tmp_path):
    work, target = finished(), tmp_path / "pack"
    target.mkdir()
    (target / "thesis.txt").write_text("mine")
    with pytest.raises(RuntimeError, match="name a new folder"):
        pack(work, target)
    assert (target / "thesis.txt").read_text() == "mine"
    (target / "thesis.txt").unlink()
    first = pack(work, target)
    assert pack(work, target) == first
