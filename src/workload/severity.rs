//! Where a line of a log as plain text names its severity, whatever stands before it.
//!
//! The server writes the prefix, the severity, a colon, two spaces and the message. A prefix may end in a letter or a digit
//! (`txid=%x`), so words that servers are known to write are also found without a blank before them.

/// The severity stands this near to the beginning: a prefix holds an application's name at most.
const PREFIX_BYTES_MAX: usize = 512;

/// The words of all severities and of the parts of a message, in the languages of the server's messages, the most frequent first.
const WORDS: &[&str] = &[
    "LOGG",
    "LOG",
    "DETAIL",
    "STATEMENT",
    "ERROR",
    "WARNING",
    "NOTICE",
    "HINT",
    "CONTEXT",
    "FATAL",
    "PANIC",
    "QUERY",
    "INFO",
    "LOCATION",
    "BACKTRACE",
    "DEBUG",
    "DEBUG1",
    "DEBUG2",
    "DEBUG3",
    "DEBUG4",
    "DEBUG5", // de
    "FEHLER",
    "WARNUNG",
    "HINWEIS",
    "TIPP",
    "ZUSAMMENHANG",
    "ANWEISUNG",
    "PANIK",
    "ANFRAGE",
    "ORT", // es
    "DETALLE",
    "SENTENCIA",
    "ADVERTENCIA",
    "SUGERENCIA",
    "CONTEXTO",
    "PÁNICO",
    "CONSULTA",
    "UBICACIÓN", // fr
    "DÉTAIL",
    "INSTRUCTION",
    "ERREUR",
    "ATTENTION",
    "ASTUCE",
    "CONTEXTE",
    "PANIQUE",
    "REQUÊTE",
    "EMPLACEMENT", // it
    "DETTAGLI",
    "ISTRUZIONE",
    "ERRORE",
    "ATTENZIONE",
    "SUGGERIMENTO",
    "CONTESTO",
    "FATALE",
    "PANICO",
    "NOTIFICA", // ja
    "詳細",
    "文",
    "ヒント",
    "コンテキスト",
    "問い合わせ",
    "場所", // ko
    "로그",
    "상세정보",
    "명령 구문",
    "오류",
    "경고",
    "알림",
    "힌트",
    "내용",
    "치명적오류", // ru
    "СООБЩЕНИЕ",
    "ПОДРОБНОСТИ",
    "ОПЕРАТОР",
    "ОШИБКА",
    "ПРЕДУПРЕЖДЕНИЕ",
    "ПОДСКАЗКА",
    "КОНТЕКСТ",
    "ВАЖНО", // sv
    "DETALJ",
    "SATS",
    "FEL",
    "VARNING",
    "TIPS",
    "KONTEXT", // uk
    "ЗАПИСУВАННЯ",
    "ВІДОМОСТІ",
    "ІНСТРУКЦІЯ",
    "ПОМИЛКА",
    "ПОПЕРЕДЖЕННЯ",
    "ПІДКАЗКА",
    "КОНТЕКСТ", // zh
    "日志",
    "详细信息",
    "语句",
    "错误",
    "警告",
    "提示",
    "上下文",
    "详情",
    "詳情",
    "日誌",
    "詳細內容",
    "陳述式", // pl, pt, tr
    "SZCZEGÓŁY",
    "WYRAŻENIE",
    "BŁĄD",
    "OSTRZEŻENIE",
    "PODPOWIEDŹ",
    "DETIL",
    "PERNYATAAN",
    "KOMUT",
    "DETALHE",
    "COMANDO",
    "ERRO",
    "AVISO",
    "DICA",
    "AYRINTI",
    "İFADE",
    "HATA",
    "UYARI",
    "İPUCU",
];

/// The word before the details of a message that no blank follows.
const WITHOUT_BLANKS: &[u8] = b"AYRINTI";

/// Where a line names its severity.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct SeverityField {
    pub(super) begin: usize,
    pub(super) word_end: usize,
    /// Where the message begins.
    pub(super) end: usize,
}

/// The severity of a line: a word without small letters, a colon and two spaces. French puts a space before the colon. Some
/// carriers leave one of the two spaces out, which is accepted behind words that are known.
pub(super) fn severity(line: &[u8]) -> Option<SeverityField> {
    let head = &line[..line.len().min(PREFIX_BYTES_MAX)];
    let mut colons = memchr::memchr_iter(b':', head);
    colons.find_map(|colon| {
        let blanks = head[colon + 1..].iter().take_while(|byte| **byte == b' ').count();
        // Turkish leaves both blanks out.
        if blanks == 0 && !head[..colon].ends_with(WITHOUT_BLANKS) {
            return None;
        }
        let end = colon + 1 + blanks.min(2);
        at(head, colon, end, blanks != 1)
    })
}

/// The severity whose colon stands here.
fn at(head: &[u8], colon: usize, end: usize, has_two: bool) -> Option<SeverityField> {
    let word_end = head[..colon].iter().rposition(|byte| *byte != b' ')? + 1;
    let text = &head[..word_end];
    let is_letter = |byte: u8| byte.is_ascii_uppercase() || byte >= 0x80;
    let stands_alone = |begin: usize| {
        begin == 0 || !(text[begin - 1].is_ascii_alphanumeric() || text[begin - 1] >= 0x80)
    };
    if let Some(known) = WORDS.iter().find(|word| text.ends_with(word.as_bytes())) {
        let begin = word_end - known.len();
        return (has_two || stands_alone(begin)).then_some(SeverityField { begin, word_end, end });
    }
    let begin = text.iter().rposition(|byte| !is_letter(*byte)).map_or(0, |at| at + 1);
    (has_two && begin < word_end && stands_alone(begin)).then_some(SeverityField {
        begin,
        word_end,
        end,
    })
}
