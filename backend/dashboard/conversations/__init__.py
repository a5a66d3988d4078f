"""Conversations of the chat: kept, listed, searched, exported."""
