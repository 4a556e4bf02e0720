"""Model cards, drawn from the record of a run."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from support.predictions import drawn

from amdd.base.paths import Workspace
from amdd.companion.archive.cards import card, write
from amdd.profiles import as_dict, load_profile


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    """A workspace with one run's record, history and predictions."""
    found = Workspace(tmp_path / "smoke")
    run = found.run("full", 3)
    (run / "predictions").mkdir(parents=True)
    (run / "config.json").write_text(
        json.dumps({"profile": as_dict(load_profile("smoke")), "variant": "full"})
    )
    record = {
        "variant": "full",
        "seed": 3,
        "config": "c0ffee",
        "data": "da7a",
        "weights": "random",
        "device": "CPU",
        "processes": 1,
        "precision": "fp32",
        "precision_reason": "as asked",
        "selection": "validation_auc",
        "best_epoch": 2,
        "epochs": 3,
        "steps": 30,
        "clips": {"train": 20, "val": 8},
        "parameters": 1234567,
        "seconds": 12.5,
        "peak_memory_mb": 900.0,
        "commit": "",
        "python": "3.11.9",
        "packages": {"torch": "2.14.1"},
    }
    (run / "run.json").write_text(json.dumps(record))
    pd.DataFrame({"validation_auc": [0.5, 0.625], "total": [2.0, 1.5]}).to_parquet(run / "history.parquet")
    drawn().to_parquet(run / "predictions" / "puppet-favc.parquet")
    (run / "weights.safetensors").write_bytes(b"weights")
    return found


def test_a_card_begins_with_limits_and_has_the_numbers_of_the_run(workspace):
    from amdd.stats import metrics

    path = write(workspace)[0]
    text = path.read_text(encoding="utf-8")
    assert path.parent == workspace.run("full", 3)
    headings = [line for line in text.splitlines() if line.startswith("## ")]
    assert headings == ["## Limits", "## What it is", "## Training", "## Results"]
    assert "**Do not use it to judge a real video.**" in text
    assert "1,234,567 parameters" in text
    assert "epoch 2 was selected by validation_auc" in text
    assert "train 20, val 8" in text
    assert "validation AUC 0.625, total loss 1.500" in text
    row = metrics(drawn(), 0.5, 0.95).loc["auc"]
    value, interval = f"{row['value']:.3f}", f"{row['low']:.3f} to {row['high']:.3f}"
    assert f"| puppet-favc | AUC of detection | {value} | {interval} | 72 | 12 |" in text


def test_a_card_of_own_data_does_not_speak_of_rendered_people(workspace):
    run = workspace.run("full", 3)
    config = json.loads((run / "config.json").read_text())
    config["profile"]["corpus"]["data"] = "somewhere"
    (run / "config.json").write_text(json.dumps(config))
    for path in (run / "predictions").glob("*"):
        path.unlink()
    text = card(run)
    assert "rendered people" not in text
    assert "**Do not use it to judge people.**" in text
    assert "amdd run --only 03" in text


def test_missing_and_damaged_records_are_named(workspace, tmp_path):
    (workspace.run("full", 3) / "run.json").write_text("{")
    with pytest.raises(ValueError, match=r"full-seed3/run\.json: not readable"):
        write(workspace)
    with pytest.raises(ValueError, match="no finished run"):
        write(Workspace(tmp_path / "other"))
