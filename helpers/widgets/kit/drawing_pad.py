"""A pad to draw on in white: a picture that strokes of the hand change."""

import torch


class DrawingPad:
    """A grey picture `ink` (H, W) from 0, black, to 1, white, on which strokes draw or erase."""

    def __init__(self, height, width):
        self.ink = torch.zeros(height, width)

    def stroke(self, points, brush, *, erase=False):
        """Draw, or erase, a line `brush` pixels thick through points (across, down) in shares of the pad."""
        covered = coverage(points, *self.ink.shape, brush)
        self.ink = self.ink * (1 - covered) if erase else torch.maximum(self.ink, covered)

    def load(self, picture):
        """Take a picture (H, W) from 0 to 1 as the drawing."""
        self.ink = picture.clone()

    def clear(self):
        """Make the whole pad black."""
        self.load(torch.zeros_like(self.ink))


def coverage(points, height, width, brush):
    """Return (height, width), how much of each pixel a line `brush` pixels thick with round ends covers, 0 to 1.

    `points` are [(across, down), …] in shares of the picture; at its edge the line fades out over one pixel.
    """
    corners = torch.tensor(points) * torch.tensor([width, height])
    starts, ends = corners[:-1] if len(corners) > 1 else corners, corners[1:] if len(corners) > 1 else corners
    rows, columns = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    centres = torch.stack([columns, rows], dim=-1).reshape(-1, 1, 2)
    ways = ends - starts
    along = ((centres - starts) * ways).sum(-1) / ways.square().sum(-1).clamp(min=1e-9)
    nearest = starts + along.clamp(0, 1)[..., None] * ways
    distance = (centres - nearest).norm(dim=-1).amin(dim=1).reshape(height, width)
    return (brush / 2 + 0.5 - distance).clamp(0, 1)
