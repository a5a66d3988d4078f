"""Sources that say what a test wants, and services around them without threads or time."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from backend.dashboard.pulse.service import PulseService
from backend.dashboard.threats.service import ThreatService
from backend.resilience.guard import Guards, Policy
from backend.resilience.testing import FakeClock
from backend.sources.base import PulseBatch, PulseItem, ThreatBatch, Validators

NOW = datetime(2026, 7, 16, 12, tzinfo=UTC)
ONE_TRY = Policy(failure_threshold=5, open_seconds=60.0, attempts=1)


def inline(func: Any, *args: Any, **kwargs: Any) -> Any:
    """What `runtime.offload` does, without a thread."""
    return func(*args, **kwargs)


def fragment(**more: Any) -> dict[str, Any]:
    """What the catalogue knows of a threat."""
    return {
        "title": "Oracle Suite Flaw",
        "summary": "A flaw.",
        "vendor": "Oracle",
        "product": "E-Business Suite",
        "known_exploited": True,
        "ransomware": None,
        "date_added": "2026-07-15",
        "published": "2026-07-15",
        "cwes": ["CWE-269"],
        "references": ["https://a.example/"],
        **more,
    }


class FakeSource:
    """A source whose answers are set from outside: a batch or an error, the last one again and again."""

    title = "Fake"
    setting = "JUPITER_SOURCE_FAKE_URL"
    enriches = False

    def __init__(self, name: str, *answers: Any, refresh_seconds: float = 3600.0, essential: bool = True) -> None:
        self.name = name
        self.title = name.upper()
        self.refresh_seconds = refresh_seconds
        self.timeout_seconds = 5.0
        self.essential = essential
        self.answers = list(answers)
        self.asked: list[dict[str, Any]] = []

    def fetch(self, **asked: Any) -> Any:
        self.asked.append(asked)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer(**asked) if callable(answer) else answer


class FakeScores(FakeSource):
    """A source that enriches."""

    enriches = True

    def __init__(self, *answers: Any, **options: Any) -> None:
        super().__init__("epss", *answers, essential=False, **options)


def catalogue(*ids: str, **more: Any) -> ThreatBatch:
    """A batch with these threats."""
    return ThreatBatch({name: fragment(**more) for name in ids}, validators=Validators("u", '"1"'))


def scores(**by_id: float) -> ThreatBatch:
    """A batch of EPSS scores; names with _ for -."""
    return ThreatBatch({name.replace("_", "-"): {"epss": value, "percentile": 0.9} for name, value in by_id.items()})


def item(title: str, key: str = "", *, at: datetime | None = NOW, **more: Any) -> PulseItem:
    """Something that was published."""
    return PulseItem(key=key or title, title=title, url=f"https://a.example/{key or title}", published=at, **more)


def news(*items: PulseItem, title: str | None = None) -> PulseBatch:
    """A batch of items."""
    return PulseBatch(tuple(items), validators=Validators("u", '"1"'), title=title)


class World:
    """Services over fake sources, with one clock and one set of guards."""

    def __init__(self, *sources: Any, pulse: Sequence[Any] = (), policy: Policy = ONE_TRY) -> None:
        self.clock = FakeClock(NOW)
        self.guards = Guards(clock=self.clock, random=lambda: 0.5)
        options: dict[str, Any] = {"guards": self.guards, "policy": policy, "clock": self.clock, "offload": inline}
        self.threats = ThreatService(list(sources), **options)
        self.pulse = PulseService(list(pulse), names=self.threats.names, has_threat=self.threats.has, **options)


def by_name(payload: Any) -> dict[str, dict[str, Any]]:
    """The ledger of a payload by name."""
    return {entry["name"]: entry for entry in payload["sources"]}
