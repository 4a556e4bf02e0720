"""Every value that a training rests on: the paper's, those it leaves open, and those that differ from it (Table IV)."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from amdd.profiles import PROFILES, Profile

Row = tuple[str, str | float, str, str]
FOUR = "Table IV"
OURS = "ours"


def hyperparameters(profile: Profile) -> pd.DataFrame:
    """Return every hyperparameter with its value, its source and, where it is ours, the reason (the form of Table IV)."""
    rows: Sequence[Row] = [*_losses(profile), *_optimisation(profile), *_data(profile), *_network(profile)]
    columns = ["hyperparameter", "value here", "source", "reason"]
    return pd.DataFrame(
        [(a, b if isinstance(b, str) else f"{b:g}", c, " ".join(d.split())) for a, b, c, d in rows],
        columns=columns,
    )


def _losses(profile: Profile) -> list[Row]:
    loss = profile.training.loss
    pairs = {"own": "a clip's own audio-visual pair", "all": "all pairs of a generator"}[
        loss.fingerprint_pairs
    ]
    return [
        ("detection loss weight", loss.detection, "Eq. 8", ""),
        ("attribution loss weight", loss.attribution, FOUR, ""),
        ("contrastive loss weight", loss.contrastive, FOUR, ""),
        ("fingerprint loss weight", loss.fingerprint, FOUR, ""),
        ("centroid loss weight", loss.centroid, FOUR, ""),
        ("focal alpha", loss.focal_alpha, FOUR, ""),
        ("focal alpha weighs", "fakes", OURS, "the paper does not say which class; alpha is the positive class's in the focal loss's paper"),
        ("focal gamma", loss.focal_gamma, FOUR, ""),
        ("contrastive temperature", loss.temperature, FOUR, ""),
        ("clips of the contrastive loss", loss.contrastive_clips, OURS, "the equation sums over all clips, the motivation speaks of authentic ones"),
        ("pairs of the fingerprint loss", pairs, OURS, "Eq. 12 sums over samples, not over pairs"),
        ("centroid momentum", loss.momentum, FOUR, ""),
        ("centroids of", "the fused embedding, scaled to length one; generators only", OURS, "the paper names neither the embedding nor its scale, and speaks of generators"),
        ("centroids move", "after the losses of a batch", OURS, "so that a clip is not compared with itself"),
    ]  # fmt: skip


def _optimisation(profile: Profile) -> list[Row]:
    t = profile.training
    reduced = "reduced in this profile to limit run time" if t.epochs != 50 else ""
    paper = PROFILES["paper"].training
    rate = (
        "related work with pretrained backbones uses 1e-5 to 1e-3; 1e-4 is the geometric mean"
        if t.learning_rate == paper.learning_rate
        else "few steps and mostly new layers; chosen on validation clips of the built-in corpus"
    )
    return [
        ("batch size", t.batch_size, FOUR, ""),
        ("epochs", t.epochs, "Table IV: 50", reduced),
        ("gradient clip norm", t.clip_norm, FOUR, ""),
        ("learning rate", t.learning_rate, OURS, rate),
        ("steps of warm-up", t.warmup, OURS, "not mentioned in the paper"),
        ("schedule", "cosine, every step, to zero", "Algorithm 1", "its end and its unit are ours"),
        ("weight decay", t.weight_decay, OURS, "related work uses 1e-5 to 5e-4, twice 1e-4"),
        ("weight decay of", "all parameters", OURS, "AdamW's default; the paper excludes none"),
        ("sampler", t.sampler, OURS, "halves keeps the training set's ratio of reals and fakes (Table II); the paper's words allow equal classes too"),
        ("selected checkpoint", t.selection.replace("_", " "), OURS, "not given in the paper; the last epoch does not depend on a small validation set, and AUC needs no threshold"),
        ("arithmetic", t.precision, OURS, "auto takes bf16 where it is the faster; evaluation is always in fp32"),
    ]  # fmt: skip


def _data(profile: Profile) -> list[Row]:
    p, t = profile.preparation, profile.training
    jitter = "flip 0.5, brightness, contrast and saturation by up to 0.2, grayscale 0.1"
    if profile.model.visual_frozen:
        jitter = "flip 0.5"
    frames = f"evenly over {p.seconds:g} s" if p.sampling == "window" else "evenly over the clip"
    return [
        ("frames per clip", p.frames, OURS, "related work uses 10; the cost of a step is proportional"),
        ("frames are taken", frames, OURS, "the same time that the spectrogram covers"),
        ("frames drawn per step", t.draw_frames or p.frames, OURS, "not mentioned in the paper"),
        ("crop size", p.size, OURS, "224 is the backbone's training size; a smaller crop costs less and blurs a generator's traces"),
        ("crop margin", p.margin, OURS, "includes chin and hairline, where swaps are blended"),
        ("augmentation", jitter if t.augment else "none", OURS, "the paper names flip, colour jitter and grayscale without strengths; strong ones remove traces. Frozen blocks allow the flip alone"),
        ("mel bands", p.n_mels, OURS, "64 and 128 are usual; 64 halve the input"),
        ("mel level", f"relative to the clip's loudest bin, {p.top_db:g} dB", OURS, "as in librosa; a fixed reference would make the recording's gain a cue"),
        ("clips without sound", "masked", OURS, "the paper feeds silence, which a network can learn as a cue"),
        ("window of locally forged clips", "over the forged part" if p.follow_fakes else "at the start", OURS, "a window beside the forged part shows a real clip that is labelled fake"),
    ]  # fmt: skip


def _network(profile: Profile) -> list[Row]:
    m = profile.model
    same = "as in the paper" if m.visual_backbone == "resnet50" else "a tenth of ResNet50's cost"
    heard = (
        "as in the paper"
        if m.audio_backbone == "resnet18"
        else "its weights ship in a package, ResNet18's do not"
    )
    return [
        ("visual backbone", m.visual_backbone, "Sec. III-C: ResNet50", same),
        ("audio backbone", m.audio_backbone, "Sec. III-D: ResNet18", heard),
        ("part of the backbones", f"{_blocks(m.visual_blocks)}; {_blocks(m.audio_blocks)}", OURS, "visual; audio. The paper takes the whole; middle blocks of MobileNetV2 name generators better than the last ones do (validation clips)"),
        ("frozen blocks", f"{m.visual_frozen}; {m.audio_frozen}", OURS, "visual; audio. The paper trains all; few clips of few people are learned by heart, and a frozen block is computed once"),
        ("cells of the feature map", f"{m.visual_cells} x {m.visual_cells}", OURS, "1 x 1 is the usual global mean; cells keep where in the face a trace lies"),
        ("levels of the visual backbone", _levels(m.visual_levels), OURS, "the usual is the mean of the last map; means and standard deviations of earlier maps as well keep a generator's texture (folds over training people)"),
        ("dropout of features", m.feature_dropout, OURS, "not in the paper, which trains its backbone; few people's constant features are learned by heart otherwise (folds over training people)"),
        ("dropout", m.dropout, OURS, "present in the paper's heads, rate unknown; 0.1 to 0.5 is usual"),
        ("hidden units of a head", m.hidden, OURS, "inferred from the parameters of Table I"),
        ("cross-modal attention", m.cross_modal, "Eq. 6 and 7", "between pooled vectors"),
    ]  # fmt: skip


def _levels(levels: tuple[int, ...]) -> str:
    return (
        f"after blocks {', '.join(map(str, levels))}: mean and standard deviation"
        if levels
        else "the last map: mean"
    )


def _blocks(n: int) -> str:
    return f"first {n} blocks" if n else "all blocks"
