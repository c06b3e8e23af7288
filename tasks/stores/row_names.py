"""The names in a row: `names`, by id, and `agentName`; enrichment, outside the record's content and its version.

What a save does not know stands: names of the directory replace others, names out of Genesys's answer only fill
gaps. `agentName` is the name of `agentId` or absent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tasks.stores.update_expression import UpdateExpression


@dataclass(frozen=True, slots=True)
class RowNames:
    """What a save knows of names, by id; without any it changes none."""

    known: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The directory's."""
    fallback: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Those of Genesys's answer, for ids that the directory has no name of."""
    complete: bool = False
    """Whether each id of the record that can have a name has one in `known`."""

    def attributes(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """Return the attributes of a new row with this content; one without a name is absent."""
        names = self._over({})
        return _present({"names": names, "agentName": names.get(content.get("agentId", ""))})

    def set_in(self, update: UpdateExpression, content: Mapping[str, Any]) -> None:
        """Set names and agent's name where a row's content is replaced.

        The agent may be another one than before: without a name of this one there is none, until `lacking`.
        """
        given = self.attributes(content)
        if "names" in given and not self.complete:
            names = update.name("names")
            ours = update.value("names", given.pop("names"))
            update.set_expression(f"{names} = if_not_exists({names}, {ours})")
        update.set(given)
        if "agentName" not in given:
            update.remove(["agentName"])

    def replaced(self, item: Mapping[str, Any], content: Mapping[str, Any]) -> dict[str, Any]:
        """Return the names of a row that was `item` before `set_in` was done to it."""
        given = self.attributes(content)
        names = given.get("names") if self.complete else item.get("names") or given.get("names")
        return _present({"names": names, "agentName": given.get("agentName")})

    def lacking(
        self, row: Mapping[str, Any], content: Mapping[str, Any]
    ) -> tuple[UpdateExpression, str] | None:
        """Return the update that completes a row of the same content, and its condition; None without a need."""
        stands = row.get("names") or {}
        names = self._over(stands)
        changed = {id_: name for id_, name in names.items() if stands.get(id_) != name}
        agent_name = names.get(content.get("agentId", "")) or row.get("agentName")
        if not changed and agent_name == row.get("agentName"):
            return None
        update = UpdateExpression().set({"agentName": agent_name})
        attribute = update.name("names")
        if not stands:
            return update.set({"names": names}), f"attribute_not_exists({attribute})"
        for number, (id_, name) in enumerate(changed.items()):
            update.names[f"#id{number}"] = id_
            update.set_expression(f"{attribute}.#id{number} = {update.value(f'id{number}', name)}")
        return update, f"attribute_exists({attribute})"

    def _over(self, stands: Mapping[str, str]) -> dict[str, str]:
        return {**self.fallback, **stands, **self.known}


NO_NAMES = RowNames()


def _present(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if value}
