"""What every language model keeps to: the real client over HTTP, and the twin that the unit tests use."""

from contextlib import contextmanager

import pytest

from backend.errors import DashboardError, NetworkError
from backend.llm import errors
from backend.llm.factory import make_provider
from tests.support.llm_server import reply, said, serving
from tests.unit.dashboard.chat_world import Model

ASKED = [{"role": "user", "content": "Hello?"}]
REFUSAL = '{"error": {"message": "Incorrect API key provided"}}'


@contextmanager
def real(*pieces, finish="stop", error=None):
    body = b"".join(map(said, pieces)) + (b"" if error else said("", finish))
    script = reply(REFUSAL, 401, "application/json") if error and not pieces else reply(body)
    with serving(script) as server:
        yield make_provider("compatible", base_url=server.url, model="m")


@contextmanager
def twin(*pieces, finish="stop", error=None):
    yield Model(*pieces, *([error] if error else []), finish=finish)


@pytest.fixture(params=[real, twin], ids=["openai client", "twin"])
def making(request):
    return request.param


def test_it_says_what_it_is(making):
    with making() as provider:
        assert provider.configured
        assert provider.name
        assert provider.model


def test_it_yields_the_answer_piece_by_piece(making):
    with making("Hel", "lo") as provider:
        assert [piece for piece in provider.stream(ASKED) if piece] == ["Hel", "lo"]


@pytest.mark.parametrize("finish", ["stop", "length"])
def test_it_tells_why_it_finished(making, finish):
    told = []
    with making("Hello", finish=finish) as provider:
        list(provider.stream(ASKED, on_finish=told.append))
    assert told == [finish]


def test_it_can_be_asked_again(making):
    with making("Hello") as provider:
        assert "".join(provider.stream(ASKED)) == "".join(provider.stream(ASKED)) == "Hello"


def test_it_does_nothing_before_the_first_piece_is_wanted(making):
    with making(error=errors.KeyRejectedError()) as provider:
        provider.stream(ASKED)


def test_it_can_be_left_in_the_middle(making):
    with making("Hel", "lo") as provider:
        pieces = provider.stream(ASKED)
        assert next(pieces) == "Hel"
        pieces.close()
        assert list(pieces) == []


def test_its_errors_are_ours(making):
    with making(error=errors.KeyRejectedError()) as provider, pytest.raises(errors.KeyRejectedError):
        list(provider.stream(ASKED))


def test_it_never_ends_in_the_middle_as_if_that_were_the_end(making):
    told = []
    with making("Hel", error=errors.IncompleteAnswerError()) as provider:
        pieces = provider.stream(ASKED, on_finish=told.append)
        assert next(pieces) == "Hel"
        with pytest.raises(NetworkError):
            next(pieces)
    assert told == []


def test_warming_up_may_be_done_at_any_time(making):
    with making("Hello") as provider:
        provider.warm_up()
        provider.warm_up()
        assert "".join(provider.stream(ASKED)) == "Hello"


def test_the_one_that_is_not_configured_refuses_everything():
    provider = make_provider("grok")
    assert not provider.configured
    with pytest.raises(DashboardError):
        provider.stream(ASKED)
