"""The words with which people opt out and in again, by language, written as people write them.

They are compared after ``keywords.fold``, so that case, accents, punctuation and emoji do not
matter.
SOURCES names the published lists that words of a language were compared with. “stop promotions”
and its translations are the button that Meta offers in marketing templates.

No published list was found for the other languages, and the page of opt-out words says so. Their
words say in so many words that somebody wants no more messages or ends a subscription, or are what
a carrier of the country prints (“הסר”, “退订”, “수신거부”).

A word that is also an ordinary answer is not here, nor is a name or a word of another language:
“yes”, the Spanish “para”, the Italian “fine”, the Vietnamese “hủy”, which without its accents is
a first name. The same is true of what means “closed”, “the end”, “cancel the order”, “check out”
or “I decline” (“बंद”, “koniec”, “iptal”, “çıkış”, “rezygnuję”), “leave the club” (“退会”), and of a
wish to join or to begin: who answers “Anmelden” to an invitation, or “ابدأ” to a quiz, must not
be sent broadcasts again. Conventions of one country that are words elsewhere can be added by the
operator, such as the Chinese “TD”, which is also a bank.
"""

from typing import Final

_SINCH: Final = (
    "https://docs-pt.sinch.com/documentacao-tecnica-whatsapp/documentacao-tecnica-whatsapp/"
    "desativacao-do-whatsapp"
)
_AWS: Final = "https://docs.aws.amazon.com/sms-voice/latest/userguide/keywords-required.html"
# Language -> published list -> words of that list that are here. The languages may have more words.
SOURCES: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "en": {
        "https://www.twilio.com/docs/messaging/tutorials/advanced-opt-out": (
            "stop", "unsubscribe", "end", "quit", "stopall", "revoke", "optout", "cancel",
        ),
        _AWS: ("cancel", "end", "opt-out", "optout", "quit", "remove", "stop", "unsubscribe"),
        "https://developers.telnyx.com/docs/messaging/messages/advanced-opt-in-out": (
            "stop", "stopall", "stop all", "unsubscribe", "cancel", "end", "quit",
        ),
    },
    "es": {_SINCH: ("detener", "salir")},
    "fr": {_AWS: ("arret",)},
    "pt": {_SINCH: ("parar", "sair")},
}  # fmt: skip
OUT: Final[dict[str, tuple[str, ...]]] = {
    "en": (
        "stop", "stop all", "stopall", "unsubscribe", "unsubscribe me", "unsub", "opt out",
        "optout", "opt me out", "remove me", "revoke", "stop messages", "stop messaging me",
        "stop texting me", "stop promotions", "stop sending", "stop sending messages",
        "stop sending me messages",
        "take me off the list", "remove me from the list", "stop all messages",
    ),
    "ar": ("إيقاف", "ايقاف", "إلغاء الاشتراك", "الغاء الاشتراك", "أوقفوا الرسائل"),
    "bg": ("стоп", "отписване", "отпишете ме", "отпиши ме"),
    "bn": ("বন্ধ করুন",),
    "ca": ("atura", "donar de baixa"),
    "cs": ("odhlásit", "odhlásit se", "odhlašte mě", "zrušit odběr"),
    "da": ("afmeld", "afmeld mig", "stop beskeder"),
    "de": (
        "stopp", "abmelden", "abmeldung", "abbestellen", "austragen", "abmelden von allem",
        "melde mich ab", "keine nachrichten mehr", "keine werbung mehr", "newsletter abbestellen",
    ),
    "el": ("στοπ", "κατάργηση εγγραφής", "διακοπή μηνυμάτων"),
    "es": (
        "baja", "dar de baja", "darme de baja", "date de baja", "cancelar suscripción",
        "no más mensajes", "parar mensajes", "detener", "detener promociones",
    ),
    "et": ("loobu", "lõpeta tellimus"),
    "fa": ("لغو اشتراک",),
    "fi": ("lopeta viestit", "lopeta tilaus"),
    "fr": (
        "arrêt", "arrêter", "arrêtez", "désabonner", "désabonnez-moi",
        "me désabonner", "se désabonner", "désinscription", "désinscrire", "me désinscrire",
        "plus de messages", "arrêter les promotions",
    ),
    "he": ("הסר", "הסרה", "הסירו אותי", "הפסק"),
    "hi": ("बंद करो", "बंद करें", "रोकें"),
    "hr": ("odjava", "odjavi me", "odjavite me"),
    "hu": ("leiratkozás", "leiratkozom", "leiratkozni"),
    "id": ("berhenti", "berhenti berlangganan"),
    "it": ("disiscrivi", "disiscrivimi", "disiscriviti", "cancellami", "annulla iscrizione"),
    "ja": ("停止", "配信停止", "配信解除"),
    "ko": ("중지", "수신거부", "수신 거부", "구독취소", "구독 취소"),
    "lt": ("stabdyti", "atsisakyti prenumeratos"),
    "lv": ("atrakstīties",),
    "ms": ("berhenti melanggan",),
    "nb": ("avmeld", "meld meg av", "avslutt abonnement"),
    "nl": ("afmelden", "meld me af", "meld mij af", "uitschrijven", "schrijf me uit"),
    "pl": ("wypisz", "wypisz mnie", "wyrejestruj", "anuluj subskrypcję"),
    "pt": (
        "parar", "pare", "descadastrar", "cancelar inscrição", "cancelar subscrição",
        "me remova", "parar mensagens", "parar promoções",
    ),
    "ro": ("dezabonare", "dezabonează-mă", "mă dezabonez"),
    "ru": ("стоп", "отписаться", "отписка", "отпишите меня", "отпиши меня", "хватит рассылки"),
    "sk": ("odhlásiť", "odhlásiť sa", "odhláste ma"),
    "sl": ("odjavi", "odjavite"),
    "sr": ("одјава", "одјави ме"),
    "sv": ("avregistrera", "avanmäl", "avsluta prenumeration", "stoppa"),
    "sw": ("jiondoe",),
    "th": ("ยกเลิกการติดตาม", "หยุดส่งข้อความ"),
    "tl": ("itigil", "tigil"),
    "tr": ("durdur", "abonelikten çık", "listeden çık"),
    "uk": ("стоп", "відписатися", "відписка", "відпишіть мене"),
    "ur": ("بند کریں", "روکیں"),
    "vi": ("ngừng", "hủy đăng ký"),
    "zh": ("退订", "退訂", "停止", "取消订阅", "取消訂閱"),
}  # fmt: skip
# They count when they are typed. The value of a reply button that says so means its own question.
OUT_TYPED: Final[dict[str, tuple[str, ...]]] = {
    "en": ("end", "cancel", "quit", "remove"),
    "es": ("salir",),
    "pt": ("sair",),
}
IN: Final[dict[str, tuple[str, ...]]] = {
    "en": ("start", "unstop", "subscribe", "subscribe me", "resubscribe", "opt in", "optin"),
    "bg": ("старт", "абониране"),
    "cs": ("přihlásit odběr",),
    "de": ("abonnieren", "newsletter abonnieren"),
    "es": ("suscribir", "suscribirme"),
    "fr": ("abonner", "m'abonner", "s'abonner"),
    "ja": ("配信再開",),
    "ko": ("수신동의",),
    "nl": ("abonneren",),
    "pl": ("subskrybuj",),
    "ru": ("старт", "подписаться"),
    "sv": ("prenumerera",),
    "tr": ("abone ol",),
    "uk": ("старт", "підписатися"),
    "zh": ("订阅", "訂閱"),
}
# They are answered, and change nothing.
HELP: Final[dict[str, tuple[str, ...]]] = {
    "en": ("help", "info"), "ar": ("مساعدة",), "cs": ("nápověda",), "da": ("hjælp",),
    "de": ("hilfe",), "es": ("ayuda",), "fi": ("ohje",), "fr": ("aide",), "he": ("עזרה",),
    "hu": ("segítség",), "id": ("bantuan",), "it": ("aiuto",), "ja": ("ヘルプ",),
    "ko": ("도움말",), "nb": ("hjelp",), "nl": ("hulp",), "pl": ("pomoc",), "pt": ("ajuda",),
    "ro": ("ajutor",), "ru": ("помощь",), "sv": ("hjälp",), "tr": ("yardım",),
    "uk": ("допомога",), "vi": ("trợ giúp",), "zh": ("帮助", "幫助"),
}  # fmt: skip
# Before or behind one of these words they change nothing: “STOP please”.
POLITE: Final = (
    "please", "pls", "plz", "kindly", "thanks", "thank you", "thx", "bitte", "danke", "por favor",
    "gracias", "obrigado", "obrigada", "s'il vous plaît", "s'il te plaît", "svp", "stp", "merci",
    "per favore", "grazie", "alstublieft", "alsjeblieft", "aub", "proszę", "prosím", "děkuji",
    "tack", "takk", "kiitos", "lütfen", "teşekkürler", "пожалуйста", "спасибо", "будь ласка",
    "من فضلك", "بس لطفا", "לבקשתך", "בבקשה", "कृपया", "请", "請", "ください",
)  # fmt: skip
