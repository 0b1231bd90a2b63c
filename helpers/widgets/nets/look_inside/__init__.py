"""LookInside: any network and a picture, a layer and a unit of it, and what they say of each other."""

from .widget import LookInside

__all__ = ["LookInside"]
