"""Maps: one class for each kind of attention table, and the methods that all of them share."""
from .banded import Banded
from .base import Map
from .blocks import Blocks, gather_tokens
from .causal import CausalFactored, State
from .causal_exponential import CausalExponential, causal_map
from .combine import ByChannel, ByHead, HeadMean, PerChannel, Product, Sum
from .dense import Dense
from .depthwise import Depthwise, window_indices
from .elu_features import elu_plus_one
from .factored import Factored, Features, KernelMap, Normaliser
from .factored_blocks import CausalBlocks, FactoredBlocks
from .factored_sums import (
    factored_moments,
    factored_row_means,
    factored_row_sums,
    factored_square_sums,
    frobenius_norm,
    position_moments,
)
from .float64_map import Float64Map
from .forward_memory import forward_memory
from .function_scores import FunctionScores
from .kernel_output import blockwise_output, takes_blocks
from .memory import Memory, MemoryState
from .pair_products import products_of_pairs
from .reweighted_table import ReweightedTable
from .rotated_kernel import RotatedKernel, rotate_pairs
from .row_gathering import gather_rows, sum_rows
from .score_convolution import corrected_scores
from .scores import Scores
from .sparse import Sparse
from .step_scores import StepScores
from .tiles import Tiles

__all__ = ["Banded", "Blocks", "ByChannel", "ByHead", "CausalBlocks", "CausalExponential", "CausalFactored", "Dense",
           "Depthwise", "Factored", "FactoredBlocks", "Features", "Float64Map", "FunctionScores", "HeadMean",
           "KernelMap", "Map", "Memory", "MemoryState", "Normaliser", "PerChannel", "Product", "ReweightedTable",
           "RotatedKernel", "Scores", "Sparse", "State", "StepScores", "Sum", "Tiles", "blockwise_output", "causal_map",
           "corrected_scores", "elu_plus_one", "factored_moments", "factored_row_means", "factored_row_sums",
           "factored_square_sums", "forward_memory", "frobenius_norm", "gather_rows", "gather_tokens",
           "position_moments", "products_of_pairs", "rotate_pairs", "sum_rows", "takes_blocks", "window_indices"]
