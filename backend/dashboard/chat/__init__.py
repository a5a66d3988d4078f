"""The chat: questions answered from the data of this server."""
