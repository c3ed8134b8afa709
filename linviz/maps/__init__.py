"""Maps: one object a kind of attention table, and the questions all of them answer."""
from .base import Map
from .blocks import Blocks, gather
from .causal import CausalFactored
from .dense import Dense
from .factored import Factored, Features, KernelMap, Normaliser
from .scores import Scores

__all__ = ["Blocks", "CausalFactored", "Dense", "Factored", "Features", "KernelMap", "Map", "Normaliser", "Scores",
           "gather"]
