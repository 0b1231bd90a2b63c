"""A play button for a slider: the window of a picture walks by itself."""

import ipywidgets as W
import traitlets as T


def player(slider, interval=500):
    """Return a play button that moves `slider`, once through or, with its own switch, round and round.

    It takes a step every `interval` milliseconds and follows the slider's value and its highest one; `slider`
    begins at 0.
    """
    play = W.Play(interval=interval, min=0, max=0)
    for trait in ("max", "value"):  # linked in the kernel: it works without a browser as well
        T.link((slider, trait), (play, trait))
    return play
