"""The metrics of `inference_log_model_metrics`: their names, and whether they wait for labels."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """What a metric is, whether it needs labels, and whether it is by column (else of the model alone, `:table`)."""

    words: str
    needs_labels: bool = False
    by_column: bool = False


METRICS: dict[str, Metric] = {
    "label_share": Metric("share of the predictions that have a label"),
    "label_changes": Metric("corrections of labels"),
    "mean_prediction": Metric("mean predicted value of the labelled rows", needs_labels=True),
    "mean_label": Metric("mean label", needs_labels=True),
    "auc": Metric("area under the ROC curve; of several classes the mean over classes", needs_labels=True),
    "average_precision": Metric("average precision", needs_labels=True),
    "brier": Metric("mean squared difference of probability and outcome", needs_labels=True),
    "log_loss": Metric("mean negative log likelihood, nats", needs_labels=True),
    "calibration_error": Metric("expected calibration error over ten bins of equal row count", needs_labels=True),
    "calibration_ratio": Metric("expected over observed outcomes; 1 is right", needs_labels=True),
    "rmse": Metric("root mean squared error, in the label's unit", needs_labels=True),
    "mae": Metric("mean absolute error, in the label's unit", needs_labels=True),
    "r2": Metric("coefficient of determination", needs_labels=True),
    "demographic_parity_difference": Metric(
        "greatest difference of the share of predicted outcomes between groups", by_column=True
    ),
    "equal_opportunity_difference": Metric(
        "greatest difference of the recall between groups", needs_labels=True, by_column=True
    ),
    "attribution_share": Metric("share of a feature in all attributions", by_column=True),
    "attribution_drift": Metric("1 - NDCG of the features' ranking by attribution against the baseline"),
    "attribution_shift": Metric("total variation distance of the attribution shares from the baseline's"),
    "skew": Metric(
        "share of online predictions with a feature, or any feature, unlike the feature table's", by_column=True
    ),
    "skew_missing": Metric("share of online predictions without a row in the feature table"),
}
