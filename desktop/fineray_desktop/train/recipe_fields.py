"""The settings of a recipe in the user's words, by tab."""

from __future__ import annotations

from fineray_desktop.widgets.settings_form import Field

SIDES = (("The backbone's own", 0), *((f"{side} × {side} pixels", side) for side in (224, 320, 384, 512, 768, 1024)))
INPUT = (
    Field(
        "side",
        "Input",
        "Larger inputs show finer findings and take longer, by the square of the side. "
        "Films are kept at 512 pixels; beyond that they are only enlarged.",
        SIDES,
    ),
    Field(
        "pooling",
        "Pooling",
        "How the map of each stage becomes numbers: its mean; its maximum; or mean and standard deviation.",
        (("Mean", "mean"), ("Maximum", "max"), ("Mean and deviation", "mean and deviation")),
    ),
    Field(
        "search_minutes",
        "Search for",
        "Minutes to look for better settings, inside the training patients of each fold; 0 for none.",
        low=0,
        high=100_000,
        decimals=0,
        suffix=" minutes",
    ),
    Field("shuffled", "Learn from shuffled labels (a control)", "Nothing can be learned from them: AUC near 0.5."),
)
HEAD = (
    Field(
        "kind",
        "Last layer",
        "Linear: a logistic regression. One hidden layer: for findings that no straight line separates. "
        "Cosine: each class is a direction; for very few images.",
        (("Linear", "linear"), ("One hidden layer", "mlp"), ("Cosine", "cosine")),
    ),
    Field("hidden", "Hidden units", "With one hidden layer.", low=1, high=4096, decimals=0),
    Field(
        "inner_folds",
        "Inner folds",
        "Folds inside the training patients that choose the regularisation.",
        low=2,
        high=20,
        decimals=0,
    ),
)
LOSS = (
    Field(
        "kind",
        "Loss",
        "Cross-entropy: every error by its size. Focal: films that are nearly right count less.",
        (("Cross-entropy", "cross-entropy"), ("Focal", "focal")),
    ),
    Field(
        "gamma", "Focal power", "How much less films that are nearly right count.", low=0, high=10, decimals=1, step=0.5
    ),
    Field(
        "balance",
        "Classes of unlike size",
        "As they are; or small classes weigh as much as large ones; or are drawn as often. Probabilities then no "
        "longer follow how often a class occurs.",
        (("Count as they are", "none"), ("Weigh alike", "weights"), ("Are drawn alike", "sampling")),
    ),
    Field(
        "smoothing",
        "Label smoothing",
        "A share of doubt in every label; helps where labels are noisy.",
        high=0.5,
        decimals=2,
    ),
    Field(
        "uncertain",
        "Doubtful findings",
        "Findings with a question mark, in label sets of several findings.",
        (("Left out", "left out"), ("Softened", "softened")),
    ),
)
AUGMENT = (
    Field("rotation", "Rotation up to", "A patient stands or lies askew.", high=180, decimals=0, suffix="°"),
    Field("scale", "Scale up to", "Share by which a film is larger or smaller.", high=0.5, decimals=2),
    Field("shift", "Shift up to", "Share of the side by which a film is moved.", high=0.5, decimals=3),
    Field(
        "crop", "Crop up to", "Share of the film that is cut away around, on half of the views.", high=0.5, decimals=2
    ),
    Field("contrast", "Contrast up to", "Exposure: gamma from 1 / (1 + this) to 1 + this.", high=3, decimals=2),
    Field("noise", "Noise", "Standard deviation of shades between 0 and 1.", high=0.5, decimals=2),
    Field("flip", "Mirrored too", "Left becomes right: laterality is lost, and a heart on the wrong side looks usual."),
    Field(
        "views",
        "Views kept",
        "Augmented views of each film that are worked out once; 0: new ones at every look in "
        "fine-tuning, none for a frozen backbone.",
        high=32,
        decimals=0,
    ),
    Field(
        "test_views",
        "Views at prediction",
        "Augmented views whose predictions are averaged with the film's own.",
        high=32,
        decimals=0,
    ),
)
TUNING = (
    Field("gradual", "Unfreeze stage by stage, the last one first", "Earlier stages join in the course of training."),
    Field("learning_rate", "Learning rate", "Of the last stage.", decimals=6, suffix="rate"),
    Field("head_rate", "Rate of the last layer", "Of the new last layer.", decimals=6, suffix="rate"),
    Field(
        "slower",
        "Rate from stage to stage",
        "Each stage learns at this share of the rate of the next one.",
        low=0.05,
        decimals=2,
        step=0.05,
    ),
    Field(
        "batch",
        "Films a step",
        "A batch that does not fit the memory is cut up by itself.",
        low=2,
        high=1024,
        decimals=0,
    ),
    Field("weight_decay", "Weight decay", "Keeps weights small.", decimals=3),
    Field("warm_up", "Warm-up", "Share of the steps in which the rate rises.", high=0.9, decimals=2),
    Field(
        "dropout",
        "Dropout",
        "Share of the features that are left out at random before the last layer.",
        high=0.9,
        decimals=2,
    ),
    Field(
        "averaging",
        "Weight averaging",
        "Memory of the moving average of the weights; 0 for none.",
        high=0.999,
        decimals=3,
    ),
    Field(
        "blend",
        "Share of the tuned weights",
        "The rest is where they began; half and half is seldom worse than either.",
        low=0.05,
        decimals=2,
        step=0.05,
    ),
    Field(
        "source_pull",
        "Pull towards the source",
        "Keeps the weights near the pretrained ones (L2-SP).",
        high=10,
        decimals=3,
    ),
    Field(
        "norms",
        "Batch norms",
        "Of stages that learn: the statistics of the source, as small studies need, or those of the films.",
        (("Keep the source's statistics", "source"), ("Follow the films", "films")),
    ),
    Field(
        "validation",
        "Patients for validation",
        "Share of the training patients set aside for early stopping and "
        "calibration, where the split has no validation part.",
        high=0.5,
        decimals=2,
        step=0.05,
    ),
    Field(
        "patience",
        "Stop early after",
        "Epochs without a better validation AUC; 0: never.",
        high=100,
        decimals=0,
        suffix=" epochs",
    ),
)
