"""Terms in two languages: addresses in the glossary, links to them in the lessons."""

from helpers.site.terms import terms_of, with_links, with_marks

GLOSSARY = """## A

| English | 中文 | Symbol |
|---|---|---|
| scale and shift | 拉伸、偏移 | – |
| softmax | softmax函数 | – |"""
MORE = "| offset | 偏移 | – |"


def test_each_word_has_one_address():
    terms = terms_of(f"{GLOSSARY}\n{MORE}")
    assert terms == {"拉伸", "偏移", "函数"}
    marked = with_marks(GLOSSARY, terms)
    assert '| <span id="拉伸"></span><span id="偏移"></span>scale and shift | 拉伸、偏移 | |' in marked
    assert "| English | 中文 | Symbol |" in marked and not terms
    assert with_marks(MORE, terms) == "| offset | 偏移 | |"  # the dash for nothing is drawn by the style


def test_known_words_lead_to_the_glossary_and_others_stay():
    said = with_links("the *shift* (偏移), the *sum* (总和)", {"偏移"})
    assert said == 'the *shift* (<a class="cnn-term" href="glossary.html#偏移">偏移</a>), the *sum* (总和)'
