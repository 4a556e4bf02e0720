"""The state of an unfinished training, in one file that is replaced as a whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from amdd.base.paths import atomic
from amdd.training.runs import CheckpointError


class State:
    """State from which a run continues: network, centroids, moments of the optimiser, schedule, and the counters ``at``
    (step, history, best epoch, seconds). The tensors lie in ``state.safetensors``, the rest in its metadata."""

    def __init__(self, folder: Path, model, objective, optimiser, schedule) -> None:
        self.path = folder / "state.safetensors"
        self.model, self.objective = model, objective
        self.optimiser, self.schedule = optimiser, schedule

    def load(self, terms: int) -> dict[str, Any]:
        """Fill everything from the file and return the counters; those of a beginning where there is no file.

        ``terms`` is the number of loss terms that are summed. Raises :class:`CheckpointError` for a file that is
        truncated or of another architecture, with what to delete.
        """
        if not self.path.is_file():
            return {
                "step": 0,
                "sums": [0.0] * terms,
                "history": [],
                "best": None,
                "best_epoch": 0,
                "seconds": 0.0,
            }
        cure = f"delete the folder {self.path.parent} to begin this training anew"
        try:
            with safe_open(self.path, framework="pt") as handle:
                at = json.loads(handle.metadata()["at"])
                tensors = {key: handle.get_tensor(key) for key in handle.keys()}  # noqa: SIM118
        except (SafetensorError, OSError, TypeError, KeyError) as error:
            raise CheckpointError(f"{self.path.name}: not a complete state ({error}); {cure}") from None
        moments: dict[int, dict[str, Tensor]] = {}
        for key, value in tensors.items():
            if key.startswith("adam/"):
                _, index, name = key.split("/")
                moments.setdefault(int(index), {})[name] = value
        try:
            for part, name in ((self.model, "model/"), (self.objective, "objective/")):
                part.load_state_dict(
                    {k.removeprefix(name): v for k, v in tensors.items() if k.startswith(name)}
                )
        except RuntimeError as error:
            reason = " ".join(str(error).split())[:300]
            raise CheckpointError(f"{self.path.name}: of another architecture ({reason}); {cure}") from None
        own = self.optimiser.state_dict()
        self.optimiser.load_state_dict({"state": moments, "param_groups": own["param_groups"]})
        self.schedule.load_state_dict(json.loads(at.pop("schedule")))
        return at

    def save(self, at: dict[str, Any]) -> None:
        """Write everything beside its place and move it there."""
        tensors = {f"model/{k}": v for k, v in self.model.state_dict().items()}
        tensors |= {f"objective/{k}": v for k, v in self.objective.state_dict().items()}
        for index, moment in self.optimiser.state_dict()["state"].items():
            tensors |= {f"adam/{index}/{name}": value for name, value in moment.items()}
        schedule = {k: v for k, v in self.schedule.state_dict().items() if isinstance(v, int | float | list)}
        tensors = {k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()}
        with atomic(self.path) as temporary:
            save_file(
                tensors, temporary, metadata={"at": json.dumps(at | {"schedule": json.dumps(schedule)})}
            )
