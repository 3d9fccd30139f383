"""Joins the functions' bills of materials (functions/*/release.cdx.json) into one: bill_of_materials.py TARGET."""

import json
import sys
from pathlib import Path


def main():
    parts = [json.loads(path.read_text()) for path in sorted(Path("functions").glob("*/release.cdx.json"))]
    if not parts:
        sys.exit("no bill of materials to join")
    components, dependencies, functions = {}, {}, []
    for part in parts:
        function = part["metadata"]["component"]
        functions.append(function)
        for component in part.get("components", []):
            components[component["bom-ref"]] = component
        for dependency in part.get("dependencies", []):
            dependencies[dependency["ref"]] = dependency
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
    Path(sys.argv[1]).write_text(json.dumps(joined, indent=1) + "\n")
    print(f"{sys.argv[1]}: {len(functions)} functions, {len(components)} components")


if __name__ == "__main__":
    main()
