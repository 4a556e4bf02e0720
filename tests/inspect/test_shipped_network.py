"""The network that ships: what it says of clips of its sealed test is what the run said that it was packed from."""

from __future__ import annotations

import pandas as pd
import pytest

import amdd
from amdd.inspect.weights import SHIPPED
from amdd.profiles import load_profile
from amdd.puppets.corpus.make import make_group
from amdd.puppets.corpus.unseen import unseen

SEALED = ["corpus.seed=63960", "corpus.identities=2,2,60", "corpus.real=2,2,120", "corpus.fake=1,1,40"]
WITHIN = (
    0.3  # in logits: weights in eight bits move one by 0.1 at most, other machines' arithmetic adds a little
)


def test_the_stored_predictions_are_reproduced_on_clips_that_are_made_again(tmp_path):
    settings = load_profile("demo", [*SEALED, "corpus.unseen=40", "corpus.external=puppet-unseen"]).corpus
    stored = pd.read_csv(SHIPPED / "predictions.csv").set_index("clip")
    assert len(stored) == 480 and stored.people.nunique() == 60
    plan = [clip for clip in unseen(settings) if clip.path in stored.index]
    assert len(plan) == len(stored)  # every stored prediction is of a clip that the plan names
    shot = plan[0].shot
    chosen = [c for c in plan if c.shot == shot and c.generator in ("real", "fsgan", "wav2lip")]
    assert len(chosen) == 3
    make_group(tmp_path, settings, shot, chosen)
    for clip in chosen:
        found, said = amdd.inspect(tmp_path / clip.path), stored.loc[clip.path]
        assert found.people[0].windows[0].logit == pytest.approx(said.score, abs=WITHIN)
        assert found.verdict in ("forged" if said.label else "real", "can't tell")
