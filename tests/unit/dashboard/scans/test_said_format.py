"""A format that is told with an upload: nothing that was not understood becomes a scan without findings."""

import pytest

from backend.scans.errors import UnknownFormatError
from backend.scans.formats import READERS
from tests.unit.dashboard.scan_world import ADA, ScanWorld
from tests.unit.scans import samples


@pytest.fixture
def world(tmp_path):
    made = ScanWorld(tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize("said", ["sarif", "trivy", "grype", "nuclei", "cyclonedx"])
@pytest.mark.parametrize("name", samples.SAMPLES)
def test_a_report_in_another_format_than_it_is_said_to_be_is_never_a_scan_without_findings(world, name, said):
    if name == said:
        assert world.upload(samples.SAMPLES[name], format=said)["status"] == "completed"
        return
    with pytest.raises(UnknownFormatError) as refused:
        world.upload(samples.SAMPLES[name], format=said)
    assert READERS[name].title in refused.value.message
    assert READERS[said].title in refused.value.message
    assert list((world.folder / "uploads").glob("*")) == []
    assert world.scans.list(ADA, {})["total"] == 0


@pytest.mark.parametrize("said", ["sarif", "trivy", "grype", "nuclei", "cyclonedx"])
@pytest.mark.parametrize("body", [b"{}", b'{"hello": "world"}', b"[]", b"[{}]"])
def test_what_has_nothing_of_its_format_is_no_scan_without_findings(world, said, body):
    scan = world.upload(body, format=said)
    assert scan["status"] == "failed"
    assert READERS[said].title in scan["error"]["details"]


@pytest.mark.parametrize(
    "clean",
    [
        {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "x"}}, "results": []}]},
        {"SchemaVersion": 2, "ArtifactName": "shop:1.4"},
        {"matches": [], "descriptor": {"name": "grype"}},
        {"bomFormat": "CycloneDX", "specVersion": "1.6", "vulnerabilities": []},
    ],
    ids=["sarif", "trivy", "grype", "cyclonedx"],
)
def test_a_report_in_which_nothing_was_found_is_a_scan_without_findings(world, clean):
    scan = world.upload(clean)
    assert (scan["status"], scan["findings"]) == ("completed", 0)
