"""A plain TCP proxy in the test's own process that hangs, cuts, drips, or answers something else in between."""

import contextlib
import socket
import threading

from backend import runtime


def http_answer(status: str, body: bytes, kind: str = "application/json") -> bytes:
    """Return a whole HTTP/1.1 answer that ends the connection."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


class TcpProxy:
    """Passes on to `port` until told otherwise.

    `mode` is pass, hang (takes the request and says nothing), cut (half of the answer, then a reset), drip (the answer
    a byte at a time) or answer (`answer` in place of the server's). `requests` counts what arrived.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self.mode = "pass"
        self.answer = b""
        self.requests = 0
        self._stopped = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        runtime.spawn(self._accept)

    def stop(self) -> None:
        """Refuse connections from now on, and let go of those that hang."""
        self._stopped.set()
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while not self._stopped.is_set():
                client, _ = self._listener.accept()
                runtime.spawn(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            while not self._stopped.is_set():
                request = _whole_request(client)
                if not request:
                    return
                self.requests += 1
                if not self._handle(client, request):
                    return

    def _handle(self, client: socket.socket, request: bytes) -> bool:
        """Do as told with one request; False ends the connection."""
        if self.mode == "hang":
            self._stopped.wait(30)
            return False
        if self.mode == "answer":
            client.sendall(self.answer)
            return False
        whole = self._asked(request)
        if self.mode == "cut":
            client.sendall(whole[: len(whole) - 5])
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # close with a reset
            return False
        if self.mode == "drip":
            for byte in whole:
                if self._stopped.is_set():
                    return False
                client.sendall(bytes((byte,)))
                runtime.sleep(0.05)
        else:
            client.sendall(whole)
        return True

    def _asked(self, request: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", self._target)) as server:
            server.sendall(request)
            answer = b""
            while b"\r\n\r\n" not in answer:
                answer += server.recv(65536)
            head, _, body = answer.partition(b"\r\n\r\n")
            length = next(
                int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
            )
            while len(body) < length:
                body += server.recv(65536)
            return head + b"\r\n\r\n" + body


def _whole_request(client: socket.socket) -> bytes:
    """Read one request with its body, which may come in pieces; empty where the client is gone."""
    request = client.recv(65536)
    while request and b"\r\n\r\n" not in request:
        request += client.recv(65536)
    head, _, body = request.partition(b"\r\n\r\n")
    lines = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")]
    length = int(lines[0].split(b":")[1]) if lines else 0
    while len(body) < length:
        piece = client.recv(65536)
        if not piece:
            return b""
        body += piece
        request += piece
    return request
