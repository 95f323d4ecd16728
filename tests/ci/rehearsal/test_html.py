"""The page: self-contained, and everything of the change as text."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import given, settings
from hypothesis import strategies as st

from ci.rehearsal.model import Commit, JobPair, Rehearsal, Verdict
from tests.ci.rehearsal import sample

HOSTILE = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'{{ 7 * 7 }}{% raw %}</style></title>"
_LOADING = {"src", "href", "srcset", "data", "action", "poster", "background", "xlink:href"}


class _Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())


def _hostile() -> Rehearsal:
    pair = sample.model(name=HOSTILE)
    return sample.rehearsal(
        environment=HOSTILE,
        change=Commit(sha="b" * 40, subject=HOSTILE, revision=HOSTILE),
        verdict=Verdict.FAILED,
        problems=(sample.problem(step=HOSTILE, reason=HOSTILE, log=HOSTILE),),
        notes=(HOSTILE,),
        update=(sample.stack(sample.update(HOSTILE, HOSTILE)),),
        jobs=(sample.job(name=HOSTILE),),
        tables=(sample.table(name=HOSTILE),),
        models=(pair.model_copy(update={"reason": HOSTILE, "metric": HOSTILE, "decision": HOSTILE}),),
    )


def test_the_page_tells_what_was_found() -> None:
    text = _Page(sample.rehearsal().to_html()).text
    for words in (
        "Rehearsal passed",
        "1 updated in place, nothing destroyed",
        "a second plan is empty",
        "timeout_seconds: 7200 → 5400",
        "0.652 [0.550, 0.770]",
        "age: int → double",
        "30.0 s",
        "start the workspace",
    ):
        assert words in text


def test_the_page_loads_nothing_and_runs_nothing() -> None:
    page = _Page(sample.rehearsal().to_html())
    assert not page.tags & {"script", "link", "img", "iframe", "object", "embed", "form", "base"}
    assert not page.attributes & _LOADING
    assert "default-src 'none'" in sample.rehearsal().to_html()
    assert "url(" not in sample.rehearsal().to_html()


def test_hostile_text_adds_no_element_and_no_attribute() -> None:
    plain = sample.rehearsal(verdict=Verdict.FAILED, problems=(sample.problem(log="x"),), notes=("x",))
    hostile, harmless = _Page(_hostile().to_html()), _Page(plain.to_html())
    assert hostile.tags == harmless.tags
    assert hostile.attributes == harmless.attributes
    assert "{{ 7 * 7 }}" in hostile.text


@given(text=st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=40))
@settings(max_examples=60, deadline=None)
def test_any_subject_shows_as_it_is(text: str) -> None:
    subject = f"«{text}»"
    found = sample.rehearsal(change=Commit(sha="b" * 40, subject=subject, revision="HEAD"))
    assert subject in "".join(_Page(found.to_html()).words)


def test_a_rehearsal_that_ended_at_once_has_a_page_too() -> None:
    found = sample.rehearsal(
        verdict=Verdict.BASE_FAILED, problems=(sample.problem(side="base"),),
        update=(), settled=None, jobs=(), tables=(), models=(), steps=(),
    )  # fmt: skip
    assert "Nothing is known of the change: its base fails" in _Page(found.to_html()).text


def test_a_job_that_one_side_lacks_is_drawn() -> None:
    pair = sample.job()
    found = sample.rehearsal(jobs=(JobPair(name="new", after=pair.after), JobPair(name="old", before=pair.before)))
    assert "new" in _Page(found.to_html()).text
