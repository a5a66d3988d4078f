"""Naming what a provider says when it refuses."""

from datetime import UTC, datetime

import pytest

from backend.errors import NetworkError, UpstreamRejectedError
from backend.llm import errors
from backend.llm.failures import classify, wait_asked_for

NOW = datetime(2026, 1, 1, tzinfo=UTC)

# Rate limits that praise a paid plan: https://github.com/continuedev/continue/issues/10920 and alike.
GROQ_BUSY = (
    "Rate limit reached for model `llama-3.3-70b-versatile` in organization `org_1` service tier `on_demand` on tokens "
    "per minute (TPM): Limit 12000, Used 4437, Requested 9854. Please try again in 11.455s. Need more tokens? Upgrade "
    "to Dev Tier today at https://console.groq.com/settings/billing"
)
OPENAI_BUSY = (
    "Rate limit reached for gpt in organization org-1 on requests per min (RPM): Limit 3, Used 3, Requested 1. Please "
    "try again in 20s. You can increase your rate limit by adding a payment method to your account at "
    "https://platform.openai.com/account/billing."
)
GEMINI_BUSY = "You exceeded your current quota, please check your plan and billing details. Please retry in 13.2s."
CASES = [
    # xAI: a wrong key is a 400, missing credit a 403, a spent budget a 429
    (400, {"code": "Client specified an invalid argument", "error": "Incorrect API key provided: xa***."}, "Key"),
    (
        400,
        {"code": "Client specified an invalid argument", "error": "Invalid request content: Each message must"},
        "Req",
    ),
    (
        403,
        {"code": "The caller does not have permission", "error": "Your team doesn't have any credits yet."},
        "Credit",
    ),
    (403, "Your newly created team doesn't have any credits or licenses yet.", "Credit"),
    (403, {"code": "The caller does not have permission", "error": "Content violates usage guidelines."}, "Content"),
    (403, {"code": "The caller does not have permission", "error": "Team is blocked."}, "Access"),
    (404, {"code": "Some requested entity was not found", "error": "The model grok-2 does not exist."}, "Model"),
    (429, {"code": "Some resource has been exhausted", "error": "reached its monthly spending limit"}, "Credit"),
    (429, {"code": "Some resource has been exhausted", "error": "Too many requests for team"}, "Busy"),
    # OpenAI and those who copy it
    (401, {"error": {"message": "Incorrect API key provided: sk-ab***", "code": "invalid_api_key"}}, "Key"),
    (429, {"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}}, "Credit"),
    (429, {"error": {"message": "Rate limit reached for gpt", "code": "rate_limit_exceeded"}}, "Busy"),
    (429, {"error": {"message": GROQ_BUSY, "type": "tokens", "code": "rate_limit_exceeded"}}, "Busy"),
    (429, {"error": {"message": OPENAI_BUSY, "type": "requests", "code": "rate_limit_exceeded"}}, "Busy"),
    (429, [{"error": {"code": 429, "message": GEMINI_BUSY, "status": "RESOURCE_EXHAUSTED"}}], "Busy"),
    (
        400,
        {"error": "No models loaded. Please load a model in the developer page or use the `lms load` command."},
        "Model",
    ),
    (404, {"error": {"message": "The model `x` does not exist", "code": "model_not_found"}}, "Model"),
    (404, {"error": {"message": 'model "x" not found, try pulling it first'}}, "Model"),
    (400, {"error": {"message": "maximum context length is 8192 tokens", "code": "context_length_exceeded"}}, "Req"),
    (400, {"error": {"message": "Rejected by our content filter"}}, "Content"),
    (402, {"error": {"message": "Insufficient Balance"}}, "Credit"),
    (500, {"error": {"message": "The server had an error"}}, "Failed"),
    (503, "", "Failed"),
    (404, "404 page not found", "Address"),
    (405, {"detail": "Method Not Allowed"}, "Address"),
    (301, "", "Address"),
    (422, {"detail": [{"loc": ["body"], "msg": "field required"}]}, "Req"),
    # web pages of proxies and firewalls, whatever their status
    (403, "<!DOCTYPE html><title>Access denied</title> API key", "Unreadable"),
    (502, " \n<html><body>Bad gateway</body></html>", "Unreadable"),
    # inside a stream: no status but what the body holds
    (None, {"code": 429, "message": "Provider returned error"}, "Busy"),
    (None, {"code": 400, "message": "Token limit reached"}, "Req"),
    (None, {"code": "server_error", "message": "boom"}, "Failed"),
    (None, {"type": "overloaded_error", "message": "Overloaded"}, "Failed"),
    (None, {"error": {"code": 502, "message": "Provider returned error"}}, "Failed"),
    (None, {"error": "out of memory"}, "Failed"),
    (None, None, "Failed"),
    (None, ["odd"], "Failed"),
]
KINDS = {
    "Key": errors.KeyRejectedError,
    "Req": errors.RequestRefusedError,
    "Credit": errors.NoCreditError,
    "Content": errors.ContentRefusedError,
    "Access": errors.AccessRefusedError,
    "Model": errors.ModelUnknownError,
    "Busy": errors.ProviderBusyError,
    "Failed": errors.ProviderFailedError,
    "Address": errors.AddressRejectedError,
    "Unreadable": errors.UnreadableAnswerError,
}


@pytest.mark.parametrize(("status", "body", "kind"), CASES)
def test_each_refusal_has_its_own_error(status, body, kind):
    assert type(classify(status, body)) is KINDS[kind]


def test_text_that_holds_json_is_read_as_json():
    error = classify(400, '{"code": "x", "error": "Incorrect API key provided"}')
    assert isinstance(error, errors.KeyRejectedError)


def test_broken_json_is_read_as_text():
    assert "{oops" in str(classify(500, "{oops"))


def test_a_rate_limit_can_be_tried_again_after_the_time_asked_for():
    error = classify(429, {}, retry_after=17)
    assert (error.retryable, error.retry_after, error.upstream_status) == (True, 17, 429)


@pytest.mark.parametrize("kind", [kind for kind in KINDS.values() if issubclass(kind, UpstreamRejectedError)])
def test_what_is_refused_is_not_retried_and_says_what_to_do(kind):
    assert not kind.retryable
    assert kind.suggestion not in (UpstreamRejectedError.suggestion, NetworkError.suggestion)


def test_a_refused_question_does_not_speak_against_the_provider():
    assert not classify(400, {"error": "Invalid request content"}).counts_as_failure
    assert classify(401, {}).counts_as_failure


def test_keys_do_not_get_into_the_log():
    assert "sk-abcdef" not in str(classify(401, {"error": {"message": "Incorrect API key: sk-abcdef1234567890"}}))


def test_the_raw_words_of_a_router_are_kept():
    body = {"error": {"code": 429, "message": "Provider returned error", "metadata": {"raw": "temporarily limited"}}}
    assert "temporarily limited" in str(classify(429, body))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "30"}, 30.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "250", "retry-after": "30"}, 0.25),
        ({"retry-after": "Thu, 01 Jan 2026 00:01:00 GMT"}, 60.0),
        ({"retry-after": "Wed, 31 Dec 2025 00:00:00 GMT"}, 0.0),
        ({"retry-after": "999999"}, 3600.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after-ms": "soon", "retry-after": "3"}, 3.0),
        ({}, None),
    ],
)
def test_the_wait_asked_for_is_read_in_every_form_and_bounded(headers, seconds):
    assert wait_asked_for(headers, NOW) == seconds
