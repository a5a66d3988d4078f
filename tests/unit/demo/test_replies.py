"""How an answer is spoilt."""

import json

import pytest

from backend.demo.replies import Reply, Request, conditional, json_reply, spoil

WHOLE = json_reply({"records": list(range(50))})
STREAM = Reply(tuple(b"data: {}\n\n" for _ in range(10)), "text/event-stream", streamed=True)


def test_error_is_a_500():
    assert spoil(WHOLE, "error").status == 500


def test_html_is_a_page_that_claims_success():
    found = spoil(WHOLE, "html")
    assert found.status == 200
    assert found.content_type.startswith("text/html")


@pytest.mark.parametrize("mode", ["html", "garbage", "truncated"])
def test_a_spoilt_document_is_not_json(mode):
    with pytest.raises(ValueError, match=r".+"):
        json.loads(spoil(WHOLE, mode).body)


def test_truncated_promises_more_than_it_sends():
    found = spoil(WHOLE, "truncated")
    assert found.declared == len(WHOLE.body) > len(found.body)


def test_a_truncated_stream_ends_before_its_last_piece():
    assert spoil(STREAM, "truncated").chunks == STREAM.chunks[:5]


def test_a_garbled_stream_has_a_piece_that_is_not_json():
    last = spoil(STREAM, "garbage").chunks[-1]
    assert last.startswith(b"data: ")
    with pytest.raises(ValueError, match=r".+"):
        json.loads(last.removeprefix(b"data: "))


@pytest.mark.parametrize("mode", ["ok", "slow", "hang", "refuse"])
def test_modes_that_concern_time_leave_the_answer_alone(mode):
    assert spoil(WHOLE, mode) is WHOLE


def test_who_has_the_answer_already_gets_304_without_a_body():
    found = conditional(WHOLE, Request(headers={"if-none-match": WHOLE.etag}))
    assert (found.status, found.body) == (304, b"")
    assert conditional(WHOLE, Request(headers={"if-none-match": '"other"'})) is WHOLE
