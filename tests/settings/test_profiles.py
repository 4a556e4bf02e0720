"""Profiles and settings: what is accepted, what is refused and in which words, and the public face of the library."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import typing

import pytest

from amdd.profiles import PROFILES, SettingsError, as_dict, load_profile, profile_from_dict, replaced
from amdd.settings.explain import settings_of, shown
from amdd.settings.kinds import Backbone

SETTINGS = {setting.name: setting for setting in settings_of()}
# Any text is a path or a name; whether it exists is found out by who reads it.
FREE_TEXT = {"corpus.data", "corpus.neural_voice", "corpus.train", "corpus.external", "model.weights"}
NAMES_ONLY = {"model.generators"}
NONSENSE = ("nan", "inf", "-inf", "-1", "1e30", "no such value", "1;2", "None")


def test_every_profile_survives_a_round_trip_through_json():
    for profile in PROFILES.values():
        assert profile_from_dict(as_dict(profile)) == profile


def test_every_value_of_every_profile_can_be_typed_on_the_command_line():
    for profile in PROFILES.values():
        words = [f"{name}={shown(setting.value(profile))}" for name, setting in SETTINGS.items()]
        assert load_profile("demo", words) == dataclasses.replace(profile, name="demo")


def test_single_values_are_replaced_and_nothing_else():
    changed = load_profile("demo", ["training.epochs=3", "corpus.real=1,2,3", "training.loss.attribution=0"])
    assert changed.training.epochs == 3
    assert changed.corpus.real == (1, 2, 3)
    assert changed.training.loss.attribution == 0.0 and isinstance(changed.training.loss.attribution, float)
    back = load_profile("demo")
    assert back == PROFILES["demo"]
    assert back.training.epochs != 3
    assert changed.preparation == back.preparation


def test_values_that_depend_on_each_other_can_be_changed_together():
    assert load_profile("demo", ["model.dim=96", "model.heads=6"]).model.dim == 96
    with pytest.raises(SettingsError, match=r"model.dim=500: expected a multiple of heads=8"):
        load_profile("demo", ["model.dim=500"])
    with pytest.raises(SettingsError, match=r"preparation.hop_length=2048: expected at most n_fft=1024"):
        load_profile("demo", {"preparation.hop_length": 2048})
    with pytest.raises(SettingsError, match=r"preparation.n_mels=100: expected at most 33"):
        load_profile(
            "demo", {"preparation.n_fft": 64, "preparation.hop_length": 32, "preparation.n_mels": 100}
        )


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("training.loss.fingerprint_pairs=al", "'al': expected one of: own, all"),
        ("training.precision=fp16", "'fp16': expected one of: auto, bf16, fp32"),
        ("training.selection=auc", "'auc': expected one of: validation_auc, validation_loss, last"),
        ("corpus.split=cleen", "'cleen': expected one of: clean, clean-drop, clean-groups, paper, official"),
        ("preparation.detector=haar", "'haar': expected one of: centerface, centerface-flow, face-alignment"),
        ("training.epochs=-3", "'-3': expected a whole number from 1 to 100000"),
        ("training.batch_size=0", "'0': expected a whole number from 1 to 65536"),
        ("evaluation.threshold=7", "'7': expected a number from 0 to 1"),
        ("evaluation.confidence=1", "'1': expected a number, above 0 and below 1"),
        ("corpus.seed=-1", "'-1': expected a whole number, at least 0 and below 4294967296"),
        ("corpus.dfdm_original=drop it", "'drop it': expected one of: fake, real"),
        ("preparation.face_device=gpu", "'gpu': expected one of: cpu, cuda, cuda:N, mps"),
    ],
)
def test_a_refused_value_is_one_line_with_setting_value_and_what_is_accepted(override, message):
    with pytest.raises(SettingsError) as caught:
        load_profile("demo", [override])
    assert str(caught.value) == override.partition("=")[0] + "=" + message


@pytest.mark.parametrize("name", sorted(set(SETTINGS) - FREE_TEXT - NAMES_ONLY))
@pytest.mark.parametrize("value", NONSENSE)
def test_no_setting_accepts_nonsense(name, value):
    with pytest.raises(SettingsError) as caught:
        load_profile("demo", [f"{name}={value}"])
    assert str(caught.value).startswith(name)
    assert SETTINGS[name].accepts in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    with pytest.raises(SettingsError):
        replaced(PROFILES["smoke"], {name: value})
    with pytest.raises(SettingsError):
        replaced(PROFILES["smoke"], {name: None})


@pytest.mark.parametrize("name", sorted(set(SETTINGS) - FREE_TEXT))
def test_the_same_holds_for_a_record_that_was_read_from_a_file(name):
    record = as_dict(PROFILES["demo"])
    *sections, last = name.split(".")
    node = record
    for section in sections:
        node = node[section]
    node[last] = {"not": "a value"}
    with pytest.raises(SettingsError, match=name):
        profile_from_dict(record)


@pytest.mark.parametrize(
    "override",
    [
        "evaluation.seeds=",
        "evaluation.corruption_levels=",
        "model.weights=",
        "corpus.train=",
    ],
)
def test_what_must_not_be_empty_is_not(override):
    with pytest.raises(SettingsError, match=override.rstrip("=")):
        load_profile("demo", [override])


def test_a_section_is_checked_also_when_it_is_changed_in_code():
    with pytest.raises(ValueError, match="'halves' or 'classes'"):
        dataclasses.replace(PROFILES["demo"].training, sampler="thirds")
    with pytest.raises(dataclasses.FrozenInstanceError):
        PROFILES["demo"].training.epochs = 5
    assert hash(PROFILES["demo"]) == hash(load_profile("demo"))


@pytest.mark.parametrize(
    ("override", "word"),
    [
        ("x=1", "corpus, evaluation, model, preparation, training"),
        ("training=3", "section.*epochs"),
        ("training.epochs.more=3", "is a value, not a section"),
        ("training.epoch=3", "epochs"),
        ("corpus.real=1,2", "3 values"),
        ("corpus.real=1,2,x", "'x' does not fit; expected 3 values"),
        ("training.epochs", "section.name=value"),
        ("training.augment=perhaps", "true or false"),
        ("evaluation.studies=tokens,half", "'half' does not fit.*half the frames"),
        ("evaluation.seeds=1,1", "each value once"),
        ("model.generators=real,a", "none of them 'real'"),
        ("name=paper", "training"),
    ],
)
def test_bad_overrides_say_what_could_stand_there(override, word):
    with pytest.raises(SettingsError, match=word):
        load_profile("demo", [override])


def test_unknown_profile_and_unknown_key_of_a_record_name_the_known_ones():
    with pytest.raises(SettingsError, match="smoke, demo, paper"):
        load_profile("tiny")
    with pytest.raises(SettingsError, match=r"corpus.colour.*split"):
        profile_from_dict({"name": "x", "corpus": {"colour": "red"}})


def test_every_setting_has_a_reason_and_says_what_it_accepts():
    assert len(SETTINGS) > 70
    for name, setting in SETTINGS.items():
        assert len(setting.reason) > 5, name
        assert setting.accepts, name


def test_backbones_are_those_of_torchvision_that_can_be_trunks():
    import torchvision

    known = {
        n for n in torchvision.models.list_models(torchvision.models) if not n.startswith(("vit_", "maxvit"))
    }
    assert set(typing.get_args(Backbone)) == known


PUBLIC = """
import sys
import amdd
assert not {"torch", "numpy", "pandas"} & set(sys.modules)
from amdd import losses
import amdd.profiles, amdd.corpora, amdd.model, amdd.prepare, amdd.training, amdd.runs
names = (amdd.profiles.PROFILES, amdd.profiles.load_profile, amdd.corpora.scan, amdd.model.AMDD, amdd.prepare.prepare,
         amdd.prepare.open_prepared, amdd.training.train, amdd.runs.load_run, losses.Objective)
assert all(names)
assert amdd.load_profile is amdd.profiles.load_profile and amdd.AMDD is amdd.model.AMDD
assert all(getattr(amdd, name) is not None for name in amdd.__all__)
print(len(amdd.__all__))
"""


def test_public_names_are_there_in_a_fresh_interpreter_and_importing_the_package_imports_nothing_heavy():
    done = subprocess.run([sys.executable, "-c", PUBLIC], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 25
