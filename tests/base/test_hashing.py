"""The one hash of code: what counts, what does not."""

from __future__ import annotations

import pytest

from amdd.base import hashing
from amdd.base.hashing import code_hash, files_of, hash_path, imported_by, modules_reached
from amdd.base.paths import PACKAGE
from amdd.companion.provenance import library_used_hash
from amdd.data.prepare import library_hash
from amdd.puppets.code import CLIPS, WITHIN, WITHOUT, rendering_hash


@pytest.fixture
def edited(monkeypatch):
    """A function that makes a file of the library look edited."""
    original = hashing.hash_path

    def edit(name: str) -> None:
        assert (PACKAGE / name).is_file(), name
        changed = PACKAGE / name
        monkeypatch.setattr(hashing, "hash_path", lambda p: "edited" if p == changed else original(p))

    return edit


SOURCES = {
    "chapter on metrics": lambda: library_used_hash("from amdd.stats import wilson"),
    "chapter on the corpus": lambda: library_used_hash("from amdd.puppets.corpus.make import make_corpora"),
    "preparation": library_hash.__wrapped__,
    "clips": lambda: rendering_hash.__wrapped__(CLIPS),
}


@pytest.mark.parametrize(
    ("what", "file", "counts"),
    [
        ("chapter on metrics", "stats/measures.py", True),
        ("chapter on metrics", "stats/__init__.py", True),
        ("chapter on metrics", "__init__.py", True),
        ("chapter on metrics", "puppets/person/render.py", False),
        ("chapter on metrics", "puppets/forgers/weights/faceswap.safetensors", False),
        ("chapter on the corpus", "puppets/person/render.py", True),
        ("chapter on the corpus", "puppets/person/data/head.npz", True),
        ("chapter on the corpus", "puppets/voice/data/sentences.txt", True),
        ("chapter on the corpus", "puppets/forgers/weights/faceswap.safetensors", True),
        ("preparation", "data/media/decode.py", True),
        ("preparation", "data/faces/track.py", True),
        ("preparation", "data/spectrograms.py", True),
        ("preparation", "data/splits.py", False),
        ("preparation", "model/network.py", False),
        ("clips", "puppets/person/render.py", True),
        ("clips", "puppets/person/data/head.npz", True),
        ("clips", "puppets/forgers/blend.py", True),
        ("clips", "puppets/corpus/encode.py", True),
        ("clips", "data/media/encode.py", True),
        ("clips", "puppets/forgers/training/train.py", False),
        ("clips", "puppets/forgers/weights/faceswap.safetensors", False),  # counts by name, in the clip's key
        ("clips", "puppets/corpus/showcase.py", False),
        ("clips", "settings/__init__.py", False),
    ],
)
def test_an_edit_changes_the_hash_of_what_depends_on_it(edited, what, file, counts):
    before = SOURCES[what]()
    assert SOURCES[what]() == before
    edited(file)
    assert (SOURCES[what]() != before) == counts


def test_benchmark_records_count_where_a_chapter_reads_them(tmp_path, monkeypatch):
    from amdd.companion import provenance

    (tmp_path / "speed.json").write_text("1")
    monkeypatch.setattr(provenance, "MEASURED", tmp_path)
    reads, does_not = "x = measured('speed')", "x = 1"
    before = library_used_hash(reads), library_used_hash(does_not)
    (tmp_path / "speed.json").write_text("2")
    assert library_used_hash(reads) != before[0]
    assert library_used_hash(does_not) == before[1]


def test_another_training_of_a_study_runs_the_chapters_that_read_it(tmp_path, monkeypatch):
    monkeypatch.setattr("amdd.companion.provenance.STUDIES", tmp_path)
    (tmp_path / "a.parquet").write_bytes(b"one")
    reading = ["from amdd.analysis.study_tables import shipped\nshipped('a')", "known = study_numbers()"]
    reading.append("plan, folds, kept = shipped_left_out()")
    before = [library_used_hash(text) for text in (*reading, "x = 1")]
    (tmp_path / "a.parquet").write_bytes(b"two")
    after = [library_used_hash(text) for text in (*reading, "x = 1")]
    assert [a != b for a, b in zip(before, after)] == [True, True, True, False]


def test_imports_are_found_however_they_are_written():
    assert imported_by("import amdd.stats\nfrom amdd.model import losses, AMDD\nimport numpy") == {
        "amdd.stats",
        "amdd.model",
        "amdd.model.losses",
    }
    assert imported_by("from amdd import losses") >= {"amdd", "amdd.model.losses"}
    assert "amdd.base.distributed" in modules_reached(["amdd.model.losses"])


def test_a_root_that_does_not_exist_is_named():
    with pytest.raises(ValueError, match=r"amdd\.nowhere: no such module"):
        code_hash(("amdd.nowhere",))


def test_every_module_that_makes_a_clip_counts():
    names = {f.relative_to(PACKAGE).as_posix() for f in files_of(CLIPS, WITHIN, WITHOUT)}
    made_by = {
        p.relative_to(PACKAGE).as_posix()
        for room in ("person", "voice")
        for p in (PACKAGE / "puppets" / room).glob("*.py")
    }
    assert made_by <= names
    assert not any("/training/" in n for n in names)


def test_a_folders_hash_is_that_of_names_and_contents(tmp_path):
    assert hash_path(tmp_path / "nothing") == ""
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "one").write_text("1")
    first = hash_path(tmp_path / "a")
    (tmp_path / "a" / ".hidden").write_text("x")
    assert hash_path(tmp_path / "a") == first
    (tmp_path / "a" / "one").rename(tmp_path / "a" / "two")
    assert hash_path(tmp_path / "a") != first
