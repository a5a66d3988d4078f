"""JupiterDashboard: all that people can do here, behind one name."""

from __future__ import annotations

from dataclasses import dataclass

from backend.dashboard.chat.service import ChatService
from backend.dashboard.experiments.service import ExperimentService
from backend.dashboard.pulse.service import PulseService
from backend.dashboard.records import Records
from backend.dashboard.scans.triage import Triage
from backend.dashboard.status import StatusService
from backend.dashboard.summary.service import SummaryService
from backend.dashboard.threats.service import ThreatService


@dataclass(frozen=True)
class JupiterDashboard:
    """The thin facade over the use cases, one noun each; REST, sockets and pages are given their nouns from here.

    Put together by `backend.app.dashboard.make_dashboard`. It holds no state and decides nothing: what one noun needs
    of another is given to that noun there.
    """

    threats: ThreatService
    pulse: PulseService
    chat: ChatService
    summaries: SummaryService
    experiments: ExperimentService
    records: Records
    status: StatusService
    triage: Triage
