"""Turning chunks into an answer."""

from types import SimpleNamespace

import pytest

from backend.errors import DeadlineExceededError
from backend.llm.answer import read_answer, whole_characters, without_thoughts
from backend.llm.errors import ContentRefusedError, IncompleteAnswerError, OnlyThoughtsError, UnreadableAnswerError


def chunk(content=None, finish=None, **delta):
    choice = SimpleNamespace(delta=SimpleNamespace(content=content, **delta), finish_reason=finish)
    return SimpleNamespace(choices=[choice])


USAGE = SimpleNamespace(choices=[])
STOP = chunk(finish="stop")


def test_the_answer_is_the_contents_joined():
    pieces = list(read_answer([chunk("Hel"), chunk("lo"), STOP, USAGE]))
    assert pieces == ["Hel", "lo"]


def test_reasoning_is_a_sign_of_life_and_never_text():
    pieces = list(read_answer([chunk(reasoning_content="First"), chunk(reasoning="then"), chunk("Hello"), STOP]))
    assert pieces == ["", "", "Hello"]


def test_why_the_model_finished_is_told():
    told = []
    list(read_answer([chunk("x"), chunk(finish="length")], told.append))
    assert told == ["length"]


def test_an_end_without_a_finish_reason_is_an_incomplete_answer():
    source = read_answer([chunk("Hel")])
    assert next(source) == "Hel"
    with pytest.raises(IncompleteAnswerError):
        next(source)


@pytest.mark.parametrize("reason", ["error", "insufficient_system_resource", "network_error", "aborted"])
def test_an_end_that_the_provider_did_not_want_is_an_incomplete_answer(reason):
    pieces = []
    with pytest.raises(IncompleteAnswerError, match=reason):
        pieces.extend(read_answer([chunk(content="Hel"), chunk(finish=reason)], pytest.fail))


def test_a_finish_without_any_content_is_no_answer():
    with pytest.raises(UnreadableAnswerError, match="stop"):
        list(read_answer([chunk(" \n"), STOP]))


def test_a_model_that_spent_everything_on_thinking_is_told_as_that():
    with pytest.raises(OnlyThoughtsError) as told:
        list(read_answer([chunk(reasoning_content="Hm"), chunk(finish="length")]))
    assert "another model" in told.value.suggestion
    assert not told.value.counts_as_failure


def test_the_providers_filter_ends_the_answer_as_a_refusal():
    with pytest.raises(ContentRefusedError):
        list(read_answer([chunk("Well"), chunk(finish="content_filter")]))


def test_a_refusal_of_the_model_is_shown_as_its_answer():
    assert list(read_answer([chunk(refusal="I will not."), STOP])) == ["I will not."]


def failing_after(*chunks, error):
    yield from chunks
    raise error


@pytest.mark.parametrize("error", [IncompleteAnswerError("reset"), DeadlineExceededError("silence")])
def test_a_connection_lost_after_the_finish_reason_does_no_harm(error):
    assert list(read_answer(failing_after(chunk("Hello"), STOP, error=error))) == ["Hello"]


def test_a_connection_lost_before_the_finish_reason_is_an_error():
    with pytest.raises(IncompleteAnswerError):
        list(read_answer(failing_after(chunk("Hello"), error=IncompleteAnswerError("reset"))))


@pytest.mark.parametrize("odd", [SimpleNamespace(), SimpleNamespace(choices=None), chunk(content=["not", "text"])])
def test_chunks_of_other_shapes_are_passed_over(odd):
    assert list(read_answer([odd, chunk("Hello"), STOP])) == ["Hello"]


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        (["<think>secret</think>\n\nHello"], "Hello"),
        (["<th", "ink>sec", "ret</thi", "nk>", "\nHel", "lo"], "\nHello"),
        (["\n<think>", "x" * 500, "</think>", "Hello"], "Hello"),
        (["Hello <think>not at the beginning</think>"], "Hello <think>not at the beginning</think>"),
        (["<", "b> is a tag"], "<b> is a tag"),
        (["<thi"], "<thi"),
        (["<think>never closed"], ""),
    ],
)
def test_a_leading_block_of_thoughts_is_left_out(pieces, text):
    assert "".join(without_thoughts(pieces)) == text


def test_text_that_begins_with_no_tag_is_passed_on_at_once():
    assert list(without_thoughts(["Hel", "lo"])) == ["Hel", "lo"]


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        (["Hi \ud83d", "\ude00 there"], "Hi 😀 there"),
        (["\ud83d", "", "\ude00"], "😀"),
        (["a\ud83d", "b"], "a\ufffdb"),
        (["\ude00b"], "\ufffdb"),
        (["a\ud83d"], "a\ufffd"),
        (["a\x00b", "ä\x00"], "abä"),
        (["😀", "é"], "😀é"),
    ],
)
def test_characters_that_come_in_halves_are_made_whole_and_what_cannot_be_kept_is_replaced(pieces, text):
    made = list(whole_characters(pieces))
    assert "".join(made) == text
    "".join(made).encode()
    assert "".join(read_answer([*(chunk(piece) for piece in pieces), STOP])) == text
