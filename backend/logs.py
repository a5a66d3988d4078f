"""Logging: one line an event."""
