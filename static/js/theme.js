/* Runs before the first paint (a classic script in the head), so that no page flashes in the wrong theme. */
(() => {
  let chosen = null;
  try {
    chosen = localStorage.getItem("jupiter.theme");
  } catch {
    // storage may be forbidden: the system's theme it is
  }
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  document.documentElement.classList.add("js");
})();
