"""Frames of a comparison for pages and notebooks: in percent, with the unit in each column name."""

import pandas as pd

from core.comparison.model import Comparison, Row

MEGABYTE = 1_000_000


def results_frame(comparison: Comparison) -> pd.DataFrame:
    """One line a strategy in ladder order; unknown values are missing."""
    return pd.DataFrame([_line(row) for row in comparison.rows], columns=list(COLUMN_HELP))


def seeds_frame(comparison: Comparison) -> pd.DataFrame:
    """One line a run: strategy, seed, state, test accuracy (%), error."""
    return pd.DataFrame(
        [
            {
                "strategy": row.title,
                "seed": run.seed,
                "state": run.state,
                "test accuracy (%)": _percent(run.test_accuracy),
                "run": run.run_id,
                "message": run.error or "",
            }
            for row in comparison.rows
            for run in row.runs
        ],
        columns=["strategy", "seed", "state", "test accuracy (%)", "run", "message"],
    )


COLUMN_HELP = {
    "strategy": "The rung of the ladder; the page 'The ladder' describes each.",
    "state": "finished, or the state of the run that is not.",
    "test accuracy (%)": "Share of test images that were classified right: mean over the seeds.",
    "low (%)": "Lower end of the 95 % Wilson interval: on very many images from the same source, "
    "the accuracy is plausibly no lower than this.",
    "high (%)": "Upper end of the 95 % Wilson interval: on very many images from the same source, "
    "the accuracy is plausibly no higher than this. It belongs to the rounded mean number of "
    "right test images; seeds are not pooled, because they share the test images.",
    "over majority (points)": "Test accuracy minus that of always saying the commonest class, in "
    "percentage points: what was really learned.",
    "steady epoch (s)": "Median training time of the epochs after the first; validation excluded.",
    "features (s)": "What extracting the features of all images with the backbone cost, once.",
    "whole run (s)": "Everything from start to score, with extraction counted also where its "
    "result was already in the cache.",
    "log loss (nats)": "Price of wrong confidence on the test images: 0 is perfect, lower is "
    "better.",
    "validation accuracy (%)": "On the images that chose the epoch.",
    "training accuracy (%)": "On the images it was trained on; far above test means learned by "
    "heart.",
    "first epoch (s)": "Training time of the first epoch, with tracing and compiling.",
    "epochs": "Epochs that were trained (median over the seeds).",
    "parameters": "Numbers in the model.",
    "trained parameters": "Numbers in the model that training may change.",
    "peak memory (MB)": "The most main memory that the process held.",
}


def _line(row: Row) -> dict[str, object]:
    return {
        "strategy": row.title,
        "state": _state(row),
        "test accuracy (%)": _percent(row.test_accuracy),
        "low (%)": _percent(row.test_accuracy_low),
        "high (%)": _percent(row.test_accuracy_high),
        "over majority (points)": _percent(row.lift_over_majority),
        "validation accuracy (%)": _percent(row.validation_accuracy),
        "training accuracy (%)": _percent(row.train_accuracy),
        "log loss (nats)": row.log_loss,
        "steady epoch (s)": row.steady_epoch_seconds,
        "first epoch (s)": row.first_epoch_seconds,
        "features (s)": row.feature_seconds,
        "whole run (s)": row.end_to_end_seconds,
        "epochs": row.epochs,
        "parameters": row.parameters,
        "trained parameters": row.trainable_parameters,
        "peak memory (MB)": None
        if row.peak_memory_bytes is None
        else row.peak_memory_bytes / MEGABYTE,
    }


def _state(row: Row) -> str:
    """``finished``; or ``running, 1 of 3 seeds done`` while numbers of some seeds stand already."""
    done = sum(run.state == "finished" for run in row.runs)
    if row.status == "finished" or not done:
        return row.status
    return f"{row.status}, {done} of {len(row.runs)} seeds done"


def _percent(fraction: float | None) -> float | None:
    return None if fraction is None else 100 * fraction
