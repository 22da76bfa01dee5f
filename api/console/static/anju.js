// Enhancements only: every page works without this file. The server writes lang and data-theme from cookies.
(function () {
  "use strict";
  var root = document.documentElement;

  // theme: the link sets it by a request; with script it changes in place and is kept in the same cookie
  document.querySelectorAll("[data-theme-toggle]").forEach(function (link) {
    link.addEventListener("click", function (event) {
      var dark = root.dataset.theme
        ? root.dataset.theme === "dark"
        : matchMedia("(prefers-color-scheme: dark)").matches;
      root.dataset.theme = dark ? "light" : "dark";
      document.cookie = "anju_theme=" + root.dataset.theme + "; Path=/; Max-Age=31536000; SameSite=Lax";
      event.preventDefault();
    });
  });

  // counters filter the board; without script they are buttons of a form that asks the server
  var board = document.querySelector(".board");
  var counters = document.querySelectorAll("[data-filter]");
  counters.forEach(function (button) {
    button.addEventListener("click", function (event) {
      var on = button.getAttribute("aria-pressed") !== "true";
      counters.forEach(function (other) {
        other.setAttribute("aria-pressed", String(other === button && on));
      });
      board.classList.toggle("filtered", on);
      board.querySelectorAll(".tile").forEach(function (tile) {
        tile.classList.toggle("on", on && tile.dataset.s === button.dataset.filter);
      });
      event.preventDefault();
    });
  });

  // sheets: the link leads to the same form as a page
  document.querySelectorAll("[data-open]").forEach(function (link) {
    var sheet = document.getElementById(link.dataset.open);
    if (!sheet || !sheet.showModal) return;
    // what opens a sheet is a button, and a button answers to the space bar
    link.setAttribute("role", "button");
    link.addEventListener("keydown", function (event) {
      if (event.key !== " ") return;
      event.preventDefault();
      link.click();
    });
    link.addEventListener("click", function (event) {
      sheet.showModal();
      event.preventDefault();
    });
  });
  document.querySelectorAll("[data-close]").forEach(function (link) {
    var sheet = link.closest("dialog");
    if (!sheet) return;
    link.addEventListener("click", function (event) {
      sheet.close();
      event.preventDefault();
    });
  });
})();
