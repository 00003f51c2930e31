"""Where pre-training pays and how results grew, in sentences."""

from core.analysis.datasets import dataset_gains, results_over_time, winners_of
from core.analysis.words.datasets import describe_gains, describe_results
from tests.analysis.test_datasets import HISTORY, PLAIN, experiment, result


def gains(**differences: float) -> str:
    entries = [
        (experiment(name, name), result(difference=value)) for name, value in differences.items()
    ]
    return "\n".join(describe_gains(dataset_gains(entries)))


def over_time(*entries) -> str:
    results = results_over_time(entries)
    return "\n".join(describe_results(results, winners_of(results)))


def test_the_sentences(held):
    shared = {"split_fingerprint": "f" * 64}
    held(
        {
            "gains, of each kind": gains(birds=0.3, mugs=0.1, digits=0.01, noise=-0.2),
            "gains, many": gains(**{f"set{number}": 0.1 + number / 100 for number in range(8)}),
            "gains, one": "\n".join(describe_gains(dataset_gains([PLAIN]))),
            "gains, none": gains(),
            "over time, two versions": over_time(*HISTORY),
            "over time, the first is the best": over_time(
                (experiment("a", date="2026-11-20", **shared), result(0.9)),
                (experiment("b", date="2026-11-21", **shared), result(0.8)),
            ),
            "over time, one": over_time(PLAIN),
            "over time, none": over_time(),
        }
    )
