"""Grad-CAM maps over face crops, with the outline of the forged region."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from amdd.analysis.gradcam import gradcam, mask_of
from amdd.data.prepare import ClipStore
from amdd.figures.pictures import outline, overlay
from amdd.training.runs import Run

FRAMES = 8  # shown of each clip


def attention_rows(
    run: Run, clips: ClipStore, test: pd.DataFrame, masks: Mapping[str, np.ndarray], each: int
) -> dict[str, np.ndarray]:
    """Return rows of frames with their maps, up to ``each`` of every class, each row another person; the names give
    class and person."""
    strips = {}
    for generator in run.profile.model.classes:
        people = test[test.generator == generator].drop_duplicates("identity")
        chosen = np.linspace(0, len(people) - 1, min(each, len(people))).round().astype(int)
        for row in people.index[chosen]:
            frames = np.asarray(clips.frames(int(row)))
            cells = [overlay(f, h) for f, h in zip(frames, gradcam(run, clips, int(row)))]
            forged = mask_of(clips, test.loc[row], masks)
            if forged is not None:
                cells = [outline(c, m) for c, m in zip(cells, forged)]
            strips[f"{generator}\n{test.identity[row]}"] = np.stack(cells)[:FRAMES]
    return strips
