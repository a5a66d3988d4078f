"""Which requests are under way, and so are waited for when the server ends."""

import pytest

from backend.server import InFlight


class Body:
    """An answer in pieces, as a large export is."""

    def __init__(self, *pieces):
        self.pieces = pieces
        self.closed = 0

    def __iter__(self):
        return iter(self.pieces)

    def close(self):
        self.closed += 1


def asked(app, **environ):
    return app(environ, lambda *_: None)


def test_an_answer_is_under_way_until_its_last_piece_is_sent():
    body = Body(b"one", b"two")
    app = InFlight(lambda *_: body)
    answer = asked(app)
    assert (list(answer), app.count) == ([b"one", b"two"], 1)
    answer.close()
    assert (body.closed, app.count) == (1, 0)
    answer.close()
    assert app.count == 0


def test_an_answer_that_cannot_be_closed_well_is_over_all_the_same():
    def broken():
        raise ValueError("broken")

    body = Body()
    body.close = broken
    app = InFlight(lambda *_: body)
    with pytest.raises(ValueError, match="broken"):
        asked(app).close()
    assert app.count == 0


def test_what_is_there_as_a_whole_is_handed_on_as_it_is():
    app = InFlight(lambda *_: [b"all"])
    assert asked(app) == [b"all"]
    assert app.count == 0


def test_while_it_is_worked_on_it_is_under_way_and_not_after_a_failure():
    counts = []

    def failing(*_):
        counts.append(app.count)
        raise ValueError("broken")

    app = InFlight(failing)
    with pytest.raises(ValueError, match="broken"):
        asked(app)
    assert (counts, app.count) == ([1], 0)


def test_a_websocket_is_not_waited_for():
    app = InFlight(lambda *_: Body())
    assert isinstance(asked(app, HTTP_UPGRADE="WebSocket"), Body)
    assert app.count == 0
