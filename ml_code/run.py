"""The entry file of every task: `run.py <step> --name value …`, with the steps of steps.yaml.

Exit codes: 0 done, 1 the step failed (a short message on stderr, the traceback in the log), 2 wrong arguments.
"""

import inspect
import sys

# A git-sourced Python file has no __file__, and its own folder leads sys.path, where our package `platform` would hide
# the standard library's module of that name from everything imported below.
_HERE = inspect.currentframe().f_code.co_filename.replace("\\", "/").rpartition("/")[0]  # type: ignore[union-attr]  # CPython always has a frame


def _put_root_on_path() -> str:
    import os

    here = os.path.realpath(_HERE or os.getcwd())  # noqa: PTH109  # pathlib imports much more this early
    root = os.path.dirname(here)  # noqa: PTH120  # as above
    sys.path[:] = [entry for entry in sys.path if os.path.realpath(entry or os.getcwd()) not in (here, root)]  # noqa: PTH109
    sys.path.insert(0, root)
    return root


ROOT = _put_root_on_path()


def main(argv: list[str]) -> int:
    """Run the step that argv names; returns the exit code."""
    from ml_code.context import Context
    from ml_code.platform.errors import StepError
    from ml_code.platform.steps import BadArguments, read_manifest

    try:
        manifest = read_manifest(ROOT)
        step, parameters = manifest.parse(argv)
    except BadArguments as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return 2
    context = Context.from_parameters(step.name, ROOT, parameters)
    try:
        step.call(context, parameters)
    except StepError as error:
        context.log.debug("step %s failed", step.name, exc_info=True)
        print(f"error: {step.name}: {error}", file=sys.stderr, flush=True)
        return 1
    except Exception as error:
        context.log.error("step %s failed", step.name, exc_info=True)
        first_line = (str(error).strip() or "no message").splitlines()[0][:400]
        print(f"error: {step.name}: {type(error).__name__}: {first_line}", file=sys.stderr, flush=True)
        return 1
    context.say(f"{step.name} done in {context.elapsed():.1f} s")
    return 0


if __name__ == "__main__":
    code = main(sys.argv[1:])
    # sys.exit(0) counts as a failed task on some Databricks runtimes, so success just ends.
    if code:
        sys.exit(code)
