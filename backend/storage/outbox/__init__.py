"""Writes that are accepted while the database is away: kept durably beside it, and done once and in order later."""
