"""Keys of clips follow the code that makes them."""

from __future__ import annotations

from amdd.profiles import load_profile
from amdd.puppets.corpus import truth
from amdd.puppets.corpus.plans import plan


def test_a_clips_key_follows_the_code(monkeypatch):
    settings = load_profile("smoke", []).corpus
    clip = plan(settings, ("puppet-favc",))["puppet-favc"][0]
    before = truth.clip_key(settings, clip)
    assert truth.clip_key(settings, clip) == before
    monkeypatch.setattr(truth, "rendering_hash", lambda: "other")
    assert truth.clip_key(settings, clip) != before
