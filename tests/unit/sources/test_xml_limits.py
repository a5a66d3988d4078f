"""What no parser should be given is refused before one sees it; what people read is not."""

import time

import pytest

from backend.errors import NetworkError
from backend.sources.feed_reader import read_feed
from backend.sources.xml_limits import DEEPEST, check_xml

HEAD = b'<rss version="2.0"><channel><title>N</title>'
MANY = 200_000
HOSTILE = {
    "nested in a title": HEAD + b"<item><title>" + b"<a>" * MANY,
    "nested and closed": HEAD + b"<item><description>" + b"<b>" * MANY + b"</b>" * MANY,
    "nested items": HEAD + b"<item>" * MANY,
    "items without end": HEAD + b"<item><title>x</title></item>" * MANY,
    "attributes without end": HEAD + b"<item " + b" ".join(b'a%d="x"' % n for n in range(MANY)) + b"></item>",
    "a tag without end": HEAD + b"<item " + b"x" * 4_000_000,
    "tags that are never ended": HEAD + b"<a " * MANY,
    "an attribute without end": HEAD + b'<item a="' + b"x" * 4_000_000 + b'"/>',
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_feeds_are_refused_at_once(case):
    began = time.process_time()
    with pytest.raises(NetworkError) as caught:
        read_feed(HOSTILE[case], "https://a.example/feed")
    assert time.process_time() - began < 2
    assert caught.value.message.startswith("The feed is not read: ")


@pytest.mark.parametrize("block", [(b"<![CDATA[", b"]]>"), (b"<!--", b"-->"), (b"<?", b"?>")])
def test_what_stands_in_a_block_is_no_tag(block):
    check_xml(HEAD + block[0] + b"<b>" * MANY + block[1] + b"</channel></rss>")
    check_xml(HEAD + block[0] * MANY)


def test_closed_tags_are_not_deep_and_html_that_is_never_closed_is_not_either():
    check_xml(HEAD + b"<item></item>" * (DEEPEST + 10))
    check_xml(HEAD + b"<link/>" * (DEEPEST + 10))
    check_xml(HEAD + b"<BR><img src='x'><hr>" * (DEEPEST + 10))


@pytest.mark.parametrize("body", [b"", b"<", b"<>", b"</", b"plain", b"<!", b"<a", b"a>b<"])
def test_scraps_are_left_to_the_parser(body):
    check_xml(body)
