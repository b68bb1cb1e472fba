"""Files of messy rows in every format, with what each row means."""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet
from tests.messy.written import REFUSED, Written, address, moment, name, number

COLUMNS = ("event_id", "event_time", "customer_id", "merchant_id", "amount", "ip")
Row = dict[str, Written]
_UNREADABLE = "\ue000"  # a character that stands for bytes that are none


@dataclass
class File:
    """A file, the mapping that reads it if it needs one, and the meaning of each row.

    A row's meaning is its fields' by name, or None where the row must be refused; ``skipped`` rows
    are none of the stream's.
    """

    name: str
    data: bytes
    mapping: dict[str, Any] | None = None
    meanings: list[dict[str, Any] | None] = field(default_factory=list)
    skipped: int = 0


def _row(random: Random, index: int, decimal: str | None, *, seconds: bool = False) -> Row:
    """A row of which most values are right."""
    wrong = random.random() < 0.3
    row = {
        "event_id": Written(f"E{index}", f"E{index}"),
        "event_time": moment(random, seconds=seconds, wrong=wrong),
        "customer_id": name(random, required=True) if wrong else Written("客户1", "客户1"),
        "merchant_id": name(random, required=False),
        "amount": number(random, decimal, wrong=wrong),
        "ip": address(random),
    }
    if decimal is None:  # nobody may guess which mark 1.234 has: such rows have a file of their own
        amount = row["amount"]
        if isinstance(amount.meaning, float) and "," in amount.text:
            row["amount"] = Written("5", 5.0)
    return row


def _meaning(row: Row) -> dict[str, Any] | None:
    found = {column: each.meaning for column, each in row.items()}
    return None if REFUSED in found.values() else found


def _mapping(columns: dict[str, Any], **of_file: Any) -> dict[str, Any]:
    constants = {"kind": {"value": "card"}, "direction": {"value": "debit"}}
    return {"stream": "transaction", **of_file, "fields": {**columns, **constants}}


def delimited(random: Random, count: int) -> File:
    """CSV of a mapping: any encoding, delimiter and decimal mark; ragged rows and open quotes."""
    encoding = random.choice([None, "gb18030", "utf-16", "utf-8-sig"])
    decimal = random.choice([None, ".", ","])
    delimiter = random.choice([";", "|", "\t"] if decimal == "," else [",", ";", "\t"])
    seconds = random.random() < 0.3
    names = {column: f"列{n} {column}" for n, column in enumerate(COLUMNS)}
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, lineterminator=random.choice(["\n", "\r\n"]))
    writer.writerow([*names.values(), "note"])
    made = File("a.csv", b"")
    for index in range(count):
        row = _row(random, index, decimal, seconds=seconds)
        cells = [each.text for each in row.values()]
        style = random.randrange(12)
        if style == 0:
            writer.writerow(cells[: random.randrange(2, len(cells))])
            made.meanings.append(None)
        elif style == 1:
            out.write(delimiter.join(["x"] * len(cells)) + delimiter + '"15 inch\n')
            made.meanings.append(None)
        elif style == 2 and encoding != "utf-16":
            cells[3] += _UNREADABLE
            writer.writerow([*cells, ""])
            made.meanings.append(None)
        else:
            writer.writerow([*cells, random.choice(["", "two\nlines", 'a "b"', delimiter])])
            made.meanings.append(_meaning(row))
    columns: dict[str, Any] = dict(names)
    if seconds:
        columns["event_time"] = {"from": names["event_time"], "unit": "s"}
    of_file = {"encoding": encoding, "delimiter": delimiter, "decimal": decimal}
    made.mapping = _mapping(columns, **{k: v for k, v in of_file.items() if v is not None})
    data = out.getvalue().encode(encoding or "utf-8")
    unreadable = _UNREADABLE.encode((encoding or "utf-8").removesuffix("-sig"))
    made.data = data.replace(unreadable, b"\xff")
    return made


def misread(random: Random, count: int) -> File:
    """CSV in GB 18030 that nobody says is: no name of it may come through."""
    rows = [f"E{index},1767607200000,{random.choice('张王李赵')}三,7" for index in range(count)]
    data = "event_id,event_time,customer_id,amount\n" + "\n".join(rows) + "\n"
    columns = {column: column for column in ("event_id", "event_time", "customer_id", "amount")}
    return File("a.csv", data.encode("gb18030"), _mapping(columns), [None] * count)


def _json_value(random: Random, column: str, written: Written) -> str:
    """A value as JSON, as the text that it is or as the number that it means."""
    if column == "amount" and isinstance(written.meaning, float) and random.random() < 0.5:
        return repr(written.meaning)
    if column == "event_time" and written.text.isdecimal():
        return written.text
    return json.dumps(written.text.strip(), ensure_ascii=random.random() < 0.5)


def ours(random: Random, count: int) -> File:
    """Our own JSON, line by line or in one array, with what is no JSON between."""
    is_array = random.random() < 0.3
    made = File("transactions.json" if is_array else "transactions.jsonl", b"")
    lines = []
    for index in range(count):
        row = _row(random, index, None)
        if isinstance(row["amount"].meaning, float):  # decimal text of ours has no sign, no blanks
            row["amount"] = Written(repr(row["amount"].meaning), row["amount"].meaning)
        fields = [f'"{k}":{_json_value(random, k, each)}' for k, each in row.items()]
        line = "{" + ",".join([*fields, '"kind":"card","direction":"debit"']) + "}"
        style = random.randrange(12)
        if style == 0 and not is_array:
            line = random.choice(
                [line[:-3], line.replace("}", ",}"), "nonsense", '{"a":NaN}', "[1]"]
            )
            made.meanings.append(None)
        else:
            made.meanings.append(_meaning(row))
        lines.append(line)
    end = random.choice(["\n", "\r\n"])
    text = f"[{', '.join(lines)}]" if is_array else end.join(lines) + end
    made.data = (random.choice(["", "\ufeff"]) + text).encode()
    return made


def nested(random: Random, count: int) -> File:
    """Foreign JSON whose values lie deeper, some of it of other kinds of events."""
    made = File("a.jsonl", b"")
    lines = []
    for index in range(count):
        row = _row(random, index, None)
        is_other = random.random() < 0.1
        values = {k: _json_value(random, k, each) for k, each in row.items()}
        lines.append(
            f'{{"id":{values["event_id"]},"type":"{"refund" if is_other else "pay"}","data":['
            f'{{"at":{values["event_time"]},"who":{{"id":{values["customer_id"]}}},'
            f'"to":{values["merchant_id"]},"sum":{values["amount"]},"ip":{values["ip"]}}}]}}'
        )
        made.skipped += is_other
        if not is_other:
            made.meanings.append(_meaning(row))
    columns = {
        "event_id": "id",
        "event_time": "data.0.at",
        "customer_id": "data.0.who.id",
        "merchant_id": ["data.1.to", "data.0.to"],
        "amount": "data.0.sum",
        "ip": "data.0.ip",
    }
    made.mapping = _mapping(columns, only={"type": ["pay"]})
    made.data = ("\n".join(lines) + "\n").encode()
    return made


def parquet(random: Random, count: int) -> File:
    """Columns of types that files have: float ids, decimals, dictionaries, large texts."""
    rows = [_row(random, index, None) for index in range(count)]
    for index, row in enumerate(rows):
        row["event_time"] = moment(random, wrong=False)
        row["customer_id"] = Written(str(10**15 + index), str(10**15 + index))
        amount = row["amount"].meaning if isinstance(row["amount"].meaning, float) else 0.0
        exact = Decimal(repr(amount)).quantize(Decimal("1e-8"))
        row["amount"] = Written(str(exact), float(exact))
    texts = {column: [row[column].text for row in rows] for column in COLUMNS}
    times = [row["event_time"].meaning for row in rows]
    table = pa.table(
        {
            "event_id": pa.array(texts["event_id"], pa.large_string()),
            "event_time": pa.array(times, pa.timestamp("ms", random.choice(["UTC", "Asia/Tokyo"]))),
            "customer_id": pa.array([float(each) for each in texts["customer_id"]]),
            "merchant_id": pa.array(texts["merchant_id"]).dictionary_encode(),
            "amount": pa.array([Decimal(each) for each in texts["amount"]], pa.decimal128(38, 8)),
            "ip": pa.array([each.encode() for each in texts["ip"]], pa.binary()),
        }
    )
    out = io.BytesIO()
    pa.parquet.write_table(table, out)
    columns = {column: column for column in COLUMNS}
    return File("a.parquet", out.getvalue(), _mapping(columns), [_meaning(row) for row in rows])


KINDS: tuple[Callable[[Random, int], File], ...] = (
    delimited,
    delimited,
    delimited,
    misread,
    ours,
    ours,
    nested,
    parquet,
)


def made(random: Random, count: int, folder: Path) -> tuple[Path, File]:
    """A file of some kind, written into the folder."""
    file = random.choice(KINDS)(random, count)
    path = folder / file.name
    path.write_bytes(file.data)
    return path, file
