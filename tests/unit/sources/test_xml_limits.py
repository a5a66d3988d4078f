"""What no parser should be given is refused before one sees it; what people read is not."""

import time

import pytest

from backend.errors import NetworkError
from backend.sources.feed_reader import read_feed
from backend.sources.xml_limits import DEEPEST, check_xml, real_characters

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


def declared(encoding):
    return b'<?xml version="1.0"' + encoding + b"?>" + HEAD + b"<item><title>T-" + b"a" * 500_000 + b"</title></item>"


@pytest.mark.parametrize(
    "body",
    [
        declared(b' encoding="punycode"'),
        declared(b" encoding = ' +PunyCode'"),
        declared(b" version2='<rss '" + b" " * 100_000 + b"encoding='punycode'"),
        declared(b' encoding="idna"'),
        declared(b' encoding="unicode_escape"'),
        b"\xff\xfe" + declared(b' encoding="punycode"').decode().encode("utf-16-le"),
        b"\x4c\x6f\xa7\x94" + HEAD + b"<item><title>T</title></item>",
    ],
)
def test_an_encoding_that_no_document_is_written_in_is_refused_at_once(body):
    began = time.process_time()
    with pytest.raises(NetworkError) as caught:
        read_feed(body, "https://a.example/feed")
    assert time.process_time() - began < 1
    assert caught.value.message == "The feed is not read: it is in an encoding that is not read."


@pytest.mark.parametrize(
    "encoding", ["utf-8", "UTF8", "iso-8859-1", "windows-1251", "shift_jis", "gb18030", "nonsense", ""]
)
def test_any_other_encoding_is_left_to_the_parser(encoding):
    check_xml(f'<?xml version="1.0" encoding="{encoding}"?><rss></rss>'.encode())


@pytest.mark.parametrize(
    ("given", "made"),
    [
        (b"&#xD800; &#55296; &#0; &#x110000; &#99999999999999999999; &#xdfff", b"&#xFFFD; " * 5 + b"&#xFFFD"),
        (b"&#65; &#x41; &#x10FFFF; &#0000065; &#; &#xg; & &amp;", None),
    ],
)
def test_references_to_what_is_no_character_are_replaced(given, made):
    assert real_characters(given) == (given if made is None else made)


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
