"""kit/background.py: a job in a thread tells how far it is, stops, and keeps its error."""

import threading

from helpers.widgets.kit.background import Job, Stopped


def test_a_job_tells_how_far_it_is_and_that_it_has_ended():
    seen = []
    job = Job(lambda job: [job.report(i / 4) for i in range(5)], lambda job: seen.append((job.progress, job.running)))
    assert not job.running and job.wait(), "before its start there is nothing to wait for"
    assert job.start() is job and job.wait(10)
    assert seen[-1] == (1.0, False) and not job.stopped and job.error is None
    assert all(running for _, running in seen[:-1])


def test_a_job_stops_at_its_next_report():
    begun, go = threading.Event(), threading.Event()

    def work(job):
        begun.set()
        assert go.wait(10)
        job.report(0.5)
        raise AssertionError("not reached")

    job = Job(work).start()
    assert begun.wait(10) and job.running and not job.wait(0.01)
    job.stop()
    go.set()
    assert job.wait(10) and job.stopped and not job.running and job.error is None
    assert issubclass(Stopped, Exception)


def test_a_job_keeps_its_error():
    job = Job(lambda job: 1 / 0).start()
    assert job.wait(10) and isinstance(job.error, ZeroDivisionError) and not job.stopped
