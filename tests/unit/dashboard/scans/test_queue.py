"""Work that waits for its turn: each thing once, and nobody's turn waits for all of another's."""

from backend.dashboard.scans.queue import WorkQueue


def order_of(queue):
    """Run what waits, one thing at a time beside one that never ends, and return the order."""
    done = []
    for name, owner in (("a1", "ada"), ("a2", "ada"), ("a3", "ada"), ("e1", "eve"), ("a4", "ada"), ("e2", "eve")):
        queue.add(name, lambda name=name: done.append(name), owner)
    queue.take()  # a1, which goes on and on
    while job := queue.take():
        job.run()
        queue.settle(job)
    return done


def test_who_has_less_under_way_comes_first_and_otherwise_who_came_first():
    assert order_of(WorkQueue()) == ["e1", "e2", "a2", "a3", "a4"]


def test_the_same_thing_is_taken_once_until_it_is_done():
    queue = WorkQueue()
    assert [queue.add("a", list, "ada"), queue.add("a", list, "ada")] == [True, False]
    job = queue.take()
    assert (queue.has("a"), queue.add("a", list, "ada")) == (True, False)
    queue.settle(job)
    assert (queue.has("a"), queue.add("a", list, "ada")) == (False, True)


def test_a_job_that_fails_does_not_end_the_work(caplog):
    queue, done = WorkQueue(), []

    def broken():
        raise RuntimeError("odd")

    queue.add("a", broken, "ada")
    queue.add("b", lambda: (done.append("b"), queue.stop()), "ada")
    queue._work()
    assert done == ["b"]
    assert "tried again" in caplog.text
    assert queue.add("c", list, "ada") is False  # it has been stopped
