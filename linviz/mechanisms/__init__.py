"""Mechanisms: one file per method, each a page to read; `make` builds all of them from a spec."""
import importlib
import pkgutil

from .attention import Attention, make, names
from .base import EPS, FAMILIES, REGISTRY, Kernel, Mechanism
from .specs import Spec, parse

for _page in pkgutil.iter_modules(__path__):  # importing a page registers its mechanism
    importlib.import_module(f"{__name__}.{_page.name}")

__all__ = ["EPS", "FAMILIES", "REGISTRY", "Attention", "Kernel", "Mechanism", "Spec", "make", "names", "parse"]
