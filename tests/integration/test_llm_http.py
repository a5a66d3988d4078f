"""The openai client against real HTTP on loopback: recorded streams byte for byte, and servers that misbehave."""

import json
import time

import pytest
import yaml

from backend import runtime
from backend.errors import DashboardError, DeadlineExceededError
from backend.llm import errors
from backend.llm.factory import make_provider
from backend.llm.timeouts import Timeouts
from tests.support.client import eventually
from tests.support.llm_server import event, hang, head, reply, said, serving, then_hang
from tests.support.requirements import require_data

ASKED = [{"role": "user", "content": "Say a single word."}]
FAST = Timeouts(connect=1.0, silence=0.4, first_piece=0.8, total=2.0)  # for the tests that are about time
PATIENT = Timeouts(connect=10.0, silence=20.0, first_piece=20.0, total=40.0)


def ask(script, **options):
    """Return the whole answer of a provider whose server follows `script`."""
    with serving(script) as server:
        return "".join(provider_at(server, **options).stream(ASKED))


def provider_at(server, timeouts=PATIENT, **options):
    return make_provider("compatible", base_url=server.url, model="m", timeouts=timeouts, **options)


def recorded(name):
    return (require_data() / "llm" / name).read_bytes()


def contents_in(raw):
    """The content deltas of a recording, joined, found without the code under test."""
    events = [line[6:] for line in raw.decode().splitlines() if line.startswith("data: {")]
    choices = [choice for event in events for choice in json.loads(event)["choices"]]
    return "".join(choice["delta"].get("content") or "" for choice in choices)


def exchanges(name):
    return yaml.safe_load((require_data() / "llm" / name).read_text())["interactions"]


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("xai-short.sse", "Hello"),
        ("xai-grok3mini-reasoning.sse", "Grok"),
        ("openai-text.sse", None),
        ("groq-text.sse", None),
    ],
)
def test_a_recorded_stream_gives_its_content_deltas_joined(name, expected):
    raw = recorded(name)
    answer = ask(reply(raw))
    assert answer == contents_in(raw)
    assert expected is None or answer == expected
    assert len(answer) > 1


@pytest.mark.data
def test_the_pieces_come_one_by_one_however_the_bytes_are_cut():
    raw = recorded("xai-short.sse")

    def in_small_pieces(connection):
        connection.sendall(head())
        for at in range(0, len(raw), 7):
            connection.sendall(raw[at : at + 7])
            runtime.sleep(0)

    assert ask(in_small_pieces) == "Hello"


@pytest.mark.data
def test_reasoning_is_no_text_but_a_sign_of_life():
    with serving(reply(recorded("xai-grok3mini-reasoning.sse"))) as server:
        pieces = list(provider_at(server).stream(ASKED))
    assert pieces.count("") > 300
    assert [piece for piece in pieces if piece] == ["G", "rok"]


def pieces_until_error(script):
    """Return what came before the error, and the error."""
    got = []
    with serving(script) as server:
        try:
            for piece in provider_at(server).stream(ASKED):
                got.append(piece)
        except DashboardError as error:
            return got, error
    raise AssertionError("no error came")


@pytest.mark.data
@pytest.mark.parametrize("name", ["openai-text.sse", "groq-text.sse"])
def test_a_stream_cut_in_the_middle_gives_what_there_is_and_is_told_as_incomplete(name):
    raw = recorded(name)
    cut = raw[: raw.index(b"\n\n", len(raw) // 2) + 2]
    got, error = pieces_until_error(reply(cut))
    assert "".join(got) == contents_in(cut)
    assert isinstance(error, errors.IncompleteAnswerError)
    assert error.retryable


@pytest.mark.data
def test_a_chunk_cut_in_its_middle_and_ended_cleanly_cannot_be_read():
    raw = recorded("openai-text.sse")
    cut = raw[: raw.index(b'"finish_reason"', 5000)] + b"\n\n"
    with pytest.raises(errors.UnreadableAnswerError):
        ask(reply(cut))


@pytest.mark.data
def test_a_connection_that_breaks_inside_a_chunked_body_is_an_incomplete_answer():
    part = recorded("openai-text.sse")[:3000]

    def broken(connection):
        connection.sendall(head(Transfer_Encoding="chunked") + b"%x\r\n%s\r\n" % (len(part), part))

    with pytest.raises(errors.IncompleteAnswerError):
        ask(broken)


@pytest.mark.data
def test_every_recorded_xai_refusal_has_its_own_error():
    expected = {403: errors.NoCreditError, 429: errors.NoCreditError, 400: errors.RequestRefusedError}
    cases = json.loads(recorded("xai-error-bodies.json"))
    assert len(cases) == 4
    for case in cases:
        body = case.get("body_text") or json.dumps(case["body"])
        kind = "application/json" if "body" in case else "text/plain"
        with pytest.raises(expected[case["status"]]):
            ask(reply(body, case["status"], kind))


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("test_openrouter_errors_raised.yaml", errors.ProviderBusyError),
        ("test_tool_regular_error.yaml", errors.ModelUnknownError),
    ],
)
def test_recorded_refusals_of_other_providers_have_theirs(name, error):
    for exchange in exchanges(name):
        response = exchange["response"]
        body = json.dumps(response["parsed_body"])
        with pytest.raises(error):
            ask(reply(body, response["status"]["code"], "application/json"))


@pytest.mark.data
def test_a_recorded_error_inside_a_stream_is_told_in_spite_of_its_comments_and_status_200():
    body = exchanges("test_openrouter_stream_error.yaml")[0]["response"]["body"]["string"]
    assert body.startswith(": OPENROUTER PROCESSING")
    with pytest.raises(errors.RequestRefusedError, match="Token limit reached"):
        ask(reply(body))


def test_an_error_after_some_text_is_told():
    got, error = pieces_until_error(reply(said("Hel") + event(error={"code": 502, "message": "Upstream died"})))
    assert got == ["Hel"]
    assert isinstance(error, errors.ProviderFailedError)


@pytest.mark.parametrize(
    ("script", "error"),
    [
        (reply("<html>Welcome</html>", kind="text/html"), errors.UnreadableAnswerError),
        (reply("<html>Bad gateway</html>", 502, "text/html"), errors.UnreadableAnswerError),
        (reply("data: {oops\n\n"), errors.UnreadableAnswerError),
        (reply(b"data: \xff\xfe\n\n"), errors.UnreadableAnswerError),
        (reply("data: 5\n\ndata: [1]\n\ndata: null\n\n"), errors.IncompleteAnswerError),
        (reply("{oops", kind="application/json"), errors.UnreadableAnswerError),
        (reply("[1, 2]", kind="application/json"), errors.ProviderFailedError),
        (reply('{"error": {"code": 401, "message": "no"}}', kind="application/json"), errors.KeyRejectedError),
        (reply(""), errors.IncompleteAnswerError),
        (reply("data: [DONE]\n\n"), errors.IncompleteAnswerError),
        (reply("", 301, Location="http://127.0.0.1:1/"), errors.AddressRejectedError),
        (reply("", 500), errors.ProviderFailedError),
        (reply("x", Content_Encoding="gzip"), errors.UnreadableAnswerError),
        (lambda connection: connection.close(), errors.IncompleteAnswerError),
        (lambda connection: connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n"), errors.IncompleteAnswerError),
    ],
)
def test_answers_that_are_none_are_named(script, error):
    with pytest.raises(error):
        ask(script)


def test_a_refused_connection_is_told_as_unreachable():
    provider = make_provider("compatible", base_url="http://127.0.0.1:9/v1", timeouts=PATIENT)
    with pytest.raises(errors.ProviderUnreachableError):
        list(provider.stream(ASKED))


@pytest.mark.parametrize("script", [hang, then_hang(b""), then_hang(said("Hel"))])
def test_silence_ends_in_a_timeout_in_time(script):
    started = time.monotonic()
    with pytest.raises(DeadlineExceededError):
        ask(script, timeouts=FAST)
    assert time.monotonic() - started < FAST.silence + 4


def dripping(part, pause=0.1):
    def script(connection):
        connection.sendall(head())
        while True:
            connection.sendall(part)
            runtime.sleep(pause)

    return script


def test_comments_that_keep_the_line_open_do_not_count_as_an_answer():
    started = time.monotonic()
    with pytest.raises(DeadlineExceededError):
        ask(dripping(b": KEEP ALIVE\n\n"), timeouts=FAST)
    assert FAST.first_piece <= time.monotonic() - started < FAST.first_piece + 4


def test_an_answer_that_never_ends_is_ended():
    started = time.monotonic()
    with pytest.raises(DeadlineExceededError):
        ask(dripping(said("more ")), timeouts=FAST)
    assert FAST.total <= time.monotonic() - started < FAST.total + 4


def test_an_endless_line_is_refused_in_bounded_memory(monkeypatch):
    monkeypatch.setattr("backend.llm.client.make_client.__defaults__", (100_000,))
    with pytest.raises(errors.UnreadableAnswerError, match="larger"):
        ask(dripping(b"x" * 20_000, pause=0))


def test_the_wait_that_the_provider_asks_for_is_kept():
    body = '{"error": {"message": "slow down"}}'
    with pytest.raises(errors.ProviderBusyError) as raised:
        ask(reply(body, 429, "application/json", Retry_After="17"))
    assert raised.value.retry_after == 17


def test_a_server_that_does_not_stream_is_understood():
    body = {"choices": [{"message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}]}
    assert ask(reply(json.dumps(body), kind="application/json")) == "Hello"


def test_a_connection_that_breaks_after_the_finish_reason_does_no_harm():
    assert ask(reply(said("Hello") + said("", "stop"))) == "Hello"


def test_what_is_sent_is_a_streamed_chat_completion_with_the_key():
    with serving(reply(said("Hello", "stop"))) as server:
        list(provider_at(server, api_key="the-key").stream(ASKED))
        request = server.requests[0]
    assert request["path"] == "/v1/chat/completions"
    assert request["headers"]["authorization"] == "Bearer the-key"
    assert request["body"] == {"messages": ASKED, "model": "m", "stream": True}


def test_a_failure_is_tried_once_only_because_the_guard_retries():
    with serving(reply("", 500)) as server:
        with pytest.raises(errors.ProviderFailedError):
            list(provider_at(server).stream(ASKED))
        assert len(server.requests) == 1


def test_leaving_in_the_middle_closes_the_connection():
    left = []

    def script(connection):
        connection.sendall(head() + said("Hel"))
        left.append(connection.recv(1))

    with serving(script) as server:
        source = provider_at(server).stream(ASKED)
        assert next(source) == "Hel"
        source.close()
        eventually(lambda: left)
    assert left == [b""]


def test_models_are_listed():
    body = {"object": "list", "data": [{"id": "b", "object": "model"}, {"id": "a", "object": "model"}]}
    with serving(reply(json.dumps(body), kind="application/json")) as server:
        assert provider_at(server).models() == ["a", "b"]


def test_models_that_cannot_be_listed_have_the_same_errors():
    with serving(reply("{}", 401, "application/json")) as server, pytest.raises(errors.KeyRejectedError):
        provider_at(server).models()
