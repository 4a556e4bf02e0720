"""Frame scores: the score of a clip when only one frame and the whole audio are given."""

from __future__ import annotations

import numpy as np
import torch

from amdd.data.dataset import ClipDataset, collate
from amdd.data.prepare import ClipStore
from amdd.training.runs import Run


@torch.inference_mode()
def frame_scores(run: Run, prepared: ClipStore, row: int) -> np.ndarray:
    """Probability of fake (T,) of clip ``row`` with one frame after the other shown and the others masked.

    Training shows T frames at once, so these are not what the whole clip's score is made of; they say which moments
    lean which way.
    """
    dataset = ClipDataset(prepared, [row], run.profile.preparation, run.profile.model.generators)
    batch = collate([dataset[0]])
    frames = batch["frames"].to(run.device)
    n = frames.shape[1]
    run.model.eval()
    logits = [
        run.model(
            frames,
            batch["mel"].to(run.device),
            batch["audio_present"].to(run.device),
            torch.arange(n, device=run.device)[None] == k,
        ).detection_logit
        for k in range(n)
    ]
    return torch.sigmoid(torch.cat(logits).float()).cpu().numpy()
