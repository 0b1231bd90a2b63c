"""No process is left over: one that torchrun has started ends when torchrun does, however that comes about."""

import ctypes
import os
import signal
import sys
import threading
import time

PR_SET_PDEATHSIG = 1  # of linux/prctl.h
GLANCE = 1.0  # seconds between two looks, where the kernel does not tell


def end_with_parent() -> None:
    """Let this process end as soon as the one that has started it is gone.

    On Linux the kernel kills it, in the midst of whatever it does (prctl); on other Unix systems a thread looks once
    a second. On Windows nothing tells: there the next word to torchrun's store fails.
    """
    parent = os.getppid()
    if not kernel_tells():
        threading.Thread(target=watch, args=(parent,), daemon=True).start()
    if os.getppid() != parent:  # it went in between
        os._exit(1)


def kernel_tells() -> bool:
    """Ask Linux for SIGKILL at the parent's end; return whether it will come."""
    if sys.platform != "linux":
        return False
    try:
        return ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) == 0
    except (OSError, AttributeError):
        return False


def watch(parent: int) -> None:
    """End this process when its parent is another one than this: the system has given the orphan a new one."""
    while os.getppid() == parent:
        time.sleep(GLANCE)
    os._exit(1)
