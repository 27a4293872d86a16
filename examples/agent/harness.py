#!/usr/bin/env python3
"""An agent's tool that runs code nobody has read: `run_snippet(code)` gives what it printed and how it ended.

harness.py [FILE...]: runs Python files ("-": standard input) and prints one line of JSON for each, as the agent's model
would get it.
"""
import dataclasses
import json
import os
import subprocess
import sys
import tempfile

SECONDS = 5
MOST_OUTPUT = 20_000  # characters that the model is shown


@dataclasses.dataclass
class Result:
    reason: str  # exited, signaled, oom, timeout, pids, seccomp, start-failed
    code: int
    stdout: str
    stderr: str
    explanation: str | None  # one line for a person: the limit that was hit, and its flag


def limits():
    # As an ordinary user these need a delegated cgroup: systemd-run --user --scope -p Delegate=yes ...
    return ["--memory", "256M", "--pids", "64"] if os.geteuid() == 0 else []


def run_snippet(code: str, files: str | None = None) -> Result:
    """Runs `code` with a copy of the directory `files` as its working directory. Never raises for what the code does."""
    with tempfile.TemporaryDirectory() as scratch:
        outcome_path = os.path.join(scratch, "outcome.json")
        out_path, err_path = os.path.join(scratch, "out"), os.path.join(scratch, "err")
        command = ["nucleus", "run", "--result-file", outcome_path, "--timeout", str(SECONDS)] + limits()
        # Output goes to files of a bounded size, so that a program that prints for ever fills neither memory nor disk.
        command += ["--ulimit", "fsize=1048576"]
        if files:
            command += ["--context", files]
        with open(out_path, "wb") as out, open(err_path, "wb") as err:
            subprocess.run(command + ["--", "python3", "-I", "-c", code], stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        with open(outcome_path) as file:
            outcome = json.load(file)

        def shown(path):
            with open(path, errors="replace") as file:
                return file.read(MOST_OUTPUT)

        return Result(outcome["reason"], outcome["code"], shown(out_path), shown(err_path), outcome["message"])


def main():
    for name in sys.argv[1:]:
        with sys.stdin if name == "-" else open(name) as file:
            print(json.dumps(dataclasses.asdict(run_snippet(file.read()))))


if __name__ == "__main__":
    main()
