"""The documents that are made from the code are up to date."""

import pytest
from deploy import ROOT
from deploy.documentation.__main__ import generated
from deploy.documentation.marks import between_marks

DOCUMENTS = generated()


@pytest.mark.parametrize("path", DOCUMENTS)
def test_the_document_is_up_to_date(path: str) -> None:
    current = (ROOT / path).read_text(encoding="utf-8")
    assert current == DOCUMENTS[path], "Run `.venv/bin/python -m deploy.documentation`."


def test_only_what_stands_between_the_marks_is_replaced() -> None:
    made = between_marks("before <!-- generated --> old <!-- /generated --> after", "new")
    assert made == "before <!-- generated -->\n\nnew\n<!-- /generated --> after"


@pytest.mark.parametrize("text", ["", "<!-- generated -->", "<!-- /generated -->"])
def test_a_page_without_both_marks_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="lacks"):
        between_marks(text, "new")
