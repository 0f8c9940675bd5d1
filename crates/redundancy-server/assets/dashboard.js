// The dashboard: live figures, and a form that shows where a text repeats itself. It uses the same API as everybody else.
"use strict";

const REFRESH_MS = 5000;
const COLOURS = 6;

const element = (id) => document.getElementById(id);

// Gives the data of an answer, or throws what the service says is wrong.
async function call(path, body) {
  const request = body === undefined ? {} : {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  };
  const response = await access.ask(path, request);
  const answer = await response.json();
  if (answer.success) {
    return answer.data;
  }
  const error = new Error(`${answer.error.message} (${answer.error.type}, request ${answer.error.request_id})`);
  error.status = response.status;
  throw error;
}

function duration(seconds) {
  const units = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
  const first = units.findIndex(([, size]) => seconds >= size);
  if (first < 0) {
    return "0 s";
  }
  const parts = units.slice(first, first + 2).map(([unit, size], place, shown) => {
    const within = place === 0 ? seconds : seconds % shown[0][1];
    return `${Math.floor(within / size)} ${unit}`;
  });
  return parts.join(" ");
}

function size(bytes) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let place = 0;
  while (bytes >= 1024 && place < units.length - 1) {
    bytes /= 1024;
    place += 1;
  }
  return `${bytes.toFixed(place === 0 ? 0 : 1)} ${units[place]}`;
}

const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);

async function refresh() {
  try {
    const [health, stats] = await Promise.all([call("api/v1/health/status"), call("api/v1/stats")]);
    const memory = health.parts.memory.resident_bytes;
    element("status").textContent = health.status;
    element("version").textContent = health.version;
    element("uptime").textContent = duration(health.uptime_seconds);
    element("completed").textContent = sum(stats.operations.map((one) => one.completed)).toLocaleString();
    element("bytes").textContent = size(sum(stats.operations.map((one) => one.bytes)));
    element("workers").textContent = `${stats.workers.running} of ${stats.workers.total}`;
    element("memory").textContent = memory === null ? "unknown" : size(memory);
  } catch (error) {
    const known = { 401: "asks for a key", 403: "not for this key" };
    element("status").textContent = known[error.status] ?? "no answer";
  }
}

// Colours each position of the text for the passage it belongs to. The longest passages come first and keep their place.
function paint(length, passages) {
  const colours = new Int32Array(length).fill(-1);
  passages.forEach((passage, number) => {
    for (const { start, end } of passage.occurrences) {
      for (let position = start; position < end; position += 1) {
        if (colours[position] < 0) {
          colours[position] = number;
        }
      }
    }
  });
  return colours;
}

function showText(text, passages) {
  const colours = paint(text.length, passages);
  const shown = document.createDocumentFragment();
  for (let start = 0; start < text.length;) {
    let end = start + 1;
    while (end < text.length && colours[end] === colours[start]) {
      end += 1;
    }
    const part = text.slice(start, end);
    if (colours[start] < 0) {
      shown.append(part);
    } else {
      const mark = document.createElement("mark");
      mark.className = `mark-${colours[start] % COLOURS}`;
      mark.dataset.passage = colours[start];
      mark.textContent = part;
      shown.append(mark);
    }
    start = end;
  }
  element("text").replaceChildren(shown);
}

function showPassages(passages) {
  const rows = passages.map((passage, number) => {
    const row = document.createElement("tr");
    const count = document.createElement("td");
    count.textContent = `${passage.occurrences.length} × ${passage.words} words`;
    const text = document.createElement("td");
    const mark = document.createElement("mark");
    mark.className = `mark-${number % COLOURS}`;
    mark.textContent = passage.text.length > 300 ? `${passage.text.slice(0, 300)}…` : passage.text;
    text.append(mark);
    row.append(count, text);
    row.addEventListener("click", () => {
      element("text").querySelector(`[data-passage="${number}"]`)?.scrollIntoView({ block: "center" });
    });
    return row;
  });
  if (rows.length === 0) {
    const row = document.createElement("tr");
    row.append(Object.assign(document.createElement("td"), { textContent: "None: nothing in this text could go." }));
    rows.push(row);
  }
  element("passages").replaceChildren(...rows);
}

function showFigures(found) {
  const percent = (share) => `${(share * 100).toFixed(1)} %`;
  const figures = [
    ["Could go", percent(found.redundancy_score)],
    ["Words", found.counts.words.toLocaleString()],
    ["Different words", found.counts.unique_words.toLocaleString()],
    ["Sentences", found.counts.sentences.toLocaleString()],
    ["Repeated passages", found.repeated_passages.length.toLocaleString()],
    ["Language", found.language.code],
    ["Compresses", `${found.compression_ratio.toFixed(1)} ×`],
  ];
  element("figures").replaceChildren(...figures.map(([name, value]) => {
    const card = document.createElement("div");
    card.append(
      Object.assign(document.createElement("dt"), { textContent: name }),
      Object.assign(document.createElement("dd"), { textContent: value }),
    );
    return card;
  }));
}

async function analyze(event) {
  event.preventDefault();
  const button = event.submitter;
  const content = element("content").value;
  const language = element("language").value;
  button.disabled = true;
  element("error").textContent = "";
  try {
    const found = await call("api/v1/analyze", {
      content,
      min_passage_words: Number(element("words").value),
      offset_unit: "utf16",
      ...(language && { language }),
    });
    showFigures(found);
    showText(content, found.repeated_passages);
    showPassages(found.repeated_passages);
    element("result").hidden = false;
  } catch (error) {
    element("result").hidden = true;
    element("error").textContent = error.message;
  } finally {
    button.disabled = false;
  }
  refresh();
}

element("analyze").addEventListener("submit", analyze);
access.whenGiven(refresh);
// Without a key that is taken it would be refused each time, and held back in the end.
setInterval(() => document.hidden || access.isWanted || refresh(), REFRESH_MS);
refresh();
