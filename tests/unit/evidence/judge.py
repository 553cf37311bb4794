"""Validates <name>.spdx.json (where it is there) and <name>.cdx.json with the projects' own libraries."""

import os
import sys

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document


def report(name, faults):
    print(f"{name}: " + ("valid" if not faults else "INVALID"))
    for fault in faults:
        print(f"  {fault}")
    return not faults


name = sys.argv[1]
spdx = not os.path.exists(name + ".spdx.json") or report("spdx", [message.validation_message for message in validate_full_spdx_document(parse_file(name + ".spdx.json"))])
with open(name + ".cdx.json", encoding="utf-8") as file:
    fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(file.read())
cyclonedx = report("cyclonedx", [] if fault is None else [fault])
sys.exit(0 if spdx and cyclonedx else 1)
