"""Patched before anything else is imported, as in run.py."""

from __future__ import annotations

import os
import sys

from backend import runtime


def _mode() -> str:
    """The browser's driver does not work on a patched standard library: a run of browser tests alone is not patched."""
    named = [path for word in sys.argv[1:] if os.path.exists(path := word.split("::")[0])]
    browser = os.path.join(os.path.dirname(os.path.abspath(__file__)), "browser")
    alone = named and all(os.path.abspath(path).startswith(browser) for path in named)
    return os.environ.get("JUPITER_TEST_ASYNC_MODE") or ("threading" if alone else "eventlet")


runtime.patch(_mode())

from collections.abc import Callable, Iterator  # noqa: E402  (after the patch)
from pathlib import Path  # noqa: E402
from typing import TYPE_CHECKING  # noqa: E402

import pytest  # noqa: E402

if TYPE_CHECKING:  # the fixtures import what they need, so that a run of unit tests starts at once
    from tests.support.redis import RedisServer
    from tests.support.server import Jupiter
    from tests.support.upstream import Upstreams


@pytest.fixture(scope="session")
def shared_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One redis-server for all tests that only need one that works."""
    from tests.support.redis import RedisServer

    made = RedisServer(tmp_path_factory.mktemp("redis"))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A redis-server of this test alone, which it may freeze and kill."""
    from tests.support.redis import RedisServer

    made = RedisServer(tmp_path)
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def upstreams() -> Iterator[Upstreams]:
    """The recorded upstreams, all of them well at the start of the module."""
    from tests.support.upstream import Upstreams

    made = Upstreams()
    yield made
    made.stop()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Jupiter]]:
    """Start servers that end with the test: `serve({"NAME": "value"}, args=(...))`."""
    from tests.support.server import Jupiter

    started: list[Jupiter] = []

    def start(environ: dict[str, str] | None = None, **options: object) -> Jupiter:
        made = Jupiter(tmp_path / f"jupiter-{len(started)}", environ, **options)  # type: ignore[arg-type]
        started.append(made)
        return made.start()

    yield start
    for made in started:
        made.kill()
