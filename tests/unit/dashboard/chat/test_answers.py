"""Answers of the model: their events, what is kept, what the model is told."""

import pytest

from backend.dashboard.chat.answering import MAX_ANSWER
from backend.schemas.chat import ChatDeltaSchema, ChatResponseSchema, ChatThinkingSchema
from tests.unit.dashboard.chat_world import ME, RECORDS, SOMEBODY, Model, World


@pytest.fixture
def world(tmp_path):
    return World(tmp_path, Model("Hel", "", "lo"))


def test_the_ids_come_at_once_and_the_answer_later(world):
    ids = world.chat.send(ME, "Hello?")
    assert set(ids) == {"conversation_id", "message_id"}
    assert world.events == []
    world.tasks.run()
    assert [event for _, event, _ in world.events] == ["chat_thinking", "chat_delta", "chat_delta", "chat_response"]


def test_every_event_goes_to_the_person_who_asked_and_to_nobody_else(world):
    world.ask()
    assert {user for user, _, _ in world.events} == {ME}


def test_events_have_the_shapes_that_are_documented(world):
    world.ask()
    schemas = {"chat_thinking": ChatThinkingSchema, "chat_delta": ChatDeltaSchema, "chat_response": ChatResponseSchema}
    for _, event, payload in world.events:
        assert schemas[event]().validate(payload) == {}


def test_the_pieces_are_numbered_from_zero_and_empty_ones_are_not_sent(world):
    world.ask()
    assert [(delta["index"], delta["delta"]) for delta in world.named("chat_delta")] == [(0, "Hel"), (1, "lo")]


def test_the_response_holds_the_whole_answer_and_where_it_comes_from(world):
    _, payload = world.ask()
    assert payload["response"] == "Hello"
    assert (payload["is_error"], payload["degraded"]) == (False, False)
    assert (payload["provider"], payload["model"]) == ("grok", "grok-test")
    assert payload["feature_status"] == {"enabled": True, "circuit_breaker": "closed", "failures": 0}
    assert payload["timestamp"] == "2026-01-01T00:00:01+00:00"
    assert not {"stopped", "truncated", "notice", "reason", "unknown_ids"} & set(payload)


def test_the_question_is_told_to_the_persons_other_tabs(world):
    world.ask("Hello there", client_message_id="m-1")
    thinking = world.named("chat_thinking")[0]
    assert (thinking["question"], thinking["client_message_id"]) == ("Hello there", "m-1")


def test_question_and_answer_are_kept(world):
    _, payload = world.ask("Hello there")
    history = world.chat.history(ME, payload["conversation_id"])
    assert [(m["role"], m["content"], m["status"]) for m in history["messages"]] == [
        ("user", "Hello there", "complete"),
        ("assistant", "Hello", "complete"),
    ]
    assert history["messages"][-1]["id"] == payload["message_id"]
    assert history["complete"]


def test_the_model_is_told_the_last_ten_messages_and_not_the_question_twice(world):
    _, payload = world.ask("Question 0")
    for number in range(1, 8):
        world.ask(f"Question {number}", payload["conversation_id"])
    told = world.llm.asked[-1]
    assert [message["role"] for message in told] == ["system", *["user", "assistant"] * 5, "user"]
    assert told[1]["content"] == "Question 2"
    assert told[-1]["content"].endswith("Question 7")
    assert sum("Question 7" in message["content"] for message in told) == 1


def test_another_conversation_is_not_told(world):
    world.ask("The secret is tangerine")
    world.ask("What is the secret?")
    assert "tangerine" not in str(world.llm.asked[-1])


def test_matching_records_and_the_state_of_the_system_are_told_apart_from_the_question(world):
    world.ask("What about CVE-2026-0001?")
    asked = world.llm.asked[-1][-1]["content"]
    marker = asked.splitlines()[0]
    _, data, question = asked.split(marker)
    assert "CVE-2026-0001 | Acme Gateway injection" in data
    assert "Health of the system: degraded" in data
    assert question.strip() == "What about CVE-2026-0001?"


def test_records_that_the_answer_cites_are_its_sources(tmp_path):
    world = World(tmp_path, Model("See CVE-2026-0001 and cve-2026-0001, also **CVE-2026-0002**."))
    _, payload = world.ask("What is urgent?")
    assert [source["id"] for source in payload["sources"]] == ["CVE-2026-0001", "CVE-2026-0002"]
    first = payload["sources"][0]
    assert first["url"] == "https://nvd.nist.gov/vuln/detail/CVE-2026-0001"
    assert first["as_of"] == "2026-01-01T00:00:00+00:00"
    assert world.last_message(payload["conversation_id"])["sources"] == payload["sources"]


def test_ids_that_no_record_has_are_marked_unless_the_person_wrote_them(tmp_path):
    world = World(tmp_path, Model("CVE-2020-9999 is not there, and CVE-2021-8888 neither."))
    _, payload = world.ask("What is CVE-2020-9999?")
    assert payload["unknown_ids"] == ["CVE-2021-8888"]
    assert payload["sources"] == []


def test_an_answer_that_the_models_limit_cut_off_says_so(tmp_path):
    _, payload = World(tmp_path, Model("Long", finish="length")).ask()
    assert payload["truncated"] is True


def test_an_answer_is_cut_off_where_it_gets_too_long_and_the_model_is_left(tmp_path):
    model = Model("x" * 90, "y" * 90, "z" * 90)
    world = World(tmp_path, model, max_answer=100)
    _, payload = world.ask()
    assert payload["response"] == "x" * 90 + "y" * 10
    assert payload["truncated"] is True
    assert model.closed == 1
    assert MAX_ANSWER > 10_000


def test_a_checkpoint_that_comes_late_does_not_undo_the_end(tmp_path):
    world = World(tmp_path)

    def later():
        world.clock.advance(2.5)
        return "lo"

    world.llm = Model("Hel", later, "!")
    world.chat = world.another()
    _, payload = world.ask()  # the checkpoint is a task of its own, which runs after the answer's
    message = world.last_message(payload["conversation_id"])
    assert (message["content"], message["status"]) == ("Hello!", "complete")


def test_what_a_client_sends_twice_is_asked_once(world):
    first = world.chat.send(ME, "Hello?", None, "m-1")
    again = world.chat.send(ME, "Hello?", None, "m-1")
    world.tasks.run()
    assert first == again
    assert len(world.llm.asked) == 1


def test_what_a_client_sends_again_after_a_restart_is_asked_once(world):
    first = world.chat.send(ME, "Hello?", None, "m-1")
    world.tasks.run()
    assert world.another().send(ME, "Hello?", None, "m-1") == first
    world.tasks.run()
    assert len(world.llm.asked) == 1


def test_what_two_processes_accept_at_the_same_time_is_asked_once(world):
    first = world.chat.send(ME, "Hello?", None, "m-1")
    world.database.behind = 1  # the other process looks before the first has written
    assert world.another().send(ME, "Hello?", None, "m-1") == first
    world.tasks.run()
    assert len(world.llm.asked) == 1
    assert len(world.chat.conversations(ME)["conversations"]) == 1


def test_two_people_may_use_the_same_client_id(world):
    assert world.chat.send(ME, "Hello?", None, "m-1") != world.chat.send(SOMEBODY, "Hello?", None, "m-1")


def test_a_client_that_cannot_be_reached_does_not_end_its_answer(tmp_path):
    def broken(*_):
        raise ConnectionError("gone")

    world = World(tmp_path, Model("Hello"), emit=broken)
    ids = world.chat.send(ME, "Hello?")
    world.tasks.run()
    assert world.last_message(ids["conversation_id"])["content"] == "Hello"


def test_the_log_shows_the_beginning_of_a_question_and_no_secret(world, caplog):
    caplog.set_level("INFO", "jupiter.chat")
    world.ask("My key is xai-abcdefghijklmnop and " + "much more " * 20)
    lines = [record.getMessage() for record in caplog.records]
    assert lines[0].startswith("💬 Chat message: My key is [redacted]")
    assert len(lines[0]) < 75
    assert lines[-1] == "✅ Chat response sent (5 chars)"


def test_a_half_written_answer_is_on_disk_after_two_seconds(tmp_path):
    world = World(tmp_path)

    def later():
        world.clock.advance(2.5)
        return "lo"

    def look():
        world.tasks.run()  # what was spawned meanwhile: the checkpoint
        rows = world.database.execute_query("messages", "select", order=[{"column": "created_at"}])["data"]
        seen.append((rows[-1]["content"], rows[-1]["status"]))
        return "!"

    seen = []
    world.llm = Model("Hel", later, look)
    world.chat = world.another()
    world.ask()
    assert seen == [("Hello", "streaming")]


ADVISORY = {**RECORDS[0], "id": "GHSA-JFH8-C2JP-5V3Q", "aliases": []}
MALWARE = {**RECORDS[0], "id": "MISP-5F2C1B7A-0000-4000-8000-000000000001", "aliases": ["URLHAUS-2026-0007"]}


@pytest.fixture
def of_advisories(tmp_path):
    def find(*, text="", ids=(), limit=10):
        wanted = {name.upper() for name in ids}
        return [r for r in (ADVISORY, MALWARE) if not ids or wanted & {r["id"], *r["aliases"]}]

    def world(*script):
        return World(tmp_path, Model(*script), threats_find=find)

    return world


@pytest.mark.parametrize("name", ["GHSA-JFH8-C2JP-5V3Q", "GHSA-jfh8-c2jp-5v3q", "ghsa-jfh8-c2jp-5v3q"])
def test_an_advisory_that_a_record_has_is_a_source_and_not_marked_however_it_is_written(of_advisories, name):
    world = of_advisories(f"See {name}.")
    _, payload = world.ask("What is new?")
    assert [source["id"] for source in payload["sources"]] == [ADVISORY["id"]]
    assert "unknown_ids" not in payload
    assert "unknown_ids" not in world.last_message(payload["conversation_id"])


def test_an_advisory_that_the_question_names_is_not_said_to_be_missing(of_advisories):
    world = of_advisories("It is bad.")
    grounding = world.chat._retrieval.gather("What about GHSA-jfh8-c2jp-5v3q?")
    assert grounding.missing == []


def test_records_of_any_kind_of_id_are_sources_where_the_answer_cites_them(of_advisories):
    _, payload = of_advisories(f"It is {MALWARE['id']}.").ask("What is new?")
    assert [source["id"] for source in payload["sources"]] == [MALWARE["id"]]


@pytest.mark.parametrize("dash", ["‐", "‑", "‒", "–", "—", "−", "－"])  # noqa: RUF001
def test_ids_with_typographic_dashes_are_ids(tmp_path, dash):
    world = World(tmp_path, Model("Patch CVE-2026-0001 and CVE-2026-9999.".replace("-", dash)))
    _, payload = world.ask("What is new?")
    assert [source["id"] for source in payload["sources"]] == ["CVE-2026-0001"]
    assert payload["unknown_ids"] == ["CVE-2026-9999"]
