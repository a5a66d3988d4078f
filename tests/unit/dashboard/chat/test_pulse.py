"""The questions that the page itself suggests find what they ask for."""

import pytest

from backend.dashboard.chat.grounding import Retrieval
from backend.dashboard.chat.local_answer import local_answer
from backend.errors import NotConfiguredError
from tests.unit.dashboard.chat_world import ME, Model, World

RECORDS = [
    {"id": "CVE-2026-1", "title": "Router flaw", "epss": 0.9, "known_exploited": True, "severity": "critical"},
    {"id": "CVE-2026-2", "title": "Mail flaw", "epss": 0.1, "known_exploited": True, "severity": "high"},
]
PULSE = {
    "status": "stale",
    "message": "Nothing newer than Thursday",
    "window": "24h",
    "topics": [
        {"topic": "SharePoint", "mentions": 7, "sources": 3, "items": [{"title": "SharePoint | <b>under attack</b>"}]}
    ],
}
STATUS = {"health": "degraded", "features": {"grok_chat": {"enabled": False, "circuit_breaker": "open"}}}


@pytest.fixture
def retrieval():
    def find(*, text="", ids=(), limit=10):
        return [record for record in RECORDS if record["id"] in ids] if ids else ([] if text else RECORDS)

    return Retrieval(find, lambda: STATUS, lambda: PULSE)


@pytest.mark.parametrize(
    "question",
    ["Which threats need attention first?", "Which threat should I look at first?", "What matters most today?"],
)
def test_a_question_for_what_to_do_first_gives_the_most_dangerous(retrieval, question):
    grounding = retrieval.gather(question)
    assert [record["id"] for record in grounding.records] == ["CVE-2026-1", "CVE-2026-2"]


def test_a_question_about_the_community_gives_its_topics_with_their_age(retrieval):
    grounding = retrieval.gather("What is the community talking about?")
    assert any("SharePoint: 7 mentions in 3 sources" in fact for fact in grounding.facts())
    answer = local_answer(grounding, NotConfiguredError())
    assert "SharePoint" in answer
    assert "Nothing newer than Thursday" in answer
    assert "<b>" not in answer


def test_a_question_about_what_does_not_work_gives_the_status(retrieval):
    answer = local_answer(retrieval.gather("What is not working right now?"), NotConfiguredError())
    assert "degraded" in answer
    assert "circuit breaker open" in answer


def test_other_questions_do_not_bring_the_topics(retrieval):
    assert retrieval.gather("What is CVE-2026-1?").pulse == {}


TALK = {
    "status": "live",
    "window": "24h",
    "topics": [
        {
            "topic": "SharePoint",
            "kind": "product",
            "mentions": 3,
            "sources": 3,
            "threat_ids": ["CVE-2026-0001"],
            "items": [{"title": "Attack wave", "source": "A News", "published": "2026-01-01T00:00:00+00:00"}],
        },
        {"topic": "CVE-2026-0002", "kind": "cve", "mentions": 1, "sources": 1, "threat_ids": [], "items": []},
        {"topic": "port", "kind": "phrase", "mentions": 1, "sources": 1, "threat_ids": [], "items": []},
    ],
}


def told(tmp_path, question):
    world = World(tmp_path / question[:-1], Model("Hello"), pulse=lambda: TALK)
    world.ask(question)
    return world.llm.asked[0][-1]["content"]


def test_a_topic_that_the_question_names_is_given_to_the_model_with_its_records_and_newest_items(tmp_path):
    line = "SharePoint: 3 mentions in 3 sources, records: CVE-2026-0001, latest: Attack wave (A News, 2026-01-01)"
    prompt = told(tmp_path, "Is sharepoint affected?")
    assert line in prompt
    assert "CVE-2026-0002: 1 mentions" not in prompt


def test_the_talk_about_a_record_that_the_question_names_is_given_too(tmp_path):
    assert "SharePoint: 3 mentions" in told(tmp_path, "What about CVE-2026-0001?")
    assert "CVE-2026-0002: 1 mentions" in told(tmp_path, "What about CVE-2026-0002?")


def test_a_topic_within_another_word_is_not_named(tmp_path):
    assert "mentions" not in told(tmp_path, "What is a transport?")


def test_ids_that_no_record_has_are_marked_in_the_history_too(tmp_path):
    world = World(tmp_path, Model("See CVE-2026-0001, CVE-2026-7777 and CVE-2026-8888."))
    _, payload = world.ask("And CVE-2026-8888?")
    assert payload["unknown_ids"] == ["CVE-2026-7777"]
    shown = world.chat.history(ME, payload["conversation_id"])["messages"]
    assert [row.get("unknown_ids") for row in shown] == [None, ["CVE-2026-7777"]]
