"""Simulated upstreams for `python run.py demo`: invented records on loopback, with a switch to break each of them."""

from __future__ import annotations

from backend.demo.demo import Demo, start_demo

__all__ = ["Demo", "start_demo"]
