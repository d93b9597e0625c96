"use strict";
{
  const table = document.getElementById("files"), choice = document.getElementById("class");
  const rows = [...table.tBodies[0].rows];
  const nameOf = (row) => row.cells[2].textContent;
  for (const name of new Set(rows.map(nameOf))) {
    choice.append(Object.assign(document.createElement("option"), { value: name, textContent: name }));
  }
  choice.addEventListener("change", () => {
    for (const row of rows) row.hidden = choice.value !== "" && nameOf(row) !== choice.value;
  });
  makeSortable(table);
}
