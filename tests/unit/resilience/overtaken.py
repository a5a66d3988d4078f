"""Somebody else is quicker: gets their turn just before a lock is taken."""


class Overtaken:
    """A lock before which somebody else gets their turn."""

    def __init__(self, lock, action):
        self._lock = lock
        self._action = action

    def __enter__(self):
        action, self._action = self._action, None
        if action:
            action()
        return self._lock.__enter__()

    def __exit__(self, *error):
        return self._lock.__exit__(*error)


def overtaken(owner, name, action):
    """Have `action` done before the lock `owner.name` is taken next."""
    setattr(owner, name, Overtaken(getattr(owner, name), action))
