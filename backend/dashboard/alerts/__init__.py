"""Alerts and the watch lists that raise them."""
