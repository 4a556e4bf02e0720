"""Files that are written whole or not at all, and what a killed process leaves of them."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from amdd.base.paths import atomic, remove_parts


def test_a_killed_writer_leaves_the_old_file_and_its_part_is_removed(tmp_path):
    target = tmp_path / "below" / "clip.mp4"
    target.parent.mkdir()
    target.write_bytes(b"old")
    code = (
        "import os, sys\nfrom amdd.base.paths import atomic\n"
        "with atomic(sys.argv[1]) as t:\n    t.write_bytes(b'half')\n    os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(target)], check=False)
    assert target.read_bytes() == b"old"
    (part,) = [p for p in target.parent.iterdir() if p != target]
    assert part.read_bytes() == b"half" and part.suffix == ".mp4"
    remove_parts(tmp_path)
    assert [p.name for p in target.parent.iterdir()] == ["clip.mp4"]


@pytest.mark.parametrize(
    "name", ["clip.part.mp4", ".clip.part.mp4", ".clip.0123456.part.mp4", ".hidden", "a.0123abcd.part"]
)
def test_files_of_other_names_stay(tmp_path, name):
    (tmp_path / name).write_text("mine")
    os.symlink(tmp_path / name, tmp_path / ".link.0123abcd.part.mp4")
    remove_parts(tmp_path)
    assert (tmp_path / name).is_file() and (tmp_path / ".link.0123abcd.part.mp4").is_symlink()


def test_an_error_leaves_no_part(tmp_path):
    with pytest.raises(KeyError), atomic(tmp_path / "x.json") as temporary:
        temporary.write_text("half")
        raise KeyError
    assert not list(tmp_path.iterdir())


def test_nothing_is_removed_where_there_is_no_folder(tmp_path):
    remove_parts(tmp_path / "none")
