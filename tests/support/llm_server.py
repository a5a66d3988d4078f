"""A server on loopback that answers every request as its script says, byte for byte."""

import json
import socket
from contextlib import closing, contextmanager

from backend import runtime

SSE = "text/event-stream"


def head(status=200, kind=SSE, **headers):
    lines = [f"HTTP/1.1 {status} Something", f"Content-Type: {kind}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def reply(body, status=200, kind=SSE, **headers):
    raw = body if isinstance(body, bytes) else body.encode()
    return lambda connection: connection.sendall(head(status, kind, **headers) + raw)


def hang(connection):
    connection.recv(1)  # until the client leaves


def then_hang(body):
    def script(connection):
        connection.sendall(head() + body)
        hang(connection)

    return script


class Server:
    """Answers every request with one script and keeps what it was asked."""

    def __init__(self, script):
        self._script = script
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"
        self.requests = []
        self._task = runtime.spawn(self._accept)

    def _accept(self):
        while True:
            connection, _ = self._listener.accept()
            runtime.spawn(self._serve, connection)

    def _serve(self, connection):
        with closing(connection), closing(connection.makefile("rb")) as stream:
            first = stream.readline().decode().split()
            headers = {}
            while line := stream.readline().decode().strip():
                name, _, value = line.partition(":")
                headers[name.lower()] = value.strip()
            body = stream.read(int(headers.get("content-length", 0)))
            self.requests.append({"path": first[1], "headers": headers, "body": json.loads(body or b"null")})
            try:
                self._script(connection)
            except OSError:
                return  # the client left, which is what some tests are about

    def stop(self):
        self._task.kill()
        self._listener.close()


@contextmanager
def serving(script):
    server = Server(script)
    try:
        yield server
    finally:
        server.stop()


def event(**fields):
    return b"data: " + json.dumps(fields).encode() + b"\n\n"


def said(text, finish=None):
    return event(choices=[{"index": 0, "delta": {"content": text}, "finish_reason": finish}])
