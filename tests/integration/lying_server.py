"""An HTTP server on loopback whose answers are written byte by byte: for those that no well-behaved server gives."""

import gzip
import socket
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Self

from backend import runtime

Answer = bytes | Callable[[socket.socket], None]
PAGE = b"<!doctype html><html><head><title>Sign in</title></head><body>Sign in first</body></html>"


def reply(body: bytes = b"", status: str = "200 OK", **headers: str) -> bytes:
    """An answer as it should be."""
    lines = [f"HTTP/1.1 {status}", "Connection: close", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def hang(connection: socket.socket) -> None:
    """Take the request and say nothing."""
    connection.settimeout(30)
    while connection.recv(4096):
        pass


def endless(connection: socket.socket) -> None:
    """A body without end, as fast as it is taken."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    while True:
        connection.sendall(b'{"x": 1},' * 8000)


def drip(connection: socket.socket) -> None:
    """One byte now and then."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    while True:
        connection.sendall(b" ")
        runtime.sleep(0.05)


def endless_bomb(connection: socket.socket) -> None:
    """A gzip stream without end that grows a thousandfold."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Encoding: gzip\r\n\r\n")
    packer = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    connection.sendall(packer.compress(b"begin") + packer.flush(zlib.Z_FULL_FLUSH))
    block = packer.compress(b"\0" * 1_000_000) + packer.flush(zlib.Z_FULL_FLUSH)  # may follow itself for ever
    while True:
        connection.sendall(block * 16)


def stall(connection: socket.socket) -> None:
    """Half an answer, then nothing."""
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"vulnerabilities": [')
    hang(connection)


TRUNCATED = reply(b'{"count": 2, "vulnerabilities": [')[:-1].replace(b"Content-Length: 34", b"Content-Length: 9000")
BOMB = reply(gzip.compress(b"\0" * 100_000_000, 9), Content_Encoding="gzip")
NOT_HTTP = b"SSH-2.0-OpenSSH_9.2\r\n"


class Server:
    """Serves answers by path; `requests` holds the heads of what was asked."""

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self.answers = dict(answers)
        self.requests: list[str] = []
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._socket.settimeout(0.1)
        self._open = True
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._loop = runtime.spawn(self._accept)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open = False
        self._loop.wait(2)
        self._socket.close()

    def _accept(self) -> None:
        while self._open:
            try:
                connection, _ = self._socket.accept()
            except TimeoutError:
                continue
            runtime.spawn(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):  # the client leaves as soon as it has heard enough
            head = b""
            while b"\r\n\r\n" not in head:
                piece = connection.recv(65_536)
                if not piece:
                    return
                head += piece
            self.requests.append(head.decode("latin-1"))
            answer = self.answers.get(head.split()[1].decode().partition("?")[0], reply(status="404 Not Found"))
            if isinstance(answer, bytes):
                connection.sendall(answer)
            else:
                answer(connection)
