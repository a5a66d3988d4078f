"""eventlet's websockets, mended where a stranger could stop the server with them.

It takes the mask off a message byte by byte in Python, a second and more for two megabytes in which nobody else is
served; and it bounds each frame, but not how many of them a message may be in, so that one message could fill the
memory. The other modes' websockets come from a library that does neither.
"""

from __future__ import annotations

from typing import Any

from backend.runtime import mode

TOO_BIG = 1009  # RFC 6455, section 7.4.1


def mend() -> None:
    """Replace the two parts; does nothing in the other modes, and nothing the second time."""
    if mode() != "eventlet":
        return
    from eventlet.websocket import FailedConnectionError, RFC6455WebSocket

    class Bounded(RFC6455WebSocket.Message):  # type: ignore[misc]  # eventlet carries no types
        """A message whose frames together are no larger than one may be."""

        length = 0

        def push(self, data: bytes, final: bool = False) -> None:
            self.length += len(data)
            if self.length > self.max_frame_length:
                raise FailedConnectionError(TOO_BIG, f"A message has at most {self.max_frame_length} bytes.")
            super().push(data, final)

    if RFC6455WebSocket._apply_mask is not unmasked:
        RFC6455WebSocket._apply_mask = staticmethod(unmasked)
        RFC6455WebSocket.Message = Bounded


def unmasked(data: bytes, mask: Any, length: int | None = None, offset: int = 0) -> bytes:
    """Return `data` without its mask, or with it: it is the same (RFC 6455, section 5.3).

    Args:
        mask: four numbers.
        length: how much of `data` is meant; all where it is not given.
        offset: place of the first byte within its frame.
    """
    many = len(data) if length is None else length
    turned = bytes(mask[(offset + place) % 4] for place in range(4))
    key = (turned * (many // 4 + 1))[:many]
    return (int.from_bytes(data[:many], "little") ^ int.from_bytes(key, "little")).to_bytes(many, "little")
