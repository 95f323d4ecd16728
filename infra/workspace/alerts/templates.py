"""Summary and description of an alert's notifications: mustache in HTML, or Markdown with `@NAME`.

The variables are Databricks': ALERT_STATUS, ALERT_CONDITION, ALERT_THRESHOLD, ALERT_COLUMN, ALERT_NAME, ALERT_URL,
QUERY_RESULT_VALUE, QUERY_RESULT_TABLE (HTML of the first hundred rows), QUERY_RESULT_ROWS and QUERY_RESULT_COLS.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

DEFAULT_SUMMARY = 'Alert "{{ALERT_NAME}}" changed status to {{ALERT_STATUS}}'
_SHOWN_ROWS = 100
_SECTION = re.compile(r"\{\{([#^])\s*(\w+)\s*\}\}(.*?)\{\{/\s*\2\s*\}\}", re.DOTALL)
_VARIABLE = re.compile(r"\{\{[{&]?\s*([\w.]+)\s*\}?\}\}")
_MARKDOWN_VARIABLE = re.compile(r"@([A-Z]+(?:_[A-Z]+)+)\b")


def render(text: str, variables: Mapping[str, Any], template_format: str | None = None) -> str:
    """The text with its variables filled in; one that does not exist is left empty, as in mustache."""
    if template_format == "MARKDOWN":
        return _MARKDOWN_VARIABLE.sub(
            lambda found: _text(variables[found[1]]) if found[1] in variables else found[0], text
        )
    return _fill(_without_sections(text, variables), variables)


def table(columns: Sequence[Mapping[str, Any]], rows: Sequence[Sequence[str | None]]) -> str:
    """The result's first rows as a table in HTML."""
    head = "".join(f"<th>{html.escape(str(column['name']))}</th>" for column in columns)
    lines = (
        "".join(f"<td>{html.escape('' if value is None else value)}</td>" for value in row)
        for row in rows[:_SHOWN_ROWS]
    )
    return f"<table><tr>{head}</tr>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


def _without_sections(text: str, variables: Mapping[str, Any]) -> str:
    """`{{#ROWS}}…{{/ROWS}}` once for each element, `{{^ROWS}}…{{/ROWS}}` where there is none."""

    def replaced(found: re.Match[str]) -> str:
        value = variables.get(found[2])
        elements = value if isinstance(value, list) else [value] if value else []
        if found[1] == "^":
            return "" if elements else found[3]
        return "".join(_inner(found[3], variables, each) for each in elements)

    return _SECTION.sub(replaced, text)


def _inner(text: str, variables: Mapping[str, Any], element: Any) -> str:
    here = {**variables, ".": element, **(element if isinstance(element, dict) else {})}
    return _fill(_without_sections(text, here), here)


def _fill(text: str, variables: Mapping[str, Any]) -> str:
    return _VARIABLE.sub(lambda found: _text(variables.get(found[1])), text)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value)
