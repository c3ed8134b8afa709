"""The page Heads: every layer and head of a model in one picture, each with a number under it."""
