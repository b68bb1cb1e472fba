"""``python -m sentinel.contract DIR``: write the contract's documents into a folder."""

import argparse
import json
from pathlib import Path

from msgspec import Struct

from sentinel.contract.asyncapi import asyncapi
from sentinel.contract.schemas import input_schemas, output_schemas
from sentinel.kafka.avro_schema import avro_schema
from sentinel.model.alert import ActionRequest, Alert
from sentinel.model.events import EVENT_TYPES
from sentinel.model.response_outcome import ResponseOutcome


def documents() -> dict[str, str]:
    """Every document's text by its file's name; the same structs give the same bytes."""
    schemas = {**input_schemas(), **output_schemas()}
    named = {f"{name}.schema.json": schema for name, schema in schemas.items()}
    kinds: dict[str, type[Struct]] = {
        "alert": Alert,
        "action": ActionRequest,
        "response-result": ResponseOutcome,
    }
    kinds |= {stream.value: kind for stream, kind in EVENT_TYPES.items()}
    avro = {f"{name}.avsc": avro_schema(kind) for name, kind in kinds.items()}
    return {
        name: json.dumps(document, indent=2, ensure_ascii=False) + "\n"
        for name, document in {**named, **avro, "asyncapi.json": asyncapi()}.items()
    }


def main() -> None:
    """Write the documents; other files in the folder stay."""
    parser = argparse.ArgumentParser(prog="python -m sentinel.contract", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DIR")
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in documents().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
