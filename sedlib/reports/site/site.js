"use strict";
{
  // What is too wide for the page scrolls on its own; the keyboard reaches it.
  const reach = () => document.querySelectorAll(".scrolling, pre").forEach((element) => {
    if (element.scrollWidth > element.clientWidth) element.tabIndex = 0;
    else element.removeAttribute("tabindex");
  });
  addEventListener("resize", reach);
  document.addEventListener("toggle", reach, true);
  reach();

  // A figure opens in its full size; Escape, the button or a click beside it closes it.
  const dialog = document.createElement("dialog"), close = document.createElement("button");
  close.textContent = "Close";
  dialog.append(close);
  document.body.append(dialog);
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (e) => { if (e.target === dialog) dialog.close(); });
  dialog.addEventListener("close", () => dialog.querySelector("div").remove());
  document.querySelectorAll("figure.plot").forEach((figure) => {
    const image = figure.querySelector("img"), button = figure.querySelector("button");
    const enlarge = () => {
      const scrolling = document.createElement("div"), whole = image.cloneNode();
      scrolling.tabIndex = 0;
      scrolling.append(whole);
      dialog.append(scrolling);
      dialog.setAttribute("aria-label", button.getAttribute("aria-label").replace("Enlarge f", "F"));
      dialog.showModal();
    };
    button.addEventListener("click", enlarge);
    image.addEventListener("click", enlarge);
  });

  const all = document.getElementById("all-code");
  all?.addEventListener("click", () => {
    const open = all.getAttribute("aria-pressed") === "false";
    all.setAttribute("aria-pressed", open);
    document.querySelectorAll("details.code").forEach((details) => { details.open = open; });
  });
}
