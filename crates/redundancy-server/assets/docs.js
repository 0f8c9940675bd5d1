// Adds to every operation of the API page a form that tries it on this server.
"use strict";

function tryForm(article) {
  const { method, path } = article.dataset;
  const example = article.querySelector("pre.example");
  const form = document.createElement("form");
  const body = document.createElement("textarea");
  body.className = "body";
  body.id = `body-${article.id}`;
  body.name = "body";
  body.setAttribute("aria-label", "Request body");
  const id = Object.assign(document.createElement("input"), { name: "id", placeholder: "id", required: true });
  id.setAttribute("aria-label", "id in the path");
  if (path.includes("{id}")) {
    form.append(id);
  }
  const button = Object.assign(document.createElement("button"), { textContent: "Send" });
  const answer = document.createElement("pre");
  answer.hidden = true;
  if (example !== null) {
    body.value = example.textContent;
    form.append(body);
  }
  form.append(button, answer);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    answer.hidden = false;
    try {
      const request = example === null ? { method } : {
        method,
        headers: { "Content-Type": "application/json" },
        body: body.value,
      };
      // Paths in the document begin with a slash; the service may stand below another path.
      const target = path.slice(1).replace("{id}", encodeURIComponent(id.value));
      const response = await access.ask(target, request);
      answer.textContent = `${response.status} ${response.statusText}\n${readable(await response.text())}`;
    } catch (error) {
      answer.textContent = `No answer: ${error.message}`;
    } finally {
      button.disabled = false;
    }
  });
  const details = document.createElement("details");
  details.append(Object.assign(document.createElement("summary"), { textContent: "Try it" }), form);
  return details;
}

function readable(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

for (const article of document.querySelectorAll("article[data-path]")) {
  article.append(tryForm(article));
}
