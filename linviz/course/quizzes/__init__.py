"""The quizzes, by the name of their chapter."""
from .c13_gate import gate

ALL = {13: gate}

__all__ = ["ALL", "gate"]
