"""The five objectives of Eq. (8) and their weighted sum.

Everything is computed in float32 (or in float64, where that is given) whatever the network ran in: exponentials of
similarities over 0.07 overflow float16. Across processes every loss sees the whole batch
(:func:`amdd.base.distributed.gather`).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from amdd.base.distributed import gather, wide
from amdd.profiles import LossSettings


def focal_loss(logit: Tensor, target: Tensor, alpha: float = 0.75, gamma: float = 2.0) -> Tensor:
    """Focal loss (Lin 2017; Eq. 9), mean over the batch.

    ``logit`` and ``target`` (B,), target 1 for fake; ``alpha`` weighs fakes, 1 - ``alpha`` reals.
    """
    logit, target = wide(logit), wide(target)
    bce = F.binary_cross_entropy_with_logits(logit, target, reduction="none")
    p = torch.sigmoid(logit)
    missed = 1 - (p * target + (1 - p) * (1 - target))
    weight = alpha * target + (1 - alpha) * (1 - target)
    return (weight * missed**gamma * bce).mean()


def attribution_loss(logits: Tensor, generator: Tensor, target: str = "classes") -> Tensor:
    """Cross-entropy over real and the K generators (Eq. 10), or one of the two terms it consists of.

    ``logits`` (B, K + 1) and ``generator`` (B,) int64; clips of unknown generators (-1) take no part. By the chain
    rule of probabilities the loss over all ``classes`` is the sum of ``binary``, the cross-entropy of real against
    any generator, and ``generators``, the cross-entropy among the generators of fakes; both are means over the
    known clips of the batch, real or fake. The two parts separate what a second detector does from what naming does.
    """
    logits = wide(logits)
    known = generator >= 0
    if not known.any():
        return logits.sum() * 0.0
    if target == "classes":
        return F.cross_entropy(logits, generator, ignore_index=-1)
    logits, generator = logits[known], generator[known]
    fake = generator > 0
    if target == "binary":
        margin = torch.logsumexp(logits[:, 1:], 1) - logits[:, 0]
        return F.binary_cross_entropy_with_logits(margin, fake.to(margin.dtype))
    if target == "generators":
        return F.cross_entropy(logits[fake, 1:], generator[fake] - 1, reduction="sum") / len(logits)
    raise ValueError(f"unknown target {target!r}; expected one of: classes, binary, generators")


def info_nce(visual: Tensor, audio: Tensor, temperature: float = 0.07) -> Tensor:
    """InfoNCE both ways between unit-length projections (B, d) of the same clips (Eq. 11).

    A batch of one has nothing to contrast with: its loss is 0.
    """
    visual, audio = wide(visual), wide(audio)
    if len(visual) < 2:
        return (visual.sum() + audio.sum()) * 0.0
    logits = visual @ audio.T / temperature
    target = torch.arange(len(logits), device=logits.device)
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2


def fingerprint_consistency(visual: Tensor, audio: Tensor, generator: Tensor, pairs: str = "own") -> Tensor:
    """Cross-modal forensic fingerprint consistency, CMFFC (Eq. 12).

    ``visual`` and ``audio`` are unit-length projections (B, d); ``generator`` (B,) int64, where 0 (real) and -1
    (unknown) take no part. For each generator in the batch, one minus the mean cosine similarity of its
    visual-audio pairs; the mean over the generators, so that a rare one counts as much as a common one.

    The paper's sentence allows two readings. ``own`` (default) pairs each clip's image with its own audio: the
    equation sums over samples of a generator, not over pairs of them. ``all`` pairs every image with every audio
    of the same generator: "samples from the same generator ... alignment". With one clip of a generator in the
    batch both are the same, and with batches of four that is the usual case.
    """
    visual, audio = wide(visual), wide(audio)
    terms = []
    for g in torch.unique(generator):
        if g <= 0:
            continue
        v, a = visual[generator == g], audio[generator == g]
        terms.append(1 - ((v * a).sum(1).mean() if pairs == "own" else (v @ a.T).mean()))
    if not terms:
        return (visual.sum() + audio.sum()) * 0.0
    return torch.stack(terms).mean()


class CentroidBank(nn.Module):
    """A prototype per class in the fused space, moved by exponential averaging (Sec. III-G, momentum 0.9).

    ``centroids`` (K + 1, dim) and ``seen`` (K + 1,) are buffers: they travel with a checkpoint's state and get
    no gradient. Class 0 is real: the paper speaks of generators, so it is kept out by default.
    """

    centroids: Tensor
    seen: Tensor

    def __init__(self, n_generators: int, dim: int, momentum: float = 0.9, with_real: bool = False) -> None:
        super().__init__()
        self.momentum, self.with_real = momentum, with_real
        self.register_buffer("centroids", torch.zeros(n_generators + 1, dim))
        self.register_buffer("seen", torch.zeros(n_generators + 1, dtype=torch.bool))

    def _used(self, generator: Tensor) -> Tensor:
        return generator >= (0 if self.with_real else 1)

    def loss(self, embedding: Tensor, generator: Tensor) -> Tensor:
        """Mean squared distance of unit-length embeddings to their class's centroid."""
        x = F.normalize(wide(embedding), dim=1)
        use = self._used(generator) & self.seen[generator.clamp(min=0)]
        if not use.any():
            return x.sum() * 0.0
        return ((x[use] - self.centroids[generator[use]]) ** 2).sum(1).mean()

    @torch.no_grad()
    def update(self, embedding: Tensor, generator: Tensor) -> None:
        """Move each class's centroid towards the mean of its clips in the batch; the first mean is taken whole."""
        x = F.normalize(wide(embedding.detach()), dim=1)
        for g in torch.unique(generator[self._used(generator)]):
            mean = x[generator == g].mean(0)
            keep = self.momentum if self.seen[g] else 0.0
            self.centroids[g] = keep * self.centroids[g] + (1 - keep) * mean
            self.seen[g] = True


class Objective(nn.Module):
    """The weighted sum of Eq. (8); a loss is switched off by a weight of zero.

    ``objective(outputs, batch)`` returns a dict of the five unweighted terms and ``total``. ``batch`` holds
    ``label`` and ``generator`` (B,), ``audio_present`` (B,) bool and, where clips differ in length,
    ``frames_present`` (B, T) bool: clips without audio or without an image take no part in the losses that compare
    the two. ``named`` (B,), if present, replaces ``generator`` in the attribution loss alone (shuffled labels). Across
    processes each holds its rows, and all get the losses of the whole batch.
    """

    def __init__(self, settings: LossSettings, n_generators: int, dim: int) -> None:
        super().__init__()
        self.settings = settings
        self.bank = CentroidBank(n_generators, dim, settings.momentum)

    @property
    def weights(self) -> dict[str, float]:
        s = self.settings
        return {
            "detection": s.detection,
            "attribution": s.attribution,
            "contrastive": s.contrastive,
            "fingerprint": s.fingerprint,
            "centroid": s.centroid,
        }

    def forward(self, outputs, batch: dict[str, Tensor], update: bool = True) -> dict[str, Tensor]:
        s = self.settings
        whole = batch["audio_present"].bool()
        if "frames_present" in batch:
            whole = whole & batch["frames_present"].any(1)
        logit, logits, visual, audio, fused, label, generator, named, whole = gather(
            outputs.detection_logit,
            outputs.attribution_logits,
            outputs.visual_projection,
            outputs.audio_projection,
            outputs.fused,
            batch["label"],
            batch["generator"],
            batch.get("named", batch["generator"]),
            whole,
        )
        v, a = visual[whole], audio[whole]
        contrasted = whole & (label == 0) if s.contrastive_clips == "real" else whole
        terms = {
            "detection": focal_loss(logit, label, s.focal_alpha, s.focal_gamma),
            "attribution": attribution_loss(logits, named, s.attribution_target),
            "contrastive": info_nce(visual[contrasted], audio[contrasted], s.temperature),
            "fingerprint": fingerprint_consistency(v, a, generator[whole], s.fingerprint_pairs),
            "centroid": self.bank.loss(fused, generator),
        }
        if update and self.training:
            self.bank.update(fused, generator)
        total = sum(w * terms[k] for k, w in self.weights.items() if w)
        return {**terms, "total": total if isinstance(total, Tensor) else terms["detection"] * 0.0}
