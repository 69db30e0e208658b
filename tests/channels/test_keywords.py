"""The words with which people leave and come back."""

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clarion.channels.keyword_lists import IN, OUT, OUT_TYPED, SOURCES
from clarion.channels.keywords import State, fold, requested_state


@pytest.mark.parametrize(
    "text",
    [
        "STOP",
        "stop",
        " Stop! ",
        "/stop",
        "/stop@news_bot",
        "“stop”",
        "Unsubscribe.",
        "STOP ALL",
        "opt-out",
        "stopall\n",
        "Stop please",
        "please unsubscribe me",
        "STOP 🛑",
        "🛑🛑 stop 🛑🛑",
        "Unsubscribe me",
        "END",
        "Cancel",
        "QUIT.",
        "ＳＴＯＰ",
        "𝗦𝗧𝗢𝗣",
        "s\u200dtop\ufe0f",
        "Stop...",
        "stop stop stop",
        "STOP, thanks!",
        "Bitte abmelden!",
        "Stopp",
        "ARRÊT",
        "arret",
        "désabonnez-moi s'il vous plaît",
        "Baja",
        "DESCADASTRAR",
        "ABONELİKTEN ÇIK",
        "abonelikten cik",
        "Sair",
        "Salir",
        "REMOVE",
        "Arrêtez svp",
        "стоп",
        "Отписаться",
        "ΣΤΟΠ",
        "退订",
        "配信停止",
        "수신거부",
        "إيقاف",
        "הסר",
        "बंद करें",
        "หยุดส่งข้อความ",
        "Hủy đăng ký",
    ],
)
def test_leaving(text: str) -> None:
    assert requested_state(text) == "opted_out"


@pytest.mark.parametrize(
    "text",
    [
        "START",
        "/start",
        "/start@news_bot",
        "/start spring-2026",
        "Start!",
        "unstop",
        "subscribe",
        "ＳＴＡＲＴ ✅",
        "Подписаться",
        "start please",
    ],
)
def test_coming_back(text: str) -> None:
    assert requested_state(text) == "active"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "don't stop",
        "stop it",
        "start now",
        "non-stop",
        "bus stop",
        "Stop 5, Main Street",
        "When does it end?",
        "Please don't cancel my order",
        "I can't unsubscribe",
        "the end",
        "please",
        "🛑",
        "no",
        "yes",
        "Para",
        "Fine!",
        "Fin!",
        "Huy",
        "acha",
        "Basta così",
        "nicht abmelden",
        "stop please call me",
        "kein Stopp",
        "не стоп",
        "/starting x",
        "s top",
        "stop " * 100,
    ],
)
def test_anything_else_means_nothing(text: str) -> None:
    assert requested_state(text) is None


@pytest.mark.parametrize(
    "answer",
    [
        "Koniec", "İptal", "IPTAL", "Çıkış", "Rezygnuję", "Ende", "Einde", "Fim", "Cancelar",
        "Annulla", "TD", "बंद", "বন্ধ", "بند", "لغو", "توقف", "หยุด", "ยกเลิก", "Διαγραφή",
        "Διακοπή", "解除", "그만", "Atsisakau", "Atteikties", "Opzeggen", "Remover", "Ondoa",
        "Frameld", "Anmelden", "Aanmelden", "Tilmeld", "Inscription", "Iscrivimi", "Zapisz mnie",
        "退会", "ابدأ", "Başlat", "Arrett",
        "登録", "구독", "اشتراك", "Assinar", "Darme de alta", "Closed", "No, thanks", "Later",
    ],
)  # fmt: skip
def test_an_ordinary_answer_of_one_word_means_nothing(answer: str) -> None:
    """“Closed”, “cancel the order”, “check out”, “I decline”, “sign me up for the course”."""
    assert requested_state(answer) is None


@pytest.mark.parametrize("value", ["cancel", "END", "quit", "Remove", "Salir"])
def test_a_button_that_cancels_something_silences_nobody(value: str) -> None:
    assert requested_state(value) == "opted_out"
    assert requested_state(value, typed=False) is None
    assert requested_state("stop", typed=False) == "opted_out"


def test_the_operators_own_words() -> None:
    own: dict[str, State] = {fold("Nie wieder!"): "opted_out", fold("end"): "active"}
    assert requested_state("NIE wieder bitte", own) == "opted_out"
    assert requested_state("Nie wieder?") is None
    assert requested_state("End", own) == "active"


def test_no_word_asks_for_both() -> None:
    both = {fold(w) for w in chain(*IN.values())} & {
        fold(w) for w in chain(*OUT.values(), *OUT_TYPED.values())
    }
    assert not both


def test_every_word_of_the_lists_is_recognised() -> None:
    for state, lists in (("active", IN), ("opted_out", OUT), ("opted_out", OUT_TYPED)):
        for word in chain(*lists.values()):
            assert requested_state(word.upper()) == state, word


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    assert requested_state(text) in (None, "opted_out", "active")


@pytest.mark.parametrize("language", SOURCES)
def test_words_of_published_lists_opt_out(language: str) -> None:
    for published in SOURCES[language].values():
        assert [word for word in published if requested_state(word) != "opted_out"] == []
    assert language in OUT
