"""Small reports, written from the formats' specifications and from the scanners' own sources."""

from __future__ import annotations

import json
from typing import Any

TRIVY: dict[str, Any] = {
    "SchemaVersion": 2,
    "CreatedAt": "2026-10-02T12:20:30Z",
    "ArtifactName": "shop:1.4",
    "ArtifactType": "container_image",
    "Metadata": {"OS": {"Family": "alpine", "Name": "3.10.2"}},
    "Results": [
        {
            "Target": "shop:1.4 (alpine 3.10.2)",
            "Class": "os-pkgs",
            "Type": "alpine",
            "Vulnerabilities": [
                {
                    "VulnerabilityID": "CVE-2019-1549",
                    "PkgID": "libssl1.1@1.1.1c-r0",
                    "PkgName": "libssl1.1",
                    "PkgIdentifier": {"PURL": "pkg:apk/alpine/libssl1.1@1.1.1c-r0"},
                    "InstalledVersion": "1.1.1c-r0",
                    "FixedVersion": "1.1.1d-r0",
                    "Status": "fixed",
                    "SeveritySource": "nvd",
                    "PrimaryURL": "https://avd.aquasec.com/nvd/cve-2019-1549",
                    "Title": "openssl: information disclosure in fork()",
                    "Description": "OpenSSL 1.1.1 introduced a rewritten random number generator.",
                    "Severity": "MEDIUM",
                    "CVSS": {
                        "nvd": {
                            "V2Score": 5,
                            "V3Vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:L/I:N/A:N",
                            "V3Score": 5.3,
                        },
                        "redhat": {"V3Score": 4.8},
                    },
                    "References": ["https://openssl.org/news/secadv/20190910.txt", "javascript:alert(1)"],
                }
            ],
        },
        {"Target": "Java", "Class": "lang-pkgs", "Type": "jar"},
        {
            "Target": "app/Dockerfile",
            "Class": "config",
            "Type": "dockerfile",
            "Misconfigurations": [
                {
                    "ID": "DS002",
                    "AVDID": "AVD-DS-0002",
                    "Title": "Image user should not be 'root'",
                    "Severity": "HIGH",
                    "Message": "Specify a USER",
                    "Status": "FAIL",
                    "CauseMetadata": {"StartLine": 3},
                },
                {"ID": "DS026", "AVDID": "AVD-DS-0026", "Title": "No HEALTHCHECK", "Severity": "LOW", "Status": "PASS"},
            ],
            "Secrets": [
                {
                    "RuleID": "aws-access-key-id",
                    "Category": "AWS",
                    "Severity": "CRITICAL",
                    "Title": "AWS Access Key ID",
                    "StartLine": 7,
                    "Match": "KEY=AKIAEXAMPLE",
                }
            ],
        },
    ],
}

GRYPE: dict[str, Any] = {
    "matches": [
        {
            "vulnerability": {
                "id": "GHSA-jfh8-c2jp-5v3q",
                "dataSource": "https://github.com/advisories/GHSA-jfh8-c2jp-5v3q",
                "namespace": "github:language:java",
                "severity": "Critical",
                "description": "Remote code injection in Log4j",
                "cvss": [
                    {
                        "version": "3.1",
                        "vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H",
                        "metrics": {"baseScore": 10, "exploitabilityScore": 3.9, "impactScore": 6},
                    }
                ],
                "epss": [{"cve": "CVE-2021-44228", "epss": 0.94358, "percentile": 0.99957, "date": "2026-10-01"}],
                "knownExploited": [{"cve": "CVE-2021-44228", "vendorProject": "Apache"}],
                "fix": {"versions": ["2.15.0"], "state": "fixed"},
            },
            "relatedVulnerabilities": [
                {
                    "id": "CVE-2021-44228",
                    "severity": "Critical",
                    "cvss": [{"version": "2.0", "metrics": {"baseScore": 9.3}}],
                }
            ],
            "matchDetails": [{"type": "exact-direct-match"}],
            "artifact": {
                "name": "log4j-core",
                "version": "2.14.1",
                "type": "java-archive",
                "locations": [{"path": "/app/lib/log4j-core-2.14.1.jar"}],
                "purl": "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1",
            },
        }
    ],
    "ignoredMatches": [{"vulnerability": {"id": "CVE-2020-1"}, "artifact": {"name": "x"}}],
    "source": {"type": "image"},
    "distro": {"name": "alpine"},
    "descriptor": {"name": "grype", "version": "0.100.0"},
}

NUCLEI: list[dict[str, Any]] = [
    {
        "template": "http/cves/2021/CVE-2021-41773.yaml",
        "template-id": "CVE-2021-41773",
        "info": {
            "name": "Apache 2.4.49 - Path Traversal",
            "severity": "high",
            "description": "A flaw in path normalization.",
            "reference": ["https://nvd.nist.gov/vuln/detail/CVE-2021-41773"],
            "classification": {
                "cve-id": ["cve-2021-41773"],
                "cwe-id": ["cwe-22"],
                "cvss-score": 7.5,
                "cvss-metrics": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N",
                "epss-score": 0.97458,
                "epss-percentile": 0.99956,
            },
        },
        "type": "http",
        "host": "https://shop.example",
        "matched-at": "https://shop.example/cgi-bin/.%2e/etc/passwd",
        "timestamp": "2026-10-02T12:00:00Z",
        "matcher-status": True,
    },
    {
        "template-id": "tech-detect",
        "info": {"name": "Wappalyzer", "severity": "info", "reference": None, "classification": {"cve-id": None}},
        "matcher-name": "nginx",
        "type": "http",
        "host": "https://shop.example",
        "matched-at": "https://shop.example/",
        "matcher-status": True,
    },
    {"template-id": "CVE-2020-1", "info": {"name": "no match", "severity": "low"}, "matcher-status": False},
]

CYCLONEDX: dict[str, Any] = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.6",
    "serialNumber": "urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79",
    "version": 1,
    "vulnerabilities": [  # before the components: members of an object have no order
        {
            "id": "CVE-2018-7489",
            "source": {"name": "NVD", "url": "https://nvd.nist.gov/vuln/detail/CVE-2018-7489"},
            "ratings": [
                {"source": {"name": "NVD"}, "score": 7.5, "severity": "high", "method": "CVSSv2"},
                {
                    "source": {"name": "NVD"},
                    "score": 9.8,
                    "severity": "critical",
                    "method": "CVSSv31",
                    "vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
                },
            ],
            "cwes": [184, 502],
            "description": "FasterXML jackson-databind before 2.7.9.3",
            "advisories": [{"title": "GitHub", "url": "https://github.com/FasterXML/jackson-databind/issues/1931"}],
            "affects": [{"ref": "jackson@2.8.0"}, {"ref": "inner@1"}],
        },
        {"id": "CVE-2020-5", "affects": [{"ref": "jackson@2.8.0"}], "analysis": {"state": "not_affected"}},
    ],
    "components": [
        {
            "bom-ref": "jackson@2.8.0",
            "type": "library",
            "group": "com.fasterxml.jackson.core",
            "name": "jackson-databind",
            "version": "2.8.0",
            "purl": "pkg:maven/com.fasterxml.jackson.core/jackson-databind@2.8.0",
            "components": [{"bom-ref": "inner@1", "type": "library", "name": "inner", "version": "1"}],
        }
    ],
}

SARIF: dict[str, Any] = {
    "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
    "version": "2.1.0",
    "runs": [
        {
            "results": [  # before the tool: members of an object have no order
                {
                    "ruleId": "CVE-2019-5094",
                    "ruleIndex": 0,
                    "level": "warning",
                    "message": {
                        "text": "Package: e2fsprogs\nInstalled Version: 1.44.5-1\nVulnerability CVE-2019-5094\n"
                        "Severity: MEDIUM\nFixed Version: 1.44.5-2\nLink: [x](https://example.org)"
                    },
                    "locations": [
                        {
                            "physicalLocation": {
                                "artifactLocation": {"uri": "library/debian"},
                                "region": {"startLine": 1},
                            }
                        }
                    ],
                },
                {
                    "ruleId": "py/sql-injection",
                    "ruleIndex": 1,
                    "message": {"text": "This depends on <b>user</b> input."},
                    "locations": [
                        {"physicalLocation": {"artifactLocation": {"uri": "app/db.py"}, "region": {"startLine": 42}}}
                    ],
                },
                {
                    "ruleIndex": 2,
                    "level": "note",
                    "message": {"text": "An unused import."},
                    "locations": [{"logicalLocations": [{"fullyQualifiedName": "app.db"}]}],
                },
                {"ruleId": "py/sql-injection", "kind": "pass", "message": {"text": "fine"}},
                {"ruleId": "py/sql-injection", "suppressions": [{"kind": "inSource"}], "message": {"text": "known"}},
                {"ruleId": "py/sql-injection", "baselineState": "absent", "message": {"text": "gone"}},
            ],
            "tool": {
                "driver": {
                    "name": "Trivy",
                    "rules": [
                        {
                            "id": "CVE-2019-5094",
                            "shortDescription": {"text": "e2fsprogs: crafted ext4 partition"},
                            "properties": {"security-severity": "6.7"},
                        },
                        {
                            "id": "py/sql-injection",
                            "name": "SqlInjection",
                            "shortDescription": {"text": "SQL query built from user-controlled sources"},
                            "properties": {"tags": ["security", "external/cwe/cwe-089"], "security-severity": "8.8"},
                            "helpUri": "https://codeql.github.com/codeql-query-help/python/py-sql-injection/",
                        },
                        {"id": "py/unused-import", "defaultConfiguration": {"level": "note"}},
                    ],
                }
            },
        }
    ],
}

CVE_LIST = "# what the audit found\nCVE-2024-3400, cve-2023-4966\n\nGHSA-jfh8-c2jp-5v3q  # log4j\nnothing here\n"


def as_bytes(report: Any) -> bytes:
    """Return a report as its scanner would write it."""
    if isinstance(report, str):
        return report.encode()
    if report is NUCLEI:
        return b"".join(json.dumps(each).encode() + b"\n" for each in report)
    return json.dumps(report, indent=1).encode()


SAMPLES = {
    "trivy": TRIVY,
    "grype": GRYPE,
    "nuclei": NUCLEI,
    "cyclonedx": CYCLONEDX,
    "sarif": SARIF,
    "cve_list": CVE_LIST,
}
