#!/usr/bin/env python3
"""spec_schema_test.py SPEC_SCHEMA ALEXNET SOURCE: docs/network.schema.json is what the reader's fields give, takes every network of the
zoo, and refuses every wrong file of tests/specs/refused.json that it can tell from the text alone."""
import json
import pathlib
import subprocess
import sys

import jsonschema


def output(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def main():
    generator, alexnet, source = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    kept = (source / "docs/network.schema.json").read_text()
    assert kept == output(generator), "docs/network.schema.json is not what spec_schema prints: write its output there"
    schema = json.loads(kept)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    networks = [word.strip(",.") for word in output(alexnet, "info", "--help").split() if word.startswith(("alexnet", "caffe", "fig1", "convnet"))]
    assert len(set(networks)) >= 10, networks
    for name in sorted(set(networks)):
        validator.validate(json.loads(output(alexnet, "info", name, "--spec")))
    small = (source / "tests/specs/small.json").read_text()
    validator.validate(json.loads(small))
    wrong = []
    for case in json.loads((source / "tests/specs/refused.json").read_text()):
        assert case["old"] in small, case["name"]
        try:
            document = json.loads(small.replace(case["old"], case["new"], 1))
        except ValueError:  # no JSON at all
            document = None
        if document is not None and validator.is_valid(document) == case["schema"]:
            wrong.append(f"{case['name']}: {'taken' if case['schema'] else 'refused'}")
    assert not wrong, wrong


if __name__ == "__main__":
    main()
