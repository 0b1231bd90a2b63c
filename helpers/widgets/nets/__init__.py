"""Widgets on whole networks, their training and what they look at (notebooks 07 to 15)."""
