"""Models: fitting a gate to a map."""
from .fit import LABEL, Fit, Snapshot, fit_gate, mean_divergence

__all__ = ["LABEL", "Fit", "Snapshot", "fit_gate", "mean_divergence"]
