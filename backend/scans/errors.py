"""What can be wrong with an uploaded scan. The texts are for the person who uploaded it."""

from __future__ import annotations

from typing import Any

from backend.errors import DashboardError, MalformedRequestError, ValidationError

FORMATS_TOLD = "SARIF 2.1.0, Trivy JSON, Grype JSON, Nuclei JSON lines, CycloneDX JSON, or a plain list of CVE ids"


class UnknownFormatError(MalformedRequestError):
    """None of the formats that are read here."""

    title = "Unknown format"
    public_message = "This is none of the scan formats that can be read."
    suggestion = f"Upload {FORMATS_TOLD}, in UTF-8. If it is one of them, name its format."

    def __init__(self, detail: str = "", **more: Any) -> None:
        super().__init__(detail, **{"message": f"{self.public_message[:-1]}: {detail}." if detail else None, **more})


class UnreadableScanError(ValidationError):
    """It is in a known format, but broken, hostile or of a version that is not known."""

    public_message = "The scan cannot be read"
    suggestion = "Write the report again with the scanner's own export and upload it once more."


class StorageFullError(DashboardError):
    """There is no room for the upload on the server's disk."""

    code = "STORAGE_FULL"
    status = 507
    title = "No room left"
    public_message = "The server's disk has no room for this upload. Nothing was kept of it."
    suggestion = "An administrator has to free space in the data directory. Then upload it again."
    default_retry_after = 60
