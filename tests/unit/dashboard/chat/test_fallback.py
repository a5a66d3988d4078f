"""When the model is missing, refuses or breaks off."""

import pytest

from backend.errors import (
    BulkheadFullError,
    CircuitBreakerOpenError,
    DeadlineExceededError,
    FeatureDisabledError,
    NetworkError,
)
from backend.llm import errors
from backend.schemas.chat import ChatErrorSchema, ChatResponseSchema
from tests.unit.dashboard.chat_world import Model, World


def test_without_a_model_the_first_sentence_says_so_and_what_to_set(tmp_path):
    event, payload = World(tmp_path).ask("What is CVE-2026-0001?")
    first = payload["response"].split("\n\n")[0]
    assert event == "chat_response"
    assert (payload["degraded"], payload["is_error"]) == (True, False)
    assert "local data" in first
    assert "JUPITER_LLM_API_KEY" in first
    assert "python run.py demo" in first
    assert payload["reason"]["type"] == "NOT_CONFIGURED"
    assert (payload["provider"], payload["model"]) == ("local", "")
    assert [source["id"] for source in payload["sources"]] == ["CVE-2026-0001"]
    assert ChatResponseSchema().validate(payload) == {}


def test_an_open_breaker_says_when_the_model_is_tried_again_and_why_it_failed(tmp_path):
    world = World(tmp_path, Model("never"))
    cause = errors.KeyRejectedError("400")
    world.guard.error = CircuitBreakerOpenError(name="llm", retry_after=41.2, last_cause=cause)
    _, payload = world.ask()
    assert "tried again in 42 s" in payload["response"]
    assert "does not accept the API key" in payload["response"]
    assert payload["reason"] == {
        "type": "CIRCUIT_OPEN",
        "message": CircuitBreakerOpenError.public_message,
        "suggestion": CircuitBreakerOpenError.suggestion,
        "retry_after": 41.2,
    }
    assert world.llm.asked == []


def test_a_breaker_opened_by_hand_promises_nothing(tmp_path):
    world = World(tmp_path, Model("never"))
    world.guard.error = CircuitBreakerOpenError(name="llm")
    world.guard.error.retry_after = None
    _, payload = world.ask()
    assert "until an administrator puts it back" in payload["response"]
    assert "retry_after" not in payload["reason"]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (DeadlineExceededError(), "did not answer in time"),
        (errors.ProviderSilentError(), "did not answer in time"),
        (errors.KeyRejectedError(), "JUPITER_LLM_API_KEY"),
        (errors.NoCreditError(), "no credit"),
        (errors.ModelUnknownError(), "JUPITER_LLM_MODEL"),
        (errors.ProviderUnreachableError(), "cannot be reached"),
        (errors.UnreadableAnswerError(), "cannot be read"),
        (NetworkError(), "not answering properly"),
    ],
)
def test_a_failure_before_the_first_piece_is_an_error_with_its_suggestion_and_the_local_data(tmp_path, error, words):
    world = World(tmp_path, Model("", error))
    event, payload = world.ask("Which are the newest threats?")
    assert event == "chat_error"
    assert (payload["error"], payload["type"]) == (error.message, error.code)
    assert (payload["suggestion"], payload["recoverable"]) == (error.suggestion, True)
    local = payload["fallback"]["response"]
    assert local.startswith("This answer comes from Jupiter's local data, because ")
    assert words in local.split("\n\n")[0]
    assert "CVE-2026-0002" in local
    assert "CVE-2026-0002" in [source["id"] for source in payload["fallback"]["sources"]]
    assert "partial_text" not in payload
    message = world.last_message(payload["conversation_id"])
    assert (message["status"], message["content"]) == ("failed", local)
    assert ChatErrorSchema().validate(payload) == {}


@pytest.mark.parametrize(("error", "words"), [(FeatureDisabledError(), "switched off"), (BulkheadFullError(), "busy")])
def test_a_model_that_was_not_asked_is_no_error_but_an_answer_from_local_data(tmp_path, error, words):
    world = World(tmp_path, Model("never"))
    world.guard.error = error
    event, payload = world.ask("Which are the newest threats?")
    assert (event, payload["degraded"]) == ("chat_response", True)
    assert words in payload["response"].split("\n\n")[0]
    assert payload["reason"]["type"] == error.code
    assert world.last_message(payload["conversation_id"])["status"] == "complete"


def test_a_failure_after_pieces_have_flowed_is_an_error_and_keeps_them(tmp_path):
    world = World(tmp_path, Model("Hel", errors.IncompleteAnswerError("cut")))
    event, payload = world.ask()
    assert event == "chat_error"
    assert payload["partial_text"] == "Hel"
    assert payload["recoverable"] is True
    assert payload["type"] == "UPSTREAM_ERROR"
    assert payload["error"] == errors.IncompleteAnswerError.public_message
    assert payload["suggestion"] == errors.IncompleteAnswerError.suggestion
    assert payload["retry_after"] == 2
    assert ChatErrorSchema().validate(payload) == {}
    message = world.last_message(payload["conversation_id"])
    assert (message["content"], message["status"]) == ("Hel", "incomplete")


def test_an_incomplete_answer_is_not_told_to_the_model_as_if_it_were_one(tmp_path):
    world = World(tmp_path, Model("Hel", errors.IncompleteAnswerError("cut")))
    _, payload = world.ask("First")
    world.llm.script = ["Hello"]
    world.ask("Second", payload["conversation_id"])
    assert [message["content"] for message in world.llm.asked[-1][1:-1]] == ["First"]


def test_a_refused_question_is_counted_though_it_does_not_speak_against_the_provider(tmp_path):
    world = World(tmp_path, Model(errors.RequestRefusedError("400: too long")))
    world.ask()
    assert world.recorded == [("grok_chat_failure", "RequestRefusedError: 400: too long", {"dependency": "llm"})]


def test_what_the_guard_has_counted_is_not_counted_again(tmp_path):
    world = World(tmp_path, Model(errors.KeyRejectedError("401")))
    world.ask()
    assert world.recorded == []


def test_a_fault_of_our_own_ends_in_an_error_too(tmp_path, caplog):
    world = World(tmp_path, Model("Hel", RuntimeError("bug with sk-abcdefghijkl")))
    event, payload = world.ask()
    assert event == "chat_error"
    assert payload["type"] == "INTERNAL_ERROR"
    assert "bug" not in str(payload)
    assert any(record.exc_info for record in caplog.records)


def test_threat_records_that_cannot_be_searched_do_not_end_the_answer(tmp_path):
    def broken(**_):
        raise RuntimeError("no index")

    world = World(tmp_path, threats_find=broken, status=broken)
    event, payload = world.ask("What is CVE-2026-0001?")
    assert event == "chat_response"
    assert "CVE-2026-0001** is not in the local data" in payload["response"]
