"""Former place of :mod:`amdd.training.runs`, kept for those who import it from here."""

from amdd.training.runs import CheckpointError, Run, load_run

__all__ = ["CheckpointError", "Run", "load_run"]
