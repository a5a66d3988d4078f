"""Keeps a breaker's own view and the server's record together.

The server decides; the breaker does not wait for it. So each may be ahead of the other: what the breaker has decided
goes to the server as a move, and what the server answers, or tells by message, is followed where it is newer. Two
moves of one number are the server's to choose from. A server that knows less than we do has lost its memory, and gets
from us what it had.

Lock: what is kept here changes under the breaker's lock. `adopt` and with it the listeners run outside.
"""

from __future__ import annotations

from backend.resilience.breaker_storage import CLOSED, HALF_OPEN, OPEN, BreakerRecord, BreakerView
from backend.resilience.clock import Clock
from backend.resilience.fleet.permits import Permits
from backend.resilience.fleet.server import Json
from backend.resilience.fleet.wire import Move, heard


class Follower:
    """Moves in both directions.

    Args:
        worker: who we are.
        view: the breaker.
        permits: end with the half-open state they are for.
    """

    def __init__(self, worker: str, view: BreakerView, permits: Permits, clock: Clock) -> None:
        self._worker = worker
        self._view = view
        self._permits = permits
        self._clock = clock
        self.moves: list[Move] = []
        """What we have decided and the server has not answered."""
        self._followed: Move | None = None
        self.opened: Move | None = None
        """The break that a half-open state of our own follows."""
        self.turns = 0
        """How often the state that permits are for has ended or made way for another."""

    # What the breaker has decided

    def decided(self, record: BreakerRecord) -> bool:
        """Take in a change of the breaker; tell whether it is for the server."""
        with self._view.lock:
            move = Move(record, self._own(record), self._since(record), self._permits.fences())
            if record.state == OPEN:
                self.opened = move
            if record.state == HALF_OPEN and not record.manual:
                return False  # our view only: the fleet is half-open when the server lets the first of us probe
            self.turns += 1
            self._permits.clear()
            if self.moves and not self.moves[-1].record.manual and not record.manual:
                move.fences = self.moves.pop().fences + move.fences  # the newest of our own counts
            self.moves.append(move)
            return True

    def answered(self, move: Move) -> None:
        """The server has heard of it."""
        with self._view.lock:
            self.moves = [each for each in self.moves if each is not move]

    def standing(self) -> Json:
        """Return where we stand while half-open: our number, and what that came of, on which the server may not agree.

        It may have a lower number than ours, because we went ahead or because it has lost its memory. What it decides
        then must be above ours, or we would take no notice of it.
        """
        record = self._view.record
        if record.state != HALF_OPEN or record.manual:
            return {}
        if not self._is_ours_alone(record):
            return {"floor": record.generation, "base": self._decision(record)}
        return {"floor": record.generation, "base": self.opened.decision} if self.opened else {}

    # What the server has decided

    def news(self, told: Json, server_ms: float, *, final: bool, probing: bool = False) -> Move | None:
        """Return the move that the breaker has to follow, None where there is none.

        Args:
            told: a reply or message with the server's record.
            server_ms: the server's time now.
            final: it is the answer to a question, not a message that may be old.
            probing: it is the answer to our question for a permit, so a half-open state goes on as it is.
        """
        wire = told.get("record")
        if wire is None or wire["generation"] < self._view.record.generation:
            return None
        move = heard(wire, server_ms, self._clock)
        with self._view.lock:
            self._note_held(told, server_ms)
            mine = self._view.record
            if move.record.generation < mine.generation or not self._differs(move, mine, final, probing):
                return None
        return move

    def take_over(self, move: Move, *, final: bool) -> None:
        """Follow a move."""
        with self._view.lock:
            number = self._view.record.generation
            if number > move.record.generation or (number == move.record.generation and not final):
                return
            self._followed = move
            self.turns += 1
            self.moves = [each for each in self.moves if each.record.manual]
            if move.record.state == HALF_OPEN:
                self._permits.drop()
            else:
                self._permits.clear()
            if move.record.state == OPEN:
                self.opened = move
        self._view.adopt(move.record, final=final)

    def forgotten(self, told: Json) -> Move | None:
        """Return what the server should know by its answer and does not; None where all is well."""
        known = told["record"]["generation"] if "record" in told else 0
        with self._view.lock:
            record = self._view.record
            if self.moves or record.generation <= known:
                return None
            if self._is_ours_alone(record):
                return self.opened if self.opened and self.opened.record.generation > known else None
            if record.state == HALF_OPEN and not self._permits.fences() and self._permits.others_for() > 0:
                return None  # whoever holds the permit tells of it too
            if self._followed is not None and self._followed.record.generation == record.generation:
                return self._followed
            return Move(record, self._own(record), self._since(record))

    # Inside

    def _own(self, record: BreakerRecord) -> str:
        return f"{self._worker}:{record.generation}"

    def _decision(self, record: BreakerRecord) -> str:
        followed = self._followed
        return followed.decision if followed and followed.record.generation == record.generation else self._own(record)

    def _is_ours_alone(self, record: BreakerRecord) -> bool:
        return record.state == HALF_OPEN and not record.manual and self._decision(record) == self._own(record)

    def _since(self, record: BreakerRecord) -> float:
        age = 0.0 if record.changed_at is None else (self._clock.now() - record.changed_at).total_seconds()
        return self._clock.monotonic() - max(0.0, age)

    def _differs(self, move: Move, mine: BreakerRecord, final: bool, probing: bool) -> bool:
        """Whether the breaker has to change; where no more than the number is new, it is taken over here."""
        number, state = move.record.generation, move.record.state
        same = move.decision == self._decision(mine)
        if number == mine.generation and not final:
            return False  # two moves of one number: a message may tell of one that has lost since
        if not same and state == mine.state:
            same = (number == mine.generation and state in (CLOSED, HALF_OPEN)) or (probing and state == HALF_OPEN)
        if same:
            self._view.renumber(move.record)
            if self._view.record.generation == number:
                self._followed = move
        return not same

    def _note_held(self, told: Json, server_ms: float) -> None:
        if told["record"]["state"] == HALF_OPEN and "held" in told and not self._permits.fences():
            self._permits.others_hold((told["held"] - server_ms) / 1000)
