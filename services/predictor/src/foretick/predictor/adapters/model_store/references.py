"""The drift references that lie beside the graphs."""

from collections.abc import Awaitable, Callable
from hashlib import sha256

import msgspec

from foretick.common.contracts import UNDECODABLE, ModelPublished
from foretick.common.errors import Refused
from foretick.predictor.domain.life.window import FORMAT, Reference


class StoredReferences:
    """Implements ``ports.References`` over what fetches an object."""

    def __init__(self, fetch: Callable[[str], Awaitable[bytes]]) -> None:
        self._fetch = fetch

    async def fetch(self, model: ModelPublished) -> Reference:
        """Return the drift reference of ``model``.

        Raises:
            Refused: it has none, or what is stored is not what was announced.
            Transient: the store is away.
        """
        if not model.reference_name:
            raise Refused("no_reference", f"{model.model_id} was announced without a drift reference", "train again")
        payload = await self._fetch(model.reference_name)
        if sha256(payload).hexdigest() != model.reference_sha256:
            raise Refused("wrong_object", f"{model.reference_name} is not what was announced", "train again")
        try:
            reference = msgspec.json.decode(payload, type=Reference)
        except (*UNDECODABLE, msgspec.ValidationError) as error:
            raise Refused("unreadable_reference", f"{model.reference_name}: {error}", "train again") from error
        if fault := _fault_of(reference, model):
            raise Refused("unfit_reference", f"{model.reference_name} {fault}", "train again")
        return reference


def _fault_of(reference: Reference, model: ModelPublished) -> str:
    count = len(model.feature_names)
    parts = (reference.edges, reference.shares, reference.effective_rows)
    if reference.format != FORMAT or reference.feature_names != model.feature_names:
        return "is of another format or other features"
    if (
        any(len(part) != count for part in parts)
        or not reference.rows
        or any(len(row) != count for row in reference.rows)
    ):
        return "is not whole"
    is_even = all(
        len(shares) == len(edges) + 1 for shares, edges in zip(reference.shares, reference.edges, strict=True)
    )
    return "" if is_even and min(reference.effective_rows) >= 1.0 else "does not add up"
