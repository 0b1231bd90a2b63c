"""A long job beside the page: it runs in a thread, tells how far it is, can be stopped and waited for."""

import threading
import time

GAP = 0.1  # seconds between two calls of on_change


class Stopped(Exception):
    """Raised inside the work by `Job.report` after someone has called `Job.stop`."""


class Job:
    """Runs `work(job)` in a thread of its own.

    The work calls `job.report(share)` often, which also ends it once it is to stop. `on_change(job)` is called in
    that thread, after a report at most ten times a second, and after the end, when `running` is already false.
    `progress` is the share that is done, `stopped` says whether it was ended early, `error` what it raised.
    Whoever holds a lock that `on_change` takes must not `wait`.
    """

    def __init__(self, work, on_change=lambda job: None):
        self.progress, self.stopped, self.error = 0.0, False, None
        self._work, self._on_change, self._told = work, on_change, 0.0
        self._asked_to_stop, self._ended = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        """Begin; returns the job."""
        self._thread.start()
        return self

    @property
    def running(self):
        """Whether the work has begun and not ended."""
        return self._thread.ident is not None and not self._ended.is_set()

    def stop(self):
        """Ask the work to end at its next report; returns at once."""
        self._asked_to_stop.set()

    def wait(self, timeout=None):
        """Return when the work and the last `on_change` are over, or after `timeout` seconds; says whether they are."""
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def report(self, share):
        """Say, from inside the work, that this share of it (0 to 1) is done; raises `Stopped` where it is to end."""
        self.progress = share
        if self._asked_to_stop.is_set():
            raise Stopped
        if time.monotonic() - self._told >= GAP:
            self._told = time.monotonic()
            self._on_change(self)

    def _run(self):
        try:
            self._work(self)
        except Stopped:
            self.stopped = True
        except Exception as error:
            self.error = error
        finally:
            self._ended.set()
            self._on_change(self)
