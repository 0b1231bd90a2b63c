"""A play button for a slider: the window of a picture walks by itself."""

import ipywidgets as W
import traitlets as T


def player(slider, interval=500):
    """Return a play button that moves `slider`, once through or, with its own switch, round and round.

    It takes one of the slider's steps every `interval` milliseconds and follows the slider's value and its highest
    one; `slider` begins at 0.
    """
    play, step = W.Play(interval=interval, min=0, max=0), slider.step
    there_and_back = (lambda value: round(value / step)), (lambda steps: type(step)(round(steps * step, 9)))
    for trait in ("max", "value"):  # linked in the kernel: it works without a browser as well
        T.link((slider, trait), (play, trait), transform=there_and_back)
    return play


def calm(play, reduced):
    """Let a play button take single steps where the reader's system asks for reduced motion, and play elsewhere."""
    play.unobserve_all("playing")
    if reduced:
        play.playing = False
        play.observe(lambda change: change["new"] and _one_step(play), "playing")


def _one_step(play):
    play.playing = False
    play.value = min(play.value + 1, play.max)
