"""The page on extending the library: every block of code on it runs as it stands."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import numpy as np
import pytest
import torch

from amdd.base.paths import PROJECT, Workspace

PAGE = (PROJECT / "book" / "extend.md").read_text(encoding="utf-8")


def block(heading: str) -> str:
    """The only block of Python below a heading of the page."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    blocks = re.findall(r"^```python\n(.*?)^```$", section, re.M | re.S)
    assert len(blocks) == 1
    return blocks[0]


def test_every_block_of_the_page_is_tested_here_and_is_short():
    headings = re.findall(r"^## (.*)$", PAGE, re.M)
    assert headings == ["A corpus reader", "A generator", "A loss", "A chapter"]
    assert len(re.findall(r"^```", PAGE, re.M)) == 2 * len(headings)
    for heading in headings:
        code = [
            x for x in block(heading).splitlines() if x.strip() and not x.startswith(("import", "from", "#"))
        ]
        assert len(code) <= 15, heading


def test_the_reader_reads_a_folder_and_refuses_what_it_does_not_understand(tmp_path):
    (tmp_path / "clips").mkdir()
    for name in ("anna_real", "anna_faceswap", "ben_wav2lip"):
        (tmp_path / "clips" / f"{name}.mp4").write_bytes(b"")
    (tmp_path / "script.py").write_text(block("A corpus reader"))
    command = [sys.executable, "script.py"]
    environment = {"PYTHONPATH": str(PROJECT), "PATH": ""}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("3 clips: 1 real, 2 fake")
    (tmp_path / "clips" / "holiday.mp4").write_bytes(b"")
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 1
    assert "holiday.mp4: not named <identity>_<generator>.mp4; rename it" in done.stderr


def test_the_generator_changes_the_face_and_nothing_else(monkeypatch):
    from amdd.puppets.forgers import registry
    from amdd.puppets.forgers.base import Source
    from amdd.puppets.person.people import make_identity

    monkeypatch.setattr(registry, "FORGERS", dict(registry.FORGERS))
    exec(block("A generator"), {})
    frames = np.random.default_rng(0).integers(0, 255, (2, 64, 96, 3), dtype=np.uint8)
    face = np.zeros((2, 64, 96), np.uint8)
    face[:, 16:48, 24:72] = 1
    target = Source(
        frames, np.zeros((2, 68, 2), np.float32), face, np.zeros(1280, np.float32), make_identity(1)
    )
    forged = registry.FORGERS["pixelate"](target, None, None, 0)
    assert np.array_equal(forged.frames[face == 0], frames[face == 0])
    assert forged.mask[face == 1].mean() > 0.9 and not forged.mask[face == 0].any()
    assert (
        len(np.unique(forged.frames[0, 16:24, 24:32].reshape(-1, 3), axis=0)) == 1
    )  # one block of eight pixels
    assert forged.segments == ((0.0, 2 / 25),)


def test_the_loss_joins_the_objective_and_has_a_gradient():
    from amdd.model import AMDD
    from amdd.profiles import ModelSettings, load_profile

    names: dict = {}
    exec(block("A loss"), names)
    settings = ModelSettings(visual_backbone="resnet18", weights="random", dim=32, heads=4, hidden=16)
    model, given = AMDD(settings), load_profile("smoke").training.loss
    torch.manual_seed(0)
    outputs = model(torch.rand(4, 2, 3, 64, 64), torch.rand(4, 1, 16, 32))
    batch = {
        "label": torch.tensor([0.0, 1, 1, 0]),
        "generator": torch.tensor([0, 1, 2, 0]),
        "audio_present": torch.ones(4, dtype=torch.bool),
    }
    plain = names["Objective"](given, 3, 64)(outputs, batch)
    terms = names["WithDecorrelation"](given, 3, 64)(outputs, batch)
    v, a = outputs.visual_projection, outputs.audio_projection
    naive = np.mean(
        [
            float(((v[:, i] - v[:, i].mean()) * (a[:, j] - a[:, j].mean())).mean()) ** 2
            for i in range(v.shape[1])
            for j in range(a.shape[1])
        ]
    )
    assert float(terms["decorrelation"]) == pytest.approx(naive, rel=1e-4)
    assert float(terms["total"]) == pytest.approx(float(plain["total"]) + 0.01 * naive, rel=1e-5)
    terms["decorrelation"].backward()
    assert model.visual_projection[0].weight.grad.abs().sum() > 0


def test_the_chapter_runs_through_the_pipeline_and_keeps_its_number(tmp_path):
    from amdd.companion.pipeline import run

    folder, workspace = tmp_path / "notebooks", Workspace(tmp_path / "build" / "smoke")
    folder.mkdir()
    (folder / "16_corpus_size.py").write_text(block("A chapter"))
    manifest = run("smoke", folder=folder, workspace=workspace, echo=lambda text: None)
    assert list(manifest["notebooks"]) == ["16_corpus_size"]
    numbers = json.loads((workspace.results / "corpus_size" / "numbers.json").read_text())
    assert numbers["real_clips"]["value"] == 13
    said: list[str] = []
    run("smoke", folder=folder, workspace=workspace, echo=said.append)
    assert len(said) == 1 and "unchanged" in said[0]
