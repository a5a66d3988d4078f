"""What Jupiter is compared with: a bare Flask route, and the same under bare Flask-SocketIO, both on eventlet.

Run: python bench/bare.py flask|socketio BODY_FILE. Prints its port when it listens.
"""

import os
import sys
import warnings

os.environ.setdefault("EVENTLET_NO_GREENDNS", "yes")  # as Jupiter does, and for the same reason: noise at the start

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import eventlet

    if __name__ == "__main__":  # whoever only wants to know the path goes on as he was
        eventlet.monkey_patch()
    import eventlet.wsgi

from pathlib import Path

from flask import Flask, Response
from flask_socketio import SocketIO

PATH = "/api/dashboard/summary"


def make_app(body: bytes) -> Flask:
    """Return an application with one route that answers `body`."""
    app = Flask("bare")

    @app.route(PATH)
    def answer() -> Response:
        return Response(body, content_type="application/json")

    return app


def main() -> None:
    """Serve until killed."""
    kind, body = sys.argv[1], Path(sys.argv[2]).read_bytes()
    app = make_app(body)
    if kind == "flask":
        listener = eventlet.listen(("127.0.0.1", 0), reuse_port=False)
        print(listener.getsockname()[1], flush=True)
        eventlet.wsgi.server(listener, app, log_output=False)
        return
    probe = eventlet.listen(("127.0.0.1", 0), reuse_port=False)
    port = probe.getsockname()[1]
    probe.close()
    server = SocketIO(app, async_mode="eventlet")
    eventlet.spawn_after(0.5, lambda: print(port, flush=True))
    server.run(app, host="127.0.0.1", port=port, log_output=False)


if __name__ == "__main__":
    main()
