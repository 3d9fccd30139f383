"""Checks samconfig.toml: its parameters exist in template.yaml and are values that it allows."""

import re
import sys
import tomllib

with open("samconfig.toml", "rb") as file:
    config = tomllib.load(file)
with open("template.yaml") as file:
    template = file.read()
section = re.search(r"^Parameters:\n(.*?)^\S", template, re.DOTALL | re.MULTILINE).group(1)
known = set(re.findall(r"^  (\w+):$", section, re.MULTILINE))

failures = []
for environment, commands in config.items():
    if environment == "version":
        continue
    for command, settings in commands.items():
        overrides = settings["parameters"].get("parameter_overrides", [])
        for override in overrides.split() if isinstance(overrides, str) else overrides:
            name = override.partition("=")[0].strip('"')
            if name not in known:
                failures.append(f"samconfig.toml [{environment}.{command}]: no parameter {name}")
for failure in failures:
    print(f"FAILED: {failure}")
sys.exit(1 if failures else 0)
