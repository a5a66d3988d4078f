"""Reading a question, and answering it from local data alone."""

import pytest

from backend.dashboard.chat.grounding import Retrieval, source_of
from backend.dashboard.chat.local_answer import local_answer
from backend.dashboard.chat.questions import ids_in, read_question
from backend.errors import DeadlineExceededError
from tests.unit.dashboard.chat_world import RECORDS, STATUS, find


def answer(question, **more):
    sources = {"threats_find": find, "status": lambda: STATUS, **more}
    return local_answer(Retrieval(**sources).gather(question), DeadlineExceededError())


def listed(question):
    return [record["id"] for record in Retrieval(find, dict).gather(question).records]


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("cve-2026-0001, CVE-2026-0001 and CVE-2024-12345", ["CVE-2026-0001", "CVE-2024-12345"]),
        ("ghsa-JFH8-c2jp-5v3q", ["GHSA-jfh8-c2jp-5v3q"]),
        ("DEMO-2026-0001.", ["DEMO-2026-0001"]),
        ("CVE-2026-1 or XCVE-2026-0001 or CVE-2026-00011111", []),
    ],
)
def test_ids_are_found_as_their_issuers_write_them(text, ids):
    assert ids_in(text) == ids


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("What is the status?", {"about_status"}),
        ("Is the system healthy?", {"about_status"}),
        ("Which sources are down?", {"about_status"}),
        ("What are the newest threats?", {"newest"}),
        ("top threats", {"top"}),
        ("Which vulnerabilities are most likely to be exploited?", {"top"}),
        ("ransomware", {"ransomware"}),
        ("Which new vulnerabilities hit Windows systems?", {"newest"}),
        ("Is CVE-2026-0001 new and critical?", set()),
        ("Tell me about Acme", set()),
    ],
)
def test_what_a_question_asks_for_is_read(text, wanted):
    question = read_question(text)
    names = ("about_status", "newest", "top", "ransomware")
    assert {name for name in names if getattr(question, name)} == wanted


def test_an_id_gives_its_record_in_full():
    text = answer("What is cve-2026-0001?")
    for part in (
        "CVE-2026-0001",
        "What to do: Update.",
        "Acme Gateway injection",
        "EPSS 91.0%",
        "critical",
        "due 2026-01-20",
        "ransomware",
    ):
        assert part in text
    assert "Beta" not in text


def test_an_id_that_is_not_there_is_said_to_be_not_there():
    text = answer("CVE-2026-0001 or CVE-1999-0001?")
    assert "**CVE-1999-0001** is not in the local data" in text
    assert "Acme" in text


def test_the_newest_are_ordered_by_when_they_were_added():
    assert listed("newest threats") == ["CVE-2026-0002", "CVE-2026-0001", "DEMO-2026-0003"]


def test_the_most_dangerous_are_the_known_exploited_then_the_likely():
    assert listed("top threats") == ["CVE-2026-0001", "CVE-2026-0002", "DEMO-2026-0003"]


def test_where_records_have_a_priority_it_decides_as_in_the_list():
    first = {**RECORDS[0], "id": "CVE-2026-0009", "priority": 40}
    second = {"id": "CVE-2026-0008", "title": "Gamma", "priority": 41, "epss": 0.01}
    found = Retrieval(lambda **_: [first, second], dict).gather("Which threat should I look at first?").records
    assert [record["id"] for record in found] == ["CVE-2026-0008", "CVE-2026-0009"]


def test_ransomware_gives_those_that_ransomware_uses():
    assert listed("Which are used in ransomware campaigns?") == ["CVE-2026-0001"]


def test_words_give_what_matches_them_and_a_list_is_a_list_of_that():
    assert listed("Tell me about Beta") == ["CVE-2026-0002"]
    assert listed("newest Beta vulnerabilities") == ["CVE-2026-0002"]


def test_a_word_within_a_longer_one_is_found_where_no_whole_word_matches():
    assert listed("Tell me about gatew") == ["CVE-2026-0001"]
    assert listed("gatew verflow") == []


def test_a_question_about_the_state_is_no_search_for_records():
    assert listed("What is the status of Acme?") == []


def test_the_age_of_the_records_is_told():
    assert "(as of 2026-01-01 00:00 UTC)" in answer("newest threats")
    assert "as of" not in answer("DEMO-2026-0003")


def test_the_status_is_told_with_what_is_switched_off_and_why():
    text = answer("What is the status of the system?")
    assert "Health of the system: degraded" in text
    assert "Feature threat\\_intelligence: off (hung), circuit breaker open" in text
    assert "Errors in the last hour: 7" in text


def test_a_question_that_the_data_says_nothing_about_gets_an_honest_answer():
    text = answer("What is the capital of France?")
    assert "None of the 3 threat records here says anything about this" in text
    assert "CVE-" not in text.replace("CVE-2024-3400", "")


def test_without_any_record_the_answer_says_so():
    assert "No threat records are loaded" in answer("top threats", threats_find=lambda **_: [])


def test_texts_of_strangers_are_plain_text_in_the_answer():
    text = answer("What is DEMO-2026-0003?")
    assert "<img" not in text
    assert "\\*Gamma\\*" in text
    assert "\\[x\\](javascript" in text


def test_a_source_links_to_web_addresses_only():
    assert source_of(RECORDS[2])["url"] == "https://gamma.example/1"
    assert source_of({"id": "DEMO-1", "references": ["javascript:x", "//x", 5]})["url"] is None
    assert source_of({"id": "DEMO-1", "references": [{"url": "http://x.example/"}]})["url"] == "http://x.example/"


def test_an_alias_counts_as_the_record_itself():
    record = {"id": "GHSA-jfh8-c2jp-5v3q", "aliases": ["CVE-2021-44228"], "title": "Log4Shell"}
    found = Retrieval(lambda **_: [record], dict).gather("CVE-2021-44228?")
    assert found.missing == []
