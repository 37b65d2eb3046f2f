"""A pattern finds in PostgreSQL what it finds in DuckDB: in hand-picked texts, drawn ones, and all characters."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import duckdb
import psycopg
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from expectations.dialect import DIALECTS, Dialect
from expectations.postgresql_patterns import in_postgresql
from privacy.identifiers import GLANCE, IDENTIFIERS
from tests.postgres import PostgresServer

DUCKDB, POSTGRESQL = DIALECTS["duckdb"], DIALECTS["postgresql"]

Texts = Sequence[str]
Told = list[tuple[object, ...]]


class Both:
    """Two databases that are asked the same of the same texts."""

    def __init__(self, duck: duckdb.DuckDBPyConnection, postgres: psycopg.Connection) -> None:
        self._duck, self._postgres = duck, postgres

    def duckdb(self, expression: str, texts: Texts) -> Told:
        self._duck.register("texts", pa.table({"place": range(len(texts)), "value": pa.array(texts, pa.string())}))
        return self._duck.execute(f"select place, {expression} from texts order by place").fetchall()

    def postgresql(self, expression: str, texts: Texts) -> Told:
        of_texts = "unnest(%s::text[]) with ordinality as texts(value, place)"
        query = f"select place - 1, {expression.replace('%', '%%')} from {of_texts} order by place"
        return self._postgres.execute(query.encode(), (list(texts),)).fetchall()

    def agree_on(self, pattern: str, texts: Texts) -> None:
        """Assert that both find a pattern in the same texts, and the same texts to match it as a whole."""

        def told(sql: Dialect) -> str:
            return f"{sql.holds('value', pattern)}, {sql.is_whole('value', pattern)}"

        assert self.postgresql(told(POSTGRESQL), texts) == self.duckdb(told(DUCKDB), texts), in_postgresql(pattern)


@pytest.fixture(scope="module")
def both(postgres: PostgresServer) -> Iterator[Both]:
    url = postgres.new_database().set(drivername="postgresql").render_as_string(hide_password=False)
    with duckdb.connect(config={"threads": 1}) as duck, psycopg.connect(url, autocommit=True) as connection:
        yield Both(duck, connection)


TEXTS = (
    *("", "a", "A", "ab", "aB", "ba", "abc", "aaa", "abab", "a b", "a\tb", "a\nb", "a\n", "\na", "a\vb", "a\u00a0b"),
    *("a.b", "a\\b", "a{2}", "a{", "]", "}", "^a", "a$", "a|b", "-", "_", "a_b", "a-b", "[", "(", "a:b", "\b", "\x7f"),
    *("é", "É", "éa", "aé", "e\u0301", "ß", "ẞ", "ss", "\u212a", "k", "K", "ſ", "s", "S", "İ", "i", "I", "ı", "Σ", "ς"),
    *(
        "1",
        "12",
        "123",
        "٣",
        "1a",
        "a1",
        "😀",
        "a😀b",
        "日本",
        "web",
        "WEB",
        "shop",
        "webshop",
        "100%s %",
        "it's",
        '"$x"',
    ),
)

PATTERNS = (
    *(r"a", r"ab?", r"a*", r"a+?b", r"(a|b)*", r"(?:ab){2}", r"(?P<name>a)b", r"a|", r"()", r"(|a)b"),
    *(r".", r"a.b", r"(?s)a.b", r"(?s:.)b", r"(?-s).", r"^a", r"a$", r"(?m)^a", r"(?m)a$", r"(?m:^)a|^b", r"\Aa\z"),
    *(r"\b", r"\ba", r"a\b", r"\Ba", r"\bé", r"é\b", r"\bab\b", r"(?:\b)*a", r"(?:^)*a", r"^*a", r"\b+a"),
    *(r"\s", r"\S", r"\w+", r"\W", r"\d", r"\D+", r"[\s\d]", r"[^\s\d]", r"[\W_]", r"[[:space:]]", r"[[:^alpha:]]"),
    *(r"[[:punct:]]", r"[[:word:]]+", r"[[:ascii:]]", r"[[:print:]]+", r"[[:cntrl:]]", r"[^[:alpha:]é]", r"[a-zé-ü]"),
    *(
        r"[]a]",
        r"[^]a]",
        r"[a\]]",
        r"[a\-z]",
        r"[-a]",
        r"[a-]",
        r"[[]",
        r"[\^a]",
        r"[\\]",
        r"[.]",
        r"[^\n]",
        r"[\x{1F600}]",
    ),
    *(r"\pL", r"\p{Lu}", r"\P{L}", r"\PL", r"\p{^Lu}", r"[\p{Lu}\d]+", r"[^\pL]", r"\p{Greek}", r"\p{Lu}\."),
    *(
        r"(?i)ab",
        r"(?i:web)|shop",
        r"a(?i)b|B",
        r"(a(?i)b)c",
        r"(?i)k",
        r"(?i)s+",
        r"(?i)ß",
        r"(?i)é",
        r"(?i)i",
        r"(?i)σ",
    ),
    *(
        r"(?i)[a-k]",
        r"(?i)[^k]",
        r"(?i)\x41",
        r"(?i)\Qk.\E",
        r"(?i)\p{Lu}",
        r"(?is)a.B",
        r"(?i-i:a)b",
        r"(?i)a(?-i)b",
        r"(?U)a+",
        r"(?U)a+?",
    ),
    *(
        r"\Qa.b\E",
        r"\Qa\\E",
        r"\Qa{2}",
        r"\Qab\E*",
        r"\Q\E",
        r"a\.b",
        r"\\",
        r"\{",
        r"a{",
        r"a{,2}",
        r"a{2}",
        r"{",
        r"}",
        r"]",
    ),
    *(
        r"\x61",
        r"\x{61}",
        r"\x{e9}",
        r"\141",
        r"\12",
        r"\t",
        r"\n",
        r"\v",
        r"\f",
        r"\a",
        r"\_",
        r"\-",
        r"\$",
        r"\ ",
        r"\x00?a",
    ),
    *(r"a{0}", r"a{0,1}b", r"a{1,}", r"a{2,3}", r"(a{2}){2}", r"(?:a|b){3}", r"^a{3}$|b", r"é+", r"日.", r"[日-本]+"),
    *(r"\y", r"\m", r"\<", r"\>", r"***:a", r"[[.a.]]", r"[[=a=]]", r"a\1", r"it's", r'"[$]x"', r"%s %", r"a:b", r":a"),
)


def _understood(pattern: str) -> bool:
    try:
        pc.match_substring_regex(pa.scalar(""), pattern)
    except pa.ArrowInvalid:
        return False
    return True


@pytest.mark.parametrize("pattern", [pattern for pattern in PATTERNS if _understood(pattern)])
def test_a_pattern_finds_the_same_texts_in_both(pattern: str, both: Both) -> None:
    both.agree_on(pattern, TEXTS)


def test_nearly_all_of_these_patterns_are_understood_by_re2() -> None:
    refused = [pattern for pattern in PATTERNS if not _understood(pattern)]

    assert refused == [r"\y", r"\m", "***:a", r"a\1"]


@pytest.mark.parametrize("times", [254, 255, 256, 510, 511, 1000])
def test_what_repeats_often_repeats_as_often(times: int, both: Both) -> None:
    texts = ["a" * n for n in (times - 1, times, times + 1)]

    for pattern in (
        f"a{{{times}}}",
        f"a{{{times},}}",
        f"a{{0,{times}}}",
        f"a{{{times - 1},{times}}}",
        f"^(?:a{{{times}}})*$",
    ):
        both.agree_on(pattern, texts)


def test_a_class_holds_the_same_characters_among_all_there_are(both: Both) -> None:
    characters = [chr(code) for code in range(1, 0x110000) if not 0xD800 <= code < 0xE000]
    classes = (r"\w", r"\s", r"[[:alnum:]]", r"[[:punct:]]", r".", r"(?i)k", r"[^\x00-\x7F]", r"\p{Lu}")

    def counted(sql: Dialect) -> str:
        return " + ".join(f"case when {sql.holds('value', c)} then {2**n} else 0 end" for n, c in enumerate(classes))

    assert both.postgresql(counted(POSTGRESQL), characters) == both.duckdb(counted(DUCKDB), characters)


def test_letters_in_either_case_are_those_of_re2(both: Both) -> None:
    cased = [c for code in range(128, 0x2000) if (c := chr(code)).lower() != c]

    for letter in cased[::40]:
        both.agree_on(f"(?i){letter}", [*cased, *map(str.lower, cased)])


LITERALS = st.sampled_from(["a", "b", "k", "é", "0", " ", "_", r"\n", r"\.", r"\x{e9}", "-", ":", "%", r"\Qa.\E"])
CLASSES = st.sampled_from(
    [".", r"\w", r"\s", r"\D", "[ab]", "[^a]", "[a-c_]", r"[\s.-]", "[[:alpha:]]", r"\pL", r"[^\pL0]"]
)
PLACES = st.sampled_from(["^", "$", r"\b", r"\B", r"\A", r"\z"])
TIMES = st.sampled_from(["*", "+", "?", "{2}", "{1,2}", "{0,3}", "{2,}", "*?", "+?", "??", "{1,2}?"])
OPENINGS = st.sampled_from(["(", "(?:", "(?i:", "(?s:", "(?m:", "(?i-s:", "(?P<n>"])

DRAWN = st.recursive(
    LITERALS | CLASSES | PLACES,
    lambda part: st.one_of(
        st.lists(part, min_size=2, max_size=4).map("".join),
        st.lists(part, min_size=2, max_size=3).map("|".join).map("(?:{})".format),
        st.tuples(OPENINGS, part).map(lambda it: f"{it[0]}{it[1]})"),
        st.tuples(part, TIMES).map(lambda it: f"(?:{it[0]}){it[1]}"),
        st.tuples(st.sampled_from(["(?i)", "(?s)", "(?m)"]), part).map("".join),
    ),
    max_leaves=8,
)
SIGNS = st.text("abkKAé0 _\n.-:%", max_size=8)


@settings(max_examples=150)
@given(pattern=DRAWN, texts=st.lists(SIGNS, min_size=5, max_size=20))
def test_patterns_and_texts_of_any_make_are_read_alike(pattern: str, texts: Texts, both: Both) -> None:
    assume(pattern.count("(?P<n>") < 2)
    assume(r"\B" not in pattern or all(map(str.isascii, texts)))  # RE2 finds it between two bytes of one letter, too
    by_arrow = pc.match_substring_regex(pa.array(texts, pa.string()), pattern).to_pylist()
    by_duckdb = [found for _, found in both.duckdb(DUCKDB.holds("value", pattern), texts)]
    assume(by_duckdb == by_arrow)  # two versions of RE2, of which DuckDB's finds `^^` in the empty text only
    both.agree_on(pattern, texts)


# ── the kinds of personal values ──────────────────────────────────────────────────────────────────────────────────

OF_KINDS = {
    f"{kind}: {part}": pattern
    for kind, one in IDENTIFIERS.items()
    for part, pattern in vars(one).items()
    if part in ("shape", "outline", "sure", "outside") and pattern
}

STEMS = (
    *("anna@example.org", "NL91ABNA0417164300", "NL91 ABNA 0417 1643 00", "DE89 3704 0044 0532 0130 00", "192.0.2.17"),
    *(
        "2001:db8:85a3:8d3:1319:8a2e:370:7348",
        "2001:db8::17",
        "::1",
        "+31 (0) 6 1234 5678",
        "0031612345678",
        "06-12345678",
    ),
    *(
        "020 123 45 67",
        "31612345678",
        "123456782",
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "378282246310005",
        "AB-12-CD",
    ),
    *(
        "12-AB-34",
        "9-XXX-99",
        "XX-99-99",
        "WVWZZZ1JZXW000001",
        "1234 AB",
        "1234ab",
        "1600 CC",
        "12, 1234 AB",
        "3SABCD1234567",
    ),
    *(
        "RR123456785NL",
        "0123456789abcdef0123456789ABCDEF",
        "04465-02220",
        "2026-03-10",
        "10:30",
        "205/55 R16 91V",
        "zwart",
    ),
)


@st.composite
def written(draw: st.DrawFn) -> str:
    """Give a text of pieces that look like values of personal kinds, some of them spoilt."""
    pieces = draw(st.lists(st.sampled_from(STEMS) | st.text("0123456789ABx.-: @(+)é", max_size=20), max_size=3))
    text = draw(st.sampled_from(["", " ", ", ", "-", "0"])).join(pieces)
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(text)))
        text = (
            text[:at]
            + draw(st.sampled_from(["", "0", "9", "A", "z", " ", "-", ".", ":", "é", "_", "\n"]))
            + text[at + 1 :]
        )
    return text


@settings(max_examples=15)
@given(texts=st.lists(written(), min_size=10, max_size=60))
def test_kinds_of_personal_values_are_found_in_the_same_pieces_by_both(texts: Texts, both: Both) -> None:
    for name, pattern in OF_KINDS.items():
        both.agree_on(pattern, texts)
        left = both.duckdb(DUCKDB.without("value", pattern), texts)
        assert both.postgresql(POSTGRESQL.without("value", pattern), texts) == left, name
        collated = f"(value collate \"C\"), '{in_postgresql(pattern)}', 'g'"
        pieces = f"(select array_agg(piece[1]) from regexp_matches({collated}) as f(piece))"
        found = both.duckdb(f"nullif(regexp_extract_all(value, '{pattern}'), [])", texts)
        assert both.postgresql(pieces, texts) == found, name


def in_python(pattern: str) -> re.Pattern[str]:
    for name, signs in {"alpha": "A-Za-z", "alnum": "A-Za-z0-9", "xdigit": "0-9A-Fa-f"}.items():
        pattern = pattern.replace(f"[:{name}:]", signs)
    return re.compile(pattern, re.ASCII)


LOOKED_FOR = [name for name in OF_KINDS if re.search("shape|outline", name)]


@pytest.mark.parametrize("name", LOOKED_FOR)
@settings(max_examples=100)
@given(data=st.data())
def test_a_glance_misses_nothing_that_is_of_a_kind_or_resembles_one(name: str, data: st.DataObject) -> None:
    text = data.draw(st.from_regex(in_python(OF_KINDS[name]), alphabet=st.characters(codec="utf-8")) | written())
    found, seen = (pc.match_substring_regex(pa.scalar(text), it).as_py() for it in (OF_KINDS[name], GLANCE))

    assert seen or not found


@pytest.mark.parametrize("name", OF_KINDS)
@settings(max_examples=10)
@given(data=st.data())
def test_what_is_made_from_a_pattern_is_found_by_it_in_both(name: str, data: st.DataObject, both: Both) -> None:
    every_letter = st.characters(codec="utf-8", exclude_characters="\0")
    made = st.from_regex(in_python(OF_KINDS[name]), alphabet=every_letter)

    both.agree_on(OF_KINDS[name], data.draw(st.lists(made, min_size=1, max_size=5)))
