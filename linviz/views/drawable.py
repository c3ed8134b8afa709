"""What the writers of files draw: a view of descriptors or tensors, or one of trained models."""
from __future__ import annotations

from .trained_panels import ModelPanel, OpenTrained
from .view_panels import OpenView, ViewPanel

Drawable = OpenView | OpenTrained
DrawablePanel = ViewPanel | ModelPanel
