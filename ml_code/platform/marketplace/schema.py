"""The tables of the marketplace. `EXPORTS` lies in the archive, one per workspace; the others are the hub's own."""

from ml_code.platform.tables import Column

EXPORTS_COMMENT = "What each run of a workspace's export did with each model"
EXPORTS = (
    Column("date", "date", "logical day of the run", required=True),
    Column("workspace", "string", "name of the workspace in the settings", required=True),
    Column("workspace_id", "string", "Databricks' id of it", required=True),
    Column("registry", "string", "unity_catalog or workspace", required=True),
    Column("model", "string", "full name of the registered model there", required=True),
    Column("version", "bigint", "its version; null: it has none in production"),
    Column("status", "string", "exported, skipped or failed", required=True),
    Column("reason", "string", "why it was skipped or failed"),
    Column("manifest", "string", "path of the manifest in the archive"),
    Column("manifest_sha256", "string", "its SHA-256"),
    Column("content_sha256", "string", "the version's content"),
    Column("bytes", "bigint", "size of its files"),
    Column("bytes_written", "bigint", "of them, compressed, what the archive did not have yet"),
    Column("files", "bigint", "number of its files"),
    Column("seconds", "double", "how long it took"),
    Column("exported_at", "timestamp", "when its description was marked, UTC", required=True),
    Column("run_id", "string", "job run that exported it", required=True),
)

IMPORTS_TABLE = "imports"
IMPORTS_COMMENT = "What each run of the hub's import did with each exported version"
IMPORTS = (
    Column("date", "date", "logical day of the run", required=True),
    Column("workspace", "string", "where the version comes from", required=True),
    Column("model", "string", "its registered model there", required=True),
    Column("version", "bigint", "its version there"),
    Column("manifest_sha256", "string", "manifest that was read"),
    Column("hub_model", "string", "registered model in the hub"),
    Column("hub_version", "bigint", "version in the hub"),
    Column("status", "string", "imported, skipped, refused or failed", required=True),
    Column("reason", "string", "why it was not imported"),
    Column("bytes", "bigint", "size of its files"),
    Column("seconds", "double", "how long it took"),
    Column("imported_at", "timestamp", "when, UTC", required=True),
    Column("run_id", "string", "job run that imported it", required=True),
)

APPROVALS_TABLE = "approvals"
APPROVALS_COMMENT = "Approvals as they were applied to the hub's models"
APPROVALS = (
    Column("applied_at", "timestamp", "when, UTC", required=True),
    Column("model", "string", "registered model of the hub", required=True),
    Column("principal", "string", "group, service principal or user that may use it", required=True),
    Column("state", "string", "granted, kept, revoked or failed", required=True),
    Column("until", "date", "last day of the approval"),
    Column("approved_by", "string", "who approved it"),
    Column("reason", "string", "why it was approved, revoked or failed"),
    Column("commit", "string", "git commit that the approval was read from", required=True),
    Column("run_id", "string", "job run that applied it", required=True),
)

USES_TABLE = "uses"
USES_COMMENT = "Every time that an approved model was brought to a consumer or used there"
USES = (
    Column("use_id", "string", "identifier; the same use is counted once", required=True),
    Column("used_at", "timestamp", "when, UTC", required=True),
    Column("model", "string", "registered model of the hub", required=True),
    Column("version", "bigint", "its version in the hub", required=True),
    Column("workspace", "string", "consumer's workspace", required=True),
    Column("kind", "string", "brought, batch or endpoint", required=True),
    Column("principal", "string", "who used it", required=True),
    Column("count", "bigint", "rows or requests, 1 where it was brought", required=True),
)

INTAKES_TABLE = "intakes"
INTAKES_COMMENT = "Requests for models from outside, and what the check found"
INTAKES = (
    Column("request", "string", "name of the request's file", required=True),
    Column("source", "string", "where the model comes from", required=True),
    Column("revision", "string", "pinned revision", required=True),
    Column("licence", "string", "SPDX identifier", required=True),
    Column("purpose", "string", "what it is wanted for", required=True),
    Column("owner", "string", "who answers for it", required=True),
    Column("verdict", "string", "accepted or refused", required=True),
    Column("reasons", "string", "findings, JSON list", required=True),
    Column("report", "string", "path of the report in the archive"),
    Column("content_sha256", "string", "sum over its files"),
    Column("checked_at", "timestamp", "when, UTC", required=True),
    Column("run_id", "string", "job run that checked it", required=True),
)
