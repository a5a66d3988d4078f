"""Serve one word in an async mode, with timeouts of one's own. Prints its port.

Run: python -m tests.support.bare_server MODE READ_TIMEOUT HEAD_TIMEOUT
"""

# ruff: noqa: E402 - patched before anything else is imported
import sys

from backend import runtime

runtime.patch(sys.argv[1])

import logging
import socket
import threading

from backend.runtime.serving import serve_wsgi


def _hello(_, start_response):
    start_response("200 OK", [("Content-Length", "5")])
    return [b"hello"]


def main():
    """Serve until killed."""
    listener = socket.create_server(("127.0.0.1", 0))
    read, head = map(float, sys.argv[2:])
    log = logging.getLogger("bare")
    serve_wsgi(listener, _hello, max_connections=16, log=log, read_timeout=read, head_timeout=head)
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    threading.Event().wait()


if __name__ == "__main__":
    main()
