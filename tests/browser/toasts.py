"""Toasts pass by, and a test may look late."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page


def hold(page: Page) -> None:
    """Let the toasts of a page stay, as they do while the pointer is on them."""
    page.locator(".toasts").dispatch_event("pointerenter")
