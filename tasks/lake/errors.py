"""Errors of the analytics tables; the tree is drawn in tasks/errors.py."""

from __future__ import annotations

from tasks.errors import TransientError


class LakeConflict(TransientError):
    """Others have committed to a table since it was loaded: nothing of this commit stands; begin again by loading."""

    code = "lake-conflict"
