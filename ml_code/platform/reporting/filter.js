"use strict";
// Search and order of tables. Every page's policy names this text by its hash, so nothing else runs.
for (const box of document.querySelectorAll("input[type=search]")) {
  const table = box.closest("div").querySelector("table");
  const rows = [...table.tBodies[0].rows].map((row) => [row, row.textContent.toLowerCase()]);
  const count = box.parentElement.querySelector("output");
  const show = () => {
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const [row, text] of rows) {
      row.hidden = !words.every((word) => text.includes(word));
      shown += row.hidden ? 0 : 1;
    }
    count.textContent = words.length ? `${shown} of ${rows.length}` : `${rows.length}`;
  };
  const order = (cell) => {
    const down = cell.getAttribute("aria-sort") !== "descending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    cell.setAttribute("aria-sort", down ? "descending" : "ascending");
    const text = (row) => row.cells[cell.cellIndex].textContent;
    const compare = (a, b) => text(a[0]).localeCompare(text(b[0]), "en", { numeric: true });
    for (const [row] of [...rows].sort((a, b) => (down ? compare(b, a) : compare(a, b)))) row.parentElement.append(row);
  };
  for (const cell of table.tHead.rows[0].cells) {
    cell.tabIndex = 0;
    cell.addEventListener("click", () => order(cell));
    cell.addEventListener("keydown", (event) => { if (event.key === "Enter") order(cell); });
  }
  box.parentElement.hidden = false;
  box.addEventListener("input", () => {
    show();
    history.replaceState(null, "", box.value ? `#q=${encodeURIComponent(box.value)}` : "#");
  });
  box.value = new URLSearchParams(location.hash.slice(1)).get("q") ?? "";
  show();
}
