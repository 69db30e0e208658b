"""Whatever a page can do, the API can do: every address of the pages has its operations."""

from django.urls import URLPattern

from clarion.api.app import document
from clarion.web import urls

# The operations that do what a page does or shows; or, as a sentence, why there is none.
OPERATIONS: dict[str, tuple[str, ...] | str] = {
    "dashboard": ("get_analytics", "list_concerns", "list_broadcasts"),
    "broadcasts": ("list_broadcasts",),
    "drafts_ask": "asks before drafts_delete",
    "drafts_delete": ("delete_drafts",),
    "broadcast_new": ("create_draft",),
    "compose_contacts": ("list_contacts",),
    "compose_watch": ("list_problems",),
    "compose_count": ("count_audience",),
    "compose_test": ("test_draft",),
    "compose_test_to": "remembers in a session whom an agent tests with",
    "compose_test_result": ("get_delivery",),
    "compose_ids": ("update_draft",),
    "compose_save": ("update_draft", "start_broadcast", "preview_draft"),
    "compose_rejects": "user ids that are unknown are refused by update_draft",
    "broadcast": ("get_broadcast",),
    "broadcast_errors": ("list_causes",),
    "broadcast_details": ("get_broadcast",),
    "broadcast_reconcile": ("reconcile_broadcast",),
    "reconcile_export": ("reconcile_broadcast",),
    "broadcast_why_choose": ("list_contacts",),
    "broadcast_why": ("explain_recipient",),
    "contact_why": ("explain_recipient",),
    "broadcast_recipients": ("list_deliveries",),
    "recipients_export": ("list_deliveries",),
    "broadcast_consents": ("get_permissions",),
    "broadcast_analytics": ("get_broadcast_analytics",),
    "broadcast_latency": ("get_latency",),
    "broadcast_activity": ("list_activity",),
    "broadcast_edit": ("update_draft",),
    "broadcast_runs": ("list_runs",),
    "broadcast_restart": ("restart_broadcast",),
    "broadcast_left": ("count_leftover",),
    "broadcast_rate": ("set_broadcast_rate",),
    "broadcast_release": ("release_held",),
    "broadcast_ask": "asks before broadcast_act",
    "broadcast_act": (
        "edit_broadcast",
        "send_broadcast_now",
        "undo_broadcast",
        "accept_missed",
        "pause_broadcast",
        "resume_broadcast",
        "stop_broadcast",
        "duplicate_broadcast",
        "delete_broadcast",
        "remove_broadcast",
        "rotate_broadcast_url",
        "get_broadcast_url",
    ),
    "broadcasts_retention": ("list_retention",),
    "picker": ("list_contacts",),
    "picker_act": ("update_draft",),
    "logs": ("list_broadcasts",),
    "log": ("list_deliveries",),
    "log_chat": ("get_delivery",),
    "records": ("list_records",),
    "records_export": ("list_records",),
    "clicks": ("list_clicks",),
    "clicks_export": ("list_clicks",),
    "record": ("get_record",),
    "chats": ("list_chats",),
    "chat": ("get_chat", "list_chat_messages"),
    "chat_take": ("take_chat",),
    "chat_reply": ("reply_to_chat",),
    "chat_close": ("close_chat",),
    "chat_release": ("release_chat",),
    "stories": ("list_stories",),
    "story_new": ("create_story", "create_media"),
    "story_draft": "keeps what is typed into a form that is not saved",
    "story_edit": ("get_story", "update_story", "preview_of_story"),
    "story_duplicate": ("duplicate_story",),
    "story_archive": ("archive_story",),
    "story_restore": ("restore_story",),
    "contacts": ("list_contacts", "list_tags"),
    "contact": ("get_contact", "list_contact_consents"),
    "contact_edit": ("update_contact",),
    "contact_delete": ("delete_contact",),
    "contact_duplicates": ("list_duplicates",),
    "contact_merge": ("merge_contacts",),
    "contact_unmerge": ("undo_merge",),
    "contact_export": ("export_contact",),
    "contact_address_new": ("add_contact_address",),
    "contact_opt_out": ("opt_out_address",),
    "suppressions": ("list_suppressions",),
    "suppressions_export": ("list_suppressions",),
    "suppression_new": ("add_suppression",),
    "suppression_import": ("add_suppression",),
    "suppression_remove": ("remove_suppression",),
    "suppression_lift": ("activate_address",),
    "keywords": ("list_keywords", "replace_keywords"),
    "consents_export": ("list_contact_consents",),
    "contact_consent": ("give_consent", "withdraw_consent"),
    "contact_import": ("upsert_contacts",),
    "contact_import_one": ("upsert_contacts",),
    "contact_import_go": ("upsert_contacts",),
    "contact_import_rejects": ("upsert_contacts",),
    "segments": ("list_segments",),
    "segment_new": ("create_segment",),
    "segment_count": ("count_segment",),
    "segment_edit": ("get_segment", "update_segment"),
    "segment_counted": ("count_segment",),
    "segment_delete": ("delete_segment",),
    "codes": ("list_code_pools",),
    "code_pool_new": ("create_code_pool",),
    "code": ("find_code",),
    "code_redeem": ("redeem_code",),
    "code_redeem_file": ("redeem_code",),
    "code_undo": ("undo_redemption",),
    "code_rejects": ("get_code_batch",),
    "code_pool": ("get_code_pool", "get_code_batch"),
    "code_pool_edit": ("update_code_pool",),
    "code_pool_fill": ("generate_codes", "import_codes"),
    "code_pool_export": "a file of all codes is for a till, not for a program: see find_code",
    "code_pool_delete": ("delete_code_pool",),
    "code_pool_act": ("archive_code_pool", "restore_code_pool"),
    "consents": ("list_consents",),
    "consent_new": ("create_consent",),
    "consent_edit": ("get_consent", "update_consent"),
    "consent_remove": ("delete_consent",),
    "channels": ("list_channels",),
    "channel_defaults": ("get_channel_defaults", "set_channel_defaults"),
    "channel_add": ("list_channel_kinds",),
    "channel_new": ("create_channel",),
    "channel": ("get_channel", "update_channel"),
    "channel_check": ("check_channel",),
    "channel_register": ("register_channel",),
    "channel_pause": ("pause_channel",),
    "channel_resume": ("resume_channel",),
    "account": "an agent's own; programs have tokens",
    "tokens": "programs must not make themselves more tokens; see get_token",
    "token_new": "programs must not make themselves more tokens",
    "token_revoke": "only agents revoke tokens",
    "account_login": "an agent's own",
    "account_logout": "an agent's own",
    "account_inactive": "an agent's own",
    "account_change_password": "an agent's own",
    "account_reauthenticate": "an agent's own",
}
# Moving parts of a page that another name stands for.
PARTS = ("_live", "_now", "_numbers", "_side")


def test_every_page_has_its_operations() -> None:
    names = {
        str(pattern.name)
        for pattern in urls.urlpatterns
        if isinstance(pattern, URLPattern) and not str(pattern.name).endswith(PARTS)
    } - {"dashboard_broadcasts"}
    assert names - OPERATIONS.keys() == set(), "add the operations, or say why there are none"
    assert OPERATIONS.keys() - names == set(), "there is no such page any more"


def test_the_operations_exist() -> None:
    existing = {
        operation["operationId"]
        for methods in document()["paths"].values()
        for operation in methods.values()
    }
    wanted = {name for names in OPERATIONS.values() if not isinstance(names, str) for name in names}
    assert wanted - existing == set()
