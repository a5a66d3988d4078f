"""Trivy's JSON report (schema version 2): https://trivy.dev/latest/docs/configuration/reporting/#json."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from backend.scans.finding import Finding, make_finding
from backend.scans.json_walk import tokens, walk
from backend.scans.reader import ScanFile, mapping

_PATHS = {
    "vulnerability": ("Results", "*", "Vulnerabilities", "*"),
    "misconfiguration": ("Results", "*", "Misconfigurations", "*"),
    "secret": ("Results", "*", "Secrets", "*"),
}


class TrivyReader:
    """Vulnerabilities, failed misconfiguration checks, and secrets (never the secret itself)."""

    name = "trivy"
    title = "Trivy"
    passes = 1

    def read(self, file: ScanFile) -> Iterator[Finding]:
        """See Reader."""
        file.tool = "Trivy"
        makers = {"vulnerability": _vulnerability, "misconfiguration": _misconfiguration, "secret": _secret}
        for found in walk(tokens(file.open()), _PATHS):
            report, result = found.around[0], found.around[1]
            said = mapping(found.value)
            if found.kind == "misconfiguration" and said.get("Status", "FAIL") != "FAIL":
                file.left_out["checks that passed"] += 1
                continue
            if found.kind == "vulnerability" and said.get("Status") == "not_affected":
                file.left_out["vulnerabilities that the report says do not affect"] += 1
                continue
            target = result.get("Target") or report.get("ArtifactName") or ""
            made = makers[found.kind](said, target, result)
            if made is None:
                file.left_out["records without an id"] += 1
            else:
                yield made


def _vulnerability(said: Mapping[str, Any], target: Any, _: Mapping[str, Any]) -> Finding | None:
    score, vector = _cvss(mapping(said.get("CVSS")), said.get("SeveritySource"))
    path = said.get("PkgPath")
    return make_finding(
        said.get("VulnerabilityID"),
        ids=_texts(said.get("VendorIDs")),
        title=said.get("Title"),
        description=said.get("Description"),
        severity=said.get("Severity"),
        component=said.get("PkgName"),
        version=said.get("InstalledVersion"),
        fixed_version=said.get("FixedVersion"),
        purl=mapping(said.get("PkgIdentifier")).get("PURL"),
        location=f"{target} > {path}" if isinstance(path, str) and path else target,
        cvss_score=score,
        cvss_vector=vector,
        references=[said.get("PrimaryURL"), *_texts(said.get("References"))],
        tool="Trivy",
    )


def _misconfiguration(said: Mapping[str, Any], target: Any, result: Mapping[str, Any]) -> Finding | None:
    cause = mapping(said.get("CauseMetadata"))
    at = cause.get("StartLine")
    return make_finding(
        said.get("AVDID") or said.get("ID"),
        title=said.get("Title"),
        description=said.get("Message") or said.get("Description"),
        severity=said.get("Severity"),
        component=cause.get("Resource") or result.get("Type"),
        location=f"{target}:{at}" if isinstance(at, int) and at else target,
        references=[said.get("PrimaryURL"), *_texts(said.get("References"))],
        tool="Trivy",
    )


def _secret(said: Mapping[str, Any], target: Any, _: Mapping[str, Any]) -> Finding | None:
    at = said.get("StartLine")
    return make_finding(
        said.get("RuleID"),
        title=said.get("Title"),
        severity=said.get("Severity"),
        component=said.get("Category"),
        location=f"{target}:{at}" if isinstance(at, int) and at else target,
        tool="Trivy",
    )


def _cvss(by_vendor: Mapping[str, Any], preferred: Any) -> tuple[Any, Any]:
    """The vendor that the severity is from, then NVD, then whoever has one; the newest version of CVSS first."""
    order = dict.fromkeys([name for name in (preferred, "nvd") if isinstance(name, str)] + list(by_vendor))
    for version in ("V40", "V3", "V2"):
        for vendor in order:
            given = mapping(by_vendor.get(vendor))
            if given.get(f"{version}Score"):
                return given.get(f"{version}Score"), given.get(f"{version}Vector")
    return None, None


def _texts(values: Any) -> list[str]:
    return [value for value in values if isinstance(value, str)] if isinstance(values, list) else []
