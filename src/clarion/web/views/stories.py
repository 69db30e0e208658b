"""Stories: the list, and the page on which one is written."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clarion.accounts.models import Role
from clarion.broadcasts.uses import story_uses
from clarion.contacts.attributes import known_variables
from clarion.contacts.models import Address
from clarion.contacts.search import contact_list
from clarion.content import stories as content
from clarion.content.errors import LINKS, StoryError
from clarion.content.models import Story, StoryVersion
from clarion.content.preview import preview_story
from clarion.content.rendering import contact_context
from clarion.kit.numbers import parse_id
from clarion.web.filters import chips, list_url
from clarion.web.forms.stories import StoryForm, from_post, from_version
from clarion.web.previews import BLOCK_FORMATS
from clarion.web.requests import AgentRequest, needs
from clarion.web.story_words import BLOCKS, BUTTONS

FOUND = 6  # people offered for the preview
CHOICES = 500  # stories that a button can choose from
VERSIONS = 20  # earlier versions that are listed


@require_safe
def stories(request: AgentRequest) -> HttpResponse:
    """All stories, last edited first, or the archived ones."""
    q = request.GET.get("q", "").replace("\x00", "").strip()
    archived = request.GET.get("archived") == "yes"
    after = request.GET.get("after", "")
    page = content.story_list(q, archived=archived, after=parse_id(after))
    uses = story_uses(version.story_id for version in page.versions)
    kept = {"q": q, "archived": "yes" if archived else ""}
    context = {
        "rows": [
            {"version": version, "blocks": _in_words(version), "uses": uses.get(version.story_id)}
            for version in page.versions
        ],
        "q": q,
        "archived": archived,
        "any_archived": archived or Story.objects.filter(archived_at__isnull=False).exists(),
        "just_archived": _just_archived(request),
        "next_url": list_url("stories", {**kept, "after": page.next}) if page.next else "",
        "first_url": list_url("stories", kept) if after else "",
        **chips("stories", kept, {"archived": _("Archived") if archived else ""}),
    }
    return render(request, "stories/list.html", context)


def _in_words(version: StoryVersion) -> str:
    """“2 texts, 1 image”, in the order of their first appearance."""
    kinds = [block["kind"] for block in version.blocks]
    return ", ".join(str(BLOCKS[kind].counted % kinds.count(kind)) for kind in dict.fromkeys(kinds))


def _just_archived(request: AgentRequest) -> Story | None:
    pk = parse_id(request.GET.get("undo", ""))
    return Story.objects.filter(pk=pk, archived_at__isnull=False).first() if pk else None


@needs(Role.SENDER)
@require_http_methods(["GET", "POST"])
def story_new(request: AgentRequest) -> HttpResponse:
    """Write a new story."""
    if request.method == "POST":
        return _posted(request, None)
    form = StoryForm()
    form.act("add:text")
    return _page(request, None, form)


@require_http_methods(["GET", "POST"])
def story_edit(request: AgentRequest, pk: int) -> HttpResponse:
    """Write on; those who may not see how it looks. ``?version=2`` shows what stood there then,
    ``?from=2`` writes on from there."""
    story = get_object_or_404(Story, pk=pk)
    if request.method == "POST":
        return _post_to(request, story)
    newest = content.newest(story)
    shown = _version(story, request.GET.get("version", ""))
    if shown is not None or story.archived_at or not request.user.may(Role.SENDER):
        return _look(request, shown or newest, newest)
    version = _version(story, request.GET.get("from", "")) or newest
    return _page(request, story, from_version(version, newest.number))


@needs(Role.SENDER)
def _post_to(request: AgentRequest, story: Story) -> HttpResponse:
    return _posted(request, story)


def _version(story: Story, number: str) -> StoryVersion | None:
    versions = story.versions.select_related("agent", "story")
    return versions.filter(number=parse_id(number) or 0).first()


def _look(request: AgentRequest, version: StoryVersion, newest: StoryVersion) -> HttpResponse:
    context = {
        "story": version.story,
        "version": version,
        "newest": newest,
        "shown": preview_story(version.blocks, None),
    }
    return render(request, "stories/one.html", context)


def _posted(request: AgentRequest, story: Story | None) -> HttpResponse:
    """Save, or do what another button asks for; without JavaScript both come in here."""
    form = from_post(request.POST, request.FILES)
    if not {"save", "over"} & set(request.POST):
        form.act(request.POST.get("do", ""))
        return _page(request, story, form)
    form.tried = True
    try:
        saved = _save(request, story, form)
    except StoryError as error:
        form.refuse(error)
        return _page(request, story, form, status=422)
    messages.success(
        request,
        _("“%(name)s” is saved as version %(number)d.")
        % {"name": saved.story.name, "number": saved.number},
    )
    return redirect("story_edit", saved.story_id)


def _save(request: AgentRequest, story: Story | None, form: StoryForm) -> StoryVersion:
    if story is None:
        created = content.create_story(name=form.name, blocks=form.raw(), by=request.user)
        return content.newest(created)
    over = parse_id(request.POST.get("over", ""))
    return content.save_story(
        story,
        name=form.name,
        blocks=form.raw(),
        by=request.user,
        number=over or form.number,
    )


@needs(Role.SENDER)
@require_POST
def story_draft(request: AgentRequest) -> HttpResponse:
    """The page as it stands with what was typed or asked for; nothing is saved."""
    form = from_post(request.POST, request.FILES)
    pk = parse_id(request.POST.get("story", ""))
    story = Story.objects.filter(pk=pk).first() if pk else None
    focus = form.act(request.POST.get("do", ""))
    context = _context(request, story, form) | {"keeps_focus": True}
    response = render(request, "stories/parts.html", context)
    if focus:
        response["X-Focus"] = focus
    return response


def _page(
    request: AgentRequest, story: Story | None, form: StoryForm, *, status: int = 200
) -> HttpResponse:
    return render(request, "stories/edit.html", _context(request, story, form), status=status)


def _context(request: AgentRequest, story: Story | None, form: StoryForm) -> dict[str, Any]:
    if form.conflict is None:
        try:
            content.check_story(name=form.name, blocks=form.raw(), story=story, by=request.user)
        except StoryError as error:
            form.refuse(error)
    form.count()
    variables = known_variables()
    form.note_unknown(variables | set(LINKS))
    address = _address(form.preview_address)
    return {
        "story": story,
        "form": form,
        "wrong": form.wrong if form.tried else [],
        "last": len(form.standing),
        "newest": content.newest(story) if story else None,
        "versions": _versions(story),
        "uses": story_uses([story.pk]).get(story.pk, 0) if story else 0,
        "preview_address": address,
        "people": _people(form.q),
        "shown": [
            message
            for message, block in zip(
                preview_story(form.raw(), _contact(address)), form.standing, strict=True
            )
            if form.tried or not block.blank
        ],
        "choices": _choices(form),
        "kinds": BLOCKS,
        "block_formats": BLOCK_FORMATS.items(),
        "button_kinds": BUTTONS,
        "variables": sorted(variables, key=lambda name: (name != "contact.name", name))[:12],
    }


def _versions(story: Story | None) -> list[StoryVersion]:
    if story is None:
        return []
    return list(story.versions.select_related("agent").order_by("-number")[:VERSIONS])


def _address(chosen: str) -> Address | None:
    """Who the preview is for: who was chosen, else the first who is there."""
    people = Address.objects.select_related("contact", "channel")
    pk = parse_id(chosen)
    address = people.filter(pk=pk).first() if pk else None
    return address or people.filter(alias_of=None).order_by("pk").first()


def _contact(address: Address | None) -> dict[str, Any] | None:
    if address is None:
        return None
    contact = address.contact
    return contact_context(
        contact.name, contact.attributes, contact.language, contact.time_zone, address.user_id
    )


def _people(q: str) -> list[dict[str, Any]]:
    rows = contact_list(q=q, limit=FOUND).rows if q else []
    people = [
        {"name": row.name or reached.value, "address": reached}
        for row in rows
        for reached in row.addresses
    ]
    return people[:FOUND]


def _choices(form: StoryForm) -> list[tuple[str, str]]:
    """The stories that a button can send; only looked up where there is such a button."""
    wanted = [
        button.value for block in form.blocks for button in block.buttons if button.kind == "story"
    ]
    if not wanted:
        return []
    stories = Story.objects.filter(archived_at__isnull=True)
    chosen = stories.filter(pk__in=[pk for value in wanted if (pk := parse_id(value))])
    listed = {*stories.order_by("name")[:CHOICES], *chosen}
    return [(str(story.pk), story.name) for story in sorted(listed, key=lambda story: story.name)]


@needs(Role.SENDER)
@require_POST
def story_duplicate(request: AgentRequest, pk: int) -> HttpResponse:
    """A copy, to write on."""
    copy = content.duplicate_story(get_object_or_404(Story, pk=pk), by=request.user)
    messages.success(request, _("This is a copy: “%s”.") % copy.name)
    return redirect("story_edit", copy.pk)


@needs(Role.SENDER)
@require_POST
def story_archive(request: AgentRequest, pk: int) -> HttpResponse:
    """Out of the lists; the list that follows offers to undo it."""
    content.archive_story(get_object_or_404(Story, pk=pk), by=request.user)
    return redirect(list_url("stories", {"undo": pk}))


@needs(Role.SENDER)
@require_POST
def story_restore(request: AgentRequest, pk: int) -> HttpResponse:
    """Back into the lists."""
    story = get_object_or_404(Story, pk=pk)
    content.restore_story(story, by=request.user)
    messages.success(request, _("“%s” is back.") % story.name)
    return redirect("story_edit", pk)
