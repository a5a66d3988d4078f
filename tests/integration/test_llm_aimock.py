"""Against an OpenAI-compatible server that somebody else wrote: @copilotkit/aimock from npm, in a directory of its own.

It streams, limits rates, breaks off and sends garbage by itself, which our own test servers only do as we imagine it.
"""

import json
import os
import shutil
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from backend.errors import NetworkError
from backend.llm import errors
from backend.llm.factory import make_provider
from backend.llm.timeouts import Timeouts
from tests.support.requirements import missing, require_node

pytestmark = pytest.mark.node
PACKAGE = "@copilotkit/aimock@1.43.0"
LONG = "Patch the gateway first. " * 40
FIXTURES = [
    {"match": {"userMessage": "hello"}, "response": {"content": "Hi there!"}},
    {"match": {"userMessage": "long"}, "response": {"content": LONG}},
    {"match": {"userMessage": "think"}, "response": {"content": "Hello", "reasoning": "First, the user said"}},
    {
        "match": {"userMessage": "busy"},
        "response": {"error": {"message": "Rate limit reached", "type": "rate_limit_error"}, "status": 429},
    },
]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    node = require_node()
    npm = shutil.which("npm")
    if not npm:
        missing("npm", "install the package npm and run again")
    folder = tmp_path_factory.mktemp("aimock")
    (folder / "package.json").write_text("{}")
    command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder), PACKAGE]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=90)
    if done.returncode:
        missing("@copilotkit/aimock", "let npm reach its registry and run again")
    return node, folder / "node_modules/@copilotkit/aimock/dist/cli.js"


class Mock:
    """One run of the server."""

    def __init__(self, installed, folder, *options):
        node, script = installed
        fixtures = Path(folder) / "fixtures.json"
        fixtures.write_text(json.dumps({"fixtures": FIXTURES}))
        command = [node, str(script), "--port", "0", "--fixtures", str(fixtures), "--chunk-size", "6", *options]
        self._log = (Path(folder) / "log.txt").open("w+")
        self._process = subprocess.Popen(command, stdout=self._log, stderr=subprocess.STDOUT, env={**os.environ})
        self.url = self._address()

    def _address(self):
        path = Path(self._log.name)
        end = time.monotonic() + 60
        while time.monotonic() < end:
            for word in path.read_text().split():
                if word.startswith("http://127.0.0.1:"):
                    return word.rstrip("/,.") + "/v1"
            time.sleep(0.05)
        raise AssertionError(f"the server does not start: {path.read_text()}")

    def provider(self):
        timeouts = Timeouts(connect=10, silence=20, first_piece=20, total=60)
        return make_provider("compatible", base_url=self.url, model="gpt-test", api_key="any", timeouts=timeouts)

    def pieces(self, question):
        return list(self.provider().stream([{"role": "user", "content": question}]))

    def stop(self):
        self._process.terminate()
        self._process.wait(10)
        self._log.close()


@pytest.fixture
def mock(installed, tmp_path):
    running = []

    def start(*options):
        running.append(Mock(installed, tmp_path, *options))
        return running[-1]

    yield start
    for one in running:
        one.stop()


def test_answers_come_in_pieces_and_reasoning_stays_out(mock):
    server = mock()
    assert "".join(server.pieces("hello")) == "Hi there!"
    assert "".join(server.pieces("think about it")) == "Hello"
    pieces = server.pieces("a long one")
    assert "".join(pieces) == LONG
    assert len(pieces) > 50


def test_its_refusals_are_understood(mock):
    server = mock("--strict")
    with pytest.raises(errors.ProviderBusyError):
        server.pieces("busy?")
    with pytest.raises(NetworkError):
        server.pieces("nothing matches this")


def test_it_lists_models(mock):
    names = mock().provider().models()
    assert names
    assert all(isinstance(name, str) for name in names)


@pytest.mark.parametrize(
    ("chaos", "error"),
    [
        ("--chaos-drop", errors.ProviderFailedError),
        ("--chaos-malformed", errors.UnreadableAnswerError),
        ("--chaos-disconnect", errors.IncompleteAnswerError),
        ("--chaos-ratelimit", errors.ProviderBusyError),
    ],
)
def test_its_chaos_is_named(mock, chaos, error):
    with pytest.raises(error):
        mock(chaos, "1").pieces("hello")


def test_it_counts_what_it_was_asked(mock):
    server = mock()
    server.pieces("hello")
    with urllib.request.urlopen(server.url.removesuffix("/v1") + "/__aimock/journal", timeout=5) as response:
        journal = json.load(response)
    assert "hello" in json.dumps(journal)
