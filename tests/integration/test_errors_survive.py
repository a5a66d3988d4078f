"""What the server knows of errors, after it was killed and started again."""

import time

from tests.support.server import NOWHERE, Jupiter


def test_error_statistics_outlive_a_server_that_is_killed(tmp_path):
    with Jupiter(tmp_path, NOWHERE) as jupiter:
        deadline = time.monotonic() + 60
        while "threat_intelligence_failure" not in jupiter.rest().get("/api/error-stats").body["errors_by_type"]:
            assert time.monotonic() < deadline, "upstreams that refuse leave errors behind"
            time.sleep(0.1)
        known = jupiter.rest().get("/api/error-stats").body["total_errors"]
    with Jupiter(tmp_path, {"JUPITER_SOURCES": "", "JUPITER_PULSE_FEEDS": ""}) as again:
        stats = again.rest().get("/api/error-stats").body
        errors = again.rest().get("/api/recent-errors").body["errors"]
    assert stats["total_errors"] >= known
    assert stats["errors_by_type"]["threat_intelligence_failure"] >= 1
    assert {"timestamp", "type", "message", "context"} <= set(errors[0])
    assert (tmp_path / "var" / "errors.json").stat().st_mode & 0o077 == 0
