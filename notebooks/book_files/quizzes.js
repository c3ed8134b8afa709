// quizzes.js: a choice is answered at once, with the reason.

export function offerQuizzes() {
  for (const field of document.querySelectorAll(".quiz fieldset")) {
    const why = field.querySelector(".why");
    field.addEventListener("change", ({target}) => {
      const right = target.dataset.right === "true";
      why.className = right ? "why right" : "why";
      why.replaceChildren(Object.assign(document.createElement("b"), {textContent: right ? "✓ Right." : "✗ Not this one."}),
        ` ${target.dataset.why}`);
    });
  }
}
