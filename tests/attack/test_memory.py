"""What 2,000 moves of the hand leave behind: nothing, in the page or in the kernel."""

import pathlib

import pytest

from ..widgets.mouse import Hand

CELL = f"""import sys
sys.path.insert(0, {str(pathlib.Path(__file__).parents[2])!r})
from helpers.widgets import KernelExplorer
explorer = KernelExplorer()
explorer"""
KERNEL = "import gc, psutil; gc.collect(); print(psutil.Process().memory_info().rss)"
WARM, MOVES = 200, 2_000


def circle(hand, moves):
    """Drag the window over the photo, a hundred places a round; ends when the last place is shown."""
    hand.to("window", 0.2, 0.2)
    hand.mouse.down()
    for i in range(moves):
        hand.mouse.move(*hand.point("window", 0.2 + 0.6 * (i % 10) / 10, 0.2 + 0.6 * (i // 10 % 10) / 10))
    hand.to("window", 0.5, 0.5)
    hand.mouse.up()
    hand.page.wait_for_timeout(1000)


def weight(hand, devtools):
    """Return what is held after a collection: the page's JavaScript heap, its nodes, the kernel's memory, in bytes."""
    devtools.send("HeapProfiler.collectGarbage")
    metrics = {metric["name"]: metric["value"] for metric in devtools.send("Performance.getMetrics")["metrics"]}
    return metrics["JSHeapUsedSize"], metrics["Nodes"], int(hand.ask(KERNEL))


@pytest.mark.timeout(900)
def test_two_thousand_moves_leave_nothing_behind(open_notebook):
    opened = open_notebook("memory.ipynb", CELL)
    opened.run_all(120)
    hand = Hand(opened)
    devtools = opened.page.context.new_cdp_session(opened.page)
    devtools.send("Performance.enable")
    circle(hand, WARM)
    before, said = weight(hand, devtools), hand.said()
    circle(hand, MOVES)
    after = weight(hand, devtools)
    print([f"{a:,} -> {b:,}" for a, b in zip(before, after, strict=True)])
    assert hand.said() == said, "both rounds end at one place"
    assert after[0] < 1.05 * before[0] and after[1] < 1.05 * before[1] and after[2] < 1.05 * before[2]
    assert not opened.errors and not opened.alerts()
