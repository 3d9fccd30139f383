"""Joins the functions' bills of materials (functions/*/release.cdx.json) into one:

bill_of_materials.py FILE TARGET - for this target of Rust

What only tests need is left out; cargo-cyclonedx lists it, because tests switch features on.
"""

import json
import subprocess
import sys
from pathlib import Path


def main():
    parts = [json.loads(path.read_text()) for path in sorted(Path("functions").glob("*/release.cdx.json"))]
    if not parts:
        sys.exit("no bill of materials to join")
    functions = [part["metadata"]["component"] for part in parts]
    built = crates([function["name"] for function in functions], sys.argv[2])
    components = {
        component["bom-ref"]: component
        for part in parts
        for component in part["components"]
        if (component["name"], component["version"]) in built
    }
    refs = {*components, *(function["bom-ref"] for function in functions)}
    dependencies = {
        dependency["ref"]: {**dependency, "dependsOn": [ref for ref in dependency.get("dependsOn", []) if ref in refs]}
        for part in parts
        for dependency in part["dependencies"]
        if dependency["ref"] in refs
    }
    joined = {
        **{key: parts[0][key] for key in ("bomFormat", "specVersion")},
        "version": 1,
        "metadata": {
            **{key: value for key, value in parts[0]["metadata"].items() if key == "tools"},
            "component": {
                "type": "application",
                "bom-ref": "opsknight",
                "name": "opsknight",
                "version": functions[0]["version"],
                "components": [{k: v for k, v in function.items() if k != "components"} for function in functions],
            },
        },
        "components": [components[key] for key in sorted(components)],
        "dependencies": [dependencies[key] for key in sorted(dependencies)],
    }
    # Names of our own crates hold the folder that they were built in.
    text = json.dumps(joined, indent=1).replace(f"path+file://{Path.cwd()}", "path+file:///opsknight")
    Path(sys.argv[1]).write_text(text + "\n")
    print(f"{sys.argv[1]}: {len(functions)} functions, {len(components)} components")


def crates(packages, target):
    """Names and versions of everything that is linked into these packages, or builds them."""
    command = ["cargo", "tree", "--locked", "--prefix=none", "--edges=no-dev", f"--target={target}"]
    command += [argument for package in packages for argument in ("--package", package)]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    words = (line.split() for line in lines if line)
    return {(word[0], word[1].removeprefix("v")) for word in words}


if __name__ == "__main__":
    main()
