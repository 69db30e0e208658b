"""kill -9 during a bulk action: no contact is skipped, none is counted or deleted twice."""

import pytest

from clarion.accounts import audit
from clarion.accounts.models import AuditEntry
from clarion.bulk import actions, acts
from clarion.bulk.models import BulkAction
from clarion.bulk.selection import Selection
from clarion.contacts.models import Contact, Suppression
from crash import rehearsal
from support import factory
from support.processes import Processes
from support.waiting import eventually

pytestmark = pytest.mark.crash


def test_deleting_survives_kills(own_database: object, processes: Processes) -> None:
    people = 8 * acts._Deletion.size
    channel = factory.channel()
    factory.people(channel, people)
    options = acts.delete_options(suppress=True)
    action = actions.start("delete", Selection(), options, by=audit.COMMAND_LINE)
    for goal in (1, people // 2):
        worker = rehearsal.start_worker(processes)
        eventually(lambda goal=goal: _now(action).done >= goal, timeout=120)
        worker.kill()
        state = _now(action)
        assert Contact.objects.count() == people - state.done
    rehearsal.start_worker(processes)
    eventually(lambda: _now(action).state == BulkAction.State.DONE, timeout=120)

    assert (action.done, action.changed, action.unchanged) == (people, people, 0)
    assert not Contact.objects.exists()
    assert Suppression.objects.count() == people
    assert AuditEntry.objects.filter(action="contact.delete").count() == people


def _now(action: BulkAction) -> BulkAction:
    action.refresh_from_db()
    return action
