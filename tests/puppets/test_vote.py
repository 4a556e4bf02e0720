"""Clips for a vote: balanced blocks, the same for the same seed, and names that say nothing."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from amdd.profiles import load_profile
from amdd.puppets.corpus.plans import plan
from amdd.puppets.corpus.record import speech_of
from amdd.puppets.corpus.vote import dealt, words_of, write_vote

KINDS = ("faceswap", "fsgan", "wav2lip")


def predictions(people: int = 12, kinds: tuple[str, ...] = KINDS) -> pd.DataFrame:
    rows = [
        {"clip_id": f"p{k}/{name}", "identity": f"p{k}", "generator": name, "label": int(name != "real")}
        for k in range(people)
        for name in ("real", *kinds)
    ]
    return pd.DataFrame(rows).assign(score=0.7, attribution="fsgan")


def test_twenty_clips_and_every_block_has_a_fake_of_each_generator():
    chosen = dealt(predictions(), 0)
    assert len(chosen) == 20 and chosen.clip_id.is_unique
    counts = chosen.groupby(["block", "generator"]).size().unstack()
    assert (counts[list(KINDS)] == 1).all().all()
    assert sorted(counts.real) == [3, 4, 4] and counts.real["practice"] == 3


@pytest.mark.parametrize("kinds", [("a",), ("a", "b"), ("a", "b", "c", "d")])
def test_other_numbers_of_generators_give_twenty_clips_too(kinds):
    chosen = dealt(predictions(kinds=kinds), 0)
    assert len(chosen) == 20
    assert set(chosen.generator) == {"real", *kinds}


def test_people_repeat_only_when_none_is_left():
    chosen = dealt(predictions(12), 0)
    assert chosen[chosen.label == 0].identity.is_unique
    few = dealt(predictions(2), 0)
    assert len(few) == 8  # all there are


def test_the_choice_follows_the_seed_and_knows_no_score():
    table = predictions()
    first = dealt(table, 0)
    assert first.clip_id.tolist() == dealt(table.assign(score=0.1), 0).clip_id.tolist()
    assert first.clip_id.tolist() != dealt(table, 1).clip_id.tolist()


def test_what_is_written_names_no_class_in_a_file_name(tmp_path):
    table = predictions(3)
    films = []
    for name in table.clip_id:
        path = tmp_path / f"{name.replace('/', '_')}.mp4"
        path.write_bytes(name.encode())
        films.append(str(path))
    settings = load_profile("smoke").corpus
    old = tmp_path / "vote" / "99.mp4"
    old.parent.mkdir()
    old.write_bytes(b"of an earlier run")
    facts = {"profile": "smoke", "seed": 0, "threshold": 0.5}
    index = write_vote(tmp_path / "vote", table, table.assign(video=films), settings, facts)
    assert json.loads((tmp_path / "vote" / "vote.json").read_text()) == index
    names = sorted(p.name for p in (tmp_path / "vote").glob("*.mp4"))
    assert names == [f"{k:02d}.mp4" for k in range(1, len(index["clips"]) + 1)]
    for clip in index["clips"]:
        assert (tmp_path / "vote" / clip["file"]).read_bytes().decode().endswith("/" + clip["truth"])


def test_words_are_those_that_are_heard():
    settings = load_profile("smoke").corpus
    clips = plan(settings, (settings.train,))[settings.train]
    own = next(c for c in clips if c.audio == "own")
    foreign = next(c for c in clips if c.audio == "donor")
    assert words_of(settings, own) == speech_of(settings, own.shot).text
    assert words_of(settings, foreign) == speech_of(settings, foreign.voice_donor).text
