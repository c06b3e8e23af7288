"""The bridge's zip file. Equal sources give equal bytes, so an unchanged bridge is no change of the stack."""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from infra.errors import InfraError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client

BRIDGE = Path(__file__).parents[1] / "bridge"
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time of the zip format
ABSENT = {"404", "NoSuchBucket", "NoSuchKey", "NotFound"}


@dataclass(frozen=True)
class Bundle:
    """The content of a zip file, and its S3 key."""

    content: bytes

    @property
    def key(self) -> str:
        """The S3 key: a hash of the content."""
        return f"bridge/{hashlib.sha256(self.content).hexdigest()}.zip"


def bundle(folder: Path = BRIDGE) -> Bundle:
    """Return the folder's sources as a zip file without times and owners.

    Raises InfraError when the folder has no `handler.py`: the Lambda would not start.
    """
    if not (folder / "handler.py").is_file():
        raise InfraError(f"{folder} has no handler.py, so it is not a bridge")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in _sources(folder):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, path.read_bytes())
    return Bundle(buffer.getvalue())


def _sources(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith("."):
            yield path


def upload(s3: S3Client, package: Bundle, bucket: str, account: str) -> None:
    """Put the bundle into the bucket unless it is there, content for content; create the bucket if it does not exist.

    Every call names the expected owner: another account may own a bucket of this name.
    """
    if not _exists(s3, bucket, account):
        _make(s3, bucket)
    if _content(s3, package.key, bucket, account) != package.content:
        s3.put_object(Bucket=bucket, Key=package.key, Body=package.content, ExpectedBucketOwner=account)


def _content(s3: S3Client, key: str, bucket: str, account: str) -> bytes | None:
    """Return what the key holds, None without one; its name says what it should hold, and not what it does."""
    try:
        return s3.get_object(Bucket=bucket, Key=key, ExpectedBucketOwner=account)["Body"].read()
    except ClientError as error:
        if error.response["Error"]["Code"] not in ABSENT:
            raise
        return None


def _exists(s3: S3Client, bucket: str, account: str) -> bool:
    try:
        s3.head_bucket(Bucket=bucket, ExpectedBucketOwner=account)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ABSENT:
            raise
        return False
    return True


def _make(s3: S3Client, bucket: str) -> None:
    region = s3.meta.region_name
    if region == "us-east-1":  # the one region that S3 does not take as a constraint
        s3.create_bucket(Bucket=bucket)
    else:
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": region})  # type: ignore[typeddict-item]
    s3.put_public_access_block(
        Bucket=bucket,
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": True,
            "IgnorePublicAcls": True,
            "BlockPublicPolicy": True,
            "RestrictPublicBuckets": True,
        },
    )
