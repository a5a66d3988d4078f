"""Packets of Socket.IO as clients may send them: what is none is refused at once, and so is what only looks like one.

`connect` and `disconnect` are what the server itself calls its handlers for. As names of events from outside they would
take a socket out of the list by which it is closed when its sign-in ends, while it goes on hearing everything.
"""

from __future__ import annotations

from typing import Any

from socketio.packet import ACK, BINARY_ACK, BINARY_EVENT, EVENT, Packet

from backend.errors import MalformedRequestError

RESERVED = frozenset(("connect", "disconnect"))
MOST_ATTACHMENTS = 8  # no event takes any; they are counted so that nobody has the server wait for millions of them


class StrictPacket(Packet):  # type: ignore[misc]  # python-socketio carries no types
    """A packet that is checked while it is read."""

    def decode(self, encoded_packet: Any) -> int:
        """Read a packet; return how many attachments follow.

        Raises:
            MalformedRequestError: it is none.
        """
        try:
            attachments = int(super().decode(encoded_packet) or 0)
        except Exception as error:  # noqa: BLE001 - the library's reader raises whatever it stumbles over
            raise MalformedRequestError(f"not a packet: {type(error).__name__}") from None
        if attachments > MOST_ATTACHMENTS:
            raise MalformedRequestError(f"{attachments} attachments; at most {MOST_ATTACHMENTS} are taken")
        if self.packet_type in (EVENT, BINARY_EVENT):
            self._check_event()
        elif self.packet_type in (ACK, BINARY_ACK) and not isinstance(self.data, list):
            raise MalformedRequestError("an acknowledgement without its list")
        return attachments

    def _check_event(self) -> None:
        name = self.data[0] if isinstance(self.data, list) and self.data else None
        if not isinstance(name, str) or name in RESERVED:
            raise MalformedRequestError(f"an event without a name, or with one that is reserved: {str(name)[:60]!r}")

    @classmethod
    def reconstruct_binary(cls, data: Any, attachments: list[bytes]) -> Any:
        """Put the attachments in their places.

        Raises:
            MalformedRequestError: there is no such attachment.
        """
        try:
            return super().reconstruct_binary(data, attachments)
        except (LookupError, TypeError, RecursionError) as error:
            raise MalformedRequestError(f"not a packet: {type(error).__name__}") from None
