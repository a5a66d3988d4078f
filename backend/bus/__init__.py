"""What the worker processes of an installation tell each other over Redis, besides what the kit's fleet shares."""
