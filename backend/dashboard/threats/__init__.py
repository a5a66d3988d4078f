"""Threats: one record from several sources, ranked, searched, exported."""
