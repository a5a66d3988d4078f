"""The seconds of the README's table."""

from backend.resilience.fleet import Timing


def test_what_is_not_said_is_as_the_table_tells():
    assert Timing() == Timing(
        flush=0.05,
        poll=1.0,
        settle=0.15,
        timeout=0.5,
        retry=1.0,
        quiet=30.0,
        horizon=600.0,
        keep=604_800.0,
        silence=5.0,
    )
