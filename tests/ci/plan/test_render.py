"""A plan in text and Markdown; what it quotes cannot break out of its place."""

from __future__ import annotations

from ci.markdown import LONGEST_COMMENT, cell, clipped, details, fenced
from ci.plan.model import SENSITIVE, UNKNOWN, Action, Change, FieldChange, Plan, StackPlan
from ci.plan.render import plan_as_markdown, plan_as_text


def plan(*changes: Change, problem: str | None = None) -> Plan:
    stack = StackPlan(
        stack="staging", environment="staging", kind="project", stack_digest="d", changes=changes, problem=problem
    )
    return Plan(commit="c" * 40, branch="feature/x", uncommitted=("a.py",), ml_code_digest="m", stacks=(stack,))


def change(action: Action, *fields: FieldChange, name: str = "training") -> Change:
    return Change(address=f"databricks_job.{name}", type="databricks_job", action=action, fields=fields)


def test_text_tells_objects_fields_and_the_digest() -> None:
    found = plan(
        change(Action.UPDATE, FieldChange(path="timeout_seconds", before=3600, after=7200)),
        change(Action.REPLACE, FieldChange(path="name", before="a", after="b", forces_replacement=True), name="b"),
        change(Action.DESTROY, FieldChange(path="name", before="gone"), name="c"),
        change(
            Action.CREATE,
            FieldChange(path="id", after=UNKNOWN), FieldChange(path="name", after="new"),
            name="d",
        ),
    )  # fmt: skip
    text = plan_as_text(found)
    assert "staging: 1 created, 1 changed, 1 replaced, 1 destroyed" in text
    assert "~     timeout_seconds: 3600 → 7200" in text
    assert '±     name: "a" → "b"  # forces replacement' in text
    assert "gone" not in text, "what is destroyed is named, its fields are not told"
    assert '+     name: "new"' in text
    assert UNKNOWN not in text, "an id that comes with every new object says nothing"
    assert found.digest("staging") in text
    assert "1 uncommitted files" in text


def test_markdown_counts_in_a_table_and_colours_the_lines() -> None:
    found = plan(
        change(Action.UPDATE, FieldChange(path=SENSITIVE, before=SENSITIVE, after=SENSITIVE)),
        change(Action.REPLACE, name="b"),
    )
    text = plan_as_markdown(found)
    assert "| staging |  | 1 | 1 |  |  |  |" in text
    assert "!     a sensitive value" in text
    assert "- databricks_job.b (must be replaced)" in text


def test_a_stack_that_cannot_be_planned_says_why() -> None:
    text = plan_as_markdown(plan(problem="terraform plan of staging failed:\nno such policy"))
    assert "**cannot be planned**" in text
    assert "no such policy" in text


def test_quoted_text_stays_in_its_place() -> None:
    hostile = "```\n</details><script>|x|`"
    assert fenced(hostile).splitlines()[0] == "````"
    assert "<script>" not in details(hostile, "")
    assert "<script>" not in cell(hostile)
    assert "\n" not in cell(hostile)


def test_a_long_plan_fits_a_comment_with_its_blocks_closed() -> None:
    many = [
        change(Action.UPDATE, FieldChange(path=f"field_{index}", before="x" * 100, after="y" * 100), name=str(index))
        for index in range(1000)
    ]
    text = plan_as_markdown(plan(*many))
    assert len(text) < LONGEST_COMMENT + 500
    assert text.count("```") % 2 == 0
    assert text.count("<details>") == text.count("</details>")
    assert "left out" in text
    assert clipped("short") == "short"
