"""Secrets are made once and readable by their owner alone."""

from backend.security.secrets import kept_secret, private_directory


def test_a_secret_is_made_once_and_kept_private(tmp_path):
    path = private_directory(tmp_path / "var") / "secret"
    made = kept_secret(path)
    assert len(made) >= 40
    assert kept_secret(path) == made
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
