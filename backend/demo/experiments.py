"""Invented experiments, so that the panel of a newcomer is not empty."""

from __future__ import annotations

from typing import Any

EXPERIMENTS: tuple[dict[str, Any], ...] = (
    {
        "name": "[demo] Weekly scan of the example network",
        "description": "Invented for the demo.",
        "experiment_type": "security_scan",
        "status": "completed",
        "parameters": {"hosts": 42, "findings": 7},
    },
    {
        "name": "[demo] What if the threat catalogue hangs",
        "description": "Invented for the demo: do it yourself with the switches of the console.",
        "experiment_type": "chaos_drill",
        "status": "completed",
        "parameters": {"upstream": "threats", "mode": "hang"},
    },
    {
        "name": "[demo] Five failures or a failure rate",
        "description": "Invented for the demo.",
        "experiment_type": "ab_test",
        "status": "running",
        "parameters": {"a": "consecutive", "b": "window"},
    },
    {
        "name": "[demo] Sixteen readers at once",
        "description": "Invented for the demo.",
        "experiment_type": "benchmark",
        "status": "pending",
        "parameters": {"connections": 16},
    },
)
