"""The three sentences of an experiment, and what its overview says first."""

from core.analysis.words.summary import describe_findings, describe_summary
from tests.analysis.made_rights import EMPTY, clear, row
from tests.analysis.test_summary import right, summary
from tests.made_evidence import evidence_of


def test_the_sentences(held):
    quick = {"cnn": 20.0, "vgg16_probe": 90.0}
    summaries = {
        "nothing yet": None,
        "a clear winner": summary({"cnn": right(100), "vgg16_probe": right(180)}, quick),
        "less is enough": summary({"cnn": right(178), "vgg16_probe": right(180)}, quick),
        "the best is the quickest": summary(
            {"mlp": right(40), "vgg16_probe": right(180)}, {"mlp": 50.0, "vgg16_probe": 9.0}
        ),
        "tied with the baseline": summary({"cnn": right(45, seeds=1)}, {"cnn": 20.0}),
        "behind the baseline": summary({"mlp": right(20)}, {"mlp": 3.0}, majority_right=90),
        "a useless quick one": summary(
            {"mlp": right(52, start=60), "vgg16_probe": right(70)},
            {"mlp": 3.0, "vgg16_probe": 90.0},
        ),
        "time not known": summary({"cnn": right(178)}, {}),
    }
    apart = {"mlp": [row(20, 200)], "cnn": [row(60, 200), row(64, 200)]}
    findings = {
        "no run": EMPTY,
        "a tie, one seed each": clear(),
        "all apart, one seed of one": evidence_of(apart, 100),
    }
    held(
        {name: "\n".join(describe_summary(entry)) for name, entry in summaries.items()}
        | {
            f"findings, {name}": "\n".join(describe_findings(entry))
            for name, entry in findings.items()
        }
    )
