"""What the columns of the tables on the page Advice mean: shown at their headings."""

from core.ui.widgets.glossary import explain

_INTERVAL = "An end of the 95 % interval: 19 of 20 such ranges hold the true value."

OF_FORECASTS = {
    "verdict": "Worth running: the highest forecast, or within 1 point of it, and most likely "
    "above the majority class. Cannot win here: further behind than both forecasts are likely to "
    "be off. Cannot tell: neither is sure. Not compared: forecast from the quick test alone, or "
    "not together with the newest.",
    "expected (%)": "How many of the test images it will most likely get right.",
    "low (%)": "The range that holds in 8 of 10 cases begins here.",
    "high (%)": "The range that holds in 8 of 10 cases ends here.",
    "time": "One training on all training images, on this machine.",
    "19 of 20, low (%)": "The range that holds in 19 of 20 cases begins here.",
    "19 of 20, high (%)": "The range that holds in 19 of 20 cases ends here.",
    "time, low (s)": "The range of times that holds in 8 of 10 cases begins here.",
    "time, high (s)": "The range of times that holds in 8 of 10 cases ends here.",
    "largest training (images)": "The largest part of the training images that it was tried on.",
    "by its results alone (%)": "The forecast before it was drawn towards how strategies usually "
    "compare.",
    "exponent": "How fast errors fall with more images: 0.25 leaves 84 % of them at each doubling, "
    "0.5 leaves 71 %, 0 leaves all.",
    "exponent here": "The same by the results on this dataset alone.",
    "weight of that": "How much the results here count, 0 to 1; past datasets count for the rest.",
    "exponent of past datasets": "The same on past datasets.",
    "checked forecasts behind it": "By how many past forecasts, with what came out, the ranges are "
    "set; 0 where there were too few.",
}
OF_GRADES = {
    "expected (%)": "What was forecast of the test images before the run.",
    "came out (%)": "What the run got right, on average over its seeds.",
    "grade": "Hit: in the range for 8 of 10 cases. Near: in that for 19 of 20 alone. Miss: in "
    "none.",
    "error (points)": "What came out minus what was expected.",
    "8 of 10, width (points)": "From the lower to the upper end of the range for 8 of 10 cases.",
    "19 of 20, width (points)": "From the lower to the upper end of the range for 19 of 20 cases.",
    "time expected (s)": "How long the training was expected to take.",
    "time it took (s)": "How long it took; empty where other work on the machine disturbed it.",
    "what is run": "This advice, or a simple rule.",
    "below the best (points)": "How far what was named ended below the best that was run, on "
    "average (the regret).",
}
OF_FACTS = {
    "backbone": explain("backbone"),
    "probe (%)": "Images that the linear probe gets right in the quick test.",
    "probe, low (%)": _INTERVAL,
    "probe, high (%)": _INTERVAL,
    "neighbours (%)": "The same with the class of the five most similar images.",
    "neighbours, low (%)": _INTERVAL,
    "neighbours, high (%)": _INTERVAL,
    "behind the best (points)": "How many more of 100 images the best gets right.",
    "behind, low (points)": _INTERVAL,
    "behind, high (points)": _INTERVAL,
    "low (%)": _INTERVAL,
    "high (%)": _INTERVAL,
    "low (points)": _INTERVAL,
    "high (points)": _INTERVAL,
    "block": explain("block"),
    "last layer": "The layer that the block ends with.",
    "layers up to it (k)": "How many layers are kept as they are where this block is the last of "
    "them.",
    "images": "Training images that the probe learned from.",
}
OF_DATASETS = {
    "case": "Few or many images, like ImageNet's photographs or unlike: the tutorial's four cases.",
    "best strategy": "The one that got the most test images right.",
    "low (%)": _INTERVAL,
    "high (%)": _INTERVAL,
    "low (points)": _INTERVAL,
    "high (points)": _INTERVAL,
    "last block ahead (points)": "How much better the last block of VGG16 fits than every block "
    "before it; above 0 the images are like ImageNet's photographs.",
    "over majority (points)": "How many more of 100 test images are right than by always answering "
    "the commonest class.",
    "more than luck": "Whether the best strategy beats the commonest class by more than luck.",
    "cheapest as good": "The one that took least time of those that may be as good.",
    "named by the rule": "Whether the tutorial's rule of thumb names the best strategy, or the "
    "cheapest that may be as good.",
}
OF_RACE = {
    "training images": "The largest part of the training images that it was trained on.",
    "correct (%)": "Validation images that it then got right.",
    "low (%)": _INTERVAL,
    "high (%)": _INTERVAL,
    "at best, on all images (%)": "What it may reach at best: its last two results continued in a "
    "straight line, with luck on its side.",
    "verdict": "What follows for the full run.",
    "time (s)": "This training, the features of its images included.",
}
