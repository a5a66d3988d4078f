"""A hundred payloads in feeds, records and the model's own answers, in a real browser: they execute nothing.

Twice: from upstreams through a real server, and past the server straight onto the page's own connection, which is worse
than anything that gets by the server.
"""

import json
import threading
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

import pytest
from playwright.sync_api import expect

from tests.browser.panels_wire import SETTINGS, Wire, all_well, iso, pulse, threat, threats
from tests.support.payloads import PAYLOADS
from tests.support.server import Jupiter

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
TALK, ANSWER = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-{:012}"
DANGEROUS = (
    "script:not([src]), iframe, object, embed, base, form[action], [onerror], [onload], [onmouseover], [ontoggle],"
    " [onfocus], [srcdoc], img, video, audio, svg script, math, marquee"
)
XML_FORBIDDEN = {chr(n) for n in range(32)} - set("\t\n\r") | {"\ufffe", "\uffff"}


@pytest.fixture(scope="module")
def jupiter(tmp_path_factory):
    with Jupiter(tmp_path_factory.mktemp("payloads"), SETTINGS) as made:
        yield made


def harmless(page, panels=("#chat", "#pulse", "#threats")):
    """Nothing ran, nothing opened, nothing that could run stands in the panels, links lead to the web."""
    page.wait_for_timeout(300)  # what would run late has run
    assert page.evaluate("window.harm") is None
    assert page.dialogs == []
    assert len(page.context.pages) == 1
    for panel in panels:
        box = page.locator(panel)
        assert box.locator(DANGEROUS).count() == 0, box.locator(DANGEROUS).first.evaluate("one => one.outerHTML")
        for address, relation, target in box.locator("a[target]").evaluate_all(
            "all => all.map(one => [one.href, one.rel, one.target])"
        ):
            assert urlsplit(address).scheme in ("http", "https", "mailto"), address
            assert {"noopener", "noreferrer"} <= set(relation.split()), address
            assert target == "_blank"


def watched(page):
    """Note dialogs; a faults list of the page's own holds errors and requests to elsewhere."""
    page.dialogs = []

    def dismiss(dialog):
        page.dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", dismiss)
    return page


def hostile_wire(page):
    """Take over the page's connection with a payload in every text."""
    items = [{"title": text, "url": text, "source": text, "published": iso(-60)} for text in PAYLOADS]
    topics = [
        {
            "kind": "actor",
            "mentions": 2,
            "authors": 1,
            "sources": 1,
            "velocity": 0.5,
            "burst": 3.0,
            "topic": f"{n} {text}"[:300],
            "source_names": [text],
            "threat_id": None,
            "threat_ids": [text],
            "items": items[n : n + 2],
        }
        for n, text in enumerate(PAYLOADS)
    ]
    records = [
        threat(
            n, **dict.fromkeys(("title", "summary", "vendor", "product", "required_action"), text), references=[text]
        )
        for n, text in enumerate(PAYLOADS, 1)
    ]
    name, quiet = pulse(0)
    snapshots = {**all_well(), "pulse": (name, {**quiet, "topics": topics, "message": PAYLOADS[60]})}
    event, payload = threats(1)
    snapshots["threats"] = (event, {**payload, "threats": records, "count": len(records), "total": len(records)})
    wire = Wire(page, snapshots)
    by_id = {record["id"]: record for record in records}
    page.route("**/api/threats/*", lambda route: route.fulfill(json=by_id[route.request.url.rpartition("/")[2]]))
    row = {"role": "assistant", "status": "complete", "created_at": iso()}
    rows = [
        {
            **row,
            "id": ANSWER.format(n),
            "content": text,
            "sources": [{"id": text, "title": text, "url": text, "as_of": iso()}],
            "unknown_ids": [text],
        }
        for n, text in enumerate(PAYLOADS)
    ]
    wire.answers["chat_history"] = lambda _: {"messages": rows, "complete": True, "notice": PAYLOADS[60]}
    return wire


def test_past_the_server_a_hundred_payloads_in_every_text_execute_nothing(new_page, jupiter):
    page = watched(new_page())
    wire = hostile_wire(page)
    page.goto(jupiter.link)
    page.goto(f"{jupiter.url}/?conversation={TALK}")
    expect(page.locator("#chat .message--answer")).to_have_count(len(PAYLOADS))
    page.get_by_role("button", name=f"Show all {len(PAYLOADS)} topics").click()
    page.evaluate("document.querySelectorAll('#pulse details').forEach(one => { one.open = true })")
    page.evaluate("document.querySelectorAll('#threats details').forEach(one => { one.open = true })")
    harmless(page)
    for index, text in enumerate(PAYLOADS[:40] + PAYLOADS[-60:]):
        wire.push(
            "chat", "chat_delta", {"conversation_id": TALK, "message_id": TALK, "index": index, "delta": f"{text}\n\n"}
        )
    expect(page.locator("#chat .message--answer")).to_have_count(len(PAYLOADS) + 1)
    harmless(page)
    for answer in page.locator("#chat .prose").all()[::7]:
        answer.hover(force=True)
    harmless(page)


class Upstream(BaseHTTPRequestHandler):
    """A catalogue, a feed and a model that are nothing but payloads."""

    def do_GET(self):
        if self.path == "/kev":
            self._send(catalogue(), "application/json")
        elif self.path == "/feed":
            self._send(feed(), "application/rss+xml")
        else:
            self._send(b'{"object": "list", "data": [{"id": "<img src=x onerror=window.harm=1>"}]}', "application/json")

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(body)
        chunks = [{"index": 0, "delta": {"content": f"{text}\n\n"}} for text in PAYLOADS]
        events = [*chunks, {"index": 0, "delta": {}, "finish_reason": "stop"}]
        self._send(
            b"".join(b"data: " + json.dumps({"choices": [one]}).encode() + b"\n\n" for one in events),
            "text/event-stream",
        )

    def _send(self, body, kind):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Nothing."""


def catalogue():
    texts = ("vulnerabilityName", "shortDescription", "vendorProject", "product", "requiredAction", "notes")
    rows = [
        {
            **dict.fromkeys(texts, text),
            "cveID": f"CVE-2026-{n + 1000}",
            "dateAdded": "2026-07-15",
            "dueDate": "2026-08-01",
        }
        for n, text in enumerate(PAYLOADS)
    ]
    return json.dumps({"count": len(rows), "vulnerabilities": rows}).encode()


def feed():
    now = formatdate(usegmt=True)
    texts = [escape("".join(one for one in text if one not in XML_FORBIDDEN)) for text in PAYLOADS]
    items = "".join(
        f"<item><title>{text}</title><link>{text}</link><description>{text}</description><author>{text}</author>"
        f"<guid>{n}</guid><pubDate>{now}</pubDate></item>"
        for n, text in enumerate(texts)
    )
    return (
        f'<?xml version="1.0"?><rss version="2.0"><channel><title>{texts[50]}</title>{items}</channel></rss>'.encode()
    )


@pytest.fixture
def upstream():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    server.daemon_threads = True
    server.asked = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_through_the_server_a_hundred_payloads_change_no_instruction_and_execute_nothing(new_page, upstream, tmp_path):
    address = f"http://127.0.0.1:{upstream.server_address[1]}"
    settings = {
        **SETTINGS,
        "JUPITER_SOURCES": "cisa_kev",
        "JUPITER_SOURCE_CISA_KEV_URL": f"{address}/kev",
        "JUPITER_PULSE_FEEDS": f"{address}/feed",
        "JUPITER_LLM_PROVIDER": "compatible",
        "JUPITER_LLM_BASE_URL": f"{address}/v1",
        "JUPITER_LLM_MODEL": "m",
    }
    with Jupiter(tmp_path, settings) as jupiter:
        page = watched(new_page())
        page.goto(jupiter.link)
        expect(page.locator("#threats")).to_contain_text("CVE-2026-1000")
        question = "What does the community say about CVE-2026-1000 in the news?"
        page.get_by_label("Your question").fill(question)
        page.get_by_label("Your question").press("Enter")
        answer = page.locator("#chat .message--answer")
        expect(answer).to_have_attribute("data-status", "complete", timeout=20_000)
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
        harmless(page)
        page.reload()  # and out of the history
        expect(page.locator("#chat .message--answer")).to_have_attribute("data-status", "complete")
        harmless(page)
        page.goto("about:blank")  # before the server goes
    (asked,) = upstream.asked
    assert "tools" not in asked
    assert "functions" not in asked
    told, last = asked["messages"]
    marker = last["content"].partition("\n")[0]
    assert told["content"].count(marker) == 2
    assert last["content"].count(marker) == 2
    assert last["content"].endswith(f"\n{marker}\n\n{question}")
    assert not [text for text in PAYLOADS if text[:40] in told["content"]]
