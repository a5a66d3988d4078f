"""What the outside may send: any JSON, and any text, with a leaning towards markup."""

from hypothesis import strategies as st

PIECES = [
    "<script>alert(1)</script>",
    "<b>",
    "&lt;img src=x onerror=alert(1)&gt;",
    "&amp;lt;b&amp;gt;",
    "<scr<b>ipt>",
    "<",
    ">",
    "&",
    "&#60;i&#62;",
    "<!--",
    "-->",
    "<\u200bb>",
    "\ud83d",
    "\x00",
    "\u202e",
    "</",
    "svg/onload=1>",
    " ",
    "\n",
]
texts = st.one_of(st.text(), st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=3))).map("".join))
json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=20,
)
