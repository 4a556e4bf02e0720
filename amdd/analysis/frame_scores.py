"""Frame scores: the score of a clip when only one frame and the whole audio are given."""

from __future__ import annotations

import numpy as np
import torch

from amdd.data.prepare import ClipStore
from amdd.training.inference import batch_of
from amdd.training.runs import Run


@torch.inference_mode()
def frame_scores(run: Run, prepared: ClipStore, row: int) -> np.ndarray:
    """Return the probability of fake (T,) of clip ``row`` with one frame after the other shown and the others masked.

    Training shows T frames at once, so these are not what the whole clip's score is made of; they say which moments
    lean which way.
    """
    _, moved = batch_of(prepared, [row], run.profile, run.device)
    inputs = moved["frames"], moved["mel"], moved["audio_present"]
    n = moved["frames"].shape[1]
    run.model.eval()
    shown = torch.eye(n, dtype=torch.bool, device=run.device)
    logits = [run.model(*inputs, shown[k : k + 1]).detection_logit for k in range(n)]
    return torch.sigmoid(torch.cat(logits).float()).cpu().numpy()
