"""A search of every object of a bucket, decoded: what a byte search of compressed files does not find."""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

import pyarrow.parquet as pq

_AVRO = b"Obj\x01"
_SYNC = 16  # bytes of an Avro file's mark between two blocks


def objects_with(s3: Any, bucket: str, text: str) -> list[str]:
    """Return the keys of all objects, former versions too, whose key or decoded content has a text."""
    return objects_with_each(s3, bucket, [text])[text]


def objects_with_each(s3: Any, bucket: str, texts: Iterable[str]) -> dict[str, list[str]]:
    """Return the same for each of these texts, by text; every object is read once."""
    found: dict[str, set[str]] = {text: set() for text in texts}
    for key, body in _versions(s3, bucket) if found else ():
        whole = f"{key} {decoded(body)}"
        for text, keys in found.items():
            if text in whole:
                keys.add(key)
    return {text: sorted(keys) for text, keys in found.items()}


def decoded(body: bytes) -> str:
    """Return everything that an object says: a gzip, Parquet or Avro file, or text."""
    if body[:2] == b"\x1f\x8b":
        return gzip.decompress(body).decode()
    if body[:4] == b"PAR1":
        return _parquet(body)
    if body[:4] == _AVRO:
        return b"".join(_avro_parts(body)).decode(errors="replace")
    return body.decode()


def _versions(s3: Any, bucket: str) -> Iterator[tuple[str, bytes]]:
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for entry in page.get("Versions", []):
            named = {"Key": entry["Key"]}
            if entry.get("VersionId", "null") != "null":
                named["VersionId"] = entry["VersionId"]
            with suppress(s3.exceptions.NoSuchKey):  # deleted since it was listed
                yield entry["Key"], s3.get_object(Bucket=bucket, **named)["Body"].read()


def _parquet(body: bytes) -> str:
    """Return the values of every row, and what the footer says: statistics hold values, too."""
    file = pq.ParquetFile(io.BytesIO(body))
    rows = json.dumps(file.read().to_pylist(), default=str, ensure_ascii=False)
    return f"{rows} {file.metadata.to_dict()} {file.schema_arrow.metadata}"


def _avro_parts(body: bytes) -> Iterator[bytes]:
    """Yield the header's values and each block, unpacked; texts and column bounds stand in them as they are."""
    stream = io.BytesIO(body[len(_AVRO) :])
    codec = b"null"
    while count := _long(stream):
        if count < 0:
            _long(stream)
        for _ in range(abs(count)):
            name, value = _bytes(stream), _bytes(stream)
            codec = value if name == b"avro.codec" else codec
            yield value
    stream.read(_SYNC)
    while stream.tell() < len(body) - len(_AVRO):
        _long(stream)
        block = _bytes(stream)
        yield zlib.decompress(block, -zlib.MAX_WBITS) if codec == b"deflate" else block
        stream.read(_SYNC)


def _bytes(stream: io.BytesIO) -> bytes:
    return stream.read(_long(stream))


def _long(stream: io.BytesIO) -> int:
    """Return an Avro long: seven bits a byte, zigzag."""
    value = shift = 0
    while True:
        byte = stream.read(1)[0]
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1)
