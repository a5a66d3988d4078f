"""How many files may be open, and how often it is told that a connection could not be taken."""

import errno
import logging
import os
import resource

import pytest

from backend.runtime import serving

MANY = resource.RLIM_INFINITY


@pytest.mark.parametrize(
    ("limits", "allowed"),
    [
        ((1024, 20_000), (4352, 20_000)),
        ((1024, MANY), (4352, MANY)),
        ((1024, 2048), (2048, 2048)),  # more than that is the system's to decide
        ((5000, 20_000), None),
        ((MANY, MANY), None),
        ((1024, 1024), None),
    ],
)
def test_as_many_files_may_be_open_as_there_may_be_connections(limits, allowed, monkeypatch):
    asked = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda _, wanted: asked.append(wanted))
    serving._allow_files(4096 + serving.SPARE_FILES)
    assert asked == ([] if allowed is None else [allowed])


def test_that_no_connection_can_be_taken_is_told_once_in_a_while(caplog):
    now = [1000.0]
    complain = serving._complainer(logging.getLogger("jupiter.wsgi"), lambda: now[0])
    for _ in range(5):
        complain(OSError(errno.EMFILE, os.strerror(errno.EMFILE)))
    assert len(caplog.records) == 1
    assert "Too many open files" in caplog.text
    now[0] += serving.QUIET_SECONDS
    complain(OSError(errno.EMFILE, os.strerror(errno.EMFILE)))
    assert len(caplog.records) == 2
