"""Profiles: overrides by dotted name, round trips, and errors that name the cure."""

import pytest

from amdd.profiles import PROFILES, as_dict, load_profile, profile_from_dict


def test_every_profile_survives_a_round_trip_through_json():
    for profile in PROFILES.values():
        assert profile_from_dict(as_dict(profile)) == profile


def test_single_values_are_replaced_and_nothing_else():
    changed = load_profile("demo", ["training.epochs=3", "corpus.real=1,2,3", "training.loss.attribution=0"])
    assert (changed.training.epochs, changed.corpus.real, changed.training.loss.attribution) == (
        3,
        (1, 2, 3),
        0.0,
    )
    back = load_profile("demo")
    assert back == PROFILES["demo"]
    assert back.training.epochs != 3
    assert changed.preparation == back.preparation


@pytest.mark.parametrize(
    ("override", "word"),
    [
        ("x=1", "corpus"),
        ("training=3", "section"),
        ("training.epochs=a", "training.epochs"),
        ("corpus.real=1,2", "3 values"),
        ("training.epochs", "section.name=value"),
        ("training.augment=perhaps", "true or false"),
        ("name=paper", "training"),
    ],
)
def test_bad_overrides_say_what_could_stand_there(override, word):
    with pytest.raises(ValueError, match=word):
        load_profile("demo", [override])


def test_unknown_profile_names_the_known_ones():
    with pytest.raises(ValueError, match="smoke"):
        load_profile("tiny")
