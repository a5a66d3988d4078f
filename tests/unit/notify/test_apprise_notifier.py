"""Apprise behind its protocol: each address once, passwords nowhere."""

import sys

import pytest

from backend.errors import NetworkError, UpstreamRejectedError
from backend.notify.apprise_notifier import AppriseNotifier, load


class FakeApprise:
    def __init__(self):
        self.sent, self.away = [], set()

    def Apprise(self):  # noqa: N802 - the library's own name
        library = self

        class Sender:
            def add(self, address):
                self.address = address
                return address.startswith("json")

            def notify(self, *, title, body, body_format):
                if self.address in library.away:
                    return False
                library.sent.append((self.address, title, body))
                return True

        return Sender()


def notifier(library, *addresses):
    return AppriseNotifier(addresses, load=lambda: library)


def test_each_address_is_told_by_itself_and_one_that_does_not_take_it_is_named_by_its_number():
    library = FakeApprise()
    made = notifier(library, "json://a", "json://b:secret@host")
    library.away = {"json://b:secret@host"}
    made.send(0, "title", "body")
    with pytest.raises(NetworkError, match="address 2") as told:
        made.send(1, "title", "body")
    assert "secret" not in str(told.value)
    library.away = set()
    made.send(1, "title", "body")
    assert library.sent == [("json://a", "title", "body"), ("json://b:secret@host", "title", "body")]
    assert list(made.receivers) == [0, 1]


def test_an_address_that_apprise_does_not_know_is_named_by_its_number_alone_and_the_others_are_told():
    library = FakeApprise()
    made = notifier(library, "json://a", "nonsense://user:secret@host")
    with pytest.raises(UpstreamRejectedError) as told:
        made.send(1, "t", "b")
    assert "2" in str(told.value)
    assert "secret" not in str(told.value)
    made.send(0, "t", "b")
    assert library.sent == [("json://a", "t", "b")]


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")
def test_the_real_library_is_loaded_with_pauses_and_takes_addresses_of_webhooks():
    pauses = []
    made = AppriseNotifier(["json://127.0.0.1:1/alerts"], load=lambda: load(lambda: pauses.append(1)))
    with pytest.raises(NetworkError):
        made.send(0, "t", "b")  # nobody listens there
    assert len(pauses) > 100 or "apprise.plugins" in sys.modules


def test_a_plugin_that_breaks_is_an_address_that_did_not_take_the_message():
    library = FakeApprise()
    made = notifier(library, "json://a")
    made.send(0, "t", "b")

    def broken(**_):
        raise TypeError("secret://token")

    made._senders[0].notify = broken
    with pytest.raises(NetworkError) as told:
        made.send(0, "t", "b")
    assert "TypeError" in str(told.value)
    assert "token" not in str(told.value)
