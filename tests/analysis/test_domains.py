"""Separability of datasets: chance where nothing differs, near one where light, detail or audio does."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from amdd.analysis.domains import dataset_separability, features_of_reals


class Clips:
    """Reals of thirty people and a few fakes, with a change of light, of detail or of sound."""

    def __init__(
        self, seed: int, light: float = 0.0, soft: bool = False, loud: float = 0.0, audio: bool = True
    ) -> None:
        self.rng, self.light, self.soft, self.loud = np.random.default_rng(seed), light, soft, loud
        people = [f"p{k // 2}" for k in range(60)]
        self.manifest = pd.DataFrame(
            {"generator": ["real"] * 56 + ["faceswap"] * 4, "identity": people, "has_audio": audio}
        )

    def frames(self, i: int) -> np.ndarray:
        x = 110 + self.light + 25 * self.rng.normal(size=(2, 32, 32, 3)) + 10 * self.rng.normal()
        if self.soft:
            x[:, 1:] = (x[:, 1:] + x[:, :-1]) / 2
        return x.clip(0, 255).astype(np.uint8)

    def mel(self, i: int) -> np.ndarray:
        return (self.rng.normal(size=(32, 40)) + self.loud).astype(np.float32)


def apart(**change) -> pd.Series:
    table = features_of_reals({"ours": Clips(0), "other": Clips(1, **change)})
    return dataset_separability(table, "ours").iloc[0]


def test_equal_data_sets_are_at_chance():
    found = apart()
    assert found.n == 56 and found.people == 28
    assert 0.3 < found["all together"] < 0.7


@pytest.mark.parametrize(
    ("change", "group"),
    [({"light": 60}, "light and colour"), ({"soft": True}, "fine detail"), ({"loud": 2}, "audio")],
)
def test_a_difference_is_found_by_the_features_that_see_it(change, group):
    found = apart(**change)
    assert found[group] > 0.95
    assert found["all together"] > 0.9


def test_missing_sound_is_not_what_tells_data_sets_apart():
    found = apart(audio=False)
    assert np.isnan(found["audio"])
    assert 0.3 < found["all together"] < 0.7


def test_few_people_give_no_value():
    small = Clips(1)
    small.manifest["identity"] = "one"
    found = dataset_separability(features_of_reals({"ours": Clips(0), "other": small}), "ours").iloc[0]
    assert np.isnan(found["all together"])


def test_one_data_set_alone_gives_an_empty_table():
    assert dataset_separability(features_of_reals({"ours": Clips(0)}), "ours").empty
