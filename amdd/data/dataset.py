"""Prepared clips to batches: dataset, augmentation, and the sampler that balances generators."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch.utils.data import Dataset, Sampler
from torchvision.transforms.v2 import functional as F

from amdd.data.prepare import ClipStore

MEAN = (0.485, 0.456, 0.406)  # ImageNet's, which the backbones were trained with
STD = (0.229, 0.224, 0.225)

# The paper names flip, colour jitter and grayscale and gives no strengths. These are mild: the traces of a
# generator lie in colour and texture, and strong jitter would wipe them out.
FLIP, GRAYSCALE = 0.5, 0.1
BRIGHTNESS = CONTRAST = SATURATION = 0.2

UNKNOWN = -1


def generator_index(names: Sequence[str], generators: Sequence[str]) -> np.ndarray:
    """Class of each generator name: 0 real, 1..K in the order of ``generators``, -1 unknown; int64 (n,)."""
    classes = {"real": 0} | {name: k for k, name in enumerate(generators, 1)}
    return np.array([classes.get(str(name), UNKNOWN) for name in names], np.int64)


def generators_of(table: pd.DataFrame, named: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the generators that a network is trained to name: ``named``, or those of the training fakes in ``table``, in
    alphabetical order.

    Clips of generator "unknown" do not count. Raises ``ValueError``, listing both, where ``named`` has none of the
    corpus's generators, and where the corpus has no forged training clip.
    """
    fakes = table[(table["label"] == 1) & (table["split"] == "train")]
    own = tuple(sorted({str(name) for name in fakes["generator"]} - {"unknown", ""}))
    if not own:
        raise ValueError(
            "no forged clip of a known generator is in the training split; nothing can be attributed"
        )
    if named and not {*named} & {*own}:
        raise ValueError(
            f"model.generators={','.join(named)}: the training clips have none of them but {', '.join(own)}; leave the "
            "setting empty to take these"
        )
    return tuple(named) or own


def row_numbers(prepared: ClipStore, rows: Any = None) -> np.ndarray:
    """Row numbers meant by ``rows``: None (all), numbers, a mask over the manifest, or a part of the manifest."""
    n = len(prepared.manifest)
    if rows is None:
        return np.arange(n)
    if isinstance(rows, pd.DataFrame):
        rows = rows.index
    rows = np.asarray(rows)
    if rows.dtype == bool:
        if len(rows) != n:
            raise ValueError(f"a mask of {len(rows)} for a prepared corpus of {n} clips")
        return np.flatnonzero(rows)
    rows = rows.astype(np.int64)
    if len(rows) and not (rows.min() >= 0 and rows.max() < n):
        raise IndexError(f"row {rows.max()} of a prepared corpus of {n} clips")
    return rows


class ClipDataset(Dataset):
    """Clips ``rows`` of a prepared corpus as tensors.

    An item is ``frames`` float32 (T, 3, S, S), ImageNet-normalised; ``mel`` float32 (1, M, F) in [-1, 1];
    ``label`` (0 real, 1 fake); ``generator`` (0 real, 1..K, -1 unknown); ``named``, the same for the attribution loss;
    ``audio_present``; ``clip_id``; and ``index``, the clip's row in the prepared corpus. If ``settings.frames`` is
    smaller than the number prepared, T is that many of the frames, evenly spaced; with ``draw`` they are drawn at random
    instead, in their order. With ``shuffle`` the generators of the known fakes are permuted in ``named``, by ``seed``.
    Frames are sent to ``device`` as bytes and converted and augmented there. With ``maps`` of
    ``rows`` (:class:`amdd.training.frozen.FrozenMaps`) ``frames`` and ``mel`` are those, and augmentation is the flip alone.

    Augmentation is drawn from (seed, epoch, row, repeat) alone, so that a resumed run sees what an
    uninterrupted one would, whatever the number of loader processes. Call :meth:`set_epoch` before each epoch.
    """

    def __init__(
        self,
        prepared: ClipStore,
        rows: Any = None,
        settings: Any = None,
        generators: Sequence[str] = (),
        augment: bool = False,
        seed: int = 0,
        *,
        draw: int = 0,
        shuffle: bool = False,
        maps: Any = None,
        device: torch.device | str = "cpu",
    ) -> None:
        self.prepared, self.settings = prepared, settings or prepared.settings
        self.rows = row_numbers(prepared, rows)
        self.generators, self.augment, self.seed, self.epoch = tuple(generators), augment, seed, 0
        self.draw, self.device = draw, torch.device(device)
        self.visual: np.ndarray | None = maps.visual if maps else None
        self.audio: np.ndarray | None = maps.audio if maps else None
        table = prepared.manifest.iloc[self.rows]
        self.generator = generator_index(table["generator"].tolist(), self.generators)
        self.named = shuffled(self.generator, seed) if shuffle else self.generator
        self.label = table["label"].to_numpy(np.int64)
        self._audio = table["audio_present"].to_numpy(bool)
        self._ids = table["clip_id"].astype(str).tolist()

    def __len__(self) -> int:
        return len(self.rows)

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __getitem__(self, item: int) -> dict[str, Any]:
        """``item`` is a position, plus a multiple of the length for a clip's second, third... draw."""
        repeat, k = divmod(int(item), len(self.rows))
        row = int(self.rows[k])
        rng = np.random.default_rng([self.seed, self.epoch, row, repeat])
        if self.visual is None:
            frames = self.prepared.frames(row)
        else:  # of the crops or of their mirror images
            frames = self.visual[k, int(self.augment and rng.random() < FLIP)]
        if self.draw:
            draw = np.random.default_rng([self.seed, self.epoch, row, repeat, 0xF7])
            frames = frames[np.sort(draw.permutation(len(frames))[: self.draw])]
        elif self.settings.frames < len(frames):
            frames = evenly(frames, self.settings.frames)
        pictures = torch.from_numpy(np.array(frames)).to(self.device)
        if self.visual is None:
            pictures = normalised(pictures, rng if self.augment else None)
        heard = self.prepared.mel(row) if self.audio is None else self.audio[k]
        return {
            "frames": pictures.float(),
            "mel": torch.from_numpy(np.array(heard, np.float32)).to(self.device),
            "label": int(self.label[k]),
            "generator": int(self.generator[k]),
            "named": int(self.named[k]),
            "audio_present": bool(self._audio[k]),
            "clip_id": self._ids[k],
            "index": row,
        }


def evenly(frames: np.ndarray, count: int) -> np.ndarray:
    """Return ``count`` of the frames (T, ...), from the first to the last at even distances."""
    return frames[np.linspace(0, len(frames) - 1, count).round().astype(int)]


def normalised(frames: torch.Tensor, rng: np.random.Generator | None = None) -> torch.Tensor:
    """Return crops (T, S, S, 3) uint8 as a network takes them, float32 (T, 3, S, S); augmented if ``rng`` is given."""
    images = frames.permute(0, 3, 1, 2).float().div_(255)
    if rng is not None:
        images = augment(images, rng)
    mean, std = (torch.tensor(v, device=images.device).view(1, 3, 1, 1) for v in (MEAN, STD))
    return (images - mean) / std


def shuffled(generator: np.ndarray, seed: int) -> np.ndarray:
    """Return class numbers (n,) with those of known fakes (1..K) permuted among themselves, by ``seed`` alone."""
    out, fakes = generator.copy(), np.flatnonzero(generator > 0)
    out[fakes] = generator[np.random.default_rng([seed, 0x5B]).permutation(fakes)]
    return out


def augment(frames: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Flip, colour jitter and grayscale of ``frames`` float (T, 3, H, W) in [0, 1], the same in every frame.

    Frame by frame they would add flicker, which is what a network looks for in a forgery. The jitter is one of
    brightness, contrast and saturation: hue would take twice the time of all the rest.
    """
    flip, grey = rng.random(2)
    light, contrast, saturation = 1 + rng.uniform(-1, 1, 3) * (BRIGHTNESS, CONTRAST, SATURATION)
    if flip < FLIP:
        frames = frames.flip(-1)
    frames = F.adjust_brightness(frames, float(light))
    # Contrast about the clip's mean, not each frame's, again for the sake of time.
    mean = frames.mean(dim=(0, 2, 3), keepdim=True).mean(dim=1, keepdim=True)
    frames = (mean + (frames - mean) * float(contrast)).clamp(0, 1)
    if grey < GRAYSCALE:
        return F.rgb_to_grayscale(frames, num_output_channels=3)
    return F.adjust_saturation(frames, float(saturation))


def collate(items: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Items to a batch: tensors stacked; ``label`` float32, ``generator``, ``named`` and ``index`` int64, ids a list.

    Where clips differ in their number of frames the shorter ones are filled up, and ``frames_present`` (B, T) bool
    says which frames there are; otherwise it is left out.
    """
    frames = [i["frames"] for i in items]
    longest, mask = max(map(len, frames)), {}
    if any(len(f) < longest for f in frames):
        mask = {"frames_present": torch.tensor([[k < len(f) for k in range(longest)] for f in frames])}
        frames = [torch.cat([f, f.new_zeros(longest - len(f), *f.shape[1:])]) for f in frames]
    return {
        "frames": torch.stack(frames),
        "mel": torch.stack([i["mel"] for i in items]),
        "label": torch.tensor([i["label"] for i in items], dtype=torch.float32),
        "generator": torch.tensor([i["generator"] for i in items], dtype=torch.int64),
        "named": torch.tensor([i["named"] for i in items], dtype=torch.int64),
        "audio_present": torch.tensor([i["audio_present"] for i in items], dtype=torch.bool),
        "clip_id": [i["clip_id"] for i in items],
        "index": torch.tensor([i["index"] for i in items], dtype=torch.int64),
        **mask,
    }


def inputs_of(batch: dict[str, Any], moved: dict[str, torch.Tensor]) -> tuple:
    """Return the arguments of the network, from a batch and its copy on the device.

    Where every clip has audio no mask is given, which spares the device work. That is asked of the batch as it came:
    a question to a GPU waits for all that it has still to do.
    """
    heard = None if bool(batch["audio_present"].all()) else moved["audio_present"]
    return moved["frames"], moved["mel"], heard, moved.get("frames_present")


class BalancedSampler(Sampler[int]):
    """Draws clips with replacement so that every class is drawn equally often; see :func:`balanced_sampler`."""

    def __init__(self, classes: np.ndarray, n: int, seed: int, real_share: float | None) -> None:
        if not len(classes):
            raise ValueError("no clips to sample from")
        self.n, self.seed, self.epoch = n, seed, 0
        names, member, counts = np.unique(classes, return_inverse=True, return_counts=True)
        share = np.full(len(names), 1 / len(names))
        if real_share is not None and 0 in names and len(names) > 1:
            share = np.where(names == 0, real_share, (1 - real_share) / (len(names) - 1))
        self.weights = (share / counts)[member]

    def __len__(self) -> int:
        return self.n

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        rng = np.random.default_rng([self.seed, self.epoch, 0x5A])
        drawn = rng.choice(len(self.weights), self.n, p=self.weights / self.weights.sum())
        seen: dict[int, int] = {}
        for k in drawn.tolist():
            repeat = seen.get(k, 0)
            seen[k] = repeat + 1
            yield k + repeat * len(self.weights)  # a clip's second draw is augmented otherwise than its first


def balanced_sampler(
    rows: Any,
    generators: Sequence[str] = (),
    n: int | None = None,
    seed: int = 0,
    real_share: float | None = None,
) -> BalancedSampler:
    """The paper's weighted sampler over generator classes, for a :class:`ClipDataset` or manifest rows.

    A clip's weight is the inverse of its class's frequency, where real is one class beside the K generators
    (and clips of unknown generators, if any, are one more). So each class fills 1/(K+1) of an epoch of ``n``
    draws (default: as many as there are clips): FSGAN's 59 training clips of Table III weigh as much as
    Wav2Lip's 350, which is what attribution needs. With ``real_share=0.5`` reals fill half, as they do in the
    paper's training set (Table II), and the generators share the other half evenly; ``training.sampler`` chooses.

    Draws are with replacement and depend on (seed, epoch) only; call ``set_epoch``. Numbers at or above the
    number of clips are repeats of a clip within the epoch, which :class:`ClipDataset` understands.
    """
    if isinstance(rows, ClipDataset):
        classes = rows.generator
    else:
        classes = generator_index(rows["generator"].tolist(), generators)
    return BalancedSampler(classes, n or len(classes), seed, real_share)
