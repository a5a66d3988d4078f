"""The community pulse: what is talked about, and how fast that grows."""
