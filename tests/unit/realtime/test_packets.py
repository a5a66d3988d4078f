"""Packets that are none, or only look like one, are refused while they are read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from socketio.packet import EVENT

from backend.errors import MalformedRequestError
from backend.realtime.packets import MOST_ATTACHMENTS, StrictPacket


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "2",
        "2{bad",
        "2{}",
        "2[]",
        "2[1]",
        "2[null]",
        "2[{}]",
        '2["connect",{"token":"t"}]',
        '2["disconnect"]',
        '51-["disconnect",{"_placeholder":true,"num":0}]',
        f'5{MOST_ATTACHMENTS + 1}-["x"]',
        '59999999999-["x"]',
        "3{}",
        "31",
        "2" + "9" * 200 + "[]",
        "2[" + "[" * 5000,
    ],
)
def test_what_is_no_packet_is_refused(text):
    with pytest.raises(MalformedRequestError):
        StrictPacket(encoded_packet=text)


@pytest.mark.parametrize("text", ['0{"token":"t"}', "0", "1", '2["x",{}]', '2/other,7["x"]', "37[1]", '51-["x",{}]'])
def test_what_is_one_is_read(text):
    assert StrictPacket(encoded_packet=text).packet_type == int(text[0])


def test_an_event_goes_out_and_comes_in_as_it_was():
    sent = StrictPacket(EVENT, ["echo", {"a": [1, "ü"]}], id=7).encode()
    read = StrictPacket(encoded_packet=sent)
    assert (read.packet_type, read.id, read.data) == (EVENT, 7, ["echo", {"a": [1, "ü"]}])


@pytest.mark.parametrize("place", [{"num": 5}, {"num": "x"}, {"num": None}])
def test_an_attachment_that_is_not_there_is_refused(place):
    packet = StrictPacket(encoded_packet='51-["x",{"_placeholder":true}]')
    packet.data = ["x", {"_placeholder": True, **place}]
    with pytest.raises(MalformedRequestError):
        packet.add_attachment(b"bytes")


@given(st.one_of(st.text(), st.from_regex(r"[0-9]{1,3}-?[/a-z,]{0,4}\d{0,3}[\[{].{0,20}", fullmatch=True)))
def test_any_text_is_a_packet_or_refused(text):
    try:
        StrictPacket(encoded_packet=text)
    except MalformedRequestError:
        return
