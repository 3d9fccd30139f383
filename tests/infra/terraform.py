"""What can be checked of a Terraform module without Terraform: it parses, every reference to a
variable, a local, a data source or a resource has its definition, and every definition is used."""

import re
import sys
from pathlib import Path

import hcl2

def main():
    folder = Path(sys.argv[1])
    defined, texts = set(), {}
    for path in sorted(folder.glob("*.tf")):
        texts[path] = path.read_text()
        for kind, blocks in hcl2.loads(texts[path]).items():
            for block in blocks if isinstance(blocks, list) else []:
                defined |= set(names(kind, block))
    if not texts:
        sys.exit(f"FAILED: no module in {folder}")
    failures = []
    used = set()
    for path, text in texts.items():
        code = re.sub(r"#.*", "", text)
        for reference in re.findall(r"\b((?:var|local)\.\w+|data\.\w+\.\w+|aws_\w+\.\w+)", code):
            if reference.startswith("aws_") and f"data.{reference}" in code:
                continue
            used.add(reference)
            if reference not in defined:
                failures.append(f"{path}: nothing defines {reference}")
    failures += [f"nothing uses {name}" for name in defined - used if name.startswith(("var.", "local."))]
    for failure in failures:
        print(f"FAILED: {failure}")
    print(f"{len(texts)} files, {len(defined)} definitions")
    sys.exit(1 if failures else 0)


def names(kind, block):
    keys = [key.strip('"') for key in block if not key.startswith("__")]
    if kind == "variable":
        yield from (f"var.{key}" for key in keys)
    elif kind == "locals":
        yield from (f"local.{key}" for key in keys)
    elif kind in ("resource", "data"):
        prefix = "data." if kind == "data" else ""
        for key in keys:
            inner = block.get(key, block.get(f'"{key}"'))
            yield from (f"{prefix}{key}." + name.strip('"') for name in inner if not name.startswith("__"))


if __name__ == "__main__":
    main()
