"""Widgets on one layer: convolution, padding, channels, pooling, cost (notebooks 00 to 06)."""
