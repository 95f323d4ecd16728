"""The sections of a card, from what is known of the version. After Mitchell et al., "Model Cards for Model Reporting"
(2019), with what a promotion rule and a regulator ask for besides: verdict, profile, personal data, reproduction."""

from typing import Any

from ml_code.platform.model_card.facts import PICTURES, Facts
from ml_code.platform.model_card.parts import Part, Section, bullets, code, estimate, picture, table, text

_MOST_FEATURES = 15
_PARAMETERS_OF_SEARCH = ("trials", "metric", "rounds", "seed")


def sections(facts: Facts) -> list[Section]:
    """All of them, in order."""
    return [
        Section("Verdict", _verdict(facts)),
        Section("Purpose", _purpose(facts)),
        Section("Data", _data(facts)),
        Section("Training", _training(facts)),
        Section("Quality", _quality(facts)),
        Section("Calibration", _calibration(facts)),
        Section("Fairness", _fairness(facts)),
        Section("What the model goes by", _attributions(facts)),
        Section("Model profile", _profile(facts)),
        Section("Personal data", _personal_data(facts)),
        Section("Caveats", _caveats(facts)),
        Section("How to reproduce", _reproduction(facts)),
    ]


def _verdict(facts: Facts) -> list[Part]:
    rows = [
        (finding.name, finding.outcome, finding.value, finding.limit, finding.words)
        for finding in facts.verdict.findings
    ]
    return [text(facts.verdict.sentence()), table(("condition", "outcome", "value", "limit", "in words"), rows)]


def _purpose(facts: Facts) -> list[Part]:
    return [
        text(facts.about.purpose),
        text(f"Owner: {facts.owner}."),
        text("Meant for:"),
        bullets(facts.about.intended_use),
        text("Not meant for:"),
        bullets(facts.about.not_for),
    ]


def _data(facts: Facts) -> list[Part]:
    tags = facts.tags
    rows = [
        ("source", tags.get("data_source")),
        ("tables, with their Delta versions", tags.get("data_tables")),
        ("rows", tags.get("data_rows")),
        ("hash of the rows", tags.get("data_digest")),
        ("period", facts.period),
        ("split", tags.get("split")),
    ]
    parts = [table(("what", "value"), rows)]
    profile = facts.files.get("data_profile")
    if profile is None:
        return [*parts, text("The training run has no profile of its data.")]
    columns = [
        (
            column["name"],
            column["type"],
            f"{column['nulls'] / max(column['rows'], 1):.1%}",
            column["distinct"],
            column["minimum"],
            column["median"],
            column["mean"],
            column["maximum"],
        )
        for column in profile["columns"]
    ]
    head = ("column", "type", "nulls", "distinct", "minimum", "median", "mean", "maximum")
    return [*parts, table(head, columns)]


def _training(facts: Facts) -> list[Part]:
    tags = facts.tags
    packages = {key.removeprefix("package_"): value for key, value in tags.items() if key.startswith("package_")}
    rows = [
        (
            "code",
            f"{tags.get('git_commit', '–')} ({tags.get('git_branch') or 'no branch'}, {tags.get('git_url', '–')})",
        ),
        ("MLflow run", facts.run_id),
        ("job run", tags.get("job_run_id")),
        ("asked for by retraining", tags.get("retraining")),
        (
            "Python and packages",
            ", ".join([tags.get("python_version", "–"), *(f"{k} {v}" for k, v in packages.items())]),
        ),
        (
            "search",
            ", ".join(f"{key} {facts.parameters[key]}" for key in _PARAMETERS_OF_SEARCH if key in facts.parameters),
        ),
    ]
    chosen = [
        (key.removeprefix("best_"), value) for key, value in sorted(facts.parameters.items()) if key.startswith("best_")
    ]
    features = ", ".join(facts.files.get("selection", {}).get("features", ()))
    return [table(("what", "value"), rows), table(("parameter", "value"), chosen), text(f"Features: {features}.")]


def _quality(facts: Facts) -> list[Part]:
    found = facts.files.get("validation")
    if found is None:
        return [text("The version has not been validated.")]
    champion = found["champion"]["metrics"] if found["champion"] else {}
    rows = [
        (name, estimate(value), estimate(champion.get(name))) for name, value in found["candidate"]["metrics"].items()
    ]
    who = f"champion v{facts.verdict.champion_version}" if champion else "champion (there was none)"
    held_out = f"{found['candidate']['rows']} held-out rows with {found['candidate']['positives']} outcomes"
    return [
        text(f"On {held_out}; in brackets percentile bootstrap intervals."),
        table(("metric", "this version", who), rows),
        *_picture(facts, "roc", "ROC curve on the held-out rows"),
        *_picture(facts, "precision_recall", "Precision and recall on the held-out rows"),
    ]


def _calibration(facts: Facts) -> list[Part]:
    words = (
        "calibration_error, under Quality, is the mean distance of predicted and observed rate over ten bins; "
        "calibration_ratio is the expected over the observed number of outcomes, 1 is right. By group: under Fairness."
    )
    return [text(words), *_picture(facts, "calibration", "Predicted and observed rate on the held-out rows, ten bins")]


def _fairness(facts: Facts) -> list[Part]:
    found = facts.files.get("fairness")
    if found is None or not found["columns"]:
        return [text("Fairness has not been measured: there are no sensitive columns.")]
    parts = [
        text(
            f"A risk from {found['decision']:g} on counts as predicted. A group with fewer than "
            f"{found['smallest_group']} rows is shown and not judged, and one with few outcomes is not judged by its "
            "rates among them. Limits stand under Verdict. A disparity's interval leans upwards: chance moves groups "
            "apart more often than together."
        )
    ]
    for entry in found["columns"]:
        parts += _fairness_of(entry, facts.verdict.metric)
    return parts


def _fairness_of(entry: dict[str, Any], metric: str) -> list[Part]:
    candidate, champion = entry["candidate"], entry["champion"]
    judged = {(True, True): "yes", (True, False): "by rows only", (False, False): "no"}
    rates = ("selection_rate", "true_positive_rate", "false_positive_rate", "mean_predicted", "observed_rate")
    rows = [
        (
            group["name"],
            group["rows"],
            group["outcomes"],
            judged[group["judged"], group["judged_by_outcomes"]],
            *(estimate(group["rates"][name]) for name in (*rates, "calibration_error")),
            estimate(entry["losses"].get(group["name"])),
        )
        for group in candidate["groups"]
    ]
    head = ("group", "rows", "outcomes", "judged", *(name.replace("_", " ") for name in rates), "calibration error")
    before = champion["disparities"] if champion else {}
    apart = [(name, estimate(value), estimate(before.get(name))) for name, value in candidate["disparities"].items()]
    return [
        text(f"By {candidate['column']}:"),
        table((*head, f"loss in {metric} against the champion"), rows),
        table(("disparity", "this version", "champion"), apart),
    ]


def _attributions(facts: Facts) -> list[Part]:
    found = facts.files.get("attributions")
    if found is None:
        return [text("The version has not been explained.")]
    rows = [
        (feature["feature"], feature["mean"], f"{feature['share']:.1%}", feature["direction"])
        for feature in found["features"][:_MOST_FEATURES]
    ]
    surrogate = found["surrogate"]
    fidelity = "–" if surrogate["fidelity"] is None else f"{surrogate['fidelity']:.2f}"
    head = ("feature", f"mean absolute contribution ({found['unit']})", "share", "direction")
    return [
        text(
            f"Exact SHAP values on {found['rows']} held-out rows. Direction is the correlation of a feature's value "
            "with its contribution: near 1, more of it raises the prediction. Contributions tell what the model goes "
            "by, not what causes the outcome."
        ),
        table(head, rows),
        *_picture(facts, "attributions", "Contributions by feature and row"),
        text(f"The whole model as one small tree, which reproduces {fidelity} of its variance (R²):"),
        code(surrogate["rules"].rstrip()),
    ]


def _profile(facts: Facts) -> list[Part]:
    found = facts.files.get("profile")
    if found is None:
        return [text("The version has no profile.")]
    limits = {finding.name: finding.limit for finding in facts.verdict.findings}
    rows = [
        (f"latency of {rows} rows, ms (median; 95th percentile)", f"{taken['median']:.3g}; {taken['p95']:.3g}",
         limits.get(f"profile.latency_ms_{rows}"))
        for rows, taken in found["latency_ms"].items()
    ]  # fmt: skip
    rows += [
        ("memory to load and predict, MB", f"{found['memory_mb']:.4g}", limits.get("profile.memory_mb")),
        ("size on disk, MB", f"{found['size_mb']:.4g}", limits.get("profile.size_mb")),
        ("time to load, s", f"{found['load_seconds']:.3g}", limits.get("profile.load_seconds")),
    ]
    words = "Measured in a process of its own on the machine of the validating task; limits are held against medians."
    return [text(words), table(("what", "measured", "limit"), rows)]


def _personal_data(facts: Facts) -> list[Part]:
    rules = {rule: [name for name, kept in facts.kept.items() if kept == rule] for rule in ("keep", "hash", "drop")}
    rows = [(rule, ", ".join(names) or None) for rule, names in rules.items()]
    sensitive = ", ".join(facts.sensitive) or "none"
    return [
        text(
            "What the inference log and the explanations keep of each column (hash: HMAC-SHA256 under a secret of the "
            "environment). Files on the run hold sums over rows; the picture of contributions shows rows without "
            "their identity. A member is erased by the step `erase`."
        ),
        table(("rule", "columns"), rows),
        text(f"Sensitive features, used to measure fairness and not by the model: {sensitive}."),
    ]


def _caveats(facts: Facts) -> list[Part]:
    note = facts.tags.get("data_note")
    return [bullets([*([note] if note else []), *facts.about.caveats])]


def _reproduction(facts: Facts) -> list[Part]:
    tags = facts.tags
    words = (
        "The same code on the same Delta versions gives the same model: seeds are parameters, rows are split by a hash "
        "of their key. The packages are in environment/packages.txt of the run."
    )
    lines = [
        f"git clone {tags.get('git_url') or '<repository>'} && git checkout {tags.get('git_commit', '<commit>')}",
        f"# data: {tags.get('data_tables', 'not recorded')}",
        facts.reproduction,
    ]
    return [text(words), code("\n".join(lines))]


def _picture(facts: Facts, name: str, words: str) -> list[Part]:
    return [picture(facts.pictures[name], PICTURES[name], words)] if name in facts.pictures else []
