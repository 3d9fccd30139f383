"""Makes a package that `sam deploy` takes as it is: package.py BUILT VERSION ARCHITECTURE ZIP.

The same content gives the same bytes: entries are sorted and bear the time of the last commit.
"""

import os
import re
import subprocess
import sys
import time
import zipfile
from pathlib import Path

# Beside the built functions and their template.
FILES = ["infra/observability.yaml", "infra/deploy-role.yaml", "LICENSE", "docs/deploy.md", "docs/CHANGELOG.md"]
FOLDERS = ["infra/terraform", "docs/runbooks"]


def main():
    built, version, architecture, target = sys.argv[1:]
    entries = dict(functions(Path(built)))
    entries["template.yaml"] = (Path(built) / "template.yaml").read_bytes()
    entries["samconfig.toml"] = samconfig(architecture)
    for name in FILES:
        entries[name] = Path(name).read_bytes()
    for folder in FOLDERS:
        for path in Path(folder).rglob("*"):
            if path.is_file():
                entries[str(path)] = path.read_bytes()
    root = f"opsknight-{version}-{architecture}"
    moment = time.gmtime(last_commit())[:6]
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(entries):
            entry = zipfile.ZipInfo(f"{root}/{name}", moment)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix: the next line has its permissions
            entry.external_attr = (0o755 if name.endswith("/bootstrap") else 0o644) << 16
            archive.writestr(entry, entries[name])
    print(f"{target}: {os.path.getsize(target)} bytes, {len(entries)} files")


def functions(built):
    template = (built / "template.yaml").read_text()
    for name in re.findall(r"CodeUri: (\w+Function)$", template, re.MULTILINE):
        yield f"{name}/bootstrap", (built / name / "bootstrap").read_bytes()


def samconfig(architecture):
    """The repository's, without what builds, and for the processor of this package."""
    return f"""# Settings of `sam deploy`; everything can be overridden on the command line.
version = 0.1

[default.global.parameters]
stack_name = "opsknight"

[default.deploy.parameters]
capabilities = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
confirm_changeset = true
fail_on_empty_changeset = false
resolve_s3 = true
tags = ["application=opsknight"]
parameter_overrides = ["Architecture={architecture}"]
""".encode()


def last_commit():
    shown = subprocess.run(["git", "log", "-1", "--format=%ct"], check=True, capture_output=True, text=True)
    return int(os.environ.get("SOURCE_DATE_EPOCH", shown.stdout))


if __name__ == "__main__":
    main()
