"""Errors by endpoint and type."""

from backend.resilience import ErrorMetrics


def test_errors_are_counted_by_endpoint_and_type():
    metrics = ErrorMetrics()
    for endpoint, kind in (("/a", "X"), ("/a", "X"), ("/a", "Y"), ("/b", "X"), (None, "Z")):
        metrics.increment(endpoint, kind)
    assert metrics.snapshot() == {
        "total": 5,
        "by_endpoint": {"/a": {"X": 2, "Y": 1}, "/b": {"X": 1}, "unknown": {"Z": 1}},
        "by_type": {"X": 3, "Y": 1, "Z": 1},
    }
    assert (metrics.count("/a"), metrics.count("/a", "X")) == (3, 2)
    assert (metrics.count(error_type="X"), metrics.count()) == (3, 5)


def test_addresses_made_up_by_clients_do_not_fill_the_memory():
    metrics = ErrorMetrics(most=2)
    for number in range(5):
        metrics.increment(f"/{number}", "NotFoundError")
    assert metrics.count() == 5
    assert metrics.count("other", "other") == 3
