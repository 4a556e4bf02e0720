"""The first figure: people with every class, one moment each, by a rule that knows no detector."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from amdd.data.media import write_video
from amdd.puppets.corpus.showcase import best_shown


def film(path, contrast: float, forged: int | None = None, side: int = 32) -> str:
    rng = np.random.default_rng(0)
    pattern = rng.normal(size=(side, side, 1)) * contrast + 120
    frames = np.repeat(np.repeat(pattern[None], 8, 0), 3, 3)
    if forged is not None:
        frames[forged, 8:24, 8:24] += 60
    return str(write_video(path, frames.clip(0, 255).astype(np.uint8), crf=10))


@pytest.fixture()
def table(tmp_path) -> pd.DataFrame:
    rows = []
    for person, group, contrast in (
        ("a", "x", 5),
        ("b", "x", 60),
        ("c", "y", 30),
        ("d", "x", 50),
        ("e", "z", 10),
    ):
        for kind in ("real", "swap"):
            video = film(tmp_path / f"{person}{kind}.mp4", contrast, None if kind == "real" else 3)
            rows.append((person, group, kind, int(kind != "real"), video, video))
    rows.append(("f", "w", "real", 0, film(tmp_path / "lonely.mp4", 70), "f"))
    return pd.DataFrame(rows, columns=["identity", "group", "generator", "label", "video", "clip_id"])


def test_people_of_several_groups_with_the_highest_contrast(table):
    shown = best_shown(table, ["real", "swap"])
    assert list(shown) == ["b", "c", "e"]  # not d, of b's group; not f, who has no forgery
    assert all(frames.shape == (2, 32, 32, 3) for frames in shown.values())


def test_the_moment_is_the_one_that_was_forged_most(table):
    real, fake = best_shown(table, ["real", "swap"])["b"].astype(int)
    assert (fake - real)[10:22, 10:22].mean() > 25


def test_groups_repeat_only_when_none_is_left(table):
    assert list(best_shown(table, ["real", "swap"], count=4)) == ["b", "c", "e", "d"]


def test_a_broken_film_and_films_of_two_sizes_are_passed_over(table, tmp_path):
    (tmp_path / "breal.mp4").write_bytes(b"no film")
    film(tmp_path / "cswap.mp4", 30, 3, side=48)
    assert list(best_shown(table, ["real", "swap"])) == ["d", "e", "a"]


def test_nobody_with_every_class_gives_nothing(table):
    assert best_shown(table, ["real", "swap", "another"]) == {}
