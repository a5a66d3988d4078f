"""The chat in a real browser, through a real server, with a model that is slow, breaks off, and is asked again."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import expect

from tests.browser.panels_wire import SETTINGS
from tests.support.server import Jupiter

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
WORDS = [f"word{number} " for number in range(60)]
WHOLE = "".join(WORDS).strip()


class Provider(BaseHTTPRequestHandler):
    """Streams the words; how fast and how many is the server's `go` and `cut`."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked += 1
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for number, word in enumerate(WORDS):
            if number == 20:
                self.server.go.wait(60)
            if number == self.server.cut:
                return
            self._say({"content": word})
        self._say({}, "stop")

    def do_GET(self):
        body = b'{"object": "list", "data": [{"id": "m"}, {"id": "other"}]}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _say(self, delta, finish=None):
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        self.wfile.write(b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n")
        self.wfile.flush()

    def log_message(self, *_):
        """Nothing."""


@pytest.fixture
def model():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    server.daemon_threads = True
    server.go, server.cut, server.asked = threading.Event(), None, 0
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.go.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def jupiter(model, tmp_path):
    address = f"http://127.0.0.1:{model.server_address[1]}/v1"
    llm = {"JUPITER_LLM_PROVIDER": "compatible", "JUPITER_LLM_BASE_URL": address, "JUPITER_LLM_MODEL": "m"}
    with Jupiter(tmp_path, {**SETTINGS, **llm}) as made:
        yield made


def ask(page, text="Say sixty words"):
    page.get_by_label("Your question").fill(text)
    page.get_by_label("Your question").press("Enter")


def answers(page):
    return page.locator("#chat .message--answer .prose")


def retry(page):
    return page.locator("#chat .message--answer").first.get_by_role("button", name="Retry", exact=True)


def leave(*pages):
    """Go before the server goes: a page that finds no server logs it."""
    for page in pages:
        page.goto("about:blank")


def test_an_answer_is_gone_on_with_in_two_tabs_and_after_a_reload_each_word_once(new_page, jupiter, model):
    first = new_page()
    first.goto(jupiter.link)
    expect(first.locator("#chat")).not_to_have_attribute("data-state", "loading")
    ask(first)
    expect(answers(first)).to_contain_text("word19")
    second = new_page()
    second.goto(jupiter.link)
    second.goto(first.url)
    expect(answers(second)).to_contain_text("word19")
    first.reload()
    expect(answers(first)).to_contain_text("word19")
    model.go.set()
    for page in (first, second):
        expect(page.locator("#chat .message--answer")).to_have_attribute("data-status", "complete", timeout=15_000)
        assert answers(page).inner_text().split() == WHOLE.split()
        expect(page.locator("#chat .message--user")).to_have_count(1)
    assert model.asked == 1
    leave(first, second)


def test_a_cut_answer_is_told_as_such_and_retry_asks_the_same_question_once(new_page, jupiter, model):
    model.go.set()
    model.cut = 30
    first, second = new_page(), new_page()
    first.goto(jupiter.link)
    expect(first.locator("#chat")).not_to_have_attribute("data-state", "loading")
    ask(first)
    failed = first.locator("#chat .message--answer").first
    expect(failed).to_contain_text("broke off before its end")
    assert answers(first).inner_text().split() == WHOLE.split()[:30]
    second.goto(jupiter.link)
    second.goto(first.url)
    model.cut = None
    for page in (first, second):  # two people at two screens, one question
        expect(retry(page)).to_be_visible()
    retry(first).focus()
    first.keyboard.press("Enter")
    for page in (first, second):
        last = page.locator("#chat .message--answer").last
        expect(last).to_have_attribute("data-status", "complete", timeout=15_000)
        assert answers(page).last.inner_text().split() == WHOLE.split()
    retry(second).click()
    second.wait_for_timeout(500)
    expect(second.locator("#chat .message--answer")).to_have_count(2)
    expect(second.locator("#chat .message--user")).to_have_count(1)
    assert model.asked == 2
    leave(first, second)


def test_stop_ends_a_flowing_answer_and_it_can_be_asked_for_again(new_page, jupiter, model):
    page = new_page(390, 844, dark=True)
    page.goto(jupiter.link)
    expect(page.locator("#chat")).not_to_have_attribute("data-state", "loading")
    page.get_by_label("Model").select_option("other")
    ask(page)
    expect(answers(page)).to_contain_text("word19")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#chat .message--answer")).to_contain_text("Stopped.")
    model.go.set()
    retry(page).click()
    expect(page.locator("#chat .message--answer").last).to_have_attribute("data-status", "complete", timeout=15_000)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    leave(page)


def test_what_was_said_is_found_again_by_its_words(new_page, jupiter, model):
    model.go.set()
    page = new_page()
    page.goto(jupiter.link)
    expect(page.locator("#chat")).not_to_have_attribute("data-state", "loading")
    ask(page, "About Acme")
    expect(page.locator("#chat .message--answer")).to_have_attribute("data-status", "complete", timeout=15_000)
    page.get_by_role("button", name="New chat").click()
    page.get_by_role("button", name="History").click()
    page.get_by_label("Search conversations").fill("word42 acme")
    expect(page.locator("#chat .chat__list")).to_contain_text("Nothing found")  # not in one message together
    page.get_by_label("Search conversations").fill("word42")
    found = page.locator("#chat .conversation__open")
    expect(found).to_contain_text("About Acme")
    expect(found).to_contain_text("word42")
    found.click()
    expect(answers(page)).to_contain_text("word59")
    leave(page)
