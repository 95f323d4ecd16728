"""One check a file; checkov loads this folder by `--external-checks-dir`, the gate by infra.policies.check."""
