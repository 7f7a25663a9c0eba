"""What mail clients put before the text that they repeat, and below what people write: rules as data."""

import re

MAX_OPENING = 400
"""Characters of one opening, however it is wrapped."""

MAX_HEADER_LINES = 12
SIGNATURE_WITHIN = 20
"""Lines from the end in which a signature is looked for."""

MAX_SIGNATURE_LINES = 6
MAX_SIGNATURE = 200
"""Characters of a signature; what says more is the matter itself, below a line somebody drew."""

QUOTED = re.compile(r"^[ \t\xa0]*[>＞]")
"""A line that is quoted by its first character."""

FORWARD = re.compile(
    r"^[ \t>]*[-_=]{2,}[ \t]*(?:Begin )?(?:forwarded (?:message|by)|Forwarded mail|转发(?:的)?(?:邮件|信息"
    r"|消息)(?:信息)?|轉寄的?郵件|已转发邮件"
    r"|Weitergeleitete Nachricht|Message transféré|Пересылаемое сообщение)"
    r"|^[ \t]*Begin forwarded message:|^[ \t]*开始转发的邮件[:：]?|^[ \t]*以下是转发的邮件[:：]",
    re.IGNORECASE,
)
FORWARD_SUBJECT = re.compile(r"^\s*(?:fwd?|转发|轉寄|转|wg)\s*[:：]|^\s*\[fwd:", re.IGNORECASE)

SEPARATOR = re.compile(
    r"^[ \t]*(?:[-_=*]{2,}[ \t\xa0]*(?:"
    r"replied message|original (?:message|appointment|e-?mail)|reply message|reply separator|original|原始邮件"
    r"|原邮件|原始信息|原始郵件|原文|回复的原邮件|回复的邮件|邮件原件|原始訊息"
    r"|ursprüngliche nachricht|antwort nachricht|originalnachricht|oprindelig meddelelse|message d['’]origine"
    r"|mensaje original|mensagem original|messaggio originale|oorspronkelijk bericht|пересылаемое сообщение"
    r"|исходное сообщение|original-nachricht|元のメッセージ|원본 메시지|original besked|ursprungligt meddelande"
    r")[ \t\xa0]*[-_=*]{0,}[ \t]*$"
    r"|[-_=]{2,}[ \t]*On .{3,120} wrote[ \t]*[-_=]{2,}"
    r"|[-_=]{2,}[ \t]*.{1,80} (?:wrote|写道|schrieb|a écrit)[ \t]*[:：]?[ \t]*[-_=]{2,}[ \t]*$"
    r"|在原始邮件中.{0,80}[:：]$"
    r")",
    re.IGNORECASE,
)

MAY_ATTRIBUTE = re.compile(
    r"^[ \t>-]*(?:On|At|Le|W dniu|Op|Am|På|Den|El|Il|Em|Vào|Dnia|\d|[-_]{2,}|在|于|星期|周|Sent from)|@|写道"
    r"|寫道|wrote"
    r"|[12]\d{3}年",
    re.IGNORECASE,
)
"""A cheap look at a first line, so that ordinary ones cost no more."""

_WROTE = (
    r"(?:wrote|sent|a écrit|napisał(?:\(a\))?|schreef|verzond|geschreven|schrieb|skrev|escribió|ha scritto|escreveu"
    r"|đã viết|пишет|написал\(?а?\)?|写道|寫道|写到|のメッセージ|napsal\(a\)|kirjoitti)"
)
_ATTRIBUTION = re.compile(
    r"^[- \t]*(?:"
    rf"(?:On|At|Le|W dniu|Dnia|Op|Am|På|Den|El|Il|Em|Vào)\b.{{3,300}}?\b{_WROTE}(?:[ \t].{{0,80}})?[ \t]*[:：]"
    r"|(?:On|Am)\b.{3,300}\b(?:wrote|schrieb)[^\w]{0,6}"
    rf"|[在于]?[ \t]*(?:\d|星期|周).{{2,300}}?{_WROTE}[ \t]*[:：,，]?"
    r"|.{1,120}(?:于|在)[ \t]*\d{4}[-/年].{0,120}(?:写道|寫道|写到)[ \t]*[:：]?"
    r"|\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?[ \t].{0,80}<[^<>\s]+@[^<>\s]+>[:：]?"
    r"|.{0,40}\d.{3,200}\d{1,2}:\d{2}.{0,150}<[^<>\s]+@[^<>\s]+>[ \t]*[:：]"
    r"|Sent from Samsung .{0,80}<[^<>\s]+@[^<>\s]+> wrote:"
    r"|\S.{0,80}<[^<>\s]+@[^<>\s]+>[ \t]*(?:wrote|写道|寫道|schrieb|a écrit)[ \t]*[:：]"
    r")[ \t\xa0]*$",
    re.IGNORECASE,
)
_NAMED = re.compile(r"^.{1,80}(?:wrote|schrieb|a écrit|写道|寫道|写到|说)[ \t]*[:：]$", re.IGNORECASE)
_DATED = re.compile(r"\d.*[A-Za-z]{3}|[A-Za-z]{3}.*\d|\d{1,2}[:：.]\d{2}|@")
_CHINESE = re.compile("写道|寫道|写到")
_TIMED = re.compile(r"\d{1,2}[:：]\d{2}|@")


def is_attribution(text: str, quoted_below: bool) -> bool:
    """Say whether `text` announces a quotation.

    A client names a time of day or an address; "他在信中写道：" is a citizen's own sentence, unless ">" lines follow.
    """
    if _ATTRIBUTION.match(text) and (_TIMED if _CHINESE.search(text) else _DATED).search(text):
        return True
    return quoted_below and _NAMED.match(text) is not None


_KINDS = {
    "from": r"from|de|von|da|från|fra|van|发件人|寄件人|寄件者|發件人|寄件人|差出人|от|보낸 사람",
    "date": r"sent|date|gesendet|datum|envoyé(?: le)?|date d['’]envoi|enviado(?: el)?|inviato|skickat|sendt"
    r"|verzonden|发送时间|發送時間|发送日期|日期|时间"
    r"|寄件日期|送信日時|дата|отправлено|보낸 날짜",
    "to": r"to|an|à|para|a|till|til|aan|收件人|收件者|宛先|кому|받는 사람",
    "cc": r"cc|copy|kopie|抄送|副本|copie",
    "subject": r"subject|betreff|objet|asunto|oggetto|ämne|emne|onderwerp|主题|主題|标题|主旨|件名|тема|제목",
    "other": r"bcc|密送|密件抄送|reply-to|回复|回覆|importance|重要性|attachments?|附件|organization|message-id",
}
_HEADER = re.compile(
    r"^[ \t\xa0>＞*|]*(?:" + "|".join(f"(?P<{kind}>{words})" for kind, words in _KINDS.items()) + r")[ \t\xa0*]*[:：]",
    re.IGNORECASE,
)

MAY_OPEN = re.compile(rf"{MAY_ATTRIBUTE.pattern}|^[ \t]*[-_=*—]{{2}}|{_HEADER.pattern}", re.IGNORECASE)
"""A look at any line, so that those that open nothing cost no more."""


def header_kind(line: str) -> str | None:
    """Return which field of a repeated header a line is: from, date, to, cc, subject or other."""
    match = _HEADER.match(line.replace("\u3000", "")) if len(line) <= 2_000 else None
    return match.lastgroup if match else None


DELIMITER = re.compile(r"^--[ \xa0]?$|^－－$")
PROSE = re.compile(
    r"[。！？；，…]|[!?](?!\S)|[\u4e00-\u9fff],|[\u4e00-\u9fff][^\n]{29}|[^\n]{29}[\u4e00-\u9fff]|[^\n]{60}"
)
"""What stands in a sentence, not in a name, a number or an address."""

LINE = re.compile(r"^[ \t]*[-_—=*]{5,}[ \t]*$")
"""A drawn line, as Outlook puts above a repeated header."""

ADDRESS = re.compile(r"^[ \t\xa0]*[\w.+-]{1,64}@[\w.-]{1,253}[ \t\xa0]*$")
"""The writer's own address alone, as Foxmail puts above one."""

RULE = re.compile(r"^[-_—=*]{2,}\s*$|^\s*$")

DEVICE = re.compile(
    r"^(?:[\[(（<【]?(?:"
    r"发自我的.{0,30}|發自我的.{0,30}|从我的.{0,30}发送|從我的.{0,30}傳送|来自我的.{0,30}|来自.{0,8}邮箱.{0,12}"
    r"|发自.{0,12}邮箱.{0,12}|发自网易邮箱.{0,12}"
    r"|由.{0,12}(?:手机|邮箱|邮件).{0,8}(?:发送|发出)|发送自.{0,40}|通过.{0,12}邮箱.{0,8}发送"
    r"|使用.{0,12}邮箱.{0,8}发送|.{0,20}手机版发送"
    r"|sent (?:from|via|with|using) (?:my|the|mobile|outlook|yahoo|gmail|mail|samsung|sparrow|proton|blackberry"
    r"|windows|an?|aol|qq|netease|mailmaster|foxmail)\b.{0,70}"
    r"|get outlook for .{0,30}|获取\s*outlook.{0,30}|下载\s*outlook.{0,30}|von meinem .{0,30} gesendet"
    r"|envoyé (?:de|depuis) mon .{0,30}|enviado desde mi .{0,30}"
    r")[\])）>】]?(?:\s*<https?://\S+>)?)$",
    re.IGNORECASE,
)
"""A line that a device writes, not a person."""
