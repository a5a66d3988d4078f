"""The questions that the page itself suggests find what they ask for."""

import pytest

from backend.dashboard.grounding import Retrieval
from backend.dashboard.local_answer import local_answer
from backend.errors import NotConfiguredError

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
