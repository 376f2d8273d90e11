// What the page says, in English and Russian, and putting it into the page. What a gateway answers stays as it is.

export const TEXTS = {
  en: {
    title: "The mood of a voice message",
    lead: "Before you listen to it: negative, neutral or positive, and where it turns.",
    languages: "Language",
    drop: "Drop a voice message here",
    choose: "Choose a file",
    limits: "Any audio or video, up to {megabytes}\u00a0MB and\u00a0{time}\u00a0min",
    record: "Record",
    recording: "Recording",
    stop: "Done",
    discard: "Discard",
    type: "Or type what was said",
    read: "Read it",
    privacy: "What you send is analysed on this server and forgotten. The verdict is a guess about words: it does not hear the tone of a voice.",
    api: "For programs: the API",
    working: "Listening…",
    reading: "Reading…",
    step_upload: "Upload",
    step_recognition: "Recognition",
    step_verdict: "Verdict",
    of: "{done} of {all}",
    cancel: "Cancel",
    again: "Try again",
    another: "Another message",
    negative: "Negative",
    neutral: "Neutral",
    positive: "Positive",
    very_sure: "quite sure",
    sure: "fairly sure",
    unsure: "not too sure",
    hard_to_say: "Hard to say",
    leaning_negative: "rather negative",
    leaning_neutral: "rather neutral",
    leaning_positive: "rather positive",
    turns_negative: "{time} gets heated",
    turns_neutral: "{time} calms down",
    turns_positive: "{time} brightens up",
    no_speech: "Nobody speaks",
    no_speech_more: "There are no words in this recording that I could read.",
    lang_en: "English",
    lang_ru: "Russian",
    wave: "Position",
    line: "The score of the sentences over time, from −1 to +1",
    play: "Play",
    pause: "Pause",
    play_from: "Play from {time}",
    not_played: "Your browser cannot play this format; the analysis does not mind.",
    transcript: "What was said",
    legend: "Words that weighed most are marked: {for} speaks for the mood of its sentence, {against} against it.",
    legend_for: "this",
    legend_against: "this",
    truncated: "The file is cut short or damaged: this is what could be heard.",
    copy: "Copy as",
    copy_text: "Text",
    copy_json: "JSON",
    copy_srt: "SRT",
    copied: "Copied",
    not_copied: "Your browser did not let me copy",
    key_title: "A key, please",
    key_why: "Whoever runs this Voxmood gives out keys. Yours is kept until you close or reload this page.",
    key: "Key",
    key_go: "Go on",
    one_file: "One at a time, please: drop a single file.",
    empty_file: "This file is empty.",
    too_large_file: "This file has {size} MB, the most is {most} MB. Send a part of it, or only its sound.",
    too_long_file: "This recording lasts {length}, the most is {most}. Send a part of it.",
    too_long_text: "This text has {length} characters, the most is {most}. Send a part of it.",
    no_microphone: "I cannot use a microphone. Allow it in the browser's settings for this page, or choose a file.",
    insecure: "Browsers allow recording only on https:// pages. Choose a file instead.",
    problems: {
      unreadable_audio: ["I cannot play this file", "It is damaged or empty. Save or record it again, then send it anew."],
      not_audio: ["That is no sound", "Send a voice message, a song, a video: anything with sound in it."],
      too_large: ["That is too large", "Send a part of it."],
      too_long: ["That is too long", "Send a part of it."],
      unauthorized: ["That key is not known here", "Try again with the key that you were given."],
      unknown_language: ["I do not speak that language", "Send a message in another language."],
      invalid_request: ["I could not read that", "Check what you sent."],
      busy: ["Too many messages at once", "Yours is still here. Try again in {wait}."],
      over_rate: ["You have used up your requests for now", "Yours is still here. Try again in {wait}."],
      timed_out: ["That took too long", "Yours is still here. Try again, or send a shorter one."],
      offline: ["I cannot be reached", "Yours is still here. Check your connection, then try again."],
      broken_off: ["The answer broke off", "Yours is still here. Try again."],
      other: ["I am out of order", "Yours is still here. Try again in a while."],
    },
    seconds: "{count} s",
    moment: "a moment",
  },
  ru: {
    title: "Настроение голосового сообщения",
    lead: "Ещё до того, как вы его послушаете: негатив, нейтрально или позитив, и где оно меняется.",
    languages: "Язык",
    drop: "Перетащите сюда голосовое сообщение",
    choose: "Выбрать файл",
    limits: "Любой звук или видео, до {megabytes}\u00a0МБ и\u00a0{time}\u00a0мин",
    record: "Записать",
    recording: "Идёт запись",
    stop: "Готово",
    discard: "Отбросить",
    type: "Или напишите, что было сказано",
    read: "Прочитать",
    privacy: "Присланное разбирается на этом сервере и сразу забывается. Вывод сделан по словам: интонации он не слышит.",
    api: "Для программ: API",
    working: "Слушаю…",
    reading: "Читаю…",
    step_upload: "Загрузка",
    step_recognition: "Распознавание",
    step_verdict: "Вывод",
    of: "{done} из {all}",
    cancel: "Отменить",
    again: "Ещё раз",
    another: "Другое сообщение",
    negative: "Негатив",
    neutral: "Нейтрально",
    positive: "Позитив",
    very_sure: "уверенно",
    sure: "почти уверенно",
    unsure: "не очень уверенно",
    hard_to_say: "Трудно сказать",
    leaning_negative: "скорее негатив",
    leaning_neutral: "скорее нейтрально",
    leaning_positive: "скорее позитив",
    turns_negative: "{time} накаляется",
    turns_neutral: "{time} успокаивается",
    turns_positive: "{time} теплеет",
    no_speech: "Никто не говорит",
    no_speech_more: "В этой записи нет слов, которые я мог бы прочесть.",
    lang_en: "английский",
    lang_ru: "русский",
    wave: "Место",
    line: "Оценка предложений по времени, от −1 до +1",
    play: "Слушать",
    pause: "Пауза",
    play_from: "Слушать с {time}",
    not_played: "Браузер не умеет проигрывать этот формат; разбору это не мешает.",
    transcript: "Что было сказано",
    legend: "Отмечены самые весомые слова: {for} говорит за настроение своего предложения, {against} против.",
    legend_for: "такое",
    legend_against: "такое",
    truncated: "Файл обрезан или повреждён: вот что удалось расслышать.",
    copy: "Скопировать",
    copy_text: "Текст",
    copy_json: "JSON",
    copy_srt: "SRT",
    copied: "Скопировано",
    not_copied: "Браузер не разрешил копирование",
    key_title: "Нужен ключ",
    key_why: "Ключи раздаёт тот, кто держит этот Voxmood. Ваш хранится, пока вы не закроете или не обновите страницу.",
    key: "Ключ",
    key_go: "Продолжить",
    one_file: "По одному, пожалуйста: перетащите один файл.",
    empty_file: "Этот файл пуст.",
    too_large_file: "В этом файле {size} МБ, а можно не больше {most} МБ. Пришлите часть или только звук.",
    too_long_file: "Эта запись длится {length}, а можно не больше {most}. Пришлите часть.",
    too_long_text: "В этом тексте {length} знаков, а можно не больше {most}. Пришлите часть.",
    no_microphone: "Микрофон недоступен. Разрешите его для этой страницы в настройках браузера или выберите файл.",
    insecure: "Браузеры разрешают запись только на страницах https://. Выберите файл.",
    problems: {
      unreadable_audio: ["Не могу проиграть этот файл", "Он повреждён или пуст. Сохраните или запишите его заново и пришлите ещё раз."],
      not_audio: ["Это не звук", "Пришлите голосовое сообщение, песню, видео: что угодно со звуком."],
      too_large: ["Это слишком много", "Пришлите часть."],
      too_long: ["Это слишком длинно", "Пришлите часть."],
      unauthorized: ["Здесь не знают такого ключа", "Попробуйте ещё раз с ключом, который вам дали."],
      unknown_language: ["На этом языке я не говорю", "Пришлите сообщение на другом языке."],
      invalid_request: ["Не получилось это прочесть", "Проверьте, что вы прислали."],
      busy: ["Слишком много сообщений сразу", "Ваше никуда не делось. Попробуйте ещё раз через {wait}."],
      over_rate: ["Ваши запросы пока кончились", "Сообщение никуда не делось. Попробуйте ещё раз через {wait}."],
      timed_out: ["Это заняло слишком много времени", "Сообщение никуда не делось. Попробуйте ещё раз или пришлите покороче."],
      offline: ["До меня не достучаться", "Сообщение никуда не делось. Проверьте соединение и попробуйте ещё раз."],
      broken_off: ["Ответ оборвался", "Сообщение никуда не делось. Попробуйте ещё раз."],
      other: ["Что-то во мне сломалось", "Сообщение никуда не делось. Попробуйте ещё раз чуть позже."],
    },
    seconds: "{count} с",
    moment: "минутку",
  },
};

let language = navigator.language.startsWith("ru") ? "ru" : "en";
const listeners = [];

/** The text of a key, with {name} filled in; a language code without a text is itself. */
export function t(key, values = {}) {
  return TEXTS[language][key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/** Title and advice for a problem's code. */
export function problemTexts(code) {
  const known = TEXTS[language].problems;
  return known[code] ?? known.other;
}

/** The name of a language, or its code. */
export function languageName(code) {
  return TEXTS[language][`lang_${code}`] ?? code;
}

/** 83.4 -> 1:23 */
export function clock(seconds) {
  return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
}

/** Share as people write it: 92 %. */
export function percent(share) {
  return new Intl.NumberFormat(language, { style: "percent" }).format(share);
}

/** Fill a part of the page, and again whenever the language changes. */
export function whenLanguageChanges(fill) {
  listeners.push(fill);
}

/** Put the texts of a language into the page. */
export function speak(chosen = language) {
  language = chosen;
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = t(element.dataset.text);
  for (const element of document.querySelectorAll("[data-label]"))
    element.setAttribute("aria-label", t(element.dataset.label));
  for (const button of document.querySelectorAll(".languages button"))
    button.setAttribute("aria-pressed", String(button.value === language));
  for (const fill of listeners) fill();
}
