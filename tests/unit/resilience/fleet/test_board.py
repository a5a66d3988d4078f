"""The board of notes: the newest of each is kept, and told to whoever has not read it."""

import pytest

from backend.resilience.fleet.board import Board


class Asked:
    def __init__(self):
        self.board = Board()
        self.now = 1000

    def __call__(self, notes=(), *, since=0, era=None, batch=10, keep=5000, most=1000):
        args = {"worker": "w1", "notes": dict(notes), "batch": batch, "keep": keep, "most": most}
        place = {} if era is None else {"era": era, "since": since}
        return self.board.do(args | place, self.now)


@pytest.fixture
def ask():
    return Asked()


def names(reply):
    return [name for name, _ in reply["news"]]


def test_a_board_names_its_era_after_the_first_who_asks_and_keeps_it(ask):
    assert ask() == {"now": 1000, "era": "w1:1000", "since": 0, "more": False, "news": []}
    ask.now += 1
    assert (ask()["era"], ask()["now"]) == ("w1:1000", 1001)
    assert ask.board.do({"worker": "w2", "notes": {}, "batch": 9, "era": "w1:1000"}, 1001)["since"] == 0


def test_notes_are_told_in_the_order_of_their_names_and_then_of_their_writing(ask):
    ask({"b": "1", "a": "2"})
    reply = ask({"c": "3"})
    assert (reply["news"], reply["since"]) == ([["a", "2"], ["b", "1"], ["c", "3"]], 3)


def test_who_tells_where_it_stopped_gets_what_came_after_it_in_the_same_era_only(ask):
    era = ask({"a": "1", "b": "2"})["era"]
    assert names(ask(era=era, since=1)) == ["b"]
    reply = ask(era=era, since=2)
    assert (reply["news"], reply["since"]) == ([], 2)
    assert names(ask(era="another", since=1)) == ["a", "b"]
    assert names(ask.board.do({"worker": "w1", "notes": {}, "batch": 9, "era": era}, 1000)) == ["a", "b"]


def test_a_note_that_is_written_again_is_news_again(ask):
    era = ask({"a": "1", "b": "2"})["era"]
    reply = ask({"a": "3"}, era=era, since=2)
    assert (reply["news"], reply["since"]) == ([["a", "3"]], 3)
    assert names(ask()) == ["b", "a"]


def test_a_full_answer_tells_that_there_may_be_more(ask):
    reply = ask({"a": "1", "b": "2", "c": "3"}, batch=2)
    assert (names(reply), reply["more"], reply["since"]) == (["a", "b"], True, 2)
    reply = ask(era=reply["era"], since=2, batch=2)
    assert (names(reply), reply["more"], reply["since"]) == (["c"], False, 3)


def test_the_oldest_make_room_when_there_are_too_many(ask):
    ask({"a": "1", "b": "2"})
    ask({"c": "3"}, most=2)
    assert names(ask()) == ["b", "c"]
    ask({"b": "4"}, most=2)
    assert names(ask()) == ["c", "b"]


def test_five_hundred_at_most_make_room_at_a_time(ask):
    ask({f"{number:04}": "x" for number in range(600)})
    ask({"last": "x"}, most=10)
    assert len(ask.board._notes) == 101


def test_twenty_at_most_are_thrown_away_for_their_age_at_a_time(ask):
    ask({f"{number:04}": "x" for number in range(30)})
    ask.now += 4999
    ask({"a": "1"})
    assert len(ask.board._notes) == 31
    ask.now += 1
    ask({"a": "2"})
    assert len(ask.board._notes) == 11
    assert names(ask(batch=100))[0] == "0020"


def test_who_writes_nothing_tidies_nothing(ask):
    ask({"a": "1", "b": "2"})
    ask.now += 10_000
    assert names(ask(most=1)) == ["a", "b"]
