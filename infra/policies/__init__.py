"""What stacks and plans must not do: checks over synthesized stacks (checkov), rules over plans, and their exceptions.

`checks/` is also a folder of external checks for a plain `checkov --external-checks-dir`; importing this package
alone does not load checkov.
"""
