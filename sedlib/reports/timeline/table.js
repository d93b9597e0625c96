"use strict";
// Lets readers sort a table by any column whose heading is a button. Numbers are in data-value.
const makeSortable = (table) => {
  const headings = [...table.tHead.rows[0].cells];
  const valueOf = (row, column) => {
    const cell = row.cells[column];
    const number = cell.dataset.value;
    return number === undefined ? cell.textContent : number === "" ? -Infinity : Number(number);
  };
  const compare = (a, b) => (typeof a === "number" ? a - b : a.localeCompare(b));
  headings.forEach((heading, column) => {
    heading.querySelector("button")?.addEventListener("click", () => {
      const falling = heading.getAttribute("aria-sort") === "ascending";
      headings.forEach((other) => other.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", falling ? "descending" : "ascending");
      const rows = [...table.tBodies[0].rows].sort(
        (a, b) => compare(valueOf(a, column), valueOf(b, column)) * (falling ? -1 : 1),
      );
      table.tBodies[0].append(...rows);
    });
  });
};
