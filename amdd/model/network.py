"""The network of the paper, one class per box of its Fig. 2.

Shapes: B clips, T frames, d = 512 dimensions, K generators. What the paper leaves open is said where it is
decided: no residual connection or norm around the attentions (its equations show none), so that the parameter
count comes out as in Table I.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from amdd.base.distributed import several, wide
from amdd.model.backbones import Trunk
from amdd.model.features import CellMeans
from amdd.profiles import ModelSettings


@dataclass
class Outputs:
    """Result of one forward pass; see :class:`AMDD`."""

    detection_logit: Tensor  # (B,) > 0 means fake
    attribution_logits: Tensor  # (B, K + 1), class 0 real
    fused: Tensor  # (B, 2d)
    visual_embedding: Tensor  # (B, d) before fusion
    audio_embedding: Tensor  # (B, d) before fusion
    visual_projection: Tensor  # (B, d) unit length
    audio_projection: Tensor  # (B, d) unit length
    temporal_attention: Tensor  # (B, T, T) mean over heads
    cross_attention: tuple[Tensor, Tensor]  # visual to audio, audio to visual


def of_the_present(trunk: nn.Module, pictures: Tensor, present: Tensor | None) -> Tensor:
    """Feature maps (N, width, h, w) of ``pictures`` (N, C, H, W); zeros where ``present`` (N,) is false.

    What is absent does not go through the trunk at all: in training its batch normalisation would let the absent
    change the features of the others.
    """
    if present is None:
        return trunk(pictures)
    rows = present.nonzero()[:, 0]
    if not len(rows) and not (trunk.training and several()):  # nothing at all: only the shape is asked for
        was = trunk.training
        with torch.no_grad():
            shape = trunk.eval()(torch.zeros_like(pictures[:1])).shape
        trunk.train(was)
        return pictures.new_zeros(len(pictures), *shape[1:])
    some = trunk(pictures[rows])
    return some.new_zeros(len(pictures), *some.shape[1:]).index_copy(0, rows, some)


def missing_keys(frames_present: Tensor | None) -> Tensor | None:
    """The (B, T) bool mask of frames that attention may not look at. A clip without any frame gets none: a softmax
    over nothing is not a number, and its features are constant anyway."""
    if frames_present is None:
        return None
    present = frames_present.bool()
    return ~present & present.any(1, keepdim=True)


def mean_over(tokens: Tensor, missing: Tensor | None) -> Tensor:
    """Mean of ``tokens`` (B, T, d) over the T that are not ``missing`` (B, T)."""
    if missing is None:
        return tokens.mean(1)
    keep = (~missing).to(tokens.dtype)[..., None]
    return (tokens * keep).sum(1) / keep.sum(1)


class VisualEncoder(nn.Module):
    """Trunk per frame -> Linear, LayerNorm, ReLU -> 8-head self-attention over time -> mean (Sec. III-C, Eq. 5)."""

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__()
        self.trunk = self.trunk_of(settings)
        self.features = CellMeans(self.trunk, settings.visual_cells)
        self.drop = nn.Dropout(settings.feature_dropout)
        self.project = nn.Sequential(
            nn.Linear(self.features.width, settings.dim), nn.LayerNorm(settings.dim), nn.ReLU(inplace=True)
        )
        self.temporal = nn.MultiheadAttention(settings.dim, settings.heads, batch_first=True)

    def forward(self, frames: Tensor, frames_present: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """``frames`` (B, T, 3, H, W), ``frames_present`` (B, T) bool -> (B, d), tokens (B, T, d), (B, T, T)."""
        b, t = frames.shape[:2]
        present = None if frames_present is None else frames_present.flatten()
        maps = of_the_present(self.trunk, frames.flatten(0, 1), present)
        tokens = self.project(self.drop(self.features(maps)).view(b, t, -1))
        missing = missing_keys(frames_present)
        attended, weights = self.temporal(tokens, tokens, tokens, key_padding_mask=missing, need_weights=True)
        return mean_over(attended, missing), attended, weights

    @staticmethod
    def trunk_of(s: ModelSettings) -> Trunk:
        """Return the trunk of such an encoder, with its initial weights."""
        blocks = {"blocks": s.visual_blocks, "frozen": s.visual_frozen}
        return Trunk(s.visual_backbone, s.weights, **blocks, levels=s.visual_levels, cells=s.visual_cells)


class AudioEncoder(nn.Module):
    """ResNet18 with a one-channel stem on the mel spectrogram -> Linear (Sec. III-D)."""

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__()
        self.trunk = self.trunk_of(settings)
        self.features = CellMeans(self.trunk)
        self.project = nn.Linear(self.features.width, settings.dim)

    def forward(self, mel: Tensor, present: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """``mel`` (B, 1, M, F), ``present`` (B,) bool -> (B, d) and its tokens over time (B, F', d)."""
        maps = of_the_present(self.trunk, mel, present)
        tokens = self.project(self.features.standardised(maps.mean(2).transpose(1, 2)))
        return self.project(self.features(maps)), tokens

    @staticmethod
    def trunk_of(s: ModelSettings) -> Trunk:
        """Return the trunk of such an encoder, with its initial weights."""
        return Trunk(s.audio_backbone, s.weights, 1, s.audio_blocks, s.audio_frozen)


class CrossModalAttention(nn.Module):
    """Each modality attends to the other, 8 heads each way (Sec. III-E, Eq. 6-7).

    ``pooled`` is the paper's reading: one vector attends to one vector. A softmax over a single key is 1, so the
    attention is a linear map of the other modality (value and output projection); queries and keys receive no
    gradient. ``tokens`` attends to the other modality's frames or spectrogram columns before pooling.
    """

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__()
        self.kind = settings.cross_modal
        if self.kind not in ("pooled", "tokens"):
            raise ValueError(f"cross_modal is 'pooled' or 'tokens', not {self.kind!r}")
        self.visual_to_audio = nn.MultiheadAttention(settings.dim, settings.heads, batch_first=True)
        self.audio_to_visual = nn.MultiheadAttention(settings.dim, settings.heads, batch_first=True)

    def forward(self, visual, audio, visual_tokens, audio_tokens, frames_present=None):
        """Embeddings (B, d) and tokens (B, T, d), (B, F', d) -> two (B, d) and the attention weights."""
        if self.kind == "pooled":
            v, a = visual[:, None], audio[:, None]
            to_audio, w1 = self.visual_to_audio(v, a, a)
            to_visual, w2 = self.audio_to_visual(a, v, v)
            return to_audio[:, 0], to_visual[:, 0], (w1, w2)
        missing = missing_keys(frames_present)
        to_audio, w1 = self.visual_to_audio(visual_tokens, audio_tokens, audio_tokens)
        to_visual, w2 = self.audio_to_visual(
            audio_tokens, visual_tokens, visual_tokens, key_padding_mask=missing
        )
        return mean_over(to_audio, missing), to_visual.mean(1), (w1, w2)


def mlp(width: int, hidden: int, out: int, dropout: float) -> nn.Sequential:
    """A two-layer head with ReLU and dropout (Sec. III-F)."""
    return nn.Sequential(
        nn.Linear(width, hidden), nn.ReLU(inplace=True), nn.Dropout(dropout), nn.Linear(hidden, out)
    )


class AMDD(nn.Module):
    """Attribution-guided multimodal deepfake detection.

    Called as ``model(frames, mel, audio_present=None, frames_present=None)``: ``frames`` float (B, T, 3, H, W)
    ImageNet-normalised, ``mel`` float (B, 1, M, F), ``audio_present`` (B,) bool, ``frames_present`` (B, T) bool.

    What is absent is masked, never passed off as silence or as a black image. A clip without audio takes the
    visual-only path: its audio embedding is replaced by its own visual embedding before the fusion, so nothing is
    invented and no parameter is added; its audio projection is zero, so that no loss and no similarity counts it. A
    clip without any frame takes the audio-only path in the same way. Nothing that comes out depends on what stands in
    a masked place, in training neither, where batch normalisation could carry it over.
    """

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__()
        self.settings = settings
        d, classes = settings.dim, len(settings.classes)
        self.visual_encoder = VisualEncoder(settings)
        self.audio_encoder = AudioEncoder(settings)
        self.cross_modal = CrossModalAttention(settings)
        self.detection_head = mlp(2 * d, settings.hidden, 1, settings.dropout)
        self.attribution_head = mlp(2 * d, settings.hidden, classes, settings.dropout)
        self.visual_projection = nn.Sequential(nn.Linear(d, d), nn.ReLU(inplace=True), nn.Linear(d, d))
        self.audio_projection = nn.Sequential(nn.Linear(d, d), nn.ReLU(inplace=True), nn.Linear(d, d))

    @property
    def provenance(self) -> dict[str, str]:
        """Origin of the backbones' initial weights."""
        return {
            "visual": str(self.visual_encoder.trunk.provenance),
            "audio": str(self.audio_encoder.trunk.provenance),
        }

    def forward(
        self,
        frames: Tensor,
        mel: Tensor,
        audio_present: Tensor | None = None,
        frames_present: Tensor | None = None,
    ) -> Outputs:
        heard = None if audio_present is None else audio_present.to(mel.device).bool()
        if frames_present is not None:
            frames_present = frames_present.to(frames.device).bool()
        visual, visual_tokens, temporal = self.visual_encoder(frames, frames_present)
        audio, audio_tokens = self.audio_encoder(mel, heard)
        one, other = visual, audio
        if heard is not None:
            heard = heard[:, None]
            audio = torch.where(heard, other, one)
            audio_tokens = torch.where(heard[..., None], audio_tokens, one[:, None])
        seen = None
        if frames_present is not None:
            seen = frames_present.any(1, keepdim=True)
            visual = torch.where(seen, one, other)
            visual_tokens = torch.where(seen[..., None], visual_tokens, other[:, None])
        a, b, weights = self.cross_modal(visual, audio, visual_tokens, audio_tokens, frames_present)
        fused = torch.cat([a, b], 1)
        v = F.normalize(wide(self.visual_projection(visual)), dim=1)
        s = F.normalize(wide(self.audio_projection(audio)), dim=1)
        if seen is not None:
            v = torch.where(seen, v, torch.zeros_like(v))
        if heard is not None:
            s = torch.where(heard, s, torch.zeros_like(s))
        return Outputs(
            self.detection_head(fused)[:, 0],
            self.attribution_head(fused),
            fused,
            visual,
            audio,
            v,
            s,
            temporal,
            weights,
        )


TABLE_1 = {  # the paper's Table I, in millions
    "Visual encoder": 24.6,
    "Temporal attention": 1.0,
    "Audio encoder": 11.2,
    "Cross-modal attention": 2.1,
    "Detection head": 0.3,
    "Attribution head": 0.3,
    "Projection heads": 0.5,
    "Total": 40.7,
}


def summary(model: AMDD) -> pd.DataFrame:
    """Parameters by component beside Table I; columns ``component``, ``parameters``, ``millions``, ``table_1``.

    The audio row counts the trunk and its projection (11.4 M with ResNet18; Table I's 11.2 is the trunk alone),
    and the projection heads are two of 0.5 M each, of which Table I lists one: that is why its rows add up to
    40.0 M and its total reads 40.7 M.
    """

    def count(*modules: nn.Module) -> int:
        return sum(p.numel() for m in modules for p in m.parameters())

    v = model.visual_encoder
    rows = {
        "Visual encoder": count(v.trunk, v.project),
        "Temporal attention": count(v.temporal),
        "Audio encoder": count(model.audio_encoder),
        "Cross-modal attention": count(model.cross_modal),
        "Detection head": count(model.detection_head),
        "Attribution head": count(model.attribution_head),
        "Projection heads": count(model.visual_projection, model.audio_projection),
    }
    rows["Total"] = sum(rows.values())
    return pd.DataFrame(
        [(k, n, round(n / 1e6, 2), TABLE_1[k]) for k, n in rows.items()],
        columns=["component", "parameters", "millions", "table_1"],
    )
