from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ml_code.platform.privacy.erasure import digest, without

FILE = b'birth_id,mage,note\nb1,30,x\r\nb12,31,b1\n"b1",32,y\nb-1,12,z\n'


def test_only_the_members_lines_go_and_the_others_stay_byte_for_byte() -> None:
    found = without(FILE, "birth_id", "b1")
    assert found is not None
    assert found.content == b"birth_id,mage,note\nb12,31,b1\nb-1,12,z\n"
    assert (found.lines, found.before, found.after) == (2, digest(FILE), digest(found.content))
    assert without(found.content, "birth_id", "b1") is None
    assert without(FILE, "birth_id", "b3") is None
    assert without(b"", "birth_id", "b1") is None


def test_a_value_of_another_column_is_no_identifier() -> None:
    assert without(b"birth_id,mage\nb1,12\n", "birth_id", "12") is None
    assert without(b"birth_id,mage\nbirth_id,12\n", "birth_id", "birth_id") is not None


def test_of_a_broken_file_every_line_with_the_word_goes() -> None:
    torn = without(b"x;y\nb1;5\nb12;6\n", "birth_id", "b1")
    assert torn is not None
    assert torn.content == b"x;y\nb12;6\n"
    long = without(b"birth_id,mage\n5,b1,7\nb12,6\n", "birth_id", "b1")
    assert long is not None
    assert long.content == b"birth_id,mage\nb12,6\n"


@given(st.lists(st.sampled_from(["a", "b", "aa", "a-b"]), max_size=12), st.sampled_from(["\n", "\r\n"]))
def test_exactly_the_rows_of_the_member_go(members: list[str], end: str) -> None:
    lines = ["birth_id,mage", *(f"{member},{number}" for number, member in enumerate(members))]
    content = "".join(line + end for line in lines).encode()
    rest = "".join(line + end for line in lines if not line.startswith("a,")).encode()
    found = without(content, "birth_id", "a")
    assert (found.content if found else content) == rest
    assert (found.lines if found else 0) == members.count("a")
