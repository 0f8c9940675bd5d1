// Who is asking: a key or token for services that want one. It is asked for when an answer says so, goes with every request from then
// on, and is kept for as long as the tab is open.
"use strict";

const STORED_AS = "credential";

const access = (() => {
  const form = document.createElement("form");
  const input = Object.assign(document.createElement("input"), {
    id: "credential",
    name: "credential",
    type: "password",
    autocomplete: "off",
    required: true,
    pattern: "[!-~]+",
    title: "without spaces and accents",
  });
  const label = Object.assign(document.createElement("label"), { textContent: "API key or token", htmlFor: input.id });
  const remark = document.createElement("p");
  remark.setAttribute("role", "status");
  const button = Object.assign(document.createElement("button"), { textContent: "Use it" });
  const line = document.createElement("div");
  line.className = "line";
  line.append(input, button);
  form.className = "access";
  form.hidden = true;
  form.append(label, line, remark);
  document.querySelector("header").after(form);

  let held = "";
  try {
    held = sessionStorage.getItem(STORED_AS) ?? "";
  } catch {
    // A browser that keeps nothing for pages: then it is known to this one alone.
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    held = input.value.trim();
    input.value = "";
    form.hidden = true;
    try {
      sessionStorage.setItem(STORED_AS, held);
    } catch {
      // As above.
    }
    form.dispatchEvent(new Event("given"));
  });

  return {
    // Whether a key has to be given before it makes sense to ask again.
    get isWanted() {
      return !form.hidden;
    },

    // Calls `listener` whenever one was given.
    whenGiven(listener) {
      form.addEventListener("given", listener);
    },

    // Asks as fetch does, with what is held. An answer that says it will not do brings up the form.
    async ask(path, request = {}) {
      const used = held;
      const headers = used === "" ? request.headers : { ...request.headers, Authorization: `Bearer ${used}` };
      const response = await fetch(path, { ...request, headers });
      // Another answer may have brought it up, and another one been given meanwhile.
      if (response.status === 401 && used === held && form.hidden) {
        remark.textContent = used === "" ? "This service asks who is there." : "This one is not taken.";
        form.hidden = false;
      }
      return response;
    },
  };
})();
