"""The four cards that every page and report begins with."""

from core.analysis.words.answer import answer_cards
from tests.analysis.test_summary import right, summary


def test_the_cards(held):
    quick = {"cnn": 20.0, "vgg16_probe": 90.0}
    summaries = {
        "pre-training helps": summary({"cnn": right(100), "vgg16_probe": right(180)}, quick),
        "something quicker is as good": summary(
            {"cnn": right(178), "vgg16_probe": right(180)}, quick
        ),
        "from scratch is better": summary({"cnn": right(180), "vgg16_probe": right(100)}, quick),
        "no pre-trained one": summary({"cnn": right(178, seeds=1)}, {"cnn": 20.0}),
        "nothing is better than the baseline": summary({"cnn": right(45)}, {"cnn": 20.0}),
        "time not known": summary({"cnn": right(178)}, {}),
    }
    held(
        {
            name: "\n".join(
                f"{card.title} | {card.answer} | {card.detail}" for card in answer_cards(entry)
            )
            for name, entry in summaries.items()
        }
    )
