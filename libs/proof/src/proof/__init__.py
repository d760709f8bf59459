"""The proof: the checker of `verification` over Azure Storage, and its verdict for people.

`check` reads and judges in this process, as `turnstile verify` does. A server with several viewers starts
checks by `Checks`, each in a process of its own (`python -m proof`), because they keep a processor busy.
`page_text` makes one HTML page of a verdict, which needs nothing else to be opened.
"""

from proof.asked import Asked
from proof.checks import Check, Checks, State
from proof.page import page_text, write_page
from proof.reading import NoTablesError, StorageSettingsError, check
from proof.result import report_text, result_document
from proof.storage import StorageEvidence

__all__ = [
    "Asked",
    "Check",
    "Checks",
    "NoTablesError",
    "State",
    "StorageEvidence",
    "StorageSettingsError",
    "check",
    "page_text",
    "report_text",
    "result_document",
    "write_page",
]
