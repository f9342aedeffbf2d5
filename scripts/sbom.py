"""Writes an image's inventory as CycloneDX 1.6: `sbom.py INVENTORY TARGET --image NAME ...`.

INVENTORY is what inventory.py printed inside of the image. The same image gives the same bytes.
"""

import argparse
import json
import os
import re
import sys
import uuid
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import yaml
from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import License
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from cyclonedx.validation import make_schemabased_validator
from packageurl import PackageURL

SCHEMA = SchemaVersion.V1_6
LICENCES = LicenseFactory()


def licences_of(package: dict) -> list[License]:
    """Return a package's licences: an SPDX expression where it states one, else the names that it gives."""
    if package["licence_expression"]:
        return [LICENCES.make_from_string(package["licence_expression"])]
    return [LICENCES.make_from_string(name) for name in package["licences"][:1]]


def python_components(packages: Iterable[dict]) -> dict[str, Component]:
    """Return a component for each Python package, by normalised name."""
    return {
        normalised(package["name"]): Component(
            name=package["name"],
            version=package["version"],
            type=ComponentType.LIBRARY,
            purl=(purl := PackageURL("pypi", name=normalised(package["name"]), version=package["version"])),
            bom_ref=purl.to_string(),
            licenses=licences_of(package),
        )
        for package in packages
    }


def system_components(packages: Iterable[dict], system: dict) -> list[Component]:
    """Return a component for each package of the system."""
    return [
        Component(
            name=package["package"],
            version=package["version"],
            type=ComponentType.LIBRARY,
            purl=(
                purl := PackageURL(
                    "deb",
                    namespace=system["id"],
                    name=package["package"],
                    version=package["version"],
                    qualifiers={
                        "arch": package["architecture"],
                        "distro": f"{system['id']}-{system['version']}",
                    },
                )
            ),
            bom_ref=purl.to_string(),
        )
        for package in packages
    ]


def model_component(bundle: Path) -> Component:
    """Return the bundle: another upload, but what the image runs."""
    facts = yaml.safe_load(bundle.read_text(encoding="utf-8"))
    members = [
        Component(
            name=member["file"],
            type=ComponentType.FILE,
            bom_ref=f"model/{member['file']}",
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=member["sha256"])],
        )
        for member in facts["members"]
    ]
    return Component(
        name=facts["name"],
        version=facts["version"],
        type=ComponentType.MACHINE_LEARNING_MODEL,
        bom_ref="model",
        licenses=[LICENCES.make_with_name(facts["licence"])],
        components=members,
    )


def normalised(name: str) -> str:
    """Return a package's name as the index compares names."""
    return re.sub(r"[-_.]+", "-", name).lower()


def make_bom(inventory: dict, bundle: Path, *, image: str, version: str, sha256: str, created: str) -> Bom:
    """Return the whole: the image, the system's and Python's packages with who needs whom, and the model."""
    python = python_components(inventory["python_packages"])
    system = system_components(inventory["system_packages"], inventory["system"])
    model = model_component(bundle)
    bom = Bom(components=[*python.values(), *system, model])
    bom.serial_number = uuid.uuid5(uuid.NAMESPACE_OID, sha256)
    bom.metadata.timestamp = datetime.fromisoformat(created)
    bom.metadata.component = Component(
        name=image,
        version=version,
        type=ComponentType.CONTAINER,
        bom_ref="image",
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=sha256.removeprefix("sha256:"))],
    )
    bom.register_dependency(bom.metadata.component, [*python.values(), *system, model])
    for package in inventory["python_packages"]:
        names = (normalised(re.match(r"[\w.-]+", text)[0]) for text in package["requires"])
        needed = [python[name] for name in names if name in python]
        bom.register_dependency(python[normalised(package["name"])], needed)
    return bom


def write_bom(bom: Bom, target: Path) -> None:
    """Write the JSON, checked against CycloneDX's own schema."""
    text = make_outputter(bom, OutputFormat.JSON, SCHEMA).output_as_string(indent=1)
    if problem := make_schemabased_validator(OutputFormat.JSON, SCHEMA).validate_str(text):
        raise RuntimeError(f"{target}: not valid CycloneDX {SCHEMA.to_version()}: {problem}")
    part = target.with_name(f"{target.name}.part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, target)


def main() -> int:
    """Write the file and say what is in it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("inventory", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--image", required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--sha256", required=True, help="the image's id")
    parser.add_argument("--created", required=True, help="when the image was made, ISO 8601")
    parser.add_argument("--bundle", type=Path, default=Path("model/bundle.yaml"))
    arguments = vars(parser.parse_args())
    inventory = json.loads(arguments.pop("inventory").read_text(encoding="utf-8"))
    target = arguments.pop("target")
    write_bom(make_bom(inventory, arguments.pop("bundle"), **arguments), target)
    python, system = len(inventory["python_packages"]), len(inventory["system_packages"])
    print(f"{target}: CycloneDX {SCHEMA.to_version()}, {python} Python and {system} system packages, and the model")
    return 0


if __name__ == "__main__":
    sys.exit(main())
