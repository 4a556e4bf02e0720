"""The network of the paper (Fig. 2), its trunks, and its five losses."""

from amdd.model import losses
from amdd.model.network import AMDD, CrossModalAttention, Outputs, mlp, of_the_present, summary

__all__ = ["AMDD", "CrossModalAttention", "Outputs", "losses", "mlp", "of_the_present", "summary"]
