"""Files of Iceberg tables as objects of a bucket, by the project's own S3 client.

pyiceberg's own file systems take the address and the credentials from properties of theirs, upload a small file in
three requests, and leave an empty object in place of the last file of a folder.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Self

from botocore.exceptions import ClientError
from pyiceberg.io import FileIO, InputFile, InputStream, OutputFile, OutputStream

from tasks.stores.errors import wrap_aws_errors

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_BLOCK = 1 << 20
"""Bytes of the first request for an object, and at least of each further one: most objects are read by one."""


class BucketIO(FileIO):
    """Reads and writes `s3://<bucket>/<key>`, of one bucket; thread-safe. Raises StoreUnavailable."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        super().__init__({})
        self._client = client
        self._bucket = bucket

    def new_input(self, location: str) -> InputFile:
        """Return an object to read."""
        return _Object(self._client, self._bucket, location)

    def new_output(self, location: str) -> OutputFile:
        """Return an object to write."""
        return _Object(self._client, self._bucket, location)

    def delete(self, location: str | InputFile | OutputFile) -> None:
        """Delete an object, if there is one; not the former versions of a versioned bucket."""
        name = location if isinstance(location, str) else location.location
        with wrap_aws_errors(f"bucket {self._bucket}"):
            self._client.delete_object(Bucket=self._bucket, Key=object_key(self._bucket, name))


def object_key(bucket: str, location: str) -> str:
    """Return the key of `s3://<bucket>/<key>`. Raises ValueError for any other location."""
    prefix = f"s3://{bucket}/"
    if not location.startswith(prefix):
        raise ValueError("the file is in another bucket than its table")
    return location.removeprefix(prefix)


class _Object(InputFile, OutputFile):
    def __init__(self, client: S3Client, bucket: str, location: str) -> None:
        super().__init__(location)
        self._client = client
        self._bucket = bucket
        self._key = object_key(bucket, location)
        self._size: int | None = None

    def __len__(self) -> int:
        if self._size is None:
            with wrap_aws_errors(f"bucket {self._bucket}"):
                answer = self._client.head_object(Bucket=self._bucket, Key=self._key)
            self._size = answer["ContentLength"]
        return self._size

    def exists(self) -> bool:
        """Return whether there is such an object."""
        with wrap_aws_errors(f"bucket {self._bucket}"):
            try:
                self._client.head_object(Bucket=self._bucket, Key=self._key)
            except ClientError as error:
                if _is_missing(error):
                    return False
                raise
        return True

    def open(self, seekable: bool = True) -> InputStream:
        """Open it for reading. Raises FileNotFoundError."""
        del seekable
        size, block = self.read_range(0, _BLOCK)
        if size <= len(block):
            return io.BytesIO(block)
        return io.BufferedReader(_Ranges(self, size), _BLOCK)

    def read_range(self, start: int, length: int) -> tuple[int, bytes]:
        """Return the size of the whole, and bytes from a position on. Raises FileNotFoundError."""
        with wrap_aws_errors(f"bucket {self._bucket}"):
            try:
                answer = self._client.get_object(
                    Bucket=self._bucket, Key=self._key, Range=f"bytes={start}-{start + length - 1}"
                )
            except ClientError as error:
                if not _is_missing(error):
                    raise
                raise FileNotFoundError(f"{self._key} is gone") from None
            return int(answer["ContentRange"].rsplit("/", 1)[1]), answer["Body"].read()

    def create(self, overwrite: bool = False) -> OutputStream:
        """Open it for writing, which its close does, over whatever has the name: names are unique."""
        del overwrite
        return _Upload(self)

    def put(self, body: bytes) -> None:
        """Write the object."""
        with wrap_aws_errors(f"bucket {self._bucket}"):
            self._client.put_object(Bucket=self._bucket, Key=self._key, Body=body)
        self._size = len(body)

    def to_input_file(self) -> InputFile:
        """Return the object for reading."""
        return self


class _Ranges(io.RawIOBase):
    """An object, read part by part."""

    def __init__(self, source: _Object, size: int) -> None:
        self._source = source
        self._size = size
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = start + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        length = min(len(buffer), self._size - self._position)
        if length <= 0:
            return 0
        _, found = self._source.read_range(self._position, length)
        buffer[: len(found)] = found
        self._position += len(found)
        return len(found)


class _Upload:
    """What is to be one object; nothing is written when its writer fails."""

    def __init__(self, target: _Object) -> None:
        self._target = target
        self._buffer = io.BytesIO()
        self.closed = False

    def write(self, b: bytes) -> int:
        return self._buffer.write(b)

    def tell(self) -> int:
        return self._buffer.tell()

    def flush(self) -> None:
        """Nothing: the object is written as a whole."""

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self._target.put(self._buffer.getvalue())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.close()
        self.closed = True


def _is_missing(error: ClientError) -> bool:
    return error.response.get("Error", {}).get("Code") in {"NoSuchKey", "404"}
