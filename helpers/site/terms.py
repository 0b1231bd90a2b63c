"""Terms in two languages: each row of the glossary gets an address, and a lesson's Chinese term leads there."""

import re

CHINESE = re.compile(r"[\u4e00-\u9fff]+")
NOTHING = re.compile(r"(?<=\|) – (?=\|)")
ROW = re.compile(r"^\| (?!English)(?=[^|]+\| ([^|]+) \|)", re.M)


def terms_of(text: str) -> set[str]:
    """Return the Chinese words in the rows of a glossary's Markdown."""
    return {word for cell in ROW.findall(text) for word in CHINESE.findall(cell)}


def with_marks(text: str, terms: set[str]) -> str:
    """Return a part of the glossary with an address, `id="感受野"`, for each of `terms` in the first row that has it.

    The words that have got one are taken out of `terms`. A dash for nothing goes: the page's style draws it.
    """

    def marked(row):
        words = [word for word in dict.fromkeys(CHINESE.findall(row[1])) if word in terms]
        terms.difference_update(words)
        return row[0] + "".join(f'<span id="{word}"></span>' for word in words)

    return ROW.sub(marked, NOTHING.sub(" ", text))


def with_links(text: str, terms: set[str]) -> str:
    """Return a lesson's Markdown with a link to the glossary on each Chinese word that is one of `terms`."""

    def linked(word):
        return f'<a class="cnn-term" href="glossary.html#{word[0]}">{word[0]}</a>' if word[0] in terms else word[0]

    return CHINESE.sub(linked, text)
