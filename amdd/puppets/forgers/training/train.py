"""Train the forgers on rendered people that no corpus contains.

    python -m amdd.puppets.forgers.training.train                # all of them
    python -m amdd.puppets.forgers.training.train faceswap fsgan --effort 0.5
    python -m amdd.puppets.forgers.training.train --continued --effort 0.15   # from the shipped weights on

Writes ``weights/<name>.safetensors`` (float16) and ``weights/<name>.json`` (seed, steps, settings, loss curve).
Identities have seeds from 1,000,000 on; corpora use seeds below 900,000.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F
from tqdm import tqdm

from amdd.base.paths import atomic, build_root, write_text
from amdd.puppets.forgers.base import WEIGHTS, load_network
from amdd.puppets.forgers.features import landmark_maps
from amdd.puppets.forgers.networks import NAMES, SWAPS, Critic, build
from amdd.puppets.forgers.objectives import (
    blank,
    glance_weight,
    mask_loss,
    mouth_weight,
    picture_loss,
)
from amdd.puppets.forgers.training.distortions import nudge, warp
from amdd.puppets.forgers.training.people import FIRST_SEED, SIZE, dataset


class Trainer:
    """Draws batches for every kind of network and takes its training steps."""

    def __init__(self, name: str, data: dict[str, np.ndarray], seed: int, device: str) -> None:
        torch.manual_seed(seed)
        self.name, self.data, self.device = name, data, device
        self.rng = np.random.default_rng([seed, NAMES.index(name)])
        self.network = build(name).to(device, memory_format=torch.channels_last)
        self.rate = 1e-3 if name == "syncnet" else 6e-4
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), self.rate, betas=(0.5, 0.99), weight_decay=1e-4
        )
        self.bf16 = device == "cuda" or torch.backends.cpu.get_cpu_capability() == "AVX512"
        if name.startswith("gan-"):
            self.critic = Critic().to(device, memory_format=torch.channels_last)
            self.critic_optimiser = torch.optim.AdamW(self.critic.parameters(), 2e-4, betas=(0.0, 0.99))
        if name == "wav2lip":
            self.sync = load_network("syncnet").to(device)

    def continue_from_shipped(self) -> dict:
        """Load the shipped weights and return their sha256 and their record without the loss curve."""
        self.network.load_state_dict(load_network(self.name).state_dict())
        record = json.loads((WEIGHTS / f"{self.name}.json").read_text(encoding="utf-8"))
        record.pop("loss_every_25_steps", None)
        weights = (WEIGHTS / f"{self.name}.safetensors").read_bytes()
        return {"sha256": hashlib.sha256(weights).hexdigest(), **record}

    def tensor(self, pictures: np.ndarray, size: int) -> torch.Tensor:
        """Return images (B, s, s, 3) uint8 as (B, 3, size, size) in [0, 1] on the device, channels last."""
        x = torch.from_numpy(np.ascontiguousarray(pictures)).to(self.device).permute(0, 3, 1, 2).float() / 255
        if size != x.shape[-1]:
            x = F.interpolate(x, size=(size, size), mode="area" if size < x.shape[-1] else "bilinear")
        return x.contiguous(memory_format=torch.channels_last)

    def masks(self, masks: np.ndarray, size: int) -> torch.Tensor:
        """Return masks (B, s, s) in {0, 1} as (B, 1, size, size) in [0, 1] on the device."""
        return F.interpolate(
            torch.from_numpy(masks).to(self.device)[:, None].float(), size=(size, size), mode="area"
        )

    def step(self, progress: float) -> float:
        """Take one training step and return its loss; ``progress`` in [0, 1] places it in the schedule."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate * (0.5 * (1 + np.cos(np.pi * min(progress, 1.0))) * 0.95 + 0.05)
        with torch.autocast(self.device, torch.bfloat16, enabled=self.bf16):
            if self.name in SWAPS:
                loss = self._swap(progress)
            elif self.name == "syncnet":
                loss = self._syncnet()
            elif self.name == "wav2lip":
                loss = self._wav2lip(progress)
            else:
                loss = self._fsgan()
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0 if self.name == "wav2lip" else 5.0)
        self.optimiser.step()
        return float(loss.detach())

    def _draw(self, batch: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        people, scenes, steps = self.data["crops"].shape[:3]
        return (
            self.rng.integers(0, people, batch),
            self.rng.integers(0, scenes, batch),
            self.rng.integers(0, steps, batch),
        )

    def _swap(self, progress: float) -> torch.Tensor:
        s = SWAPS[self.name]
        who, scene, frame = self._draw(16 if s.size_out <= 96 else 10)
        crops, steps = self.data["crops"], self.data["crops"].shape[2]
        other = (frame + self.rng.integers(2, steps - 2, len(frame))) % steps
        donor = self.tensor(crops[who, scene, other], s.size_in)
        goal = self.tensor(crops[who, scene, frame], s.size_out)
        mask = self.masks(self.data["masks"][who, scene, frame], s.size_out)
        picture, segmentation = self.network(
            warp(self.tensor(crops[who, scene, frame], s.size_in), self.rng), donor
        )
        loss = picture_loss(picture.float(), goal, mask, 2 * glance_weight(goal))
        loss = loss + 0.1 * mask_loss(segmentation, mask)
        if self.name.startswith("gan-") and progress > 0.3:
            with torch.no_grad():
                fake = picture.detach()
            real_score, fake_score = self.critic(goal), self.critic(fake)
            critic_loss = F.relu(1 - real_score.float()).mean() + F.relu(1 + fake_score.float()).mean()
            self.critic_optimiser.zero_grad(set_to_none=True)
            critic_loss.backward()
            self.critic_optimiser.step()
            loss = loss - 0.05 * self.critic(picture).float().mean()
        return loss

    def _fsgan(self) -> torch.Tensor:
        who, scene, frame = self._draw(12)
        steps = self.data["crops"].shape[2]
        other = (frame + self.rng.integers(1, steps, len(frame))) % steps
        d = self.data
        goal = self.tensor(d["crops"][who, scene, frame], 96)
        donor = self.tensor(d["crops"][who, scene, other], 96)
        scale = 96 / SIZE
        donor_maps = landmark_maps(d["landmarks"][who, scene, other] * scale, 96)
        target_maps = landmark_maps(d["landmarks"][who, scene, frame] * scale, 96)
        as_maps = lambda m: torch.from_numpy(m).to(self.device).float() / 255  # noqa: E731
        mask = self.masks(d["masks"][who, scene, frame], 96)
        picture, segmentation = self.network(donor, as_maps(donor_maps), as_maps(target_maps))
        return picture_loss(picture.float(), goal, mask) + 0.1 * mask_loss(segmentation, mask)

    def _heard(self, mel: np.ndarray) -> torch.Tensor:
        """Return mel windows (B, 1, 40, 16) at a random level over a random noise floor, drawn for each."""
        shape = (len(mel), 1, 1, 1)
        louder, floor = self.rng.uniform(-0.2, 0.2, shape), self.rng.uniform(-1.3, -0.4, shape)
        out = np.maximum(mel.astype(np.float32) + louder, floor)
        out += self.rng.normal(0, 0.03, out.shape) * (out <= floor)
        return torch.from_numpy(out.astype(np.float32)).to(self.device)

    def _syncnet(self) -> torch.Tensor:
        """Return the loss of matching a clip's moments with their audio: each against all others of the same clip
        (Chung et al. 2019), so that neither appearance nor pitch is informative."""
        people, scenes, steps = self.data["crops"].shape[:3]
        clips, moments, apart = 4, 14, 6
        who, scene = self.rng.integers(0, people, clips), self.rng.integers(0, scenes, clips)
        places = np.arange(0, steps - 5 - apart, apart)
        frame = np.stack(
            [self.rng.choice(places, moments, replace=False) + self.rng.integers(0, apart) for _ in who]
        )
        index = (who[:, None, None], scene[:, None, None], frame[..., None] + np.arange(5))
        pictures = self.data["crops"][index].reshape(-1, SIZE, SIZE, 3)
        x = self.tensor(pictures, 96)[:, :, 48:].reshape(clips * moments, 15, 48, 96)
        mel = self.data["mel"][who[:, None], scene[:, None], frame + 2].reshape(-1, 1, 40, 16)
        seen, heard = self.network.embed(x, self._heard(mel))
        alike = 12 * torch.einsum(
            "cmd,cnd->cmn", *(e.float().unflatten(0, (clips, moments)) for e in (seen, heard))
        )
        right = torch.arange(moments, device=alike.device).expand(clips, -1)
        return (F.cross_entropy(alike, right) + F.cross_entropy(alike.mT, right)) / 2

    def _wav2lip(self, progress: float) -> torch.Tensor:
        """Return the loss of single frames of many people, later of runs of five with the lip-sync expert's term."""
        expert = min(max((progress - 0.3) / 0.2, 0.0), 1.0)
        run = 5 if expert else 1
        batch = 15 // run
        who, scene, _ = self._draw(batch)
        crops, steps = self.data["crops"], self.data["crops"].shape[2]
        frame = self.rng.integers(0, steps - run + 1, batch)
        # Of four moments the one whose upper half is most alike: pose then comes with the reference, words do not.
        moments = (frame[:, None] + self.rng.integers(8, steps - 8, (batch, 4))) % steps
        upper = crops[who, scene, frame + run // 2, : SIZE // 2].astype(np.int16)
        unlike = [np.abs(crops[who, scene, m, : SIZE // 2] - upper).mean((1, 2, 3)) for m in moments.T]
        reference = moments[np.arange(batch), np.argmin(unlike, 0)]
        index = (np.repeat(who, run), np.repeat(scene, run), (frame[:, None] + np.arange(run)).ravel())
        goal, mask = self.tensor(crops[index], 96), self.masks(self.data["masks"][index], 96)
        if progress < 0.8:  # the last steps see crops as they are: nudged ones are a little soft
            goal, mask = nudge(torch.cat([goal, mask], 1), run, self.rng).split([3, 1], 1)
        other = self.tensor(crops[index[0], index[1], np.repeat(reference, run)], 96)
        # The windows of one clip share its level and its noise.
        mel = self._heard(self.data["mel"][index].reshape(batch, run, 40, 16)).reshape(batch * run, 1, 40, 16)
        picture = self.network(torch.cat([blank(goal), other], 1), mel).float()
        loss = picture_loss(picture, goal, mask)
        lower = mouth_weight(goal)
        loss = loss + 10.0 * ((picture - goal).abs() * lower).mean()
        if expert:
            x = picture[:, :, 48:].reshape(batch, 15, 48, 96)
            middle = mel.reshape(batch, run, 1, 40, 16)[:, run // 2]
            loss = loss + 0.06 * expert * F.softplus(-5 * self.sync(x, middle).float()).mean()
        return loss


def train(
    name: str, data: dict[str, np.ndarray], steps: int, seed: int, device: str, continued: bool = False
) -> dict:
    """Train network ``name`` for ``steps``, save its weights and record, and return the record.

    ``data`` as :func:`amdd.puppets.forgers.training.people.dataset` returns it; ``device`` is "cpu" or "cuda".
    ``continued`` starts from the shipped weights in the second half of the schedule, as after a change of the renderer;
    the record then names those weights.
    """
    trainer = Trainer(name, data, seed, device)
    former = trainer.continue_from_shipped() if continued else None
    start, curve, recent = time.time(), [], []
    bar = tqdm(range(steps), desc=name, mininterval=10)
    for step in bar:
        recent.append(trainer.step((0.5 + 0.5 * step / steps) if continued else step / steps))
        if (step + 1) % 25 == 0:
            curve.append(round(float(np.mean(recent)), 5))
            recent = []
            bar.set_postfix(loss=curve[-1])
    WEIGHTS.mkdir(exist_ok=True)
    state = {k: v.detach().cpu().contiguous().half() for k, v in trainer.network.state_dict().items()}
    with atomic(WEIGHTS / f"{name}.safetensors") as temporary:
        save_file(state, temporary, metadata={"name": name})
    record = {
        "name": name,
        "seed": seed,
        "steps": steps,
        "seconds": round(time.time() - start, 1),
        "device": device,
        "threads": torch.get_num_threads(),
        "parameters": sum(p.numel() for p in trainer.network.parameters()),
        "identities": int(data["crops"].shape[0]),
        "first_identity_seed": FIRST_SEED,
        "frames": int(np.prod(data["crops"].shape[:3])),
        "loss_every_25_steps": curve,
    }
    if former is not None:
        record["continued_from"] = former
    write_text(WEIGHTS / f"{name}.json", json.dumps(record, indent=1) + "\n")
    return record


STEPS = {
    "faceswap": 4000,
    "syncnet": 2400,
    "wav2lip": 4000,
    "fsgan": 2600,
    "dfdm-dflh128": 2400,
    "gan-swap-hq": 2400,
}
# Looks are learnt from many people in many poses, lips from much speech: (people, scenes, frames a clip, every ..th).
SPEECH = (240, 1, 100, 1)


def main() -> None:
    """Parse the command line and train the networks that it names."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", default=[], help=f"any of {', '.join(NAMES)}; default: all")
    parser.add_argument("--identities", type=int, default=120)
    parser.add_argument("--scenes", type=int, default=2)
    parser.add_argument("--frames", type=int, default=20)
    parser.add_argument("--effort", type=float, default=1.0, help="times the standard number of steps")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--continued", action="store_true", help="start from the shipped weights")
    arguments = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    cache = build_root() / "forgers"
    cache.mkdir(parents=True, exist_ok=True)
    looks = (arguments.identities, arguments.scenes, arguments.frames, 5)
    order = ["syncnet", "faceswap", "fsgan", "wav2lip", *[n for n in SWAPS if n != "faceswap"]]
    for name in order:
        if not arguments.names or name in arguments.names:
            speech = name in ("syncnet", "wav2lip")
            data = dataset(*(SPEECH if speech else looks), cache, speech)
            steps = int(STEPS.get(name, 2000) * arguments.effort)
            record = train(name, data, steps, arguments.seed, device, arguments.continued)
            print(
                f"{name}: {record['steps']} steps, {record['seconds']} s, loss {record['loss_every_25_steps'][-1:]}"
            )


if __name__ == "__main__":
    main()
