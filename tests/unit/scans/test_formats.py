"""Telling formats apart, and refusing what is none of them or hostile."""

import json
import time
import tracemalloc

import pytest

from backend.errors import ValidationError
from backend.scans.errors import UnknownFormatError, UnreadableScanError
from backend.scans.formats import OPENING, READERS, detect, reader_of
from backend.scans.json_walk import DEEPEST, MOST_VALUES
from backend.scans.reader import ScanFile
from tests.unit.scans import samples


def read(path, name):
    reader = READERS[name]
    with ScanFile(path, passes=reader.passes) as file:
        return list(reader.read(file))


@pytest.mark.parametrize("name", samples.SAMPLES)
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf", b"\n\n  "], ids=["plain", "byte-order-mark", "blanks"])
def test_each_format_is_told_by_its_beginning(name, mark):
    assert detect(mark + samples.as_bytes(samples.SAMPLES[name])) == name


def test_a_report_whose_beginning_breaks_off_is_still_told():
    large = {**samples.TRIVY, "Results": samples.TRIVY["Results"] * 3000}
    assert detect(json.dumps(large).encode()[:OPENING]) == "trivy"
    assert detect(json.dumps(samples.NUCLEI).encode()[:300]) == "nuclei"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "empty"),
        (b"   \n", "empty"),
        ('{"runs": []}'.encode("utf-16"), "UTF-16"),
        ('{"runs": []}'.encode("utf-16-le"), "UTF-8"),
        (b"\x1f\x8b\x08\x00abc", "gzip"),
        (b"PK\x03\x04abc", "ZIP"),
        (b"<?xml version='1.0'?><bom/>", "XML"),
        (b'{"hello": "world"}', "known format"),
        (b"[1, 2, 3]", "known format"),
        (b"hello world", "known format"),
        (b"name=x", "known format"),
        (b"[" * 100_000, "known format"),
        (b'{"a": NaN}', "known format"),
        (b"\xff\xfe\x00\x00", "UTF-16"),
    ],
)
def test_what_is_none_of_them_is_refused_with_what_it_seems_to_be(body, told):
    with pytest.raises(UnknownFormatError) as refused:
        detect(body)
    assert told in refused.value.details
    assert told in refused.value.message
    assert refused.value.status == 400


def test_a_format_that_does_not_exist_is_refused_by_name():
    with pytest.raises(ValidationError) as refused:
        reader_of("nessus")
    assert "sarif" in str(refused.value.details)


HOSTILE = {
    "deep-list": b'{"Results": ' + b"[" * 500_000,
    "deep-object": b'{"Results": [{"Vulnerabilities": [' + b'{"a":' * 500_000,
    "deep-elsewhere": b'{"x": ' + b'{"a":' * 500_000,
    "many-members": b'{"Results": [{"Vulnerabilities": [{' + b",".join(b'"%d":1' % n for n in range(MOST_VALUES + 1)),
    "not-a-number": b'{"Results": [{"Vulnerabilities": [{"VulnerabilityID": NaN}]}]}',
    "endless-number": b'{"Results": [{"Vulnerabilities": [{"VulnerabilityID": ' + b"9" * 100_000 + b"}]}]}",
    "infinity": b'{"Results": [{"Vulnerabilities": [{"VulnerabilityID": 1e99999}]}]}',
    "bad-utf8": b'{"Results": [{"Vulnerabilities": [{"VulnerabilityID": "\xff\xfe"}]}]}',
    "breaks-off": samples.as_bytes(samples.TRIVY)[:-200],
    "garbage-behind": samples.as_bytes(samples.TRIVY) + b"{}",
    "nul": b'{"Results": [\x00]}',
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_hostile_input_is_refused_in_bounded_time_and_memory(tmp_path, body):
    path = tmp_path / "report"
    path.write_bytes(body)
    tracemalloc.start()
    started = time.process_time()
    try:
        with pytest.raises(UnreadableScanError) as refused:
            read(path, "trivy")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert time.process_time() - started < 5
    assert peak < 30_000_000
    assert len(str(refused.value)) < 300


def test_huge_texts_are_cut_and_do_not_grow_the_finding(tmp_path):
    path = tmp_path / "report"
    report = {
        "Results": [
            {
                "Target": "t",
                "Vulnerabilities": [
                    {
                        "VulnerabilityID": "CVE-2024-1",
                        "Title": "x" * 1_000_000,
                        "Description": "\u202e" + "y" * 1_000_000,
                    }
                ],
            }
        ]
    }
    path.write_text(json.dumps(report))
    (found,) = read(path, "trivy")
    assert len(found.title) == 300
    assert len(found.description) <= 4000
    assert "\u202e" not in found.description


def test_nesting_up_to_the_bound_is_read(tmp_path):
    path = tmp_path / "report"
    inner = b'{"a":' * (DEEPEST - 4) + b"1" + b"}" * (DEEPEST - 4)
    path.write_bytes(b'{"Results":[{"Vulnerabilities":[{"VulnerabilityID":"CVE-2024-1234","x":' + inner + b"}]}]}")
    assert [each.vulnerability for each in read(path, "trivy")] == ["CVE-2024-1234"]


def test_a_line_that_never_ends_is_passed_over(tmp_path):
    path = tmp_path / "report"
    path.write_bytes(b'{"template-id": "' + b"x" * 3_000_000 + b'"}\n' + samples.as_bytes(samples.NUCLEI))
    assert len(read(path, "nuclei")) == 2
