import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.tweets.html_text import html_to_text

LINK = (
    '<a href="https://example.org/a/long/path" rel="nofollow"><span class="invisible">https://</span>'
    '<span class="ellipsis">example.org/a/lo</span><span class="invisible">ng/path</span></a>'
)
EXAMPLES = {
    "plain text": ("a day", "a day"),
    "references": ("<p>tea &amp; cake &lt;3 &#39;&#x1F600;</p>", "tea & cake <3 '\U0001f600"),
    "references without tags": ("tea &amp; cake", "tea & cake"),
    "an encoded reference is decoded once": ("<p>&amp;lt;</p>", "&lt;"),
    "paragraphs": ("<p>One.</p><p>Two.</p>", "One.\nTwo."),
    "line breaks": ("<p>One<br>Two<br />Three</p>", "One\nTwo\nThree"),
    "a list": ("<ul><li>one</li><li>two</li></ul>", "one\ntwo"),
    "a link in parts": (f"<p>See {LINK}.</p>", "See https://example.org/a/long/path."),
    "a link cut short": ('<a href="https://example.org/abc">example.org/a\u2026</a>', "https://example.org/abc"),
    "a link with words": ('<a href="https://example.org/abc">my page</a>', "my page"),
    "a link without an address": ("<a>words</a>", "words"),
    "a link in single quotes": ("<a href='https://example.org/a'>example.org/a</a>", "https://example.org/a"),
    "a link to the left open": ('<p>a <a href="https://example.org/a">example.org/a', "a https://example.org/a"),
    "an address with a reference": ('<a href="https://e.org/?a&amp;b">e.org/?a&amp;b</a>', "https://e.org/?a&b"),
    "a mention": ('<a href="https://m.example/@ada" class="u-url mention">@<span>ada</span></a> hi', "@ada hi"),
    "a hashtag": ('<a href="https://m.example/tags/Snow" class="mention hashtag">#<span>Snow</span></a>', "#Snow"),
    "a tag in upper case": ("<P>One</P><P>Two</P>", "One\nTwo"),
    "a bracket in an attribute": ('<p title="a>b">One</p>', "One"),
    "a comment": ("<p>One<!-- <p>hidden</p> --></p>", "One"),
    "a script": ("<script>alert('<p>')</script>One<style>p{}</style>", "One"),
    "a bracket that begins no tag": ("<p>1 < 2 and <3</p>", "1 < 2 and <3"),
    "a tag that does not end": ("<p>One</p><p title='", "One\n<p title='"),
    "spaces within a line stay": ("<p>a  b</p>", "a  b"),
}


@pytest.mark.parametrize(("markup", "text"), EXAMPLES.values(), ids=EXAMPLES)
def test_html_becomes_text(markup: str, text: str) -> None:
    assert html_to_text(markup) == text


@given(st.text() | st.text("<>&;/!-ap= \"'\n#x0"))
def test_any_string_becomes_text(markup: str) -> None:
    assert html_to_text(markup) == html_to_text(markup).strip()


@given(
    st.text(st.characters(exclude_characters="<&", exclude_categories=["Cs"])).map(lambda text: " ".join(text.split()))
)
def test_text_without_markup_stays_as_it_is(text: str) -> None:
    assert html_to_text(f"<p>{text}</p>") == text


REPEATED = (
    *("<a", "<!--", "<a b=", "<a '", '<a href="', "</a", "<?", "&", "&#9", " ", "<a href ", "<p>\n "),
    *("<script>", "<a> "),
)


@pytest.mark.parametrize("part", REPEATED)
def test_a_mebibyte_of_broken_markup_is_read(part: str) -> None:
    # In quadratic time this takes hours.
    assert isinstance(html_to_text("<p>" + part * (2**20 // len(part))), str)
