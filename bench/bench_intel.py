"""What reading and joining all sources costs, and whether anything else waits for it: python -m bench.bench_intel.

5,000 records in the shapes of KEV, NVD, GitHub, a MISP feed and EPSS are read and joined as the server does it, in
native threads beside the event loop, while a heart beats every millisecond: the longest pause between two beats is how
long anything else had to wait. Then the same with one new record, which is what happens all day.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import Any

import orjson

from backend import runtime

RECORDS = 5000
KEV, GHSA, MISP = 1600, 1000, 50
ROUNDS = 3
VECTOR = "CVSS:3.1/AV:{a}/AC:L/PR:{p}/UI:N/S:U/C:{c}/I:H/A:H"
TEXT = "A flaw in the handling of crafted requests lets remote attackers run commands on the device. " * 6


def name(number: int) -> str:
    """Return an id."""
    return f"CVE-2026-{10_000 + number}"


def kev() -> bytes:
    """Return a catalogue."""
    records = [
        {
            "cveID": name(n),
            "vendorProject": f"Vendor {n % 97}",
            "product": f"Product {n % 311}",
            "vulnerabilityName": f"Vendor {n % 97} Product {n % 311} Command Injection Vulnerability",
            "dateAdded": f"2026-{1 + n % 7:02d}-{1 + n % 28:02d}",
            "shortDescription": TEXT[:300],
            "requiredAction": "Apply updates per vendor instructions.",
            "dueDate": "2026-08-01",
            "knownRansomwareCampaignUse": "Known" if n % 5 == 0 else "Unknown",
            "notes": f"https://vendor.example/{n} ; https://nvd.nist.gov/vuln/detail/{name(n)}",
            "cwes": [f"CWE-{n % 400}"],
        }
        for n in range(KEV)
    ]
    return orjson.dumps({"count": len(records), "vulnerabilities": records})


def nvd(start: int, rows: int) -> bytes:
    """Return a page of the CVE API."""
    return orjson.dumps(
        {"totalResults": RECORDS, "vulnerabilities": [{"cve": _cve(n)} for n in range(start, start + rows)]}
    )


def _cve(n: int) -> dict[str, Any]:
    vector = VECTOR.format(a="NALP"[n % 4], p="NLH"[n % 3], c="NLH"[n % 3])
    data = {"version": "3.1", "vectorString": vector, "baseScore": 1 + n % 90 / 10}
    return {
        "id": name(n),
        "published": "2026-07-01T10:15:00.000",
        "lastModified": f"2026-07-{1 + n % 28:02d}T01:02:03.457",
        "vulnStatus": "Analyzed",
        "descriptions": [{"lang": "en", "value": TEXT}, {"lang": "es", "value": TEXT}],
        "metrics": {"cvssMetricV31": [{"source": "nvd@nist.gov", "type": "Primary", "cvssData": data}]},
        "weaknesses": [{"description": [{"lang": "en", "value": f"CWE-{n % 400}"}]}],
        "configurations": [
            {
                "nodes": [
                    {
                        "cpeMatch": [
                            {"vulnerable": True, "criteria": f"cpe:2.3:a:vendor{n % 97}:p{n % 311}:{v}:*:*:*:*:*:*:*"}
                            for v in range(10)
                        ]
                    }
                ]
            }
        ],
        "references": [{"url": f"https://vendor.example/{n}/{r}"} for r in range(6)],
    }


def ghsa(start: int, rows: int) -> bytes:
    """Return a page of advisories about CVEs of the NVD."""
    return orjson.dumps(
        [
            {
                "ghsa_id": f"GHSA-{n:04d}-{n:04d}-{n:04d}",
                "cve_id": name(KEV + n),
                "summary": f"Injection in package {n}",
                "description": TEXT,
                "severity": "high",
                "updated_at": "2026-07-16T00:00:00Z",
                "published_at": "2026-07-15T00:00:00Z",
                "references": [f"https://g.example/{n}"],
                "vulnerabilities": [{"package": {"ecosystem": "npm", "name": f"package-{n}"}}],
                "cvss_severities": {"cvss_v3": {"vector_string": VECTOR.format(a="N", p="N", c="H"), "score": 9.8}},
            }
            for n in range(start, start + rows)
        ]
    )


def misp(number: int) -> bytes:
    """Return an event with 200 indicators."""
    uuid = f"00000000-0000-4000-8000-{number:012d}"
    values = [{"type": "sha256", "value": f"{number * 1000 + n:064x}", "to_ids": True} for n in range(150)]
    values += [{"type": "domain", "value": f"d{n}.bad.example", "to_ids": True} for n in range(50)]
    event = {"uuid": uuid, "info": f"Campaign {number}", "date": "2026-07-01", "timestamp": "1783000000"}
    return orjson.dumps({"Event": {**event, "threat_level_id": "1", "Object": [{"Attribute": values}]}})


def epss() -> bytes:
    """Return the daily file."""
    lines = ["#model_version:v2026,score_date:2026-07-16T00:00:00+0000", "cve,epss,percentile"]
    lines += [f"{name(n)},{n % 1000 / 1000},{n % 100 / 100}" for n in range(RECORDS)]
    return "\n".join(lines).encode()


class Heart:
    """Beats every millisecond and keeps the longest pause, in seconds of the clock and of this process's own time."""

    def __init__(self) -> None:
        self.longest = self.own = 0.0
        self._beating = True
        self._task = runtime.spawn(self._beat)

    def stop(self) -> None:
        """End."""
        self._beating = False
        self._task.wait(1)

    def _beat(self) -> None:
        while self._beating:
            began, own = time.perf_counter(), time.process_time()
            runtime.sleep(0.001)
            self.longest = max(self.longest, time.perf_counter() - began)
            self.own = max(self.own, time.process_time() - own)


def measured(work: Callable[[], object]) -> tuple[float, float, float]:
    """Return the seconds that `work` took and the longest pause meanwhile, by the clock and in the process's time."""
    gc.collect()
    heart = Heart()
    runtime.sleep(0.01)
    heart.longest = heart.own = 0.0
    began = time.perf_counter()
    work()
    took = time.perf_counter() - began
    runtime.sleep(0.005)
    heart.stop()
    return took, heart.longest, heart.own


class Intelligence:
    """The bodies of all sources, and what reads and joins them."""

    def __init__(self) -> None:
        from backend.dashboard.threats.join import ThreatJoin
        from backend.sources.cisa_kev import CisaKev
        from backend.sources.epss import Epss
        from backend.sources.ghsa import Ghsa
        from backend.sources.misp import Misp
        from backend.sources.nvd import Nvd

        client: Any = None
        sources = [CisaKev(client), Ghsa(client), Nvd(client), Epss(client), Misp(client)]
        self._join = ThreatJoin(sources, most=RECORDS)
        self._kev, self._epss = kev(), epss()
        self._nvd = [nvd(start, 500) for start in range(0, RECORDS, 500)]
        self._ghsa = [ghsa(start, 100) for start in range(0, GHSA, 100)]
        self._misp = [misp(number) for number in range(MISP)]

    def all_of_it(self) -> None:
        """Read and join everything, each source on its own, as they come in."""
        for task in [
            runtime.spawn(work) for work in (self._read_kev, self._read_nvd, self._read_ghsa, self._read_misp)
        ]:
            task.wait(60)
        self._read_epss()

    def one_more(self) -> None:
        """Read and join a page with one new record."""
        self._accept_nvd([nvd(RECORDS, 1)])

    def records(self) -> int:
        """Return how many records there are."""
        return len(self._join.ids())

    def _read_kev(self) -> None:
        from backend.sources.base import ThreatBatch
        from backend.sources.heavy import heavy
        from backend.sources.kev_catalogue import parse_catalogue

        self._join.accept("cisa_kev", ThreatBatch(heavy(parse_catalogue, self._kev).fragments))

    def _read_nvd(self) -> None:
        for start in range(0, len(self._nvd), 4):  # a fetch is four pages
            self._accept_nvd(self._nvd[start : start + 4])

    def _accept_nvd(self, pages: list[bytes]) -> None:
        from backend.sources.base import ThreatBatch
        from backend.sources.heavy import heavy
        from backend.sources.nvd_answers import parse_page

        fragments: dict[str, Any] = {}
        for page in pages:
            fragments.update(heavy(parse_page, page).fragments)
        self._join.accept("nvd", ThreatBatch(fragments, delta=True))

    def _read_ghsa(self) -> None:
        from backend.sources.base import ThreatBatch
        from backend.sources.ghsa_answers import parse_page
        from backend.sources.heavy import heavy

        for start in range(0, len(self._ghsa), 4):
            fragments: dict[str, Any] = {}
            for page in self._ghsa[start : start + 4]:
                fragments.update(heavy(parse_page, page).fragments)
            self._join.accept("ghsa", ThreatBatch(fragments, delta=True))

    def _read_misp(self) -> None:
        from backend.sources.base import ThreatBatch
        from backend.sources.heavy import heavy
        from backend.sources.misp_answers import parse_event

        for start in range(0, MISP, 10):
            events = [heavy(parse_event, body) for body in self._misp[start : start + 10]]
            self._join.accept("misp", ThreatBatch({event.name: event.fragment for event in events}, delta=True))

    def _read_epss(self) -> None:
        from backend.sources.base import ThreatBatch
        from backend.sources.epss_answers import parse_scores
        from backend.sources.heavy import heavy

        ids = self._join.ids()
        scores = heavy(parse_scores, self._epss, ids, ids, 20_000_000)
        self._join.accept("epss", ThreatBatch(scores.fragments))


def run() -> None:
    """Measure and print."""
    print(f"\nReading and joining {RECORDS:,} records of KEV, NVD, GitHub, MISP and EPSS (best of {ROUNDS})")
    whole, more = [], []
    for _ in range(ROUNDS):
        made = Intelligence()
        whole.append(_with_own_time(made.all_of_it))
        more.append(_with_own_time(made.one_more))
    for title, found in (("everything", whole), ("one new record", more)):
        took, pause, own, work = (min(values) for values in zip(*found, strict=True))
        print(f"  {title:<16} {took:6.2f} s, own time {work:5.2f} s; ", end="")
        print(f"longest pause {pause * 1000:6.1f} ms, own time {own * 1000:5.1f} ms")
    print(f"  {made.records():,} records; the aim is 3 s and 50 ms on a machine that does nothing else")


def _with_own_time(work: Callable[[], object]) -> tuple[float, float, float, float]:
    began = time.process_time()
    took, pause, own = measured(work)
    return took, pause, own, time.process_time() - began


if __name__ == "__main__":
    runtime.patch("eventlet")
    run()
