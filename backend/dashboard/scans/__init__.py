"""Scans: reports taken in, worked off, joined, ranked."""
