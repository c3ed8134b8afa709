"""Models: a layer around an attention, schemes of layers, fitting a gate to a map."""
from .fit import LABEL, Fit, Snapshot, fit_gate, mean_divergence
from .layer import AttentionLayer
from .schemes import SCHEMES, Scheme, pairs, seen

__all__ = ["LABEL", "SCHEMES", "AttentionLayer", "Fit", "Scheme", "Snapshot", "fit_gate", "mean_divergence", "pairs",
           "seen"]
