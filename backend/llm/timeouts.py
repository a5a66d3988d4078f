"""How long a language model may take, in seconds."""

from __future__ import annotations

from dataclasses import dataclass, replace

from backend.resilience.policy import Policy

SOON = 2.0


@dataclass(frozen=True)
class Timeouts:
    """Bounds for one answer.

    Args:
        connect: until the connection stands.
        silence: without a single byte, before the answer begins and between its pieces.
        first_piece: until the model shows a sign of life; bounds servers that send comments to keep the line open.
        total: for the whole answer.
    """

    connect: float = 5.0
    silence: float = 20.0
    first_piece: float = 60.0
    total: float = 180.0

    @classmethod
    def scaled(cls, call_seconds: float) -> Timeouts:
        """Return the bounds that go with a timeout for ordinary calls; 10 s gives the defaults.

        Args:
            call_seconds: JUPITER_CALL_TIMEOUT_SECONDS.
        """
        return cls(call_seconds / 2, call_seconds * 2, call_seconds * 6, call_seconds * 18)

    def policy(self, base: Policy) -> Policy:
        """Return the policy for the model's guard.

        Its timeout holds for each piece and lies above our own bounds, which know more: a reasoning model may show
        no piece for long. Somebody waits for the answer, so a retry comes soon or not at all.

        Args:
            base: the policy for ordinary calls.
        """
        return replace(base, timeout=self.connect + self.first_piece, max_delay=min(base.max_delay, SOON))


TIMEOUTS = Timeouts()
