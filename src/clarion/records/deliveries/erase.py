"""Making what is kept of a contact's deliveries anonymous: states, times and numbers stay."""

from collections.abc import Sequence

from clarion.kit import db
from clarion.records.deliveries.guards import still_in_state
from clarion.records.states import DeliveryState as D

# A worker has a message in its hands, or left one of which it may prove what became of it.
_UNSETTLED = (D.SENDING, D.IN_DOUBT)


def erase_contents(address_ids: Sequence[int], broadcast_ids: Sequence[int]) -> bool:
    """Erase what was sent to these addresses in these broadcasts, and the providers' ids of it.

    Returns whether more may be written: a worker that has a message in its hands records it later,
    and this has to be repeated then.
    """
    of_address = f"d.broadcast_id = v.id AND d.address_id {db.in_list()}"
    with db.write():
        deliveries = db.fetch(
            f"SELECT d.id, {still_in_state(_UNSETTLED, 'd.state')} "
            f"FROM {db.json_table([('id', 'int')])} "
            + db.lateral_join("records_delivery", "d", of_address)
            + " ORDER BY d.id",
            [db.json_param([key] for key in ids) for ids in (broadcast_ids, address_ids)],
        )
        packed = [db.json_param([row[0]] for row in deliveries)]
        addresses = [db.json_param([key] for key in address_ids)]
        for table, erased, condition, params in (
            ("records_record", "content = '', shared_id = NULL", "address_id", addresses),
            (
                "records_part",
                "content = '', shared_id = NULL, external_id = NULL",
                "address_id",
                addresses,
            ),
            ("records_delivery", "external_id = NULL", "id", packed),
            ("records_receipt", "external_id = CAST(id AS text)", "delivery_id", packed),
            (
                "records_deliveryprogress",
                "data = '{}', answers = '{}', memory = '{}'",
                "delivery_id",
                packed,
            ),
        ):
            db.execute(f"UPDATE {table} SET {erased} WHERE {condition} {db.in_list()}", params)
    return any(row[1] for row in deliveries)
