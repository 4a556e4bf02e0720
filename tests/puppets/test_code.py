"""The hash of the code on which clips depend."""

from __future__ import annotations

import shutil

import pytest

from amdd.profiles import load_profile
from amdd.puppets import code
from amdd.puppets.corpus import truth
from amdd.puppets.corpus.layouts import plan


@pytest.fixture
def package(tmp_path):
    """A copy of the source that clips depend on, which a test may edit."""
    for part in code.CLIPS:
        path = code.PACKAGE / part
        if path.is_dir():
            shutil.copytree(
                path, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__", "*.safetensors")
            )
        else:
            (tmp_path / part).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, tmp_path / part)
    return tmp_path


def hash_of(package, parts=code.CLIPS) -> str:
    code.code_hash.cache_clear()
    return code.code_hash(parts, package)


@pytest.mark.parametrize(
    "file",
    [
        "puppets/person/render.py",
        "puppets/person/data/head.npz",
        "puppets/voice/data/sentences.txt",
        "puppets/forgers/blend.py",
        "puppets/corpus/encode.py",
    ],
)
def test_an_edit_of_code_or_data_changes_the_hash(package, file):
    before = hash_of(package)
    assert hash_of(package) == before == hash_of(code.PACKAGE)
    with (package / file).open("ab") as handle:
        handle.write(b"\n")
    assert hash_of(package) != before


def test_training_code_and_compiled_files_do_not_count(package):
    before = hash_of(package)
    with (package / "puppets/forgers/training/train.py").open("a") as handle:
        handle.write("# a comment\n")
    (package / "puppets/person/__pycache__").mkdir()
    (package / "puppets/person/__pycache__/render.pyc").write_bytes(b"1")
    assert hash_of(package) == before


def test_a_missing_part_is_named(package):
    (package / "puppets/corpus/make.py").unlink()
    with pytest.raises(FileNotFoundError, match=r"make\.py"):
        hash_of(package)


def test_a_clips_key_follows_the_code(monkeypatch):
    settings = load_profile("smoke", []).corpus
    clip = plan(settings, ("puppet-favc",))["puppet-favc"][0]
    before = truth.clip_key(settings, clip)
    assert truth.clip_key(settings, clip) == before
    monkeypatch.setattr(truth, "code_hash", lambda: "other")
    assert truth.clip_key(settings, clip) != before
