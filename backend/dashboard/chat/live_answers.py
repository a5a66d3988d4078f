"""Answers in the making: what has been said so far, and who may end them."""

from __future__ import annotations

import threading
from typing import Any, NamedTuple

from backend.errors import RateLimitedError
from backend.runtime import Task


class Progress(NamedTuple):
    """What an answer is at one moment; `last_index` is the index of the last piece in `text`, -1 for none."""

    text: str
    last_index: int
    status: str


class LiveAnswer:
    """One answer in the making. Several may want to end it (its own task, a stop, the shutdown): one of them does.

    Args:
        conversation: the row of its conversation.
        question: the row of the question.
        row: the row of the answer, as it was accepted.
        model: the model that was chosen for it; empty for the one that is set.
        again: whether the question has an answer already.
    """

    def __init__(
        self,
        conversation: dict[str, Any],
        question: dict[str, Any],
        row: dict[str, Any],
        *,
        model: str = "",
        again: bool = False,
    ) -> None:
        self.conversation = conversation
        self.question = question
        self.row = row
        self.model = model
        self.again = again
        self.user_id: str = row["user_id"]
        self.message_id: str = row["id"]
        self.conversation_id: str = row["conversation_id"]
        self.saved = True
        self.task: Task | None = None
        self._pieces: list[str] = []
        self._status = "streaming"
        self._lock = threading.Lock()

    @property
    def open(self) -> bool:
        """Whether nobody has ended it."""
        return self._status == "streaming"

    @property
    def ids(self) -> dict[str, str]:
        """The ids that every payload about it carries."""
        return {"message_id": self.message_id, "conversation_id": self.conversation_id}

    def add(self, piece: str) -> int | None:
        """Add a piece and return its index; None once the answer has ended."""
        with self._lock:
            if self._status != "streaming":
                return None
            self._pieces.append(piece)
            return len(self._pieces) - 1

    def claim(self, status: str) -> bool:
        """End it with `status`; False if somebody else has."""
        with self._lock:
            if self._status != "streaming":
                return False
            self._status = status
            return True

    def progress(self) -> Progress:
        """Return text, last index and status as of one moment."""
        with self._lock:
            return Progress("".join(self._pieces), len(self._pieces) - 1, self._status)

    def cancel(self) -> None:
        """Interrupt the task that makes it, where the async mode can."""
        if self.task is not None:
            self.task.kill()


class LiveAnswers:
    """All answers in the making.

    Args:
        per_user: how many one person may have at a time.
    """

    def __init__(self, *, per_user: int = 3) -> None:
        self._per_user = per_user
        self._answers: dict[str, LiveAnswer] = {}
        self._lock = threading.Lock()

    def add(self, answer: LiveAnswer) -> None:
        """Take one in.

        Raises:
            RateLimitedError: this person has as many as allowed.
        """
        with self._lock:
            own = sum(1 for one in self._answers.values() if one.user_id == answer.user_id)
            if own >= self._per_user:
                raise RateLimitedError(
                    f"{own} answers under way",
                    message=f"{own} answers are being written already. Wait for one, or stop it.",
                    retry_after=5,
                )
            self._answers[answer.message_id] = answer

    def get(self, user_id: str, message_id: str) -> LiveAnswer | None:
        """Return a person's own answer, None where there is none."""
        answer = self._answers.get(message_id)
        return answer if answer is not None and answer.user_id == user_id else None

    def of_conversation(self, conversation_id: str) -> list[LiveAnswer]:
        """Return the answers in the making in one conversation."""
        return [answer for answer in self.all() if answer.conversation_id == conversation_id]

    def all(self) -> list[LiveAnswer]:
        """Return all of them."""
        with self._lock:
            return list(self._answers.values())

    def remove(self, answer: LiveAnswer) -> None:
        """Forget one that has ended and is kept elsewhere."""
        with self._lock:
            self._answers.pop(answer.message_id, None)
