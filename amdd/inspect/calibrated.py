"""A training run with its calibration: fitted on its validation clips, measured on its test clips and on other corpora."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from amdd.data.prepare import Prepared, open_prepared
from amdd.inspect.calibration import Calibration, elsewhere, fit, save_calibration
from amdd.inspect.novelty import Novelty, features_of, fit_novelty, save_novelty
from amdd.training.runs import CheckpointError, Run

CALIBRATION, NOVELTY = "calibration.json", "novelty.safetensors"


@dataclass(frozen=True)
class Calibrated:
    """The calibration of a run and its comparison with training clips."""

    calibration: Calibration
    novelty: Novelty


def prepared_of(run: Run) -> Prepared:
    """Return the prepared training corpus that lies beside a run. Raises :class:`CheckpointError` where there is none."""
    folder = run.folder.resolve().parent.parent / "prepared" / run.profile.corpus.train
    try:
        return open_prepared(folder)
    except FileNotFoundError:
        raise CheckpointError(
            f"{run.name}: to be calibrated it needs the prepared corpus it was trained on, expected at {folder}; "
            "pack the run where that corpus lies: amdd inspect --pack RUN --out FOLDER"
        ) from None


Tests = Mapping[str, tuple[Prepared, np.ndarray]]  # clips by name: a store and its rows, as a mask


def calibrate(run: Run, prepared: Prepared | None = None, further: Tests | None = None) -> Calibrated:
    """Fit temperature, limits and unusualness on the validation and training clips of ``prepared`` (default: the corpus
    beside the run), and measure the frozen calibration on its test clips and on other corpora that lie beside it, or
    instead on ``further``."""
    beside = prepared is None
    prepared = prepared or prepared_of(run)
    split = prepared.manifest["split"].to_numpy(str)
    validation, training = (features_of(run, prepared, split == name) for name in ("val", "train"))
    table = prepared.manifest[split == "val"].reset_index(drop=True)
    found = fit(table, validation, run.profile.model.classes)
    novelty = fit_novelty(training, validation)
    tests = dict(further or {f"{prepared.root.name} (test)": (prepared, split == "test")})
    if beside and further is None:
        for name in run.profile.corpus.external:
            folder = prepared.root.parent / name
            if (folder / "prepared.json").is_file():
                other = open_prepared(folder)
                tests[name] = (other, np.ones(len(other), bool))
    rows = {}
    for name, (store, chosen) in tests.items():
        label = store.manifest["label"].to_numpy(int)[chosen]
        if len(set(label.tolist())) == 2:
            there = features_of(run, store, chosen)
            heard = store.manifest["audio_present"].to_numpy(bool)[chosen]
            strange = novelty.surprise(novelty.scores(there, heard), heard)
            unusual = {"unusual": int((strange > found.usual).sum())}
            rows[name] = elsewhere(label, there["logit"], found) | unusual
    return Calibrated(Calibration(**{**vars(found), "elsewhere": rows}), novelty)


def write_calibration(found: Calibrated, folder: Path) -> None:
    """Write both files below ``folder``; the calibration last, which marks them as whole."""
    save_novelty(found.novelty, folder / NOVELTY)
    save_calibration(found.calibration, folder / CALIBRATION)
