"""One rule over plans a file; infra.policies.rule loads them."""
