"""The simulated language model."""

import json
from datetime import UTC, datetime

from backend.demo import model
from backend.demo.replies import Request

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
SHOWN = "Data:\n- DEMO-2026-0060: Example Router Co. (demo) EdgeBox 500, EPSS 0.51\n- DEMO-2026-0059: another"


def _ask(**asked):
    return model.complete(Request("POST", "/v1/chat/completions", body=json.dumps(asked).encode()), NOW)


def _messages(question="What is new?"):
    return [{"role": "system", "content": SHOWN}, {"role": "user", "content": question}]


def test_the_answer_says_that_it_is_simulated_and_repeats_the_question():
    text = model.answer(_messages())
    assert "simulated model" in text
    assert "What is new?" in text


def test_the_answer_names_the_records_of_the_prompt():
    text = model.answer(_messages())
    assert "2 demo records" in text
    assert "DEMO-2026-0060**: Example Router Co. (demo) EdgeBox 500, EPSS 0.51" in text


def test_a_record_that_is_asked_for_comes_alone():
    text = model.answer(_messages("Tell me about DEMO-2026-0059"))
    assert "- **DEMO-2026-0059**: another" in text
    assert "**DEMO-2026-0060**" not in text


def test_of_a_prompt_that_keeps_data_and_question_apart_only_the_question_is_repeated():
    marker = "=====data-00ff====="
    prompt = f"{marker}\nDEMO-2026-0060 | a title | EPSS 0.51\n{marker}\n\nWhat is\nnew?"
    text = model.answer([{"role": "user", "content": prompt}])
    assert "You asked: “What is new?”" in text
    assert "**DEMO-2026-0060**: a title, EPSS 0.51" in text
    assert "=====" not in text


def test_without_records_it_says_so():
    assert "No demo records" in model.answer([{"role": "user", "content": "hello"}])


def test_a_stream_adds_up_to_the_whole_answer_and_ends_as_the_protocol_wants():
    reply = _ask(messages=_messages(), stream=True)
    lines = [chunk.decode().removeprefix("data: ").strip() for chunk in reply.chunks]
    assert lines[-1] == "[DONE]"
    events = [json.loads(line) for line in lines[:-1]]
    content = "".join(e["choices"][0]["delta"].get("content", "") for e in events if e["choices"])
    assert content == model.answer(_messages())
    assert events[-2]["choices"][0]["finish_reason"] == "stop"
    assert events[-1]["choices"] == []
    assert events[-1]["usage"]["total_tokens"] > 0


def test_without_stream_the_answer_comes_in_one_piece():
    found = json.loads(_ask(messages=_messages()).body)
    assert found["choices"][0]["message"]["content"] == model.answer(_messages())


def test_a_request_without_messages_is_refused():
    assert _ask(stream=True).status == 400
    assert model.complete(Request("POST", "/", body=b"{"), NOW).status == 400
