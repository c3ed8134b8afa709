"""The tensor shapes of public functions, as types; one pytest flag checks them.

B clips in a batch, H heads, N queries, S keys, D width of q and k, E width of v, M features.
"""
from jaxtyping import Bool, Float, Int
from torch import Tensor

Queries = Float[Tensor, "B H N D"]
Keys = Float[Tensor, "B K S D"]            # K: number of heads of k and v, H or a divisor of H
Values = Float[Tensor, "B K S E"]
Rows = Float[Tensor, "*lead S"]            # rows of a map: the weights of one query on S keys
Spectrum = Float[Tensor, "*lead R"]        # singular values, descending
PerRow = Float[Tensor, "*lead"]            # one number per row
Frames = Float[Tensor, "T 3 Ypx Xpx"]      # RGB, 0..1
Tokens = Int[Tensor, "*lead"]              # token numbers

__all__ = ["Bool", "Float", "Frames", "Int", "Keys", "PerRow", "Queries", "Rows", "Spectrum", "Tokens", "Values"]
